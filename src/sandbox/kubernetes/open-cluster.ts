import { randomBytes } from 'node:crypto';
import type { ArmCluster, Parts } from '../parts.ts';
import type { Cluster } from './cluster.ts';
import { concerned, everything, work } from './controllers/index.ts';
import { DRIVER } from './csi/classes.ts';
import { beyondEgress } from './egress.ts';
import { createEvents } from './events.ts';
import { installOperator } from './external-secrets/install.ts';
import { createOperator } from './external-secrets/operator.ts';
import { foundation, secretsProvider, workloadIdentity } from './features.ts';
import { kindNamed, kindOf } from './kinds.ts';
import { createKubelet } from './kubelet.ts';
import type { Pod, Resource } from './model.ts';
import { createRegistry } from './registry.ts';
import { loadSchemas } from './schema.ts';
import { type ClusterState, createStore } from './store.ts';
import { createTokens, newSigningKey } from './tokens.ts';
import { createWorkQueue } from './work-queue.ts';

/** The state of a cluster, made when it is first asked for. */
export function stateOf(parts: Parts, id: string): ClusterState {
  const key = id.toLowerCase();
  parts.state.kubernetes[key] ??= {
    version: 1,
    objects: {},
    signingKeys: [],
    userToken: randomBytes(32).toString('hex'),
    denied: [],
    founded: false,
  } satisfies ClusterState;
  return parts.state.kubernetes[key] as ClusterState;
}

/** Brings a cluster to life: its state becomes an API server with controllers and a kubelet. */
export async function openCluster(parts: Parts, arm: () => ArmCluster): Promise<Cluster & { close(): Promise<void> }> {
  const state = stateOf(parts, arm().id);
  const [schemas] = await Promise.all([loadSchemas(), addKey(state)]);
  const store = createStore(state);
  const now = () => parts.clock.now();
  const registry = createRegistry(store, schemas, parts.clock, parts.state.tenantId);
  const known = store.list(kindNamed('Pod')) as readonly Pod[];
  const kubelet = createKubelet(() => cluster, known);
  const queue = createWorkQueue(parts, (key) => work(cluster, key));
  const cluster: Cluster = {
    parts: beyondEgress(parts, () => state.egress),
    arm,
    state,
    schemas,
    store,
    registry,
    tokens: createTokens(state, store, arm, now),
    note: createEvents(store, registry, now),
    queue,
    kubelet,
    operator: createOperator(() => cluster),
  };
  const unsubscribe = store.subscribe((change) => {
    for (const key of concerned(cluster, change)) queue.add(key);
    const kind = change.kind.kind;
    if (change.type !== 'DELETED' && (kind === 'ConfigMap' || kind === 'Secret')) kubelet.changed(change.object);
  });
  if (!state.founded) {
    install(cluster, foundation(arm()));
    if (!parts.without.includes('external-secrets')) {
      installOperator(cluster, parts.with.includes('old-eso') ? '0.15' : '2.9');
    }
    state.founded = true;
  }
  // What Resource Manager had changed when the program was killed comes after all. What somebody broke since stays.
  if (state.features !== featuresOf(arm())) follow(cluster);
  for (const key of everything(cluster)) queue.add(key);
  for (const pod of known)
    if (pod.status?.phase !== 'Running') queue.add(`Pod ${pod.metadata.namespace}/${pod.metadata.name}`);
  return {
    ...cluster,
    async close() {
      unsubscribe();
      queue.stop();
      await kubelet.stop();
    },
  };
}

async function addKey(state: ClusterState): Promise<void> {
  if (state.signingKeys.length > 0) return;
  const key = await newSigningKey();
  if (state.signingKeys.length === 0) state.signingKeys.push(key);
}

const MANAGER = 'aks';

/** Makes what is not there; what is there keeps what others changed, as AKS' own reconciler is not simulated. */
function install(cluster: Cluster, objects: readonly Resource[]): void {
  for (const wanted of objects) {
    const kind = kindOf(cluster.store, wanted);
    if (!kind) throw new Error(`no kind ${wanted.kind}`);
    if (cluster.store.get(kind, wanted.metadata.namespace, wanted.metadata.name)) continue;
    const made = cluster.registry.create(kind, wanted, { manager: MANAGER });
    if (wanted.status) {
      cluster.registry.edit(
        made,
        MANAGER,
        (copy) => {
          copy.status = wanted.status;
        },
        'status',
      );
    }
  }
}

function uninstall(cluster: Cluster, objects: readonly Resource[]): void {
  for (const { metadata, ...wanted } of objects) {
    const kind = kindOf(cluster.store, wanted as Resource);
    const live = kind && cluster.store.get(kind, metadata.namespace, metadata.name);
    // What somebody has installed with Helm under the same name is not the feature's.
    if (!kind || !live || live.metadata.annotations?.['meta.helm.sh/release-name']) continue;
    // Without its definition a kind is no longer served: its objects go first.
    if (kind.kind === 'CustomResourceDefinition') removeAllOf(cluster, metadata.name);
    cluster.registry.remove(kind, metadata.namespace, metadata.name);
  }
}

function removeAllOf(cluster: Cluster, definition: string): void {
  const [plural, ...group] = definition.split('.');
  const { store, registry } = cluster;
  const kind = kindOf(store, { apiVersion: `${group.join('.')}/v1`, kind: kindNameOf(plural ?? '') });
  if (!kind) return;
  for (const object of store.list(kind)) registry.remove(kind, object.metadata.namespace, object.metadata.name);
}

const kindNameOf = (plural: string) =>
  plural === 'secretproviderclasses' ? 'SecretProviderClass' : 'SecretProviderClassPodStatus';

const featuresOf = ({ workloadIdentity: webhook, keyVaultAddon }: ArmCluster): string =>
  JSON.stringify({ webhook, keyVaultAddon });

/** Brings the cluster's inside in line with the features that Resource Manager has. */
export function follow(cluster: Cluster): void {
  const arm = cluster.arm();
  cluster.state.features = featuresOf(arm);
  const webhook = workloadIdentity(cluster.parts.state.tenantId);
  if (arm.workloadIdentity) install(cluster, webhook);
  else uninstall(cluster, webhook);

  const addon = secretsProvider(arm);
  if (arm.keyVaultAddon.enabled) install(cluster, addon);
  else uninstall(cluster, addon);
  const driver = cluster.store.get(kindNamed('CSIDriver'), undefined, DRIVER);
  if (driver && arm.keyVaultAddon.enabled) {
    cluster.registry.edit(driver, MANAGER, (copy) => {
      copy.spec = { ...(copy.spec as object), requiresRepublish: arm.keyVaultAddon.rotation };
    });
  }
}
