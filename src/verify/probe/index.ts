import type { Cloud } from '../../azure/azure.ts';
import { match } from '../../failures/index.ts';
import type { KubernetesObject, ObjectRef } from '../../kubernetes/kubernetes.ts';
import type { Method, Recognised } from '../../methods/method.ts';
import { carrierOf } from '../../methods/wiring/carrier.ts';
import { isOurObject } from '../../ownership.ts';
import type { Check, Finding, Step } from '../../step.ts';
import { ref } from '../../step.ts';
import { Problem } from '../../trouble.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import { findingsOf } from './heard.ts';
import { jobName, jobText, labelsOf, type Making, scriptText, selecting, type Wanted } from './job.ts';
import { watch } from './watch.ts';

export type { Making } from './job.ts';

/** What a probe must know of the chain. */
export interface Probed {
  readonly workload: Workload;
  readonly method: Method;
  readonly vault: Step;
  /** What it comes after: where that is broken, a pod would only show it again. */
  readonly after: readonly string[];
}

export interface Probes {
  readonly checks: readonly Check[];
  /** Ends those that are running. Resolves once nothing of them is left in the cluster, also after an interruption. */
  settled(): Promise<void>;
}

const CHECK = 'AKS-PROBE';
/** The world as long as its probes are wanted. */
const until = (world: World, over: AbortSignal): World => ({ ...world, signal: AbortSignal.any([world.signal, over]) });
const JOB = { apiVersion: 'batch/v1', kind: 'Job' };

/**
 * A pod of our own for each workload, under its service account, that reads its secrets as its method does: the one thing
 * that shows the network from within. It goes when it has answered, when somebody interrupts, and else by itself.
 */
export function probes(all: readonly Probed[], making: Making): Probes {
  const leaving = new Set<Promise<unknown>>();
  const over = new AbortController();
  const kept = (work: Promise<readonly Finding[]>): Promise<readonly Finding[]> => {
    const ended = work.catch(() => undefined).finally(() => leaving.delete(ended));
    leaving.add(ended);
    return work;
  };
  return {
    checks: all.flatMap(({ workload, method, vault, after }): readonly Check[] =>
      method.probe === undefined
        ? []
        : [
            {
              id: CHECK,
              title: `a pod of ${workload.namespace}/${workload.serviceAccount} reads its secrets`,
              workload: workload.name,
              category: 'pod',
              needs: { vaultUri: ref(vault, 'vaultUri') },
              after,
              run: (world, { vaultUri = '' }) =>
                kept(run({ workload, method, vaultUri }, until(world, over.signal), making)),
            },
          ],
    ),
    async settled() {
      over.abort(new Error('the probes are ended'));
      await Promise.all(leaving);
    },
  };
}

/** What is said before pods are made. */
export const announcement = (workloads: readonly Workload[]): string => {
  const names = workloads.map((workload) => `${workload.namespace}/${jobName(workload)}`);
  return `--probe starts ${names.length === 1 ? 'a Job' : `${names.length} Jobs`} that ${names.length === 1 ? 'reads' : 'read'} the secrets, and takes ${names.length === 1 ? 'it' : 'them'} away again: ${names.join(', ')}.`;
};

