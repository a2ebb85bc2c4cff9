import { relative, resolve } from 'node:path';
import { type Complaint, Complaints } from '../complaint.ts';
import type { Change, Plan } from '../engine/events.ts';
import { EXIT, type ExitCode, exitOf, exitOfPlan, worst } from '../exit.ts';
import type { Io } from '../io.ts';
import type { Method } from '../methods/method.ts';
import type { Reporter } from '../report/reporter.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import { clusterIdOf } from '../spec/names.ts';
import type { Consent } from '../step.ts';
import type { Template } from '../templates.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import { againLine, saved } from './again.ts';
import { CONSENTS, type Flag } from './flags.ts';
import { openPlace, type Place, sandboxFolder } from './place.ts';
import { reporterOf, tracer } from './reporting.ts';
import { complaintOf, explainer, told } from './troubles.ts';

export interface Convergence {
  /** `plan` stops once the plan is shown. */
  readonly command: 'init' | 'plan';
  readonly answers: Answers;
  /** All that the command knows, for the sentences about what is missing. */
  readonly flags: readonly Flag[];
  readonly io: Io;
}

/**
 * The one run behind `init` and `plan`: look at everything, plan, ask, apply, prove. Answers the exit code; what is
 * wrong before there is a reporter is thrown.
 */
export async function converge({ command, answers, flags, io }: Convergence): Promise<number> {
  const limit = timeoutOf(answers);
  const { methods } = await import('../methods/index.ts');
  const place = await openPlace(answers, flags, methods, io);
  const reporter = await reporterOf(answers, io, place.surroundings.clock);
  try {
    const again = againLine(command, place, answers, methods);
    for (const note of place.notes) reporter.note(note);
    const path = textOf(answers, 'save');
    if (path !== undefined && (await saved(path, place.spec, methods, answers, io))) reporter.note(`Saved to ${path}.`);
    const run = { ...place, answers, io, reporter, again, methods, limit };
    return command === 'plan' || isOn(answers, 'dry-run') ? await planned(run) : await applied(run);
  } catch (error) {
    const { complaints, exitCode } = await told(error, {
      interrupted: io.signal.aborted,
      verbose: isOn(answers, 'verbose'),
    });
    reporter.failure(complaints, exitCode);
    return exitCode;
  } finally {
    if (isOn(answers, 'sandbox')) {
      reporter.note(
        `The sandbox's state lies in ${near(sandboxFolder(io), io.cwd)}, values in clear: use invented ones.`,
      );
    }
    reporter.close();
    await place.close();
  }
}

/** A path as one types it here. */
const near = (path: string, cwd: string): string => {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
};

interface Running extends Place {
  readonly answers: Answers;
  readonly io: Io;
  readonly reporter: Reporter;
  /** The same run as one line. */
  readonly again: string;
  readonly methods: readonly Method[];
  /** Milliseconds for everything together. */
  readonly limit: number | undefined;
}

/** `plan`: its exit code speaks of the plan only when asked to; what could not be looked at is always said. */
async function planned(run: Running): Promise<ExitCode> {
  const { plan, header } = await look(run, run.allow);
  run.reporter.plan(plan, header, 'result');
  return isOn(run.answers, 'exit-code') ? exitUnapplied(plan) : exitOfPlan(unseen(plan));
}

