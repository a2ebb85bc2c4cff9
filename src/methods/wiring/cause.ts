import { find, type Row } from '../../failures/index.ts';

/** What of the catalogue words show, and the words that show it. */
export interface Cause {
  readonly row: Row;
  readonly said: string;
}

/**
 * The cause in what was said, newest first: root before what it brings with it, and what only reports another comes last.
 * Failures in `but` were asked for already and are not it.
 */
export function causeIn(said: readonly string[], but: readonly string[] = []): Cause | undefined {
  const found = said.flatMap((words) =>
    find(words)
      .filter(({ row, strength }) => strength !== 'vague' && !but.includes(row.id))
      .map(({ row, from, to }) => ({ row, said: around(words, from, to) })),
  );
  return found.find(({ row }) => !row.wraps) ?? found[0];
}

/** What the script of our samples says of a failed request: to whom, and the status or the network's code. */
const FAILED = /^failed (\S+) (\d{3}|E[A-Z_]+|UND_ERR_\w+|\w*Error)\b.*$/m;

/** What the log of our sample shows where no service said a code: who was asked, and what became of it. */
export function causeInSample(log: string): { readonly failure: string; readonly said: string } | undefined {
  const [said, what, code = ''] = FAILED.exec(log) ?? [];
  if (said === undefined) return undefined;
  // The workload's own token is taken by the vault: one that is not is for something else.
  if (code === '401' && what !== 'exchange') return { failure: 'F143', said };
  if (/^\d/.test(code)) return undefined;
  if (what === 'exchange') return { failure: 'F066', said };
  return { failure: /^(ENOTFOUND|EAI_AGAIN)$/.test(code) ? 'F075' : 'F076', said };
}

/** Characters that are shown before and after what tells. */
const BEFORE = 100;
const AFTER = 160;

function around(words: string, from: number, to: number): string {
  const start = Math.max(0, from - BEFORE);
  const end = Math.min(words.length, to + AFTER);
  const line = words
    .slice(start, end)
    .replace(/\\[rn]/g, ' ')
    .replace(/-{4,}/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return `${start > 0 ? '... ' : ''}${line}${end < words.length ? ' ...' : ''}`;
}

/** A message for one line: its end says most, since each layer puts its own words before. */
export function shortened(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  return line.length <= 240 ? line : `... ${line.slice(-236)}`;
}
