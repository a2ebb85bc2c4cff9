import type { Observation } from '../engine/observe.ts';
import { consentsOf, lineToRun } from '../engine/plan.ts';
import type { Facts } from '../facts.ts';
import type { Category, Finding, Judged, Known, Needs, Step } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { World } from '../world.ts';
import type { Places } from './places.ts';
import type { Row } from './row.ts';
import { type Asker, type Explain, explained, keptOut, verdictOfLook } from './trouble.ts';

/** What became of a link: what is said of it, and what others build on. */
export interface Linked {
  readonly rows: readonly Row[];
  readonly facts: Facts;
  readonly since?: Date;
  /** What the step saw, for those who compare with it. */
  readonly seen?: unknown;
}

/** What all rows are made with. */
export interface Making {
  readonly places: Places;
  readonly explain: Explain;
  readonly asker: Asker | undefined;
}

/** The id of a step's check: `AKS-IDENTITY`. */
export const checkOf = ({ kind }: Pick<Step, 'kind'>): string =>
  `AKS-${kind.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '-')}`;

/** A step that is a link of the chain. */
export type Link = Step & { readonly category: Category };
export const isLink = (step: Step): step is Link => step.category !== undefined;

/** What a step's judgement says, as rows; `appeal` is asked where something fails. */
export async function linkRows(
  step: Link,
  observation: Observation,
  known: Known<Needs>,
  world: World,
  making: Making,
): Promise<Linked> {
  const base = baseOf(step, making);
  if ('problem' in observation) return { rows: lookFailed(base, observation.problem, making), facts: {} };
  let judged: Judged;
  try {
    judged = step.judge(observation.seen, known);
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem('broken', step.title, String(error));
    return { rows: [{ ...base, ...verdictOfLook(problem, making.asker, making.explain) }], facts: {} };
  }
  const found = findingsOf(step, judged);
  const fails = found.some(({ verdict }) => verdict === 'fail');
  const findings = fails && step.appeal ? await appealed(step, world, found) : found;
  const rows = findings.map((finding) => {
    const category = finding.category ?? step.category;
    const place = making.places.of(category, step.workloads);
    return { ...base, place, ...rowOf(finding), ...wayOut(step, judged, known, finding), category };
  });
  const reached = isInVault(step) ? [reachable(base, { verdict: 'pass' })] : [];
  return {
    rows: [...reached, ...rows],
    facts: judged.facts,
    seen: observation.seen,
    ...(judged.since && { since: judged.since }),
  };
}

/** Who may not look for what else there is has heard of what he asked for. */
async function appealed(step: Link, world: World, found: readonly Finding[]): Promise<readonly Finding[]> {
  try {
    return (await step.appeal?.(world, found)) ?? found;
  } catch (error) {
    if (error instanceof Problem) return found;
    throw error;
  }
}

const baseOf = (step: Link, { places }: Making) => ({
  id: checkOf(step),
  category: step.category,
  workloads: step.workloads,
  place: places.of(step.category, step.workloads),
  title: step.title,
  seconds: 0,
});
type Base = ReturnType<typeof baseOf>;

/** A finding as a row of its own. */
export function rowOf(finding: Finding): Pick<Row, 'id' | 'title' | 'verdict'> & Partial<Row> {
  const { check, ...rest } = finding;
  return { id: check, ...rest };
}

const isInVault = ({ id }: Step): boolean => /^(secret|key|certificate|find)\//.test(id);

const reachable = (base: Base, verdict: Pick<Row, 'verdict'> & Partial<Row>): Row => ({
  ...base,
  id: 'AKS-VAULT-REACHABLE',
  title: `${base.place.replace(/^Vault /, '')} answers from here`,
  ...verdict,
});

function lookFailed(base: Base, problem: Problem, { asker, explain }: Making): readonly Row[] {
  const verdict = verdictOfLook(problem, asker, explain);
  const failure = keptOut(problem);
  if (failure === undefined) return [{ ...base, ...verdict }];
  return [reachable(base, verdict), { ...base, verdict: 'skipped', because: [failure] }];
}

/** Its own findings, or else what the state says. */
function findingsOf(step: Link, judged: Judged): readonly Finding[] {
  const { state, note, differences, failure, unseen, findings } = judged;
  const base = { check: checkOf(step), title: step.title };
  if (unseen !== undefined)
    return [
      {
        ...base,
        ...{ verdict: 'unknown', right: unseen, observed: `you may not look: ${unseen} is missing` },
        expected: unseen,
        fix: { say: 'Somebody who may gives you that right, or runs the same himself.' },
      },
    ];
  if (findings && findings.length > 0) return findings;
  const noted = note === undefined ? {} : { observed: note };
  const named = failure === undefined ? {} : { failure };
  switch (state) {
    case 'as wanted':
    case 'good enough':
      return [{ ...base, verdict: 'pass', ...noted }];
    case 'settling':
      return [
        { ...base, ...named, verdict: 'unknown', young: true, observed: `on its way: ${note ?? 'not there yet'}` },
      ];
    case 'absent':
    case 'blocked':
    case 'differs': {
      const [first] = differences;
      const is = first && first.is !== '-' ? `${first.path}: ${first.is}` : undefined;
      return [
        {
          ...base,
          ...named,
          verdict: 'fail',
          observed: is ?? (state === 'blocked' ? note : undefined) ?? 'not there',
          expected: first ? `${first.path}: ${first.want}` : step.title,
        },
      ];
    }
  }
}

/** `init` puts right what a step would converge; by hand it is the step's own line. */
function wayOut(step: Link, judged: Judged, known: Known<Needs>, { verdict, fix }: Finding): Partial<Row> {
  if (verdict !== 'fail' && verdict !== 'warn') return {};
  const converges = judged.state === 'absent' || judged.state === 'differs';
  const { run } = lineToRun(step, known, judged);
  const byHand = fix?.run ?? (judged.state === 'blocked' ? judged.run : run);
  return {
    ...(converges && { repair: consentsOf(judged) }),
    ...(byHand !== undefined && { byHand }),
    ...(judged.note !== undefined && judged.failure === undefined && { cause: sentence(judged.note) }),
  };
}

const sentence = (note: string): string =>
  `${note[0]?.toUpperCase() ?? ''}${note.slice(1)}${/[.!?]$/.test(note) ? '' : '.'}`;

/**
 * A problem of a check. To a proof, which asks as the workload, what Entra and the vault refuse is the answer; all else is
 * that it could not be asked.
 */
export function verdictOfCheck(
  problem: Problem,
  asks: 'as the workload' | 'as the caller',
  { asker, explain }: Making,
): Pick<Row, 'verdict'> & Partial<Row> {
  const { trouble, said, message, detail } = problem;
  const isAnswer = asks === 'as the workload' && (said?.by === 'Entra' || said?.by === 'Key Vault');
  const answered = isAnswer && trouble !== 'busy' && trouble !== 'broken' && trouble !== 'not yet';
  if (!answered || keptOut(problem) !== undefined) {
    const look = verdictOfLook(problem, asker, explain);
    // A service account that is not there has no token.
    const noAccount = trouble === 'missing' && said?.by === 'Kubernetes' && /serviceaccount/i.test(message);
    return noAccount ? { ...look, failure: 'F033' } : look;
  }
  const observed = [message, detail].filter(Boolean).join(' ');
  return { verdict: 'fail', ...explained(problem, explain), observed, ...(said && { said }) };
}
