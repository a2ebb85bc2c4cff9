import type { Condition } from '../model.ts';

/** Sets a condition; its times move only when its status or its words do. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  wanted: Omit<Condition, 'lastTransitionTime' | 'lastUpdateTime'>,
  now: Date,
  updates = false,
): Condition[] {
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const all = conditions ?? [];
  const known = all.find((condition) => condition.type === wanted.type);
  const same = known && known.status === wanted.status;
  const unchanged = same && known.reason === wanted.reason && known.message === wanted.message;
  if (unchanged) return [...all];
  const fresh: Condition = {
    ...wanted,
    lastTransitionTime: same ? (known.lastTransitionTime ?? time) : time,
    ...(updates && { lastUpdateTime: time }),
  };
  return known ? all.map((condition) => (condition === known ? fresh : condition)) : [...all, fresh];
}
