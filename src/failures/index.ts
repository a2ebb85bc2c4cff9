import type { Problem } from '../trouble.ts';
import { AZURE } from './azure.ts';
import { CLUSTER } from './cluster.ts';
import { ENTRA } from './entra.ts';
import type { Row } from './row.ts';
import { VAULT } from './vault.ts';

export type { Row } from './row.ts';

/** The catalogue: within a file the more particular row comes first. */
export const ROWS: readonly Row[] = [...CLUSTER, ...ENTRA, ...VAULT, ...AZURE];

/** The row of that id. */
export const rowOf = (id: string): Row | undefined => ROWS.find((row) => row.id === id);

/** What to look at in a failure: the stable code, and what was said. */
export interface Symptom {
  readonly code?: string | undefined;
  readonly text: string;
}

/** The row that fits best: code and text before the code alone, and that before text alone. */
export function match({ code, text }: Symptom): Row | undefined {
  let best: { readonly row: Row; readonly rank: number } | undefined;
  for (const row of ROWS) {
    const rank = rankOf(row, code, text);
    if (rank > (best?.rank ?? 0)) best = { row, rank };
  }
  return best?.row;
}

/** Cause and fix of a problem, if the catalogue has it. */
export function explain(problem: Problem): Row | undefined {
  const { said, message, resource } = problem;
  return match({ code: said?.code, text: `${resource}\n${message}\n${said?.message ?? ''}` });
}

function rankOf({ match: { codes, text } }: Row, code: string | undefined, said: string): number {
  const fits = text?.test(said) ?? false;
  if (codes) {
    if (code === undefined || !codes.includes(code) || (text && !fits)) return 0;
    return text ? 3 : 2;
  }
  return fits ? 1 : 0;
}
