import type { Reply } from '../parts.ts';
import { apiVersionOf, type Kind, shownAs } from './kinds.ts';
import type { Resource } from './model.ts';
import { statusReply } from './status.ts';
import type { Change, Store } from './store.ts';
import { tableOf } from './table.ts';

export interface Selection {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly fits: (object: Resource) => boolean;
}

export function listReply(store: Store, selection: Selection): Reply {
  const { kind, namespace, fits } = selection;
  const items = store
    .list(kind, namespace)
    .filter(fits)
    .map(({ apiVersion: _version, kind: _kind, ...rest }) => rest);
  return {
    status: 200,
    body: {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: { resourceVersion: String(store.version()) },
      items,
    },
  };
}

/**
 * Streams what changes, one JSON object per line. Without a resource version it begins with all that is there; from one
 * too old to be remembered it says 410 Gone, as etcd's compaction makes the real one do.
 */
export function watchReply(
  store: Store,
  selection: Selection,
  query: URLSearchParams,
  /** Objects come as rows of a table; says when it is, for their ages. */
  table?: () => Date,
): Reply {
  const { kind, namespace, fits } = selection;
  const from = query.get('resourceVersion') ?? '';
  const timeout = Number(query.get('timeoutSeconds') ?? 0);
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    async stream(write, gone) {
      const line = (type: string, object: unknown) => write(`${JSON.stringify({ type, object })}\n`);
      const send = (type: string, object: Resource) =>
        line(type, table ? tableOf(kind, [object], table(), object.metadata.resourceVersion) : shownAs(kind, object));
      const concerns = (change: Change) =>
        change.kind.group === kind.group &&
        change.kind.plural === kind.plural &&
        (namespace === undefined || change.object.metadata.namespace === namespace);
      const shown = new Set<string>();
      const pass = (change: Change) => {
        if (!concerns(change)) return;
        const { object } = change;
        const uid = object.metadata.uid ?? '';
        const visible = change.type !== 'DELETED' && fits(object);
        if (visible) {
          send(change.type === 'ADDED' || (selective && !shown.has(uid)) ? 'ADDED' : 'MODIFIED', object);
          shown.add(uid);
        } else if (shown.has(uid) || (change.type === 'DELETED' && fits(object))) {
          send('DELETED', object);
          shown.delete(uid);
        }
      };
      const selective = query.has('fieldSelector') || query.has('labelSelector');

      if (from === '' || from === '0') {
        for (const object of store.list(kind, namespace).filter(fits)) {
          send('ADDED', object);
          shown.add(object.metadata.uid ?? '');
        }
      } else {
        const missed = store.since(Number(from));
        if (!missed) {
          line('ERROR', statusReply(410, 'Expired', `too old resource version: ${from} (${store.version()})`).body);
          return;
        }
        for (const object of store.list(kind, namespace).filter(fits)) {
          if (Number(object.metadata.resourceVersion) <= Number(from)) shown.add(object.metadata.uid ?? '');
        }
        for (const change of missed) pass(change);
      }
      await new Promise<void>((resolve) => {
        const end = () => {
          stop();
          clearTimeout(timer);
          resolve();
        };
        const stop = store.subscribe(pass);
        // Real time: it bounds how long a connection is held, nothing of the simulated world hangs on it.
        const timer = timeout > 0 ? setTimeout(end, timeout * 1000).unref() : undefined;
        if (gone.aborted) end();
        else gone.addEventListener('abort', end, { once: true });
      });
    },
  };
}
