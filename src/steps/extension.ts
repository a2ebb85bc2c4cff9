import type { Resource } from '../azure/azure.ts';
import { command, unlessFound } from '../shell.ts';
import type { Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { ClusterWish } from '../workload.ts';
import type { World } from '../world.ts';
import { daprOf, daprParts } from './dapr.ts';
import { clusterOf, judge, NAME, NAMESPACE, type Seen, saying, stateOf, TYPE, typeOf } from './extension-state.ts';
import { provider } from './provider.ts';
import { ABSENT, staying } from './staying.ts';

const PROVIDER = 'Microsoft.KubernetesConfiguration';

/**
 * What we install. Strings on the wire. `global.ha` cannot be changed later (AKS, "Configure the Dapr extension"), so it
 * is on from the start. A sidecar needs no capability; it drops them all so that a namespace that enforces the
 * restricted Pod Security profile admits it.
 */
const SETTINGS = {
  'global.clusterType': 'managedclusters',
  'global.ha.enabled': 'true',
  'dapr_operator.replicaCount': '2',
  'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true',
} as const;

const BODY = {
  identity: { type: 'SystemAssigned' },
  properties: {
    extensionType: TYPE,
    autoUpgradeMinorVersion: false,
    releaseTrain: 'stable',
    scope: { cluster: { releaseNamespace: NAMESPACE } },
    configurationSettings: SETTINGS,
  },
} as const;

/**
 * Dapr is in the cluster: by the extension of AKS, which is installed where there is none, or by whatever else brought
 * it. It is never taken away: others may use it.
 */
export function dapr(options: { wish: ClusterWish; clusterId: string; cluster: Step; workloads: readonly string[] }): {
  readonly registered: Step;
  readonly installed: Step;
} {
  const { wish, clusterId, workloads } = options;
  const cluster = clusterOf(wish);
  const create = command('az k8s-extension create', {
    ...cluster,
    name: NAME,
    'extension-type': TYPE,
    'auto-upgrade-minor-version': 'false',
    'release-train': 'stable',
    scope: 'cluster',
    'release-namespace': NAMESPACE,
    'configuration-settings': Object.entries(SETTINGS).map(([key, value]) => `${key}=${value}`),
  });
  const observe = (world: World): Promise<Seen> => look(world, clusterId);

  const registered = provider({
    namespace: PROVIDER,
    workloads,
    proof: async (azure) => (await azure.extensions.list(clusterId))?.[0],
    async needed(world) {
      const seen = await observe(world);
      const makes = seen.cluster !== undefined || wish.create !== undefined;
      return makes && ['absent', 'differs'].includes(judge(seen, wish).state);
    },
    link: true,
    next: create,
  });
  const installed = defineStep({
    id: `extension/${NAME}`,
    kind: 'extension',
    subject: NAME,
    title: `Dapr is in ${wish.name}`,
    side: 'Azure',
    category: 'cluster',
    workloads,
    needs: { cluster: ref(options.cluster, 'clusterId'), registered: ref(registered, 'registered') },
    // AKS takes one change at a time, and what a cluster has only begins to be once it is made.
    behind: [options.cluster.id],
    yields: ['deliverer'],
    settles: 'long operation',
    observe,
    judge: (seen) => judge(seen, wish),
    async converge({ azure }, seen) {
      const { extension } = seen;
      return { ...seen, extension: await azure.extensions.put(clusterId, extension?.name ?? NAME, bodyFor(extension)) };
    },
    removal({ extension, parts }: Seen) {
      const others = 'other pods may use it';
      if (extension) return staying(others, command('az k8s-extension delete', { ...cluster, name: extension.name }));
      const found = parts && daprOf(parts);
      if (!found || found === 'hidden') return ABSENT;
      const { release, namespace } = found;
      return staying(others, release && command(`helm uninstall ${release}`, { namespace }));
    },
    assumes: { deliverer: 'Dapr' },
    recipe: () => [
      // Without it az would ask whether to install it, where nobody sees the question. What is there stays as it is.
      command('az extension add', { name: 'k8s-extension' }),
      unlessFound(
        command('az k8s-extension list', {
          ...cluster,
          query: `[?extensionType=='${TYPE}' || extensionType=='Microsoft.Dapr'].name`,
          output: 'tsv',
        }),
        [`${create} --output none`],
      ),
    ],
    byHand: () => create,
  });
  return { registered, installed };
}

async function look({ azure, kubernetes }: World, clusterId: string): Promise<Seen> {
  const [cluster, listed] = await Promise.all([
    azure.clusters.get(clusterId),
    azure.extensions.list(clusterId).catch((error: unknown) => {
      if (error instanceof Problem && error.trouble === 'denied') return error;
      throw error;
    }),
  ]);
  const extension = listed instanceof Problem ? undefined : chosen(listed ?? []);
  // Of a cluster that is not there, nothing can be asked.
  if (!cluster || stateOf(extension) === 'Succeeded') return { cluster, extension };
  const parts = await daprParts(kubernetes);
  const found = daprOf(parts);
  // Who may not look at extensions may still see a Dapr that runs; where there is none, one could be on its way.
  if (listed instanceof Problem && (!found || found === 'hidden')) throw listed;
  return { cluster, extension, parts };
}

/** Those of Dapr, under whatever name; the one that is best off. */
function chosen(extensions: readonly Resource[]): Resource | undefined {
  const ours = extensions.filter((one) => typeOf(one) === TYPE);
  const rank = (one: Resource): number => ['Failed', 'Canceled', 'Deleting'].indexOf(stateOf(one) ?? '');
  return ours.find((one) => stateOf(one) === 'Succeeded') ?? [...ours].sort((a, b) => rank(a) - rank(b))[0];
}

/** The fields that are set, of one that is begun again; the rest is what the service says of it. */
const SET = [
  'extensionType',
  'autoUpgradeMinorVersion',
  'autoUpgradeMode',
  'releaseTrain',
  'version',
  'scope',
  'configurationSettings',
] as const;

/** Its settings are whoever's installed it: only a version that the region does not have is left out. */
function bodyFor(extension: Resource | undefined): unknown {
  if (!extension) return BODY;
  const { properties, identity } = extension;
  const unresolved = /failed to resolve the extension version/i.test(saying(extension) ?? '');
  const fields = SET.filter((field) => properties[field] !== undefined && properties[field] !== null);
  return {
    ...(identity ? { identity: { type: (identity as { type?: string }).type } } : { identity: BODY.identity }),
    properties: Object.fromEntries(
      fields.filter((field) => !(field === 'version' && unresolved)).map((field) => [field, properties[field]]),
    ),
  };
}
