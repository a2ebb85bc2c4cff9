import { type Complaint, Complaints } from '../../complaint.ts';
import { EXIT } from '../../exit.ts';
import type { Io } from '../../io.ts';
import { BACK, createPrompter, type Prompter } from '../../prompt.ts';
import type { Secret } from '../../secret.ts';
import { type Answer, type Answers, isOn, YOUR_ANSWER } from '../../spec/answers.ts';
import { camel } from '../../spec/names.ts';
import { type Draft, draftOf, type Sources } from '../../spec/read.ts';
import type { Surroundings } from '../../surroundings.ts';
import { clusterQuestions } from './cluster.ts';
import { createLists, type Lists, signedInOnce } from './lists.ts';
import { methodQuestions } from './method.ts';
import type { Answered, Sheet } from './question.ts';
import { secretQuestions } from './secrets.ts';
import { vaultQuestions } from './vault.ts';
import { workloadQuestions } from './workload.ts';

/** What the questions came to. */
export interface Told {
  /** Those that were given, and those that were asked for. */
  readonly answers: Answers;
  /** Values that were typed, by the names of their secrets. */
  readonly typed: ReadonlyMap<string, Secret>;
  /** The same surroundings, already signed in to. */
  readonly surroundings: Surroundings;
}

/**
 * Asks for what flags, environment and file leave open, and for nothing else.
 * @throws {Complaints} for what is wrong in what was given, and when it is broken off (130)
 * @throws {Problem} where nobody is signed in
 */
export async function askWhatIsOpen(sources: Sources, surroundings: Surroundings, io: Io): Promise<Told> {
  const first = await draftOf(sources);
  if (first.complaints.some((one) => !first.gaps.has(one))) throw new Complaints(first.complaints);

  const signedIn = signedInOnce(surroundings);
  const lists = createLists(signedIn, io);
  const interrupted = () => new Complaints([{ message: 'Interrupted. Nothing was written.' }], EXIT.interrupted);
  const prompter = createPrompter(io, { noColor: isOn(sources.answers, 'no-color'), interrupted });
  ahead(lists, first);
  prompter.say('Looking who is signed in ...', 'dim');
  // A program that signs in may take its time, also to be interrupted.
  const { name } = await orInterrupted(lists.caller(), io, interrupted).finally(() => prompter.erase(1));
  prompter.say(`Signed in as ${name}${surroundings.label === undefined ? '' : ` (${surroundings.label})`}`);
  const offered = offerOf(sources, first);
  if (offered !== undefined) prompter.say(offered, 'dim');
  prompter.say('');
  const given = await walk({ sources, lists, prompter, io });
  prompter.say('');
  return { ...given, surroundings: signedIn };
}

