import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { admitPod } from './admission/index.ts';
import { afterUpdate, applyTo, sameObject, type Writer } from './apply/managers.ts';
import { withDefaults } from './defaults.ts';
import { admitOperatorKind } from './external-secrets/webhook.ts';
import { type Kind, kindNamed, kindOf, kindsIn, storedApiVersionOf } from './kinds.ts';
import { equal, type Pod, type Resource } from './model.ts';
import { suffix } from './random-names.ts';
import type { Schemas } from './schema.ts';
import { alreadyExists, badRequest, forbidden, notFound, qualified, refuse } from './status.ts';
import type { Store } from './store.ts';
import { defaulted } from './structural.ts';
import { validate } from './validate.ts';

/** How a write is made, and in whose name. */
interface Write {
  readonly manager: string;
  readonly subresource?: 'status' | undefined;
  readonly dryRun?: boolean;
}
interface ApplyWrite extends Write {
  readonly force: boolean;
}
interface Deletion {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly orphan?: boolean;
  readonly dryRun?: boolean;
}

/** All writes of objects, by clients and by controllers alike. What it returns is not to be changed. */
export interface Registry {
  create(kind: Kind, object: Resource, write: Write): Resource;
  /** Replaces the object. A resource version in it must be the current one. */
  update(kind: Kind, object: Resource, write: Write): Resource;
  /** Server-side apply; says whether it created. */
  apply(kind: Kind, applied: Resource, write: ApplyWrite): { object: Resource; created: boolean };
  remove(kind: Kind, namespace: string | undefined, name: string, deletion?: Deletion): Resource;
  /** For controllers: changes a copy of what is stored now; nothing is written when nothing differs or it is gone. */
  edit<T extends Resource>(
    object: T,
    manager: string,
    change: (copy: T) => void,
    subresource?: 'status',
  ): T | undefined;
  /** The object as it is now. */
  current<T extends Resource>(object: T): T | undefined;
}

