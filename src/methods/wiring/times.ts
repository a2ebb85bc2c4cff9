import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { list, record, text } from './shape.ts';

/** When a container of the pod began to run, by its own status; undefined while it does not. */
export function startOf({ status }: KubernetesObject, container: string): Date | undefined {
  const { containerStatuses, initContainerStatuses } = record(status);
  const found = [...list(containerStatuses), ...list(initContainerStatuses)].map(record);
  const state = record(found.find(({ name }) => name === container)?.state);
  const started = text(record(state.running).startedAt);
  return started === undefined ? undefined : new Date(started);
}

/** When one of these top-level fields was last written, by the records of its managers; else when it was made. */
export function fieldsWrittenAt({ metadata }: KubernetesObject, fields: readonly string[]): Date {
  const times = (metadata.managedFields ?? []).flatMap(({ fieldsV1, time, subresource }) =>
    time && !subresource && fields.some((field) => `f:${field}` in record(fieldsV1)) ? [Date.parse(time)] : [],
  );
  return new Date(times.length > 0 ? Math.max(...times) : (metadata.creationTimestamp ?? 0));
}

/** A time for a person, to the second. */
export const clockOf = (date: Date): string =>
  Number.isNaN(date.getTime()) ? '?' : `${date.toISOString().slice(0, 19)}Z`;