async function run(
  of: Pick<Wanted, 'workload' | 'method' | 'vaultUri'>,
  world: World,
  making: Making,
): Promise<readonly Finding[]> {
  const { workload } = of;
  const { kubernetes } = world;
  const { namespace } = workload;
  const reference: ObjectRef = { ...JOB, namespace, name: jobName(workload) };
  const wanted = { ...of, ...(await shownIn(of, world, making.cloud)) };
  const text = jobText(wanted, making);
  const [services, left] = await Promise.all([
    kubernetes.list({ apiVersion: 'v1', kind: 'Service' }, namespace),
    kubernetes.get(reference),
  ]);
  const service = selecting(services, labelsOf(text));
  if (service) {
    const why = `the Service ${service.metadata.name} selects its labels, and would send callers to it`;
    return [notAsked(workload, why, 'another selector of that Service')];
  }
  if (left && !isOurObject(left)) {
    return [
      notAsked(workload, `a Job ${namespace}/${reference.name} is there, and not ours`, 'that this name is free'),
    ];
  }
  if (left) await takenAway(reference, left, world);
  let job: KubernetesObject | undefined;
  try {
    job = await kubernetes.apply(text);
    // Behind the Job, which it belongs to: whatever becomes of us, it goes with it.
    await kubernetes.apply(scriptText(wanted, job.metadata.uid ?? '', making));
    const ended = await watch(job, world);
    return ended.how === 'read' ? findingsOf(ended.log, workload) : stuck(ended, workload);
  } finally {
    if (job?.metadata.uid) await kubernetes.delete(reference, job.metadata.uid, { late: true });
  }
}

/** What a run that was killed has left: it must be gone before another of its name is made. */
async function takenAway(reference: ObjectRef, left: KubernetesObject, world: World): Promise<void> {
  await world.kubernetes.delete(reference, left.metadata.uid ?? '');
  for (let tries = 0; tries < 30; tries += 1) {
    const now = await world.fresh().kubernetes.get(reference);
    if (!now || now.metadata.uid !== left.metadata.uid) return;
    await world.clock.sleep(1000, world.signal);
  }
  throw new Problem(
    'busy',
    `Job ${reference.namespace}/${reference.name}`,
    'The probe of an earlier run is still going.',
  );
}

/** How the workload's pods get their secrets, and one of these pods. */
async function shownIn(
  { workload, method }: Pick<Wanted, 'workload' | 'method'>,
  { kubernetes }: World,
  cloud: Cloud,
): Promise<Pick<Wanted, 'found' | 'pod'>> {
  const { namespace, serviceAccount, vault } = workload;
  const pods = await kubernetes.list({ apiVersion: 'v1', kind: 'Pod' }, namespace);
  const shown = await Promise.all(
    pods.map(async (pod) => {
      const carrier = carrierOf(pod);
      if (!carrier) return [];
      const { serviceAccountName: name } = carrier.spec;
      const account = await kubernetes
        .get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace, name })
        .catch(() => undefined);
      const found = (await method.recognise?.({ pod: carrier, namespace, account, cloud }, kubernetes)) ?? [];
      return found.map((each) => ({ found: each, pod }));
    }),
  );
  const isOne = ({ serviceAccount: own, vault: named }: Recognised): boolean =>
    own === serviceAccount && (named === undefined || named.toLowerCase() === vault.name.toLowerCase());
  return shown.flat().find(({ found }) => isOne(found)) ?? { found: undefined, pod: undefined };
}

const titleOf = ({ namespace, serviceAccount }: Workload): string =>
  `a pod of ${namespace}/${serviceAccount} reads its secrets`;

const notAsked = (workload: Workload, observed: string, expected: string): Finding => ({
  ...{ check: CHECK, title: titleOf(workload), verdict: 'unknown', observed, expected },
});

/** A pod that does not start shows what keeps the workload's from it, unless what keeps it is of the probe alone. */
function stuck(ended: Exclude<Awaited<ReturnType<typeof watch>>, { how: 'read' }>, workload: Workload): Finding[] {
  const { message } = ended;
  if (ended.how === 'stuck' && ended.reason === 'image') {
    const finding = notAsked(workload, message, 'an image with Node that the nodes can pull');
    return [{ ...finding, fix: { say: 'Name one by --probe-image.' } }];
  }
  const failure = match({ text: message })?.id;
  const observed = ended.how === 'late' ? `not in time: ${message}` : message;
  if (failure === undefined) return [notAsked(workload, observed, 'a pod that runs')];
  return [{ check: CHECK, title: titleOf(workload), verdict: 'fail', failure, observed }];
}
