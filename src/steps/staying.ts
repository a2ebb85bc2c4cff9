import type { Removal } from '../step.ts';

/** What a removal comes to where there is nothing, and where it stays. */
export const ABSENT: Removal = { state: 'absent' };
export const staying = (note: string, run?: string): Removal => ({
  state: 'leave',
  note,
  ...(run !== undefined && { run }),
});

/** Workloads of the same file that stay live by it. */
export const serving = (others: readonly string[]): string => {
  const named = others.length > 3 ? [...others.slice(0, 2), `${others.length - 2} more`] : others;
  const list = named.length > 1 ? `${named.slice(0, -1).join(', ')} and ${named.at(-1)}` : named.join('');
  return `also serves ${list}, which ${others.length > 1 ? 'stay' : 'stays'}`;
};

export const NOT_OURS = 'not made by aks-secrets for this workload';
