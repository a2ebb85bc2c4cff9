import type { Cluster } from '../cluster.ts';
import { keyFor } from '../controllers/keys.ts';
import { kindsIn } from '../kinds.ts';
import type { Resource } from '../model.ts';
import type { Change } from '../store.ts';
import { hold, letGo, syncExternalSecret } from './external-secret.ts';
import { versionOf } from './hash.ts';
import { type ExternalSecret, GROUP, type SecretStore, targetOf } from './model.ts';
import { isOperatorPod, operatorPod } from './operator-pod.ts';
import { intervalOf, isReady, validateStore } from './stores.ts';
import { existingTarget, MANAGED } from './target.ts';

/** The External Secrets Operator: what it does with its kinds while a pod of it is ready. */
export interface Operator {
  /** Whether it answers for a kind. */
  has(kind: string): boolean;
  /** Brings one object a step on, when it has changed or its time has come. */
  reconcile(kind: string, namespace: string, name: string): Promise<void>;
  /** Keys of what a change gives work to. */
  concerned(change: Change): readonly string[];
  /** Keys of all that it looks after. */
  everything(): readonly string[];
}

const KINDS = ['SecretStore', 'ClusterSecretStore', 'ExternalSecret'];

/** When an object was last dealt with, and is to be again. */
interface Pace {
  /** What it looked like. */
  readonly seen: string;
  /** Simulated time, milliseconds. */
  readonly due: number;
  /** In a row. */
  readonly failures: number;
}

/** What fails is tried again after a second, twice as long each time, up to seven minutes (pkg/controllers/common). */
const pauseAfter = (failures: number) => Math.min(1000 * 2 ** (failures - 1), 420_000);

export function createOperator(cluster: () => Cluster): Operator {
  const paces = new Map<string, Pace>();
  const now = () => cluster().parts.clock.now().getTime();
  const find = (kindName: string, namespace: string, name: string) => {
    const kind = kindsIn(cluster().store).find((each) => each.group === GROUP && each.kind === kindName);
    return kind && cluster().store.get(kind, namespace, name);
  };
  const look = (object: Resource) => {
    const target = object.kind === 'ExternalSecret' && existingTarget(cluster(), object as ExternalSecret);
    return `${object.metadata.uid} ${versionOf(object.metadata)} ${target ? target.metadata.resourceVersion : ''}`;
  };

  const work = (object: Resource, fresh: boolean): Promise<number | 'failed' | undefined> => {
    // Written while no webhook watched.
    if (!object.spec) return Promise.resolve(undefined);
    if (object.kind === 'ExternalSecret') {
      return syncExternalSecret(cluster(), hold(cluster(), object as ExternalSecret));
    }
    const store = object as SecretStore;
    // The sandbox was opened anew: what was valid is not asked about before its time.
    if (fresh && isReady(store)) return Promise.resolve(intervalOf(store));
    return validateStore(cluster(), store);
  };

  const everything = () =>
    KINDS.flatMap((name) => {
      const kind = kindsIn(cluster().store).find((each) => each.group === GROUP && each.kind === name);
      return kind
        ? cluster()
            .store.list(kind)
            .map((object) => keyFor(name, object))
        : [];
    });

  return {
    has: (kind) => KINDS.includes(kind),

    async reconcile(kind, namespace, name) {
      const key = `${kind} ${namespace}/${name}`;
      const object = find(kind, namespace, name);
      const pace = paces.get(key);
      if (!object || object.metadata.deletionTimestamp) {
        paces.delete(key);
        if (object?.kind === 'ExternalSecret' && operatorPod(cluster())) letGo(cluster(), object as ExternalSecret);
        return;
      }
      if (!operatorPod(cluster())) {
        paces.set(key, { seen: '', due: 0, failures: 0 });
        return;
      }
      if (pace && pace.seen === look(object) && now() < pace.due) {
        if (pace.due !== Number.POSITIVE_INFINITY) cluster().queue.later(key, pace.due - now());
        return;
      }
      const outcome = await work(object, pace === undefined);
      const after = find(kind, namespace, name);
      if (!after) return;
      // What changed meanwhile has been put into the queue by its change; it must not look as if it had been seen.
      const changed = versionOf(after.metadata) !== versionOf(object.metadata);
      const failures = outcome === 'failed' ? (pace?.failures ?? 0) + 1 : 0;
      const wait = outcome === 'failed' ? pauseAfter(failures) : outcome;
      const due = wait === undefined ? Number.POSITIVE_INFINITY : now() + wait;
      paces.set(key, { seen: changed ? '' : look(after), due, failures });
      if (wait !== undefined) cluster().queue.later(key, wait);
    },

    concerned({ kind, object }) {
      if (kind.group === GROUP) return KINDS.includes(kind.kind) ? [keyFor(kind.kind, object)] : [];
      if (isOperatorPod(object)) return everything();
      if (kind.kind !== 'Secret' || object.metadata.labels?.[MANAGED] !== 'true') return [];
      const external = kindsIn(cluster().store).find((each) => each.group === GROUP && each.kind === 'ExternalSecret');
      const all = external
        ? (cluster().store.list(external, object.metadata.namespace) as readonly ExternalSecret[])
        : [];
      return all
        .filter((each) => targetOf(each) === object.metadata.name)
        .map((each) => keyFor('ExternalSecret', each));
    },

    everything,
  };
}
