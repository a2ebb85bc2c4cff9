import type { Resource } from '../model.ts';

/** The key under which the queue works on an object. */
export const keyFor = (kind: string, object: Pick<Resource, 'metadata'>): string =>
  `${kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