function orInterrupted<T>(work: Promise<T>, { signal }: Io, error: () => Error): Promise<T> {
  work.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(error());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** What the sandbox answers in somebody's place. */
function offerOf({ defaults }: Sources, { spec, workload }: Draft): string | undefined {
  if (!defaults.has('workload') || !workload) return undefined;
  return `The sandbox gives cluster ${spec.cluster.name}, vault ${workload.vault.name}, workload ${workload.name} (esc changes)`;
}

/** What will be asked about is read while somebody thinks; each list once. */
function ahead(lists: Lists, draft: Draft): void {
  const open = gapsOf(draft);
  const { spec, workload } = draft;
  const { subscription, cluster } = spec;
  const start = (flag: string, read: () => Promise<unknown>): void => {
    if (open.has(flag)) read().catch(() => undefined);
  };
  start('subscription', lists.subscriptions);
  if (subscription === '') return;
  start('cluster', () => lists.clusters(subscription));
  start('vault', () => lists.vaults(subscription));
  if (cluster.name !== '' && cluster.resourceGroup !== '' && !cluster.create)
    start('namespace', () => lists.namespaces(subscription, cluster));
  const vault = workload?.vault;
  if (vault && vault.name !== '' && !vault.create) start('secret', () => lists.secrets(subscription, vault.name));
}

interface Walk {
  readonly sources: Sources;
  readonly lists: Lists;
  readonly prompter: Prompter;
  readonly io: Io;
}

/** Puts one question after the other, forth and back, until nothing is open. */
async function walk({ sources, lists, prompter, io }: Walk): Promise<Omit<Told, 'surroundings'>> {
  const questions = [
    ...clusterQuestions,
    ...vaultQuestions,
    ...workloadQuestions,
    ...secretQuestions,
    ...methodQuestions(sources.methods),
  ];
  const given = new Map<string, Answered>();
  const answersBefore = (at: number): Pick<Sources, 'answers' | 'typed'> => {
    const before = questions.slice(0, at).flatMap(({ id }) => given.get(id) ?? []);
    return {
      answers: new Map([...sources.answers, ...before.flatMap(answersOf)]),
      typed: before.flatMap(({ typed }) => typed?.name ?? []),
    };
  };
  /** What is known before a question, with what the surroundings offer and without. */
  const drafts = async (at: number) => {
    const said = answersBefore(at);
    const own = io.env.AZURE_SUBSCRIPTION_ID || undefined;
    return {
      draft: await draftOf({ ...sources, ...said }),
      bare: await draftOf({
        ...sources,
        ...said,
        defaults: new Map(),
        subscriptions: { choose: async (id) => id ?? own },
      }),
    };
  };
  const opening = gapsOf(await draftOf(sources));
  /** Whoever describes a workload is also asked what has a default. */
  const describes = ['workload', 'namespace'].some((flag) => opening.has(flag));
  /** From here on what the surroundings offer is asked as well, because somebody went back to it. */
  let reopened = Number.POSITIVE_INFINITY;
  /** Rows that stand on the screen, and the question that each belongs to. */
  let shown: number[] = [];
  let complaint: string | undefined;

  const sheetAt = async (at: number) => {
    const { draft, bare } = await drafts(at);
    const question = questions[at]!;
    const sheet: Sheet = {
      spec: draft.spec,
      workload: draft.workload,
      shape: draft.shape,
      gaps: gapsOf(draft),
      lists,
      methods: sources.methods,
      prompter,
      io,
      back: false,
      before: given.get(question.id),
      said: (id) => (questions.findIndex((one) => one.id === id) < at ? given.get(id) : undefined),
    };
    return { sheet, bare: { gaps: gapsOf(bare), shape: bare.shape } };
  };

  /** Whether a question is put on the way forth; with `offered`, what the surroundings answer counts as open. */
  const isDue = async (at: number, offered: boolean): Promise<boolean> => {
    const { flags, id, when, applies } = questions[at]!;
    const { sheet, bare } = await sheetAt(at);
    if (applies && !applies(sheet)) return false;
    if (id === 'subscription') {
      const picks = sheet.gaps.has('cluster') || sheet.gaps.has('vault');
      const usual = sources.defaults.has('subscription') ? offered : picks || offered;
      return bare.gaps.has('subscription') && (sheet.gaps.has('subscription') || usual);
    }
    if (when) {
      const isGiven = (flag: string): boolean =>
        sources.answers.has(flag) || Object.hasOwn((offered ? bare : sheet).shape ?? {}, camel(flag));
      const isMeant =
        when === 'it follows' ||
        ((describes || (offered && sources.defaults.has('workload'))) && sheet.workload !== undefined);
      return isMeant && !flags.some(isGiven);
    }
    return flags.some((flag) => sheet.gaps.has(flag) || (offered && bare.gaps.has(flag)));
  };
  const previous = async (at: number): Promise<number | undefined> => {
    for (let before = at - 1; before >= 0; before -= 1) if (await isDue(before, true)) return before;
    return undefined;
  };

  for (let at = 0; at < questions.length; ) {
    const question = questions[at]!;
    if (!(await isDue(at, at >= reopened))) {
      given.delete(question.id);
      at += 1;
      continue;
    }
    const before = await previous(at);
    const { sheet } = await sheetAt(at);
    if (complaint !== undefined) prompter.say(`! ${complaint}`, 'warn');
    const answered = await question.put({ ...sheet, back: before !== undefined });
    if (complaint !== undefined) prompter.erase(1);
    complaint = undefined;
    if (answered === BACK) {
      const to = before ?? at;
      prompter.erase(shown.filter((row) => row >= to).length);
      shown = shown.filter((row) => row < to);
      reopened = Math.min(reopened, to);
      at = to;
      continue;
    }
    const earlier = (await draftOf({ ...sources, ...answersBefore(at) })).complaints;
    given.set(question.id, answered);
    const now = await draftOf({ ...sources, ...answersBefore(at + 1) });
    complaint = newComplaint(now, earlier);
    if (complaint !== undefined) continue;
    ahead(lists, now);
    prompter.answered(question.label, answered.shown, answered.facts);
    shown.push(at);
    at += 1;
  }
  const typed = [...given.values()].flatMap((one) => (one.typed ? [[one.typed.name, one.typed.value] as const] : []));
  return { answers: answersBefore(questions.length).answers, typed: new Map(typed) };
}

const gapsOf = ({ complaints, gaps }: Draft): ReadonlySet<string> =>
  new Set(complaints.flatMap((one) => gaps.get(one) ?? []));

const answersOf = ({ answers }: Answered): [string, Answer][] =>
  Object.entries(answers).map(([flag, value]) => [flag, { value, said: YOUR_ANSWER }]);

/** What the last answer made wrong, in its own words. */
function newComplaint({ complaints, gaps }: Draft, earlier: readonly Complaint[]): string | undefined {
  const before = new Set(earlier.map(({ message }) => message));
  const found = complaints.find((one) => !gaps.has(one) && !before.has(one.message));
  return found?.message.replace(`${YOUR_ANSWER}: `, '');
}
