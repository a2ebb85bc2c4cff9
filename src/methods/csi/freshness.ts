import type { SecretProperties } from '../../azure/azure.ts';
import { armId, type SecretRef } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Shared } from '../method.ts';
import { called } from '../wiring/carrier.ts';
import type { Wrong } from '../wiring/finding.ts';
import { isSameId } from '../wiring/identity.ts';
import { restartOf } from '../wiring/live.ts';
import { list, record, texts } from '../wiring/shape.ts';
import { driverOf } from './driver.ts';
import type { Mounted } from './pod-checks.ts';
import type { ProviderClass } from './provider-class.ts';
import { classesOf, volumesOf } from './rules.ts';
import { versionsOf } from './vault-objects.ts';

const KINDS: ReadonlyMap<string, SecretRef['kind']> = new Map([
  ['secret', 'secret'],
  ['key', 'key'],
  ['cert', 'certificate'],
]);

/** An object in a pod, and what the vault has of it. */
interface Seen {
  readonly mounted: Mounted;
  readonly name: string;
  readonly file: string;
  readonly version: string;
  readonly current: SecretProperties;
  /** The pod's is one of the newest: versions of one second cannot be told apart. */
  readonly isCurrent: boolean;
}

/** What the vault has is not known: that the pod's is the same would be a guess. */
interface Unlisted {
  readonly wrong: Wrong;
}

/** Versions in the pods against the vault's; a string says that all are current. Values are never looked at. */
export async function freshnessWrong(
  world: World,
  shared: Shared,
  classes: readonly ProviderClass[],
  mounted: readonly Mounted[],
  vaultUri: string,
): Promise<readonly Wrong[] | string> {
  const all = (await Promise.all(mounted.map((each) => seenIn(world, classes, each, vaultUri)))).flat();
  const unlisted = all.find((each) => 'wrong' in each);
  if (unlisted) return [unlisted.wrong];
  const seen = all.filter((each) => 'current' in each);
  const stale = seen.find(({ isCurrent }) => !isCurrent);
  if (stale) return [await staleWrong(world, shared, stale)];
  const held = seen.map((each) => heldWrong(each, classes)).find((each) => each !== undefined);
  if (held) return [held];
  return [...new Set(seen.map(({ name, version }) => `${name} ${version.slice(0, 8)}`))].join(', ');
}

async function seenIn(
  world: World,
  classes: readonly ProviderClass[],
  mounted: Mounted,
  vaultUri: string,
): Promise<readonly (Seen | Unlisted)[]> {
  const of = classes.find(({ object }) => object.metadata.name === mounted.className);
  const found = await Promise.all(
    [...mounted.versions].map(async ([id, version]): Promise<readonly (Seen | Unlisted)[]> => {
      const [type = '', name = ''] = id.split('/');
      const kind = KINDS.get(type);
      const listed = of?.objects.find((each) => each.kind === kind && isSameId(each.name, name));
      // A version that is asked for stays, and what the class no longer lists goes with the next mount.
      if (!kind || !listed || listed.version !== '') return [];
      const versions = await versionsOf(world, vaultUri, { kind, name });
      const newest = versions.reduce((latest, { created }) => Math.max(latest, created?.getTime() ?? 0), 0);
      const current = versions.filter(({ created }) => (created?.getTime() ?? 0) === newest);
      const [first] = current;
      if (!first) {
        const observed = `${mounted.member.pod.metadata.name} has version ${version} of ${name}, and the vault lists none`;
        return [{ wrong: { verdict: 'unknown', observed, expected: "the vault's current version" } }];
      }
      const isCurrent = current.some((each) => isSameId(each.version ?? '', version));
      return [{ mounted, name, file: listed.file, version, current: first, isCurrent }];
    }),
  );
  return found.flat();
}

