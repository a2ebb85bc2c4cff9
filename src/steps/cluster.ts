import type { Resource } from '../azure/azure.ts';
import { command, named, unlessFound } from '../shell.ts';
import type { Difference, Judged, Ref, Removal, Stays } from '../step.ts';
import { defineStep } from '../step.ts';
import type { ClusterWish } from '../workload.ts';
import { clusterFindings, otherwise } from './cluster-findings.ts';
import type { ClusterFeature } from './feature.ts';
import { ABSENT, staying } from './staying.ts';

/** The fields of a managed cluster that we read; everything else is sent back as it came. */
interface ClusterProperties {
  readonly provisioningState?: string;
  readonly powerState?: { readonly code?: string };
  readonly oidcIssuerProfile?: { readonly enabled?: boolean; readonly issuerURL?: string };
}

/** While these last, what GET shows as on may not be on yet: a change of features is one of them. */
const CHANGING = new Set(['Creating', 'Updating', 'Starting']);

/**
 * The cluster, with the union of the features that its workloads want: AKS takes one PUT at a time, so three steps that
 * each switched one on would fight. It is never taken away, and no feature is switched off: others may use it.
 */
export const cluster = (options: {
  wish: ClusterWish;
  id: string;
  features: readonly ClusterFeature[];
  workloads: readonly string[];
  /** What must be there before a cluster can be made: its group, its provider. */
  after: Readonly<Record<string, Ref>>;
}) => {
  const { wish, id, features } = options;
  const place = { 'resource-group': wish.resourceGroup, name: wish.name };
  const differencesOf = (properties: Readonly<Record<string, unknown>>): Difference[] =>
    features.flatMap((feature) => feature.differences(properties));

  const judge = (seen: Resource | undefined): Judged => {
    if (!seen) return absent(wish, features);
    const properties = seen.properties as ClusterProperties;
    const differences = differencesOf(seen.properties);
    const issuer = properties.oidcIssuerProfile?.enabled === true ? properties.oidcIssuerProfile.issuerURL : undefined;
    const state = properties.provisioningState ?? 'Succeeded';
    const judged = {
      owner: 'theirs',
      facts: {
        clusterId: seen.id,
        ...(seen.location && { location: seen.location }),
        ...(issuer && { oidcIssuer: issuer }),
        ...(differences.length === 0 && { deliverer: 'on' }),
      },
      differences,
    } as const;
    if (properties.powerState?.code === 'Stopped')
      return {
        ...judged,
        state: 'blocked',
        note: 'the cluster is stopped',
        run: `az aks start --resource-group ${wish.resourceGroup} --name ${wish.name}`,
      };
    if (state === 'Deleting') return { ...judged, state: 'blocked', note: 'the cluster is being deleted' };
    if (differences.length > 0) return { ...judged, state: 'differs', run: byHand(wish, features, seen.properties) };
    const ended = state === 'Failed' || state === 'Canceled';
    if (!issuer && ended)
      return {
        ...judged,
        state: 'blocked',
        note: `its last operation ended as ${state}, before it had an OIDC issuer`,
        run: `az aks update --resource-group ${wish.resourceGroup} --name ${wish.name}`,
      };
    if (!issuer) return { ...judged, state: 'settling', note: `it has no OIDC issuer yet (${state})` };
    if (ended) return { ...judged, state: 'good enough', note: `its last operation ended as ${state}` };
    if (CHANGING.has(state)) return { ...judged, state: 'settling', note: `another operation is under way (${state})` };
    // An upgrade or a scaling takes hours and touches nothing of this.
    if (state !== 'Succeeded') return { ...judged, state: 'good enough', note: `something else goes on (${state})` };
    return { ...judged, state: 'as wanted' };
  };

  return defineStep({
    id: `cluster/${wish.name}`,
    kind: 'cluster',
    subject: wish.name,
    title: `cluster ${wish.name} has ${features.map((feature) => feature.name).join(', ')}`,
    side: 'Azure',
    category: 'cluster',
    workloads: options.workloads,
    needs: options.after,
    yields: ['clusterId', 'location', 'oidcIssuer', 'deliverer'],
    // What only needs the region goes on while the cluster is being changed, which takes minutes.
    standing: ['clusterId', 'location'],
    lane: `cluster/${wish.name}`,
    settles: 'long operation',
    observe: ({ azure }) => azure.clusters.get(id),
    removal: (seen) =>
      seen ? { ...leftCluster(wish), beside: leftFeatures(wish, features, seen.properties) } : ABSENT,
    judge(seen) {
      const judged = judge(seen);
      return { ...judged, ...clusterFindings(judged, wish, features, seen?.properties) };
    },
    appeal: (world, findings) => otherwise(world, features, findings),
    recipe(seen) {
      if (!seen)
        return wish.create
          ? [
              unlessFound(
                command('az aks list', {
                  'resource-group': wish.resourceGroup,
                  query: named(wish.name),
                  output: 'tsv',
                }),
                [`${createByHand(wish, wish.create, features)} --output none`],
              ),
            ]
          : [];
      const lines = linesByHand(wish, features, seen.properties).map((line) => `${line} --output none`);
      return lines.length > 0 ? lines : [command('az aks wait', { ...place, updated: true })];
    },
    asks: {
      oidcIssuer: command('az aks show', { ...place, query: 'oidcIssuerProfile.issuerUrl', output: 'tsv' }),
      location: command('az aks show', { ...place, query: 'location', output: 'tsv' }),
    },
    converge({ azure }, seen) {
      const body = structuredClone(seen ?? newCluster(wish)) as { properties: Record<string, unknown> };
      for (const feature of features)
        if (feature.differences(body.properties).length > 0) feature.switchOn(body.properties);
      return azure.clusters.put(id, body, seen?.eTag);
    },
  });
};

