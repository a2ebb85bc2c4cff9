import type { Action, Outcome, Proof, Result } from '../engine/events.ts';
import type { Clock } from '../world.ts';
import type { Ticker } from './reporter.ts';
import type { Paint } from './style.ts';
import type { Symbols, Tone } from './text.ts';

/** What both kinds of progress are made with. */
export interface ProgressOptions {
  write(text: string): void;
  readonly paint: Paint;
  readonly symbols: Symbols;
  readonly clock: Pick<Clock, 'now'>;
  readonly verbose: boolean;
  readonly ticker: Ticker;
}

/** How an end is shown: symbol, tone and word. */
export interface Mark {
  readonly symbol: string;
  readonly tone: Tone;
  readonly word: string;
}

const GOOD: ReadonlySet<Outcome | Proof['outcome']> = new Set([
  'created',
  'updated',
  'kept',
  'removed',
  'left',
  'proven',
]);
const BAD: ReadonlySet<Outcome | Proof['outcome']> = new Set(['failed', 'timed out']);

export function markOf(outcome: Outcome | Proof['outcome'], symbols: Symbols): Mark {
  const word = outcome === 'kept' ? 'as wanted' : outcome;
  if (GOOD.has(outcome)) return { symbol: symbols.good, tone: 'good', word };
  if (BAD.has(outcome)) return { symbol: symbols.bad, tone: 'bad', word };
  if (outcome === 'not reached') return { symbol: symbols.skipped, tone: 'dim', word };
  return { symbol: symbols.warn, tone: 'warn', word };
}

/** What goes on while a change is made. */
export const doingOf = (action: Action): string =>
  action === 'remove' ? 'removing' : action === 'update' ? 'updating' : 'creating';

/** Whether an end is news: what was found as it should be, or found blocked, was said by the plan. */
export function isNews({ outcome, change }: Result, verbose: boolean): boolean {
  if (verbose) return true;
  if (change.action === 'blocked' || change.action === 'leave') return false;
  if (outcome === 'kept') return change.action !== 'keep' && !change.quiet;
  return outcome !== 'not reached' || !change.quiet;
}
