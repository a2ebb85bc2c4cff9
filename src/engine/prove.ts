import type { Check, Finding, Known, Needs } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { Proof } from './events.ts';
import { problemOf } from './observe.ts';
import type { Attempt, Wait } from './patience.ts';
import { BUDGET, until } from './patience.ts';
import type { Run } from './run.ts';
import { Halted } from './stop.ts';

/**
 * Asks what only a running thing can show, with patience: what is refused may still come while something that it rests
 * on was changed in this run or shortly before. Never throws.
 */
export async function prove(run: Run, check: Check, place: string, known: Known<Needs>): Promise<Proof> {
  const started = run.now();
  const { id, workload, title } = check;
  let first = true;
  let waited = false;
  let problem: Problem | undefined;
  const ended = (outcome: Proof['outcome'], findings: readonly Finding[] = []): Proof => ({
    ...{ id, workload, title, findings, outcome },
    seconds: (run.now() - started) / 1000,
    ...(problem && { problem }),
  });

  const attempt = async (): Promise<Attempt<Proof>> => {
    problem = undefined;
    run.stop.check();
    // When nothing was written, what the first wave read is still true.
    const world = first && !run.glances.anyWritten() ? run.world : run.glances.fresh();
    first = false;
    try {
      const findings = await run.stop.inFlight(check.run(world, known));
      return { done: ended(verdictOf(findings), findings) };
    } catch (error) {
      if (error instanceof Halted || run.stop.halt()) throw error;
      problem = problemOf(error, title);
      if (deniedToUs(problem)) return { done: ended('unknown') };
      const wait = worthWaiting(run, check, place, problem, started);
      // What was waited for and did not come in time is overdue; what was never worth waiting for has failed.
      if (!wait || (!waited && wait.until <= run.now())) return { done: ended('failed') };
      return { wait };
    }
  };

  try {
    run.tell({ type: 'proving', id, title, at: new Date(run.now()) });
    const answer = await until(run.world.clock, run.stop.signal, attempt, ({ reason }) => {
      waited = true;
      const change = { id, kind: 'proof', subject: title };
      run.tell({ type: 'waiting', change, reason, at: new Date(run.now()) });
    });
    return 'done' in answer ? answer.done : ended('timed out');
  } catch (error) {
    const halt = run.stop.halt();
    if (halt) return ended(halt);
    problem = problemOf(error, title);
    return ended('failed');
  }
}

function verdictOf(findings: readonly Finding[]): 'proven' | 'failed' | 'unknown' {
  if (findings.some(({ verdict }) => verdict === 'fail')) return 'failed';
  return findings.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'proven';
}

/**
 * What the management side denies is denied to whoever runs this program (he may not ask for a token of the service
 * account, say) and shows nothing about the workload; what Entra and the vault deny is the answer.
 */
const deniedToUs = ({ trouble, said }: Problem): boolean =>
  trouble === 'denied' && (said?.by === 'Kubernetes' || said?.by === 'Azure');

/** Until when the same may end otherwise; nothing when it cannot. */
function worthWaiting(run: Run, check: Check, place: string, problem: Problem, from: number): Wait | undefined {
  const pace = check.settles ?? 'at once';
  const young = run.ages.youngUntil(run.below(place), pace);
  const wait = (end: number): Wait | undefined =>
    Number.isFinite(end) ? { reason: problem.message, until: end, retryAfter: problem.retryAfter } : undefined;
  switch (problem.trouble) {
    case 'busy':
    case 'not yet':
      return wait(Math.max(from + Math.max(BUDGET[pace], BUDGET.seconds), young));
    case 'denied':
    case 'missing':
      return wait(young);
    default:
      return undefined;
  }
}
