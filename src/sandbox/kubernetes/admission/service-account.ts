import { kindNamed } from '../kinds.ts';
import type { Container, Pod } from '../model.ts';
import { suffix } from '../random-names.ts';
import { forbidden } from '../status.ts';
import type { Store } from '../store.ts';

/** Where a container finds the API token of its account. */
export const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME = 'kube-api-access-';

/** The ServiceAccount admission plugin: names the account, refuses one that is not there, mounts its API token. */
export function withServiceAccount(store: Store, pod: Pod): Pod {
  const next = structuredClone(pod);
  next.spec.serviceAccountName ??= 'default';
  const name = next.spec.serviceAccountName;
  next.spec.serviceAccount = name;
  const namespace = pod.metadata.namespace ?? '';
  const account = store.get(kindNamed('ServiceAccount'), namespace, name);
  if (!account) {
    throw forbidden(
      kindNamed('Pod'),
      pod.metadata.generateName ?? pod.metadata.name,
      `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`,
    );
  }
  const automount = next.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  if (!automount) return next;

  const containers = [...next.spec.containers, ...(next.spec.initContainers ?? [])];
  const lacking = containers.filter((container) => !mountsToken(container));
  if (lacking.length === 0) return next;
  const known = (next.spec.volumes ?? []).find((each) => each.name.startsWith(VOLUME));
  const volume = known?.name ?? `${VOLUME}${suffix()}`;
  for (const container of lacking) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume, readOnly: true, mountPath: TOKEN_PATH },
    ];
  }
  if (known) return next;
  next.spec.volumes = [
    ...(next.spec.volumes ?? []),
    {
      name: volume,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
        ],
      },
    },
  ];
  return next;
}

const mountsToken = (container: Container) =>
  (container.volumeMounts ?? []).some((mount) => mount.mountPath === TOKEN_PATH);
