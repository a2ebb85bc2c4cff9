import type { Change, Event, Proof, Result } from '../engine/events.ts';
import type { Mark, ProgressOptions } from './progress.ts';
import { doingOf, isNews, markOf } from './progress.ts';
import type { Progress } from './reporter.ts';
import type { Line, Tone } from './text.ts';
import { columns, duration, head, line, pad, span, wrap } from './text.ts';
import { briefly, nameOf, proofName, reasonOf, shortName, tookOf } from './words.ts';

/** Milliseconds between two drawings. */
const FRAME = 100;
/** Rows of things that have not begun; more are counted. */
const PENDING = 4;
/** Columns for a name: that of a proof, which no plan has, is often the longest. */
const NAME = 46;
/** Symbol with its margin, the longest word (`not reached`), the longest time (`59m 59s`), and what lies between. */
const MARGIN = 4;
const WORD = 11;
const TIME = 7;
const GAP = 2;

interface Running {
  readonly name: string;
  readonly since: number;
  readonly doing: string;
  reason: string;
}

const CURSOR_UP = (rows: number) => `\u001b[${rows}A`;
const CLEAR_LINE = '\u001b[K';

/**
 * For people who watch: what runs is a block at the bottom that is drawn anew, what is done scrolls away above it.
 * Every drawing is one write that goes over the old rows, so nothing flickers. Needs nothing of the terminal but "cursor
 * up" and "clear to the end of the line"; the cursor is never hidden, so there is nothing to undo when we are killed.
 */
export function liveProgress(options: ProgressOptions & { width(): number }): Progress {
  const { write, paint, symbols, clock, verbose } = options;
  const running = new Map<string, Running>();
  let waiting: readonly Change[] = [];
  let after: ReadonlyMap<string, readonly string[]> = new Map();
  let names = new Map<string, string>();
  let longest = 0;
  let looking = 0;
  let drawn = 0;
  let frame = 0;
  let stop: (() => void) | undefined;

  /** The terminal's width less one: a full last column makes some terminals wrap. */
  const room = () => Math.max(20, options.width() - 1);
  const nameWidth = () => Math.max(12, Math.min(Math.max(longest, NAME), room() - MARGIN - GAP - WORD - GAP - TIME));

  const rows = (
    symbol: string,
    tone: Tone | undefined,
    name: string,
    text: string,
    right: string,
    reason = '',
  ): Line[] => rowsOf({ symbol, tone, name, text, right, reason }, nameWidth(), room());

  const block = (): Line[] => {
    const now = clock.now().getTime();
    const spinner = symbols.spinner[frame % symbols.spinner.length] ?? '';
    const active = [...running.values()].flatMap(({ name, since, doing, reason }) =>
      rows(spinner, 'strong', name, reason ? 'waiting' : doing, duration(Math.max(0, now - since) / 1000), reason),
    );
    const open = waiting.filter(({ id }) => !running.has(id));
    const shown = open.slice(0, PENDING).flatMap((change) => {
      const before = (after.get(change.id) ?? []).find((other) => names.has(other) && other !== change.id);
      return rows(symbols.later, 'dim', nameOf(change), before ? `after ${names.get(before)}` : '', '');
    });
    const more = open.length > PENDING ? [line(`    and ${open.length - PENDING} more`)] : [];
    const look = looking > 0 ? [line(`  ${spinner} looking at ${looking} things`)] : [];
    return [...look, ...active, ...shown, ...more];
  };
  /** One write: lines that stay, then the block, over whatever was drawn before. */
  const draw = (above: readonly Line[], below: readonly Line[]) => {
    const cutBelow = below.map((one) => cut(one, room()));
    const lines = [...above, ...cutBelow];
    const left = Math.max(0, drawn - lines.length);
    const text = lines.map((one) => `${paint(one)}${CLEAR_LINE}\n`).join('');
    // Rows that are not needed any more are emptied, and the cursor goes back above them.
    const emptied = left > 0 ? `${`${CLEAR_LINE}\n`.repeat(left)}${CURSOR_UP(left)}` : '';
    if (drawn > 0 || lines.length > 0) {
      write(`${drawn > 0 ? `\r${CURSOR_UP(drawn)}` : ''}${text}${emptied}${CLEAR_LINE}`);
    }
    drawn = cutBelow.length;
  };
  const begin = (id: string, name: string, doing: string, at: Date) => {
    running.set(id, { name, since: at.getTime(), doing, reason: '' });
  };
  const ended = (name: string, mark: Mark, { seconds, ...why }: Result | Proof): Line[] => {
    const reason = mark.symbol === symbols.good ? '' : reasonOf(why);
    return rows(mark.symbol, mark.tone, name, mark.word, tookOf(seconds), reason);
  };

  /** Takes note of what happened, and answers the lines that stay. */
  const heard = (event: Event): Line[] => {
    switch (event.type) {
      case 'observing':
        looking = event.steps;
        return [];
      case 'starting':
        looking = 0;
        after = event.after;
        waiting = event.plan.changes.filter(({ action }) => !['keep', 'leave', 'blocked'].includes(action));
        names = new Map(waiting.map(({ id, kind }) => [id, kind]));
        longest = Math.max(0, ...waiting.map((change) => columns(nameOf(change))));
        return [];
      case 'changing': {
        const { id, action } = event.change;
        begin(id, nameOf(event.change), doingOf(action), event.at);
        return [];
      }
      case 'waiting': {
        const { id } = event.change;
        if (!running.has(id)) begin(id, nameOf(event.change), '', event.at);
        const one = running.get(id);
        if (one) one.reason = event.reason;
        return [];
      }
      case 'ended': {
        const { change, outcome } = event.result;
        running.delete(change.id);
        names.delete(change.id);
        waiting = waiting.filter(({ id }) => id !== change.id);
        return isNews(event.result, verbose) ? ended(nameOf(change), markOf(outcome, symbols), event.result) : [];
      }
      case 'proving':
        begin(event.id, proofName(event), 'checking', event.at);
        return [];
      case 'proved':
        running.delete(event.proof.id);
        return ended(proofName(event.proof), markOf(event.proof.outcome, symbols), event.proof);
    }
  };
  const tell = (event: Event): void => {
    const above = heard(event);
    stop ??= options.ticker(FRAME, () => {
      frame++;
      draw([], block());
    });
    draw(above, block());
  };
  const rest = () => {
    looking = 0;
    draw([], []);
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
  /** Why it waits or failed: below, on one row. */
  readonly reason: string;
}

/** Symbol, name, text and elapsed time in columns; a long name goes on below. */
function rowsOf({ symbol, tone, name, text, right, reason }: Row, left: number, width: number): Line[] {
  const [first = '', ...more] = wrap(shortName(name, left), left);
  const indent = ' '.repeat(MARGIN);
  const time = right === '' ? '' : `${' '.repeat(GAP)}${right}`;
  return [
    line('  ', span(symbol, tone), ' ', pad(first, left), ' '.repeat(GAP), right ? pad(text, WORD) : text, time),
    ...more.map((row) => line(indent, row)),
    ...(reason === '' ? [] : [line(indent, '  ', span(briefly(reason, name, width - MARGIN - 2), 'dim'))]),
  ];
}

/** A drawn row must take one row of the screen, or the next drawing would not find its beginning. */
function cut(row: Line, width: number): Line {
  let left = width;
  return row.map((piece) => {
    const text = head(piece.text, Math.max(0, left));
    left -= columns(text);
    return { ...piece, text };
  });
}