export function createRegistry(store: Store, schemas: Schemas, clock: Clock, tenantId: string): Registry {
  const time = () =>
    clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z');
  const writerOf = (write: Write): Writer => ({
    manager: write.manager,
    subresource: write.subresource,
    time: time(),
  });

  const mustHaveNamespace = (kind: Kind, namespace: string | undefined, name: string) => {
    if (!kind.namespaced) return;
    const namespaces = kindNamed('Namespace');
    const found = namespace ? store.get(namespaces, undefined, namespace) : undefined;
    if (!namespace || !found) throw notFound(namespaces, namespace ?? '');
    if (found.metadata.deletionTimestamp) {
      throw forbidden(
        kind,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  };

  /** The rest of a write, once it is known what the object shall be. */
  const finish = (
    kind: Kind,
    live: Resource | undefined,
    wanted: Resource,
    write: Write,
    owners?: Resource['metadata']['managedFields'],
  ): Resource => {
    const metadata = {
      ...wanted.metadata,
      uid: live?.metadata.uid ?? randomUUID(),
      creationTimestamp: live?.metadata.creationTimestamp ?? time(),
      ...(live?.metadata.deletionTimestamp && { deletionTimestamp: live.metadata.deletionTimestamp }),
    };
    if (kind.namespaced && wanted.metadata.namespace) metadata.namespace = wanted.metadata.namespace;
    const apiVersion = storedApiVersionOf(kind);
    let next = withDefaults({ ...wanted, apiVersion, kind: kind.kind, metadata });
    // By the version of the request, and by that of the store.
    for (const schema of [kind.openApi, kind.stored?.openApi]) {
      if (schema) next = defaulted(next, schema) as Resource;
    }
    if (!live && next.kind === 'Pod') next = admitPod(store, next as Pod, tenantId, clock.now());
    validate(kind, next, live);
    if (!write.subresource) admitOperatorKind(store, kind, next, clock.now());
    const spec = (object: Resource | undefined) => ({ ...object, metadata: undefined, status: undefined });
    if (kind.status && kind.kind !== 'Pod' && kind.kind !== 'Namespace') {
      const before = live?.metadata.generation ?? 0;
      next.metadata.generation = live && equal(spec(live), spec(next)) ? before : before + 1;
    }
    next.metadata.managedFields = owners ?? afterUpdate(live, next, schemas.of(kind), writerOf(write));
    if (live) next.metadata.resourceVersion = live.metadata.resourceVersion ?? '';
    if (live && sameObject(live, next)) return live;
    if (write.dryRun) return next;
    // The last who held it has let it go.
    const isLetGo = next.metadata.deletionTimestamp && (next.metadata.finalizers ?? []).length === 0;
    if (live && isLetGo && kind.kind !== 'Pod' && kind.kind !== 'Namespace') {
      store.remove(kind, live);
      return next;
    }
    return store.put(kind, next);
  };

  const registry: Registry = {
    create(kind, object, write) {
      mustHaveNamespace(kind, object.metadata.namespace, object.metadata.name);
      if (object.metadata.resourceVersion)
        throw badRequest('resourceVersion should not be set on objects to be created');
      const name = object.metadata.name || nameFrom(object.metadata.generateName);
      if (!name) {
        throw refuse(
          422,
          'Invalid',
          `${kind.kind} "" is invalid: metadata.name: Required value: name or generateName is required`,
        );
      }
      if (store.get(kind, object.metadata.namespace, name)) throw alreadyExists(kind, name);
      const metadata = { ...object.metadata, name };
      // The webhook hashes what a pod is called before its generated name is known.
      const wanted: Resource = { ...object, metadata };
      if (kind.status && object.kind !== 'Namespace') delete wanted.status;
      return finish(kind, undefined, wanted, write);
    },

    update(kind, object, write) {
      const { namespace, name, resourceVersion, uid } = object.metadata;
      const live = store.get(kind, namespace, name);
      if (!live) throw notFound(kind, name);
      if (uid && uid !== live.metadata.uid) throw preconditionFailed(kind, name, 'UID', uid, live.metadata.uid);
      if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw outdated(kind, name);
      const managedFields = live.metadata.managedFields;
      const wanted: Resource =
        write.subresource === 'status'
          ? { ...live, status: object.status }
          : { ...object, metadata: { ...object.metadata, ...(managedFields && { managedFields }) } };
      if (write.subresource !== 'status' && kind.status) {
        if (live.status === undefined) delete wanted.status;
        else wanted.status = live.status;
      }
      return finish(kind, live, wanted, write);
    },

    apply(kind, applied, write) {
      const { namespace, name, uid, resourceVersion } = applied.metadata;
      if (!store.get(kind, namespace, name)) mustHaveNamespace(kind, namespace, name);
      const live = store.get(kind, namespace, name);
      const config = structuredClone(applied);
      delete config.metadata.managedFields;
      if (kind.status && write.subresource !== 'status') delete config.status;
      if (!live) {
        if (uid) throw outdated(kind, name);
        const empty: Resource = { apiVersion: config.apiVersion, kind: config.kind, metadata: { name } };
        const fresh = applyTo(empty, config, schemas.of(kind), writerOf(write), write.force);
        return { object: finish(kind, undefined, fresh.object, write, fresh.managedFields), created: true };
      }
      if (uid && uid !== live.metadata.uid) throw preconditionFailed(kind, name, 'UID', uid, live.metadata.uid);
      if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw outdated(kind, name);
      const { object, managedFields } = applyTo(live, config, schemas.of(kind), writerOf(write), write.force);
      return { object: finish(kind, live, object, write, managedFields), created: false };
    },

    remove(kind, namespace, name, deletion = {}) {
      const live = store.get(kind, namespace, name);
      if (!live) throw notFound(kind, name);
      if (deletion.uid && deletion.uid !== live.metadata.uid) {
        throw preconditionFailed(kind, name, 'UID', deletion.uid, live.metadata.uid);
      }
      if (deletion.resourceVersion && deletion.resourceVersion !== live.metadata.resourceVersion) {
        throw preconditionFailed(
          kind,
          name,
          'ResourceVersion',
          deletion.resourceVersion,
          live.metadata.resourceVersion,
        );
      }
      if (deletion.dryRun) return live;
      if (deletion.orphan) orphan(live);
      const namespaced = kind.kind === 'Namespace';
      if (namespaced && ['default', 'kube-system', 'kube-public'].includes(name)) {
        throw forbidden(kind, name, 'this namespace may not be deleted');
      }
      const held = namespaced || (live.metadata.finalizers ?? []).length > 0;
      // The kubelet takes pods away once their processes have ended, the controller a namespace once it is empty;
      // whoever set a finalizer takes it away first.
      if (held || (kind.kind === 'Pod' && (live as Pod).spec.nodeName)) {
        if (live.metadata.deletionTimestamp) return live;
        const metadata = {
          ...live.metadata,
          deletionTimestamp: time(),
          deletionGracePeriodSeconds: kind.kind === 'Pod' ? 30 : 0,
        };
        return store.put(kind, { ...live, metadata, ...(namespaced && { status: { phase: 'Terminating' } }) });
      }
      store.remove(kind, live);
      return live;
    },

    edit(object, manager, change, subresource) {
      const kind = kindOf(store, object);
      const live = registry.current(object);
      if (!kind || !live) return undefined;
      const copy = structuredClone(live);
      change(copy);
      return registry.update(kind, copy, { manager, subresource }) as typeof object;
    },

    current(object) {
      const kind = kindOf(store, object);
      const live = kind && store.get(kind, object.metadata.namespace, object.metadata.name);
      return live && live.metadata.uid === object.metadata.uid ? (live as typeof object) : undefined;
    },
  };

  const orphan = (owner: Resource) => {
    for (const kind of kindsIn(store)) {
      for (const object of store.list(kind)) {
        const owners = object.metadata.ownerReferences ?? [];
        if (!owners.some((each) => each.uid === owner.metadata.uid)) continue;
        const left = owners.filter((each) => each.uid !== owner.metadata.uid);
        store.put(kind, { ...object, metadata: { ...object.metadata, ownerReferences: left } });
      }
    }
  };
  return registry;
}

function nameFrom(prefix: string | undefined): string {
  return prefix ? `${prefix.slice(0, 248)}${suffix()}` : '';
}

function outdated(kind: Kind, name: string) {
  return refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(kind)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    { name, ...(kind.group && { group: kind.group }), kind: kind.plural },
  );
}

function preconditionFailed(kind: Kind, name: string, what: string, given: string, is: string | undefined) {
  return refuse(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(kind)} "${name}": Precondition failed: ${what} in precondition: ${given}, ${what} in object meta: ${is}`,
    { name, ...(kind.group && { group: kind.group }), kind: kind.plural },
  );
}
