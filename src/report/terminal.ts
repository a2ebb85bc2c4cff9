import type { Change, Event, Proof, Result } from '../engine/events.ts';
import type { Mark, ProgressOptions } from './progress.ts';
import { isNews, markOf, reasonOf } from './progress.ts';
import type { Progress } from './reporter.ts';
import type { Line, Tone } from './text.ts';
import { columns, duration, line, pad, span, wrap } from './text.ts';

/** Milliseconds between two drawings. */
const FRAME = 100;
/** Rows of things that have not begun; more are counted. */
const PENDING = 4;

interface Running {
  readonly name: string;
  readonly since: number;
  readonly doing: string;
  reason: string;
}

const CURSOR_UP = (rows: number) => `\u001b[${rows}A`;
const CLEAR_BELOW = '\r\u001b[J';

/**
 * For people who watch: what runs is a block at the bottom that is drawn anew, what is done scrolls away above it.
 * Needs nothing of the terminal but "cursor up" and "clear below".
 */
export function liveProgress(options: ProgressOptions & { width(): number }): Progress {
  const { write, paint, symbols, clock, verbose } = options;
  const running = new Map<string, Running>();
  let waiting: readonly Change[] = [];
  let after: ReadonlyMap<string, readonly string[]> = new Map();
  let names = new Map<string, string>();
  let looking = 0;
  let drawn = 0;
  let frame = 0;
  let stop: (() => void) | undefined;

  /** The terminal's width less one: a full last column makes some terminals wrap. */
  const room = () => Math.max(20, options.width() - 1);
  const erase = () => {
    if (drawn > 0) write(`${CURSOR_UP(drawn)}${CLEAR_BELOW}`);
    drawn = 0;
  };
  const row = (symbol: string, tone: Tone | undefined, name: string, text: string, right: string): Line[] =>
    rowOf({ symbol, tone, name, text, right }, room());

  const block = (): Line[] => {
    const now = clock.now().getTime();
    const spinner = symbols.spinner[frame % symbols.spinner.length] ?? '';
    const rows = [...running.values()].flatMap(({ name, since, doing, reason }) =>
      row(spinner, 'strong', name, reason ? `waiting: ${reason}` : doing, duration(Math.max(0, now - since) / 1000)),
    );
    const open = waiting.filter(({ id }) => !running.has(id));
    const shown = open.slice(0, PENDING).flatMap(({ id, kind, subject }) => {
      const before = (after.get(id) ?? []).find((other) => names.has(other) && other !== id);
      return row(symbols.later, 'dim', `${kind} ${subject}`, before ? `after ${names.get(before)}` : '', '');
    });
    const more = open.length > PENDING ? [line(`    and ${open.length - PENDING} more`)] : [];
    const look = looking > 0 ? [line(`  ${spinner} looking at ${looking} things`)] : [];
    return [...look, ...rows, ...shown, ...more];
  };
  const draw = () => {
    const lines = block().map((one) => cut(one, room()));
    erase();
    if (lines.length > 0) write(`${lines.map(paint).join('\n')}\n`);
    drawn = lines.length;
  };
  const above = (lines: readonly Line[]) => {
    erase();
    write(`${lines.map(paint).join('\n')}\n`);
  };
  const begin = (id: string, name: string, doing: string, at: Date) => {
    running.set(id, { name, since: at.getTime(), doing, reason: '' });
  };
  const ended = (name: string, mark: Mark, end: Result | Proof) => {
    const good = mark.symbol === symbols.good;
    const text = good ? mark.word : [mark.word, reasonOf(end)].filter(Boolean).join(': ');
    above(row(mark.symbol, mark.tone, name, text, end.seconds > 0 ? duration(end.seconds) : ''));
  };

  const tell = (event: Event): void => {
    switch (event.type) {
      case 'observing':
        looking = event.steps;
        break;
      case 'starting':
        looking = 0;
        after = event.after;
        waiting = event.plan.changes.filter(({ action }) => action !== 'keep' && action !== 'blocked');
        names = new Map(waiting.map(({ id, kind }) => [id, kind]));
        break;
      case 'changing': {
        const { id, kind, subject, action } = event.change;
        begin(id, `${kind} ${subject}`, action === 'update' ? 'updating' : 'creating', event.at);
        break;
      }
      case 'waiting': {
        const { id, kind, subject } = event.change;
        if (!running.has(id)) begin(id, `${kind} ${subject}`, '', event.at);
        const one = running.get(id);
        if (one) one.reason = event.reason;
        break;
      }
      case 'ended': {
        const { change, outcome } = event.result;
        running.delete(change.id);
        names.delete(change.id);
        waiting = waiting.filter(({ id }) => id !== change.id);
        if (isNews(event.result, verbose))
          ended(`${change.kind} ${change.subject}`, markOf(outcome, symbols), event.result);
        break;
      }
      case 'proving':
        begin(event.id, `proof ${event.title}`, 'asking', event.at);
        break;
      case 'proved':
        running.delete(event.proof.id);
        ended(`proof ${event.proof.title}`, markOf(event.proof.outcome, symbols), event.proof);
        break;
    }
    stop ??= options.ticker(FRAME, () => {
      frame++;
      draw();
    });
    draw();
  };
  const rest = () => {
    looking = 0;
    erase();
    stop?.();
    stop = undefined;
  };
  return { tell, pause: rest, close: rest };
}

interface Row {
  readonly symbol: string;
  readonly tone: Tone | undefined;
  readonly name: string;
  readonly text: string;
  readonly right: string;
}

/** Symbol, name, text and elapsed time in columns; name and text go on below when they are long. */
function rowOf({ symbol, tone, name, text, right }: Row, width: number): Line[] {
  const end = 8;
  const inner = Math.max(16, width - 4 - end - 2);
  const left = Math.max(8, Math.floor(inner * 0.5));
  const nameRows = wrap(name, left);
  const textRows = wrap(text, Math.max(8, inner - left - 1));
  const rows = Math.max(1, nameRows.length, textRows.length);
  return Array.from({ length: rows }, (_, index) => {
    const first = index === 0;
    return line(
      '  ',
      span(first ? symbol : ' '.repeat(columns(symbol)), first ? tone : undefined),
      ' ',
      pad(nameRows[index] ?? '', left),
      ' ',
      pad(textRows[index] ?? '', first && right ? inner - left : 0),
      first && right ? `  ${right}` : '',
    );
  });
}

/** A drawn row must take one row of the screen, or the next drawing would not find its beginning. */
function cut(row: Line, width: number): Line {
  let left = width;
  return row.map((piece) => {
    const text = [...piece.text].slice(0, Math.max(0, left)).join('');
    left -= columns(text);
    return { ...piece, text };
  });
}