async function applied(run: Running): Promise<ExitCode> {
  const { answers, io, reporter, allow, surroundings, spec } = run;
  const startedAt = surroundings.clock.now();
  const asks = !isOn(answers, 'yes') && !isOn(answers, 'no-input') && (await someoneThere(io));
  // Whoever is asked can consent: the plan then shows what yes would do.
  const looked = await look(run, asks ? new Set(CONSENTS) : allow);
  const { plan, header, world, steps, checks, observations } = looked;
  const open = plan.changes.filter(({ action }) => ['create', 'update', 'later'].includes(action));
  let consents = allow;
  if (open.length > 0 && !isOn(answers, 'yes')) {
    if (!asks) {
      reporter.plan(plan, header, 'result');
      const { withConsent } = await import('../report/words.ts');
      const missing = plan.changes.flatMap((change) => change.missing);
      reporter.note('Nothing was written. To apply:', withConsent(run.again, missing));
      return exitUnapplied(plan);
    }
    reporter.plan(plan, header, 'preview');
    const { confirm } = await import('../prompt.ts');
    const yes = await confirm(io, questionFor(open));
    if (yes === undefined || io.signal.aborted)
      throw new Complaints(
        [{ message: 'Interrupted. Nothing was written.', fix: { say: 'Run the same again:', run: run.again } }],
        EXIT.interrupted,
      );
    if (!yes) {
      reporter.note('Nothing was written.');
      return EXIT.pending;
    }
    consents = new Set([...allow, ...open.flatMap((change) => change.consents)]);
  } else if (open.length > 0) reporter.plan(plan, header, 'preview');

  const { apply } = await import('../engine/apply.ts');
  const { evidence } = await import('../engine/evidence.ts');
  const { summaryOf } = await import('./summary.ts');
  const timeout = looked.deadline === undefined ? undefined : Math.max(0, looked.deadline - Date.now());
  const { results, proofs } = await apply(steps, checks, observations, plan, world, {
    tell: reporter.tell,
    consents,
    ...(timeout !== undefined && { timeout }),
  });
  const exit = exitOf(results, proofs);
  const explain = await explainer();
  const record = evidence({
    ...{ exit, startedAt, results, proofs, simulated: surroundings.label !== undefined },
    failureOf: (problem) => explain(problem)?.failure,
  });
  reporter.result(
    {
      ...{ exit, results, proofs, explain, at: surroundings.clock.now(), again: run.again },
      ...(surroundings.label !== undefined && { label: surroundings.label }),
      workloads: spec.workloads.map((workload) => summaryOf(workload, run.methods, record, results)),
    },
    record,
  );
  return exit;
}

/** Looks at everything in one wave, and plans. Throws what makes a plan pointless: no sign-in, another cluster. */
async function look(run: Running, consents: ReadonlySet<Consent>) {
  const { spec, surroundings, answers, io, reporter, methods, limit } = run;
  const [{ assemble }, { createWorld }, { observe }, { plan: judge }, { readTemplate }, { templatesFolder }] =
    await Promise.all([
      import('../methods/assemble.ts'),
      import('./world.ts'),
      import('../engine/observe.ts'),
      import('../engine/plan.ts'),
      import('../templates.ts'),
      import('./templates.ts'),
    ]);
  const world = createWorld(spec, surroundings, io, tracer(answers, io, reporter));
  const folder = templatesFolder();
  const copies = textOf(answers, 'templates');
  const own = copies === undefined ? undefined : resolve(io.cwd, copies);
  const read = new Map<string, Template>();
  const { steps, checks } = assemble(spec, {
    cloud: surroundings.cloud,
    methods,
    // Read once, however many workloads are made from it.
    template(path) {
      const template = read.get(path) ?? readTemplate(folder, path, own);
      read.set(path, template);
      return template;
    },
    grantSelf: isOn(answers, 'grant-self'),
    keepGrant: isOn(answers, 'keep-grant'),
  });
  const deadline = limit === undefined ? undefined : Date.now() + limit;
  const [caller, described, , observations] = await whileLooking(
    run,
    Promise.all([
      world.azure.caller(),
      // Only its name is wanted: whoever may not read it learns why from the steps.
      world.azure.describe().catch(() => undefined),
      rightCluster(world, run),
      observe(steps, world, reporter.tell),
    ]),
  );
  const header = {
    workloads: spec.workloads.map(({ name, namespace, method }) => ({
      ...{ name, namespace },
      method: methods.find((one) => one.name === method)?.title ?? method,
    })),
    caller: caller.name,
    subscription: { id: spec.subscription, ...(described && { name: described.name }) },
    tenant: caller.tenantId,
    ...(surroundings.label !== undefined && { label: surroundings.label }),
  };
  return { world, steps, checks, observations, plan: judge(steps, observations, consents), header, deadline };
}

