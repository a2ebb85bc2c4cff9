import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Check, Known, Needs } from '../../step.ts';
import { proofId } from '../../steps/proof.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { secretsIn } from '../wiring/carrier.ts';
import { causeIn, shortened } from '../wiring/cause.ts';
import { checkOf, hiddenFrom, type Wrong } from '../wiring/finding.ts';
import { identityNeeds } from '../wiring/identity.ts';
import { type Member, warningsIn } from '../wiring/live.ts';
import { foundations, isReady, namesOf, whyNotReady } from '../wiring/pods.ts';
import { enumerated, list, record, text, texts } from '../wiring/shape.ts';
import { nameOf, type Scene, sceneOf, statusesIn } from './classes.ts';
import { driverErrors } from './driver-log.ts';
import { freshnessWrong } from './freshness.ts';
import type { Mode, ProviderClass } from './provider-class.ts';
import { classesOf, mounts } from './rules.ts';

const NOBODY = 'no pod uses it yet';

/** What the driver keeps of one pod and one class. */
export interface Mounted {
  readonly member: Member;
  readonly className: string;
  /** By `secret/db-password`. */
  readonly versions: ReadonlyMap<string, string>;
}

/** What is mounted, by the driver's own records; what it says of a pod before this one of the same name is left out. */
export function mountedIn(members: readonly Member[], statuses: readonly KubernetesObject[]): readonly Mounted[] {
  return members.flatMap((member) =>
    statuses
      .filter(({ metadata, status }) => {
        const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Pod');
        const { podName, mounted } = record(status);
        return (
          podName === member.pod.metadata.name && mounted === true && (!owner || owner.uid === member.pod.metadata.uid)
        );
      })
      .map(({ status }) => ({
        member,
        className: text(record(status).secretProviderClassName) ?? '',
        versions: new Map(
          list(record(status).objects).map((each) => {
            const { id = '', version = '' } = texts(each);
            return [id, version];
          }),
        ),
      })),
  );
}

/** What only pods show: that they mounted, what was copied, and which versions they see. */
export function podChecks(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const { namespace } = workload;
  const needs = identityNeeds(workload, shared);
  const look = async (world: World, known: Known<Needs>) => {
    const [scene, statuses] = await Promise.all([sceneOf(world, workload, scope, known), statusesIn(world, namespace)]);
    return { scene, mounted: mountedIn(scene.crew.members, statuses) };
  };
  return [
    checkOf(workload, {
      code: 'AKS-CSI-MOUNT',
      title: 'the pods have mounted their secrets',
      category: 'pod',
      needs,
      after: [
        ...foundations(workload, shared, proofId(workload)),
        ...['AKS-POD', 'AKS-POD-PLACE', 'AKS-CSI-NODES', 'AKS-CSI-IDENTITY', 'AKS-CSI-VAULT', 'AKS-CSI-TOKENS'],
        ...['AKS-CSI-OBJECTS', 'AKS-CSI-SECRET'],
      ],
      async run(world, known): Promise<readonly Wrong[] | string> {
        const { scene, mounted } = await look(world, known);
        const { members } = scene.crew;
        if (members.length === 0) return NOBODY;
        const wrong = await firstUnmounted(world, scene, mounted);
        if (wrong) return [wrong];
        const idle = members.filter((member) => !isReady(member));
        return `${namesOf(members)}${idle.length > 0 ? `; ${namesOf(idle)} is not ready for a reason of its own` : ''}`;
      },
    }),
    checkOf(workload, {
      code: 'AKS-CSI-SYNC',
      title: 'what the class copies into Secrets is there',
      category: 'pod',
      needs,
      after: ['AKS-CSI-MOUNT', 'AKS-CSI-SECRET'],
      async run(world, known): Promise<readonly Wrong[] | string> {
        const { scene, mounted } = await look(world, known);
        const synced = scene.classes.flatMap(({ synced: all }) => all.map(({ secretName }) => secretName));
        if (synced.length === 0) return 'it copies nothing';
        if (mounted.length === 0) return NOBODY;
        return unwritten(world, namespace, synced, mounted);
      },
    }),
    checkOf(workload, {
      code: 'AKS-CSI-FRESH',
      title: "the pods see the vault's current versions",
      category: 'freshness',
      needs: { ...needs, vaultUri: { step: shared.vault(workload).id, fact: 'vaultUri' } },
      after: ['AKS-ROTATION', 'AKS-CSI-MOUNT', 'AKS-CSI-SYNC'],
      async run(world, known): Promise<readonly Wrong[] | string> {
        const { scene, mounted } = await look(world, known);
        if (mounted.length === 0) return NOBODY;
        try {
          return await freshnessWrong(world, shared, scene.classes, mounted, known.vaultUri ?? '');
        } catch (error) {
          return [hiddenFrom(error, `the versions in ${workload.vault.name}`)];
        }
      },
    }),
  ];
}