const flagsOf = ({ resourceGroup, name }: ClusterWish): string => `--resource-group ${resourceGroup} --name ${name}`;
const leftCluster = (wish: ClusterWish): Removal => staying('others may run in it', `az aks delete ${flagsOf(wish)}`);

/** Features that are on stay so: nobody can tell who else counts on them. */
const leftFeatures = (wish: ClusterWish, features: readonly ClusterFeature[], properties: Properties): Stays[] =>
  features
    .filter((feature) => feature.differences(properties).every(({ is }) => is !== 'off' && is !== '-'))
    .map(({ name, byHandOff }) => {
      const line = byHandOff?.(flagsOf(wish));
      const note = line ? 'other workloads may count on it' : 'cannot be switched off again';
      return { kind: 'feature', subject: `${name} of ${wish.name}`, note, ...(line && { run: line }) };
    });

/** The lines of whoever runs the cluster, as one that pastes in bash and in PowerShell. */
const byHand = (wish: ClusterWish, features: readonly ClusterFeature[], properties: Properties): string =>
  linesByHand(wish, features, properties).join('; ');

/** Only what differs. */
function linesByHand(
  wish: ClusterWish,
  features: readonly ClusterFeature[],
  properties: Properties,
): readonly string[] {
  const hands = features.filter((one) => one.differences(properties).length > 0).map((one) => one.byHand(properties));
  const cluster = `--resource-group ${wish.resourceGroup} --name ${wish.name}`;
  const updates = hands.flatMap(({ update }) => update ?? []);
  return [
    ...(updates.length > 0 ? [`az aks update ${cluster} ${updates.join(' ')}`] : []),
    ...hands.flatMap(({ enable }) => (enable ? [`az aks enable-addons ${cluster} ${enable}`] : [])),
  ];
}

/** `--no-ssh-key`: nobody signs in to the nodes, and without a key at hand the command fails. */
const createByHand = (
  { resourceGroup, name }: ClusterWish,
  { nodeCount, nodeSize, location }: NonNullable<ClusterWish['create']>,
  features: readonly ClusterFeature[],
): string =>
  `az aks create --resource-group ${resourceGroup} --name ${name} --location ${location} --node-count ${nodeCount} --node-vm-size ${nodeSize} --no-ssh-key ${features.map((feature) => feature.byHand().update).join(' ')}`;

type Properties = Readonly<Record<string, unknown>>;

function absent(wish: ClusterWish, features: readonly ClusterFeature[]): Judged {
  const base = { owner: 'theirs', facts: {} } as const;
  if (!wish.create)
    return {
      ...base,
      state: 'blocked',
      differences: [],
      note: `there is no cluster ${wish.name} in ${wish.resourceGroup}; --create-cluster makes one`,
      run: 'az aks list --query "[].{name:name,resourceGroup:resourceGroup}" --output table',
    };
  const { nodeCount, nodeSize, location } = wish.create;
  return {
    ...base,
    state: 'absent',
    facts: { location },
    run: createByHand(wish, wish.create, features),
    differences: [
      {
        path: 'nodes',
        is: '-',
        want: `${nodeCount} x ${nodeSize} in ${location}`,
        costs: true,
        warning: 'costs money while it runs',
      },
      ...features.map((feature) => ({ path: feature.name, is: '-', want: 'on' })),
    ],
  };
}

/** What AKS needs to make a cluster; the features are switched on in it as in an existing one. */
function newCluster({ name, create }: ClusterWish): unknown {
  return {
    location: create?.location,
    identity: { type: 'SystemAssigned' },
    properties: {
      dnsPrefix: name,
      enableRBAC: true,
      agentPoolProfiles: [
        { name: 'nodepool1', mode: 'System', osType: 'Linux', count: create?.nodeCount, vmSize: create?.nodeSize },
      ],
    },
  };
}
