import type { Event } from '../engine/events.ts';
import type { ProgressOptions } from './progress.ts';
import { isNews, markOf, reasonOf } from './progress.ts';
import type { Progress } from './reporter.ts';
import type { Line, Span } from './text.ts';
import { count, duration, line, span, timeOfDay } from './text.ts';

/** A long wait says that it goes on, for those who watch a log and for systems that end what is silent. */
const STILL = 60_000;

/** For pipes and CI: one line for each change of state, with the time; nothing is ever drawn over. */
export function plainProgress({ write, paint, symbols, clock, verbose, ticker }: ProgressOptions): Progress {
  const running = new Map<string, { readonly name: string; readonly since: Date; reason: string; said: number }>();
  const say = (at: Date, ...parts: readonly (string | Span)[]) => {
    const text: Line = line(span(timeOfDay(at), 'dim'), ' ', ...parts);
    write(`${paint(text)}\n`);
  };
  const begin = (id: string, name: string, at: Date) => {
    running.set(id, { name, since: at, reason: '', said: at.getTime() });
  };
  const still = () => {
    const now = clock.now();
    for (const one of running.values()) {
      if (now.getTime() - one.said < STILL) continue;
      one.said = now.getTime();
      const elapsed = duration((now.getTime() - one.since.getTime()) / 1000);
      say(now, symbols.later, ` ${one.name}  still ${one.reason ? `waiting: ${one.reason}` : 'under way'}  ${elapsed}`);
    }
  };
  const stop = ticker(STILL / 4, still);

  const tell = (event: Event): void => {
    switch (event.type) {
      case 'observing':
        if (verbose) say(clock.now(), `${symbols.later} looking at ${count(event.steps, 'thing')}`);
        break;
      case 'starting':
        break;
      case 'changing': {
        const { id, kind, subject, action } = event.change;
        begin(id, `${kind} ${subject}`, event.at);
        say(event.at, `${symbols.later} ${kind} ${subject}  ${action === 'update' ? 'updating' : 'creating'}`);
        break;
      }
      case 'waiting': {
        const { id, kind, subject } = event.change;
        const name = kind === 'proof' ? `proof: ${subject}` : `${kind} ${subject}`;
        if (!running.has(id)) begin(id, name, event.at);
        const known = running.get(id);
        if (!known || known.reason === event.reason) break;
        known.reason = event.reason;
        say(event.at, `${symbols.later} ${name}  waiting: ${event.reason}`);
        break;
      }
      case 'ended': {
        const { result, at } = event;
        running.delete(result.change.id);
        if (!isNews(result, verbose)) break;
        const { symbol, tone, word } = markOf(result.outcome, symbols);
        const reason = symbol === symbols.good ? '' : reasonOf(result);
        const name = ` ${result.change.kind} ${result.change.subject}`;
        const took = result.seconds > 0 ? `  ${duration(result.seconds)}` : '';
        say(at, span(symbol, tone), name, `  ${word}${reason ? `: ${reason}` : ''}${took}`);
        break;
      }
      case 'proving':
        begin(event.id, `proof: ${event.title}`, event.at);
        say(event.at, `${symbols.later} proof: ${event.title}`);
        break;
      case 'proved': {
        const { proof, at } = event;
        running.delete(proof.id);
        const { symbol, tone, word } = markOf(proof.outcome, symbols);
        const reason = symbol === symbols.good ? '' : reasonOf(proof);
        say(
          at,
          span(symbol, tone),
          ` proof: ${proof.title}`,
          `  ${word}${reason ? `: ${reason}` : ''}  ${duration(proof.seconds)}`,
        );
        break;
      }
    }
  };
  return { tell, pause: () => undefined, close: stop };
}
