import type { Cluster } from '../cluster.ts';
import { kindNamed, kindOf } from '../kinds.ts';
import { equal, type OwnerReference, type Pod, type Secret, type SecretProviderClass } from '../model.ts';
import { isGranted } from '../rbac.ts';
import { messageOf } from '../status.ts';
import { API, classesOf, statusName } from './classes.ts';
import { driverSays } from './driver-log.ts';
import type { MountedFile } from './provider.ts';
import { isDriverPod } from './registration.ts';

const MANAGED = 'secrets-store.csi.k8s.io/managed';
const MANAGER = 'secrets-store-csi-driver';
const COMPONENT = 'csi-secrets-store-controller';

type SecretObject = NonNullable<NonNullable<SecretProviderClass['spec']>['secretObjects']>[number];

/**
 * `secretObjects`: copies mounted objects into Secrets. A Secret of that name that somebody else made is replaced whole,
 * as the driver does. What goes wrong stops no mount: an event of the pod tells of files that are not there, and of all else
 * only that it took too long; why it did is in the driver's log alone (controllers/secretproviderclasspodstatus_controller.go).
 */
export function syncSecrets(
  cluster: Cluster,
  pod: Pod,
  secretClass: SecretProviderClass,
  files: readonly MountedFile[],
): void {
  const namespace = pod.metadata.namespace ?? '';
  const refused = (text: string) => cluster.note(pod, 'Warning', 'FailedToCreateSecret', text, COMPONENT);
  for (const wanted of secretClass.spec?.secretObjects ?? []) {
    const name = wanted.secretName?.trim() ?? '';
    // What lacks these is passed over without an event.
    if (name === '' || !wanted.type || (wanted.data ?? []).length === 0) continue;
    const of = `${namespace}/${secretClass.metadata.name}`;
    const data = dataOf(wanted, files);
    if (typeof data === 'string') {
      refused(`failed to get data in spc ${of} for secret ${name}, err: ${data}`);
      continue;
    }
    try {
      write(cluster, pod, wanted, data);
    } catch (error) {
      const status = `${namespace}/${statusName(pod, secretClass.metadata.name)}`;
      const about = {
        spc: of,
        pod: `${namespace}/${pod.metadata.name}`,
        secret: `${namespace}/${name}`,
        spcps: status,
      };
      driverSays(cluster, pod, 'failed to create Kubernetes secret', messageOf(error), about);
      refused('timed out waiting for the condition');
      return;
    }
  }
}

/** What the Secret is to hold; as text, why it cannot. */
function dataOf({ data = [] }: SecretObject, files: readonly MountedFile[]): Record<string, string> | string {
  const found: Record<string, string> = {};
  for (const { objectName, key } of data) {
    if (!objectName) return 'object name in secretObjects.data';
    if (!key) return 'key in secretObjects.data is empty';
    const file = files.find((each) => each.path === objectName);
    if (!file) return `file matching objectName ${objectName} not found in the pod`;
    found[key] = file.content.toString('base64');
  }
  return found;
}

function write(cluster: Cluster, pod: Pod, wanted: SecretObject, data: Readonly<Record<string, string>>): void {
  const name = wanted.secretName ?? '';
  const kind = kindNamed('Secret');
  const { namespace } = pod.metadata;
  const known = cluster.store.get(kind, namespace, name) as Secret | undefined;
  const before = known?.metadata.ownerReferences ?? [];
  const owners = ownersOf(cluster, pod).filter(({ uid }) => !before.some((each) => each.uid === uid));
  const user = accountOf(cluster, pod);
  const verb = known ? 'update' : 'create';
  if (
    user &&
    !isGranted(cluster, { account: user, namespace: namespace ?? '', group: '', resource: 'secrets', verb })
  ) {
    throw new Error(
      `secrets is forbidden: User "system:serviceaccount:${user.namespace}:${user.name}" cannot ${verb} resource "secrets" in API group "" in the namespace "${namespace}"`,
    );
  }
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      ...(namespace && { namespace }),
      labels: { ...wanted.labels, [MANAGED]: 'true' },
      ...(wanted.annotations && { annotations: wanted.annotations }),
      ownerReferences: [...before, ...owners],
    },
    type: wanted.type ?? 'Opaque',
    data,
  };
  if (!known) cluster.registry.create(kind, secret, { manager: MANAGER });
  else if (!equal(known.data, data) || !equal(known.metadata.ownerReferences, secret.metadata.ownerReferences)) {
    cluster.registry.update(kind, secret, { manager: MANAGER });
  }
}

/** As whom the driver on the pod's node speaks to the API server. */
function accountOf(cluster: Cluster, pod: Pod): { readonly namespace: string; readonly name: string } | undefined {
  const pods = cluster.store.list(kindNamed('Pod')) as readonly Pod[];
  const driver = pods.find((each) => isDriverPod(each) && each.spec.nodeName === pod.spec.nodeName);
  return driver && { namespace: driver.metadata.namespace ?? '', name: driver.spec.serviceAccountName ?? 'default' };
}

/**
 * Whoever holds the pod holds the Secret too, so that it outlives a single pod, and also all of them: it goes with the
 * ReplicaSet. That of a bare pod goes with the driver's own record of it.
 */
function ownersOf(cluster: Cluster, pod: Pod): readonly OwnerReference[] {
  const owners = pod.metadata.ownerReferences ?? [];
  if (owners.length > 0) return owners.map(({ apiVersion, kind, name, uid }) => ({ apiVersion, kind, name, uid }));
  const kind = kindOf(cluster.store, { ...API, kind: 'SecretProviderClassPodStatus' });
  return classesOf(pod).flatMap((className) => {
    const found = kind && cluster.store.get(kind, pod.metadata.namespace, statusName(pod, className));
    if (!found) return [];
    const { name, uid = '' } = found.metadata;
    return [{ ...API, kind: 'SecretProviderClassPodStatus', name, uid }];
  });
}
