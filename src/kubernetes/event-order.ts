import type { KubernetesObject } from './kubernetes.ts';

/** Those fields of an Event that say when it was seen last. */
interface Dated extends KubernetesObject {
  readonly lastTimestamp?: unknown;
  readonly eventTime?: unknown;
  readonly series?: unknown;
}

/** When an event was seen last, milliseconds; 0 where it does not say. */
export function seenAt({ lastTimestamp, series, eventTime, metadata }: Dated): number {
  const { lastObservedTime } = (series ?? {}) as { readonly lastObservedTime?: unknown };
  const said = lastTimestamp ?? lastObservedTime ?? eventTime ?? metadata.creationTimestamp;
  return Date.parse(String(said)) || 0;
}

/**
 * Events, newest first. Their times are whole seconds, and within one a program may say several things: of these the one
 * that was written last is the newest.
 */
export const newestFirst = <T extends Dated>(events: readonly T[]): readonly T[] =>
  events.toSorted((a, b) => seenAt(b) - seenAt(a) || versionOf(b) - versionOf(a));

/** Versions of one kind grow, and may be compared (Kubernetes 1.35). */
const versionOf = ({ metadata }: KubernetesObject): number => Number(metadata.resourceVersion) || 0;
