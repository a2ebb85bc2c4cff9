/* Spans of time as Go reads and writes them. */
const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A span (`1h30m`); 0 for none, and for what is no span. */
export const milliseconds = (span: string): number =>
  [...span.matchAll(/(?<![\d.])(\d+(?:\.\d*)?)(ms|h|m|s)/g)].reduce(
    (total, [, count, unit]) => total + Number(count) * (UNITS[unit ?? ''] ?? 0),
    0,
  );

/**
 * The one form in which Go writes a span of whole seconds (`1h` as `1h0m0s`). An operator that writes an object back
 * writes it so, and a field that it has changed is its own from then on.
 */
export function asGoWrites(span: string): string {
  const seconds = Math.round(milliseconds(span) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
