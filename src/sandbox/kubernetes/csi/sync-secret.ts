import type { Cluster } from '../cluster.ts';
import { kindNamed, kindOf } from '../kinds.ts';
import { controllerOf, equal, type OwnerReference, type Pod, type Secret, type SecretProviderClass } from '../model.ts';
import { isGranted } from '../rbac.ts';
import { messageOf } from '../status.ts';
import { API, classesOf } from './classes.ts';
import type { MountedFile } from './provider.ts';
import { isDriverPod } from './registration.ts';

const MANAGED = 'secrets-store.csi.k8s.io/managed';
const MANAGER = 'secrets-store-csi-driver';
const COMPONENT = 'csi-secrets-store-controller';

type SecretObject = NonNullable<NonNullable<SecretProviderClass['spec']>['secretObjects']>[number];

/**
 * `secretObjects`: copies mounted objects into Secrets. A Secret of that name that somebody else made is replaced whole,
 * as the driver does. What goes wrong is an event of the pod and stops no mount.
 */
export function syncSecrets(
  cluster: Cluster,
  pod: Pod,
  secretClass: SecretProviderClass,
  files: readonly MountedFile[],
): void {
  for (const wanted of secretClass.spec?.secretObjects ?? []) {
    try {
      write(cluster, pod, wanted, files);
    } catch (error) {
      const namespace = pod.metadata.namespace ?? '';
      const text = `failed to create Kubernetes secret: failed to get data in spc ${namespace}/${secretClass.metadata.name} for secret ${wanted.secretName ?? ''}, err: ${messageOf(error)}`;
      cluster.note(pod, 'Warning', 'FailedToCreateSecret', text, COMPONENT);
    }
  }
}

function write(cluster: Cluster, pod: Pod, wanted: SecretObject, files: readonly MountedFile[]): void {
  const name = wanted.secretName ?? '';
  if (name === '') throw new Error('secret name is empty');
  if (!wanted.type) throw new Error('secret type is empty');
  const data: Record<string, string> = {};
  for (const { objectName, key } of wanted.data ?? []) {
    if (!key) throw new Error('key in secretObjects.data is empty');
    const file = files.find((each) => each.path === objectName);
    if (!file) throw new Error(`file matching objectName ${objectName} not found in the pod`);
    data[key] = file.content.toString('base64');
  }
  const kind = kindNamed('Secret');
  const { namespace } = pod.metadata;
  const known = cluster.store.get(kind, namespace, name) as Secret | undefined;
  const owner = ownerOf(pod);
  const owners = (known?.metadata.ownerReferences ?? []).filter((each) => each.uid !== owner.uid);
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
      ownerReferences: [...owners, owner],
    },
    type: wanted.type,
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

/** The pod's owner holds the Secret, so that it outlives a single pod; a bare pod holds it itself. */
function ownerOf(pod: Pod): OwnerReference {
  const owner = controllerOf(pod);
  const { apiVersion, kind, name, uid } = owner ?? {
    apiVersion: 'v1',
    kind: 'Pod',
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? '',
  };
  return { apiVersion, kind, name, uid };
}

/** Takes away the Secrets of a class that no other pod mounts. */
export function removeSyncedSecrets(cluster: Cluster, pod: Pod, className: string): void {
  const { namespace, uid } = pod.metadata;
  const others = (cluster.store.list(kindNamed('Pod'), namespace) as readonly Pod[]).filter(
    (each) => each.metadata.uid !== uid && !each.metadata.deletionTimestamp && classesOf(each).includes(className),
  );
  if (others.length > 0) return;
  const classes = kindOf(cluster.store, { ...API, kind: 'SecretProviderClass' });
  const secretClass = classes && (cluster.store.get(classes, namespace, className) as SecretProviderClass | undefined);
  const kind = kindNamed('Secret');
  for (const { secretName } of secretClass?.spec?.secretObjects ?? []) {
    const secret = cluster.store.get(kind, namespace, secretName ?? '');
    if (secret?.metadata.labels?.[MANAGED] === 'true') {
      cluster.registry.remove(kind, namespace, secret.metadata.name);
    }
  }
}
