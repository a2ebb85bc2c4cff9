import { relative, resolve } from 'node:path';
import { type Complaint, Complaints } from '../complaint.ts';
import type { Change, Plan } from '../engine/events.ts';
import { EXIT, type ExitCode, exitOfPlan, worst } from '../exit.ts';
import type { Io } from '../io.ts';
import { once } from '../memory.ts';
import type { Context } from '../methods/assemble.ts';
import type { Method } from '../methods/method.ts';
import type { Header } from '../report/plan-text.ts';
import type { Reporter } from '../report/reporter.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import { clusterIdOf } from '../spec/identity-name.ts';
import type { Template } from '../templates.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import { againLine } from './again.ts';
import type { Flag } from './flags.ts';
import { againFor } from './found.ts';
import { type Ask, openPlace, type Place, sandboxFolder } from './place.ts';
import { reporterOf, tracer } from './reporting.ts';
import { complaintOf, told } from './troubles.ts';

/** What a command that plans was asked for. */
export interface Asked {
  readonly command: 'init' | 'plan' | 'destroy' | 'export' | 'verify';
  readonly answers: Answers;
  /** All that the command knows, for the sentences about what is missing. */
  readonly flags: readonly Flag[];
  readonly io: Io;
}

/** Workloads of one file from which on memory is worth sparing. */
const MANY = 50;

export interface Running extends Place {
  readonly answers: Answers;
  readonly io: Io;
  readonly reporter: Reporter;
  /** The same run as one line. */
  readonly again: string;
  readonly methods: readonly Method[];
  /** Milliseconds for everything together. */
  readonly limit: number | undefined;
  /** The one world of this run. */
  world(): Promise<World>;
}

/** Opens the place, runs there, reports what is thrown, and closes. What is wrong before there is a reporter is thrown. */
export async function inPlace(
  { command, answers: said, flags, io }: Asked,
  work: (run: Running) => Promise<ExitCode>,
): Promise<number> {
  const limit = timeoutOf(said);
  const { methods } = await import('../methods/index.ts');
  const asks = ['init', 'plan'].includes(command) && !isOn(said, 'no-input') && (await someoneThere(io));
  const ask: Ask | undefined = asks
    ? async (sources, surroundings) => (await import('./wizard/index.ts')).askWhatIsOpen(sources, surroundings, io)
    : undefined;
  // What is there is looked at as it is: nothing is missed that only its making needs.
  const asIs = command === 'destroy' || command === 'verify';
  const place = await openPlace(said, flags, methods, io, asIs, ask, command === 'verify');
  const { answers } = place;
  const reporter = await reporterOf(answers, io, place.surroundings.clock);
  try {
    for (const note of place.notes) reporter.note(note);
    if (place.spec.workloads.length > MANY) await io.spare?.();
    const world = once(async () => {
      const [{ createWorld }, { createValues, makeGivenKnown }] = await Promise.all([
        import('./world.ts'),
        import('./values.ts'),
      ]);
      const values = createValues(io, place.typed);
      await makeGivenKnown(place.spec, values, io.cwd);
      return createWorld(place.spec, place.surroundings, io, tracer(answers, io, reporter), values);
    });
    const spec = isOn(answers, 'rebind') ? await rebound(place, world) : place.spec;
    const again = place.pointed ? againFor(answers) : againLine(command, { ...place, spec }, answers, methods);
    return await work({ ...place, spec, answers, io, reporter, again, methods, limit, world });
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

/** `--rebind`: the Spec with the identities that another cluster's run made for its workloads. */
async function rebound({ spec }: Place, world: () => Promise<World>): Promise<Place['spec']> {
  const { rebind } = await import('../spec/rebind.ts');
  const { azure } = await world();
  return rebind(spec, (resourceGroup) => azure.identities.list(resourceGroup));
}

/** A path as one types it here. */
const near = (path: string, cwd: string): string => {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
};

/** What steps are made with, besides the Spec. */
export async function contextOf({ surroundings, answers, io, methods }: Running): Promise<Context> {
  const [{ readTemplate }, { templatesFolder }] = await Promise.all([
    import('../templates.ts'),
    import('./templates.ts'),
  ]);
  const folder = templatesFolder();
  const copies = textOf(answers, 'templates');
  const own = copies === undefined ? undefined : resolve(io.cwd, copies);
  const read = new Map<string, Template>();
  return {
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
  };
}

/**
 * One wave: `looks`, and beside it who and where. Throws what makes a plan pointless: no sign-in, another cluster, the
 * time is up.
 */
export async function lookingAt<T>(
  run: Running,
  looks: (world: World) => Promise<T>,
): Promise<{ readonly found: T; readonly header: Header; readonly world: World; readonly deadline?: number }> {
  const { spec, surroundings, methods, limit } = run;
  const world = await run.world();
  const deadline = limit === undefined ? undefined : Date.now() + limit;
  const [caller, described, , found] = await whileLooking(
    run,
    Promise.all([
      world.azure.caller(),
      // Only its name is wanted: whoever may not read it learns why from the steps.
      world.azure.describe().catch(() => undefined),
      rightCluster(world, run),
      looks(world),
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
  return { found, header, world, ...(deadline !== undefined && { deadline }) };
}

/** What is left of `--timeout` (milliseconds) for the work itself, as the engine takes it. */
export const remaining = (deadline: number | undefined): { readonly timeout?: number } =>
  deadline === undefined ? {} : { timeout: Math.max(0, deadline - Date.now()) };

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
export const unseen = ({ changes }: Plan): readonly Change[] =>
  changes.filter(({ action, problem }) => action === 'blocked' && problem !== undefined);

/** The code of a plan that waits to be applied; a consent can still be given with the answer. */
export function exitUnapplied(plan: Plan): ExitCode {
  const waiting = plan.changes.some(({ action }) => !['keep', 'leave', 'blocked'].includes(action));
  return waiting ? worst([EXIT.pending, exitOfPlan(unseen(plan))]) : exitOfPlan(plan.changes);
}

/** A terminal on both sides, and not one that a machine holds. */
export async function someoneThere(io: Io): Promise<boolean> {
  const [{ canAsk }, { isAutomated }] = await Promise.all([import('../prompt.ts'), import('../report/style.ts')]);
  return canAsk(io) && !isAutomated(io.env);
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `--timeout 30m`. */
export const timeoutOf = (answers: Answers): number | undefined => timeOf(answers, 'timeout');

/** Milliseconds of a flag whose value is a time. */
export function timeOf(answers: Answers, flag: string): number | undefined {
  const text = textOf(answers, flag);
  if (text === undefined) return undefined;
  const [, number, unit] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const complaint: Complaint = { message: `${answers.get(flag)!.said}: expected a time such as 90s, 30m or 1h.` };
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
