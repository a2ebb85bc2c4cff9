import { entryOf } from '../entry.ts';
import { listIn, tableIn, textIn } from '../shape.ts';
import type { Kind } from './kubernetes.ts';

/** Where a kind lives in the API: the last part of its paths. */
export interface Place {
  readonly plural: string;
  readonly namespaced: boolean;
}

const namespaced = (plural: string): Place => ({ plural, namespaced: true });
const wide = (plural: string): Place => ({ plural, namespaced: false });

/** `group/Kind` of what we use, so that it costs no discovery; the rest is asked of the API server. */
const KNOWN: Readonly<Record<string, Place>> = {
  '/Pod': namespaced('pods'),
  '/Secret': namespaced('secrets'),
  '/ConfigMap': namespaced('configmaps'),
  '/ServiceAccount': namespaced('serviceaccounts'),
  '/Service': namespaced('services'),
  '/Event': namespaced('events'),
  '/Namespace': wide('namespaces'),
  '/Node': wide('nodes'),
  'apps/Deployment': namespaced('deployments'),
  'apps/ReplicaSet': namespaced('replicasets'),
  'apps/DaemonSet': namespaced('daemonsets'),
  'apps/StatefulSet': namespaced('statefulsets'),
  'batch/Job': namespaced('jobs'),
  'batch/CronJob': namespaced('cronjobs'),
  'discovery.k8s.io/EndpointSlice': namespaced('endpointslices'),
  'storage.k8s.io/CSIDriver': wide('csidrivers'),
  'storage.k8s.io/CSINode': wide('csinodes'),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': wide('mutatingwebhookconfigurations'),
  'apiextensions.k8s.io/CustomResourceDefinition': wide('customresourcedefinitions'),
  'rbac.authorization.k8s.io/Role': namespaced('roles'),
  'rbac.authorization.k8s.io/RoleBinding': namespaced('rolebindings'),
  'rbac.authorization.k8s.io/ClusterRole': wide('clusterroles'),
  'rbac.authorization.k8s.io/ClusterRoleBinding': wide('clusterrolebindings'),
  'secrets-store.csi.x-k8s.io/SecretProviderClass': namespaced('secretproviderclasses'),
  'secrets-store.csi.x-k8s.io/SecretProviderClassPodStatus': namespaced('secretproviderclasspodstatuses'),
  'external-secrets.io/SecretStore': namespaced('secretstores'),
  'external-secrets.io/ExternalSecret': namespaced('externalsecrets'),
  'external-secrets.io/ClusterSecretStore': wide('clustersecretstores'),
  'dapr.io/Component': namespaced('components'),
  'dapr.io/Configuration': namespaced('configurations'),
};

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '');

/** `/api/v1`, `/apis/apps/v1`. */
export const rootOf = (apiVersion: string) => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

export const knownPlace = ({ apiVersion, kind }: Kind): Place | undefined =>
  entryOf(KNOWN, `${groupOf(apiVersion)}/${kind}`);

/** The places of all kinds in the answer of `GET /apis/GROUP/VERSION` (APIResourceList). @throws {Odd} */
export function placesOf(answer: unknown): ReadonlyMap<string, Place> {
  const places = listIn(tableIn(answer).resources).flatMap((resource): (readonly [string, Place])[] => {
    const [plural, kind] = [textIn(tableIn(resource), 'name'), textIn(tableIn(resource), 'kind')];
    // Of a kind with parts, such as its status, those have places of their own.
    return plural.includes('/') ? [] : [[kind, { plural, namespaced: tableIn(resource).namespaced === true }]];
  });
  // Of two of one name the first counts.
  return new Map(places.toReversed());
}

/** The path of a collection, or of one object in it. */
export function pathOf(kind: Kind, place: Place, namespace: string | undefined, name?: string): string {
  const scope = place.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${rootOf(kind.apiVersion)}${scope}/${place.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