/** The first pod that waits for its volume, or for a Secret that only a mount would bring. */
async function firstUnmounted(
  world: World,
  { crew, classes }: Scene,
  mounted: readonly Mounted[],
): Promise<Wrong | undefined> {
  for (const member of crew.members) {
    const written = member.maker ?? member.carrier;
    const isHere = (name: string) => mounted.some((each) => each.member === member && each.className === name);
    const names = classesOf(member.carrier);
    if (!mounts(member.carrier)) {
      const awaited = waitsFor(member, classes);
      if (awaited && !isReady(member))
        return {
          failure: 'F103',
          observed: `${member.pod.metadata.name} reads the Secret ${awaited.secret}, and mounts no volume of ${awaited.by}`,
          expected: `a volume of ${awaited.by} in the same pod: the driver writes the Secret when a pod mounts it`,
          fix: { say: `Add the volume to ${written.object.kind} ${written.object.metadata.name}, and mount it.` },
        };
      continue;
    }
    // A pod whose containers ran has mounted, whatever the records of the driver say.
    const hasRun = record(member.pod.status).phase === 'Running';
    if (names.every(isHere) ? isStarting(member) : !hasRun) return byMode(await whyNotReady(world, member), classes);
  }
  return undefined;
}

/** What becomes of the other ways to sign in, where nothing that is left says more. */
const OTHER_MODES: Partial<Record<Mode, string>> = { 'pod identity': 'F048', 'service principal': 'F065' };

function byMode(wrong: Wrong, classes: readonly ProviderClass[]): Wrong {
  const other = classes.find(({ mode }) => mode === 'node identity' || OTHER_MODES[mode]);
  // That the service of the node refuses says less than what the class asks of it.
  if (!other || (wrong.failure !== undefined && wrong.failure !== 'F045')) return wrong;
  const failure = OTHER_MODES[other.mode] ?? (other.userAssigned ? 'F047' : 'F046');
  return {
    failure,
    observed: `${nameOf(other)} signs in by ${other.mode}, and nothing is mounted: ${wrong.observed}`,
    expected: 'clientID alone, which is Workload ID',
  };
}

/** Mounted, and yet a container cannot be made: for want of a Secret or a key of it. */
const isStarting = ({ pod }: Member): boolean =>
  list(record(pod.status).containerStatuses).some(
    (each) => texts(record(record(each).state).waiting).reason === 'CreateContainerConfigError',
  );

function waitsFor({ carrier }: Member, classes: readonly ProviderClass[]) {
  const read = secretsIn(carrier.spec);
  const found = classes.flatMap(({ object, synced }) =>
    synced
      .filter(({ secretName }) => read.includes(secretName))
      .map(({ secretName }) => ({ secret: secretName, by: object.metadata.name })),
  );
  return found[0];
}

/** Secrets that are not there though their class is mounted, and what the driver says of it. */
async function unwritten(
  world: World,
  namespace: string,
  synced: readonly string[],
  mounted: readonly Mounted[],
): Promise<readonly Wrong[] | string> {
  const found = await Promise.all(
    synced.map(async (name) => ({
      name,
      isThere: (await world.kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name })) !== undefined,
    })),
  );
  const lacking = found.filter(({ isThere }) => !isThere).map(({ name }) => name);
  if (lacking.length === 0) return enumerated(synced);
  const uids = mounted.map(({ member }) => member.pod.metadata.uid);
  const warnings = (await warningsIn(world, namespace)).filter(({ uid }) => uids.includes(uid));
  const said = warnings.filter(({ reason }) => reason === 'FailedToCreateSecret').map(({ message }) => message);
  // What is refused to the driver is told by its log alone: the event says that it took too long.
  const nodes = [...new Set(mounted.map(({ member }) => member.carrier.spec.nodeName ?? ''))];
  const classes = [...new Set(mounted.map(({ className }) => className))];
  const logged = await driverErrors(
    world,
    nodes,
    // Where it fails for one Secret of a class, it comes to no other.
    classes.map((name) => `spc="${namespace}/${name}"`),
  );
  // What stands in the class itself was looked at before.
  const cause = causeIn([...logged, ...said], ['F104', 'F155']);
  const what = `there is no Secret ${enumerated(lacking)}`;
  if (cause) return [{ failure: cause.row.id, observed: `${what}: ${cause.said}`, expected: enumerated(synced) }];
  return [
    {
      verdict: 'unknown',
      observed: `${what}, and nothing that is left says why${said[0] ? `: ${shortened(said[0])}` : ''}`,
      expected: enumerated(synced),
    },
  ];
}
