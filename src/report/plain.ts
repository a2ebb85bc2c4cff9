import type { Event, Proof, Result } from '../engine/events.ts';
import type { ProgressOptions } from './progress.ts';
import { doingOf, isNews, markOf } from './progress.ts';
import type { Progress } from './reporter.ts';
import type { Line, Span } from './text.ts';
import { columns, count, duration, line, span, timeOfDay } from './text.ts';
import { briefly, nameOf, proofName, reasonOf, tookOf } from './words.ts';

/** Columns of the longest line: a log is searched and read in windows. */
const WIDEST = 200;

/** A long wait says that it goes on, for those who watch a log and for systems that end what is silent. */
const STILL = 60_000;

interface Running {
  readonly name: string;
  readonly since: Date;
  /** The reasons that were given: each is said once, however often they take turns. */
  readonly reasons: Set<string>;
  reason: string;
  /** When something was said of it, milliseconds since the epoch. */
  said: number;
}

/** For pipes and CI: one line for each change of state, with the time; nothing is ever drawn over. */
export function plainProgress({ write, paint, symbols, clock, verbose, ticker }: ProgressOptions): Progress {
  const running = new Map<string, Running>();
  const say = (at: Date, ...parts: readonly (string | Span)[]) => {
    const text: Line = line(span(timeOfDay(at), 'dim'), ' ', ...parts);
    write(`${paint(text)}\n`);
  };
  const begin = (id: string, name: string, at: Date) => {
    running.set(id, { name, since: at, reasons: new Set(), reason: '', said: at.getTime() });
  };
  /** Name, what became of it, why, how long: one line. */
  const entry = (at: Date, symbol: string | Span, name: string, word: string, reason: string, took: string) => {
    const rest = `${word}${reason === '' ? '' : `: ${reason}`}`;
    const end = took === '' ? '' : `  ${took}`;
    const room = WIDEST - 'hh:mm:ss ? '.length - columns(`${name}  ${word}: ${end}`);
    const short = reason === '' ? rest : `${word}: ${briefly(reason, name, Math.max(40, room))}`;
    say(at, symbol, ` ${name}  ${short}${end}`);
  };
  const still = () => {
    const now = clock.now();
    for (const one of running.values()) {
      if (now.getTime() - one.said < STILL) continue;
      one.said = now.getTime();
      const elapsed = duration((now.getTime() - one.since.getTime()) / 1000);
      entry(now, symbols.later, one.name, one.reason ? 'still waiting' : 'still under way', one.reason, elapsed);
    }
  };
  const stop = ticker(STILL / 4, still);

  const end = (at: Date, name: string, { outcome, seconds, ...why }: Result | Proof) => {
    const { symbol, tone, word } = markOf(outcome, symbols);
    entry(at, span(symbol, tone), name, word, symbol === symbols.good ? '' : reasonOf(why), tookOf(seconds));
  };

  const tell = (event: Event): void => {
    switch (event.type) {
      case 'observing':
        if (verbose) say(clock.now(), `${symbols.later} looking at ${count(event.steps, 'thing')}`);
        break;
      case 'starting':
        break;
      case 'changing': {
        const { id, action } = event.change;
        begin(id, nameOf(event.change), event.at);
        entry(event.at, symbols.later, nameOf(event.change), doingOf(action), '', '');
        break;
      }
      case 'waiting': {
        const { id } = event.change;
        if (!running.has(id)) begin(id, nameOf(event.change), event.at);
        const known = running.get(id);
        if (!known || known.reason === event.reason) break;
        known.reason = event.reason;
        if (known.reasons.has(event.reason)) break;
        known.reasons.add(event.reason);
        entry(event.at, symbols.later, known.name, 'waiting', event.reason, '');
        break;
      }
      case 'ended': {
        const { result, at } = event;
        // Whoever was told that it waits is told how that ended.
        const begun = running.delete(result.change.id);
        if (begun || isNews(result, verbose)) end(at, nameOf(result.change), result);
        break;
      }
      case 'proving':
        begin(event.id, proofName(event), event.at);
        entry(event.at, symbols.later, proofName(event), 'checking', '', '');
        break;
      case 'proved':
        running.delete(event.proof.id);
        end(event.at, proofName(event.proof), event.proof);
        break;
    }
  };
  return { tell, pause: () => undefined, close: stop };
}
