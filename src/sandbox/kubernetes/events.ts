import { createHash } from 'node:crypto';
import { kindNamed } from './kinds.ts';
import type { Resource } from './model.ts';
import type { Registry } from './registry.ts';
import type { Store } from './store.ts';

export type Note = (
  about: Resource,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  component: string,
) => void;

/** Records events; the same about the same object is counted, not repeated. */
export function createEvents(store: Store, registry: Registry, now: () => Date): Note {
  return (about, type, reason, message, component) => {
    const namespace = about.metadata.namespace ?? 'default';
    const kind = kindNamed('Event');
    // An object that is going away takes no new notes, nor does a namespace that is.
    if (!store.get(kindNamed('Namespace'), undefined, namespace)) return;
    const time = now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
    const hash = createHash('sha256').update(`${about.metadata.uid}${type}${reason}${message}`).digest('hex');
    const name = `${about.metadata.name}.${hash.slice(0, 16)}`;
    const known = store.get(kind, namespace, name);
    if (known) {
      const count = ((known.count as number | undefined) ?? 1) + 1;
      registry.update(kind, { ...known, count, lastTimestamp: time }, { manager: component });
      return;
    }
    const event: Resource = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        ...(about.metadata.namespace && { namespace: about.metadata.namespace }),
        uid: about.metadata.uid,
        resourceVersion: about.metadata.resourceVersion,
      },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component },
      reportingComponent: component,
    };
    registry.create(kind, event, { manager: component });
  };
}