/** A kubeconfig of the user's own must be shown to lead to the cluster named; else nothing is looked at further. */
async function rightCluster(world: World, { spec, surroundings }: Running): Promise<void> {
  if (!surroundings.kubeconfig) return;
  try {
    await world.kubernetes.server();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.resource === 'kubeconfig') throw new Complaints([await complaintOf(error)], EXIT.usage);
    const id = clusterIdOf(spec.subscription, spec.cluster);
    // That the cluster is not there yet, or cannot be looked at in Azure, is for its own step to say.
    if (!(await world.azure.clusters.get(id).catch(() => undefined))) return;
    const message = `The kubeconfig cannot be shown to lead to the cluster named. ${error.message}`;
    throw new Complaints([{ message, resource: 'kubeconfig' }], EXIT.usage);
  }
}

/** What of the plan could not be looked at. */
const unseen = ({ changes }: Plan): readonly Change[] =>
  changes.filter(({ action, problem }) => action === 'blocked' && problem !== undefined);

/** The code of a plan that waits to be applied; a consent can still be given with the answer. */
function exitUnapplied(plan: Plan): ExitCode {
  const waiting = plan.changes.some(({ action }) => action !== 'keep' && action !== 'blocked');
  return waiting ? worst([EXIT.pending, exitOfPlan(unseen(plan))]) : exitOfPlan(plan.changes);
}

/** A terminal on both sides, and not one that a machine holds. */
async function someoneThere(io: Io): Promise<boolean> {
  const [{ canAsk }, { isAutomated }] = await Promise.all([import('../prompt.ts'), import('../report/style.ts')]);
  return canAsk(io) && !isAutomated(io.env);
}

/** The one question; it names what yes consents to. */
export function questionFor(open: readonly Change[]): string {
  const needed = new Set(open.flatMap(({ consents }) => consents));
  const lasting = open.flatMap(({ differences }) => differences).filter(({ irreversible }) => irreversible).length;
  const says = [
    ...(needed.has('cluster') ? ['changes the whole cluster'] : []),
    ...(needed.has('install') ? ['installs or registers what others may use'] : []),
    ...(needed.has('default-service-account') ? ['lets every pod of the namespace in'] : []),
  ];
  const sentences = [
    ...(says.length > 0 ? [`This ${says.join(' and ')}`] : []),
    ...(lasting > 0 ? [`${lasting === 1 ? 'one change' : `${lasting} changes`} cannot be undone`] : []),
    ...(open.some(({ differences }) => differences.some(({ costs }) => costs)) ? ['some of it costs money'] : []),
  ];
  const text = sentences.join(', and ');
  return text === '' ? 'Apply?' : `${text[0]!.toUpperCase()}${text.slice(1)}. Apply?`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `--timeout 30m`. */
export function timeoutOf(answers: Answers): number | undefined {
  const text = textOf(answers, 'timeout');
  if (text === undefined) return undefined;
  const [, number, unit] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const complaint: Complaint = { message: `${answers.get('timeout')!.said}: expected a time such as 90s, 30m or 1h.` };
  if (number === undefined) throw new Complaints([complaint]);
  // Beyond this a timer of the runtime would fire at once.
  return Math.min(Number(number) * UNITS[unit!]!, 2 ** 31 - 1);
}

/** Looks until the time is up (real time) or somebody interrupts: reads are not waited for, they leave nothing behind. */
async function whileLooking<T>({ limit, again, io }: Running, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let interrupt: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (why: string, exit: ExitCode) => {
      const fix = { say: 'Run the same again:', run: again };
      reject(new Complaints([{ message: `${why} while looking. Nothing was written.`, fix }], exit));
    };
    if (limit !== undefined) timer = setTimeout(() => end('The time is up', EXIT.timedOut), limit);
    interrupt = () => end('Interrupted', EXIT.interrupted);
    if (io.signal.aborted) interrupt();
    else io.signal.addEventListener('abort', interrupt, { once: true });
  });
  work.catch(() => undefined);
  return Promise.race([work, ended]).finally(() => {
    clearTimeout(timer);
    if (interrupt) io.signal.removeEventListener('abort', interrupt);
  });
}