/** The driver has not brought it: it does not look, has not looked yet, or looks in vain and does not say so. */
async function staleWrong(world: World, shared: Shared, { mounted, name, version, current }: Seen): Promise<Wrong> {
  const pod = mounted.member.pod.metadata.name;
  const { rotates, interval } = await rotationOf(world, shared);
  const age = world.clock.now().getTime() - (current.created?.getTime() ?? 0);
  const observed = `${pod} has version ${version} of ${name}`;
  const expected = `${current.version}, of ${current.created?.toISOString() ?? 'the vault'}`;
  if (!rotates)
    return {
      failure: 'F106',
      observed: `${observed}, and rotation is off`,
      expected,
      fix: { say: 'Switch rotation on, or restart the pods.', ...lineOf(mounted) },
    };
  if (age < 2 * interval)
    return {
      verdict: 'unknown',
      young: true,
      observed: `${observed}; the new one is ${Math.round(age / 1000)} s old, and the driver looks every ${Math.round(interval / 1000)} s`,
      expected,
    };
  return {
    failure: 'F107',
    observed: `${observed}, ${Math.round(age / 60_000)} min after the new one: the driver reads it in vain, and says so in its log alone`,
    expected,
    fix: {
      say: 'See why in the log of the driver on the node of the pod; or restart the pod, whose mount says why.',
      run: `kubectl logs --namespace kube-system --selector app=secrets-store-csi-driver --container secrets-store --tail 50`,
    },
  };
}

const lineOf = ({ member }: Mounted): { readonly run?: string } => {
  const run = restartOf(member.maker ?? member.carrier);
  return run ? { run } : {};
};

interface AddOn {
  readonly enabled?: boolean;
  readonly config?: { readonly enableSecretRotation?: string; readonly rotationPollInterval?: string } | null;
}

/** Milliseconds; what add-on and chart take when nothing is set. */
const USUAL = 120_000;
const UNIT: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };

/** Whether the driver looks for new versions, and how often: by the add-on, or by a driver of one's own. */
async function rotationOf(
  world: World,
  { spec }: Shared,
): Promise<{ readonly rotates: boolean; readonly interval: number }> {
  const { resourceGroup, name } = spec.cluster;
  const id = armId(spec.subscription, resourceGroup, 'Microsoft.ContainerService/managedClusters', name);
  const cluster = await world.azure.clusters.get(id);
  const profiles = Object.entries(record(cluster?.properties.addonProfiles));
  const addOn = profiles.find(([key]) => key.toLowerCase() === 'azurekeyvaultsecretsprovider')?.[1] as
    | AddOn
    | undefined;
  if (addOn?.enabled !== true) {
    // An own driver that rotates by its arguments says so nowhere else: it is given the benefit of the doubt.
    const { requiresRepublish } = record((await driverOf(world))?.spec);
    return { rotates: requiresRepublish !== false, interval: USUAL };
  }
  const parts = [...(addOn.config?.rotationPollInterval ?? '').matchAll(/(?<!\d)(\d+)([hms])/g)];
  const interval = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT[unit ?? ''] ?? 0), 0) || USUAL;
  return { rotates: addOn.config?.enableSecretRotation?.toLowerCase() === 'true', interval };
}

/** The volume is current, and a container still holds what it started with: a subPath, or a variable. */
function heldWrong({ mounted, name, file, current }: Seen, classes: readonly ProviderClass[]): Wrong | undefined {
  const { member, className } = mounted;
  const created = current.created?.getTime() ?? 0;
  const volumes = volumesOf(member.carrier)
    .filter(({ csi }) => csi?.attributes.secretProviderClass === className)
    .map((each) => each.name);
  const synced = classes
    .filter(({ object }) => object.metadata.name === className && classesOf(member.carrier).includes(className))
    .flatMap((each) => each.synced.filter(({ files }) => files.includes(file)))
    .map(({ secretName }) => secretName);
  for (const container of member.carrier.spec.containers) {
    const started = startedAt(member, container.name);
    if (started === undefined || started >= created) continue;
    const pinned = container.mounts.some(({ volume, subPath }) => subPath && volumes.includes(volume));
    const variable =
      container.env.find(({ secret }) => secret && synced.includes(secret))?.name ??
      container.envFrom.find((secret) => synced.includes(secret));
    if (!pinned && !variable) continue;
    const written = member.maker ?? member.carrier;
    return {
      failure: 'F106',
      observed: `${container.name} in ${member.pod.metadata.name} started before the current version of ${name}, and holds it by ${pinned ? 'a subPath mount' : `the variable ${variable}`}, which never changes`,
      expected: `${current.version}, of ${current.created?.toISOString() ?? 'the vault'}`,
      fix: {
        say: `Restart the pods of ${called(written.object)}; a file of a whole mount would follow by itself.`,
        ...lineOf(mounted),
      },
    };
  }
  return undefined;
}

const startedAt = ({ pod }: Mounted['member'], name: string): number | undefined => {
  const status = list(record(pod.status).containerStatuses).find((each) => record(each).name === name);
  const { startedAt: at } = texts(record(record(status).state).running);
  return at === undefined ? undefined : Date.parse(at);
};
