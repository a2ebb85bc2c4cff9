import type { DaprRelease } from '../../parts.ts';
import type { Cluster } from '../cluster.ts';
import { kindNamed, kindOf } from '../kinds.ts';
import { equal, type Resource } from '../model.ts';
import { DEFINITIONS } from './definitions.ts';
import { OPERATOR, objectsOf } from './release.ts';
import { distrust, trust } from './trust.ts';

const MANAGER = 'helm';

/**
 * Installs the release, or changes it to what it is to be now. Answers why it could not, in the words of the extension:
 * then nothing was touched (its Helm release is atomic).
 */
export function installRelease(cluster: Cluster, release: DaprRelease): { code: string; message: string } | undefined {
  const { store, registry, state } = cluster;
  const foreign = inTheWay(cluster, release);
  if (foreign) return foreign;
  const namespaces = kindNamed('Namespace');
  const namespace = store.get(namespaces, undefined, release.namespace);
  if (namespace?.metadata.deletionTimestamp) {
    return failed(`namespace ${release.namespace} is being terminated`);
  }
  if (!namespace) {
    const metadata = { name: release.namespace };
    registry.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata }, { manager: MANAGER });
  }
  const wanted = [...DEFINITIONS, ...objectsOf(release)];
  if (state.dapr) removeAll(cluster, objectsOf(state.dapr), wanted);
  for (const object of wanted) put(cluster, object);
  trust(cluster, release.namespace);
  leadConversion(cluster, release.namespace);
  state.dapr = release;
  return undefined;
}

/** Takes away what was installed; definitions, and with them everybody's objects, stay, and so does the namespace. */
export function removeRelease(cluster: Cluster): void {
  const { state } = cluster;
  if (!state.dapr) return;
  removeAll(cluster, objectsOf(state.dapr), []);
  distrust(cluster, state.dapr.namespace);
  delete state.dapr;
}

/** Definitions do not know where Dapr is: its operator, when it starts, leads the webhook that converts versions to itself. */
function leadConversion({ store, registry }: Cluster, namespace: string): void {
  for (const { metadata } of DEFINITIONS) {
    const live = store.get(kindNamed('CustomResourceDefinition'), undefined, metadata.name) as Converted | undefined;
    if (!live?.spec.conversion?.webhook) continue;
    registry.edit(live, OPERATOR, ({ spec }) => {
      spec.conversion!.webhook!.clientConfig.service.namespace = namespace;
    });
  }
}

interface Converted extends Resource {
  spec: { conversion?: { webhook?: { clientConfig: { service: { namespace: string } } } } };
}

/** Objects that somebody else's release owns, which Helm does not take over. */
function inTheWay({ store, state }: Cluster, release: DaprRelease): { code: string; message: string } | undefined {
  if (release.by === 'helm' || state.dapr?.by === 'extension') return undefined;
  // The migration of the documentation: whoever sets it has said that the existing release may be taken over.
  if (release.settings.skipExistingDaprCheck === 'true') return undefined;
  const found = store.list(kindNamed('Deployment')).find(({ metadata }) => metadata.name === OPERATOR);
  if (!found) return undefined;
  const { namespace, annotations = {} } = found.metadata;
  const owner = annotations['meta.helm.sh/release-name'];
  const why =
    owner === undefined
      ? 'annotation validation error: missing key "meta.helm.sh/release-name"'
      : `annotation validation error: key "meta.helm.sh/release-name" must equal "${release.name}" (extension): current value is "${owner}"`;
  return failed(
    'rendered manifests contain a resource that already exists. Unable to continue with install: Deployment ' +
      `"${OPERATOR}" in namespace "${namespace}" exists and cannot be imported into the current release: invalid ` +
      `ownership metadata; ${why}`,
  );
}

const failed = (why: string) => ({
  code: 'ExtensionOperationFailed',
  message: `The extension operation failed with the following error:  Helm installation failed : ${why}`,
});

function put({ store, registry }: Cluster, wanted: Resource): void {
  const kind = kindOf(store, wanted);
  if (!kind) throw new Error(`no kind ${wanted.kind}`);
  const live = store.get(kind, wanted.metadata.namespace, wanted.metadata.name);
  if (!live) {
    registry.create(kind, wanted, { manager: MANAGER });
    return;
  }
  registry.edit(live, MANAGER, (copy) => {
    const { metadata, ...fields } = wanted;
    for (const part of ['labels', 'annotations'] as const) {
      if (metadata[part]) copy.metadata[part] = { ...copy.metadata[part], ...metadata[part] };
    }
    for (const [field, value] of Object.entries(fields)) if (!equal(copy[field], value)) copy[field] = value;
  });
}

function removeAll({ store, registry }: Cluster, objects: readonly Resource[], kept: readonly Resource[]): void {
  const same = (one: Resource, other: Resource) =>
    one.kind === other.kind &&
    one.metadata.name === other.metadata.name &&
    one.metadata.namespace === other.metadata.namespace;
  for (const object of objects) {
    if (kept.some((each) => same(each, object))) continue;
    const kind = kindOf(store, object);
    const { namespace, name } = object.metadata;
    if (kind && store.get(kind, namespace, name)) registry.remove(kind, namespace, name);
  }
}
