import { newestFirst } from '../kubernetes/event-order.ts';
import type { Kubernetes, KubernetesObject, ObjectRef } from '../kubernetes/kubernetes.ts';
import { OWNER } from '../ownership.ts';
import { command, word } from '../shell.ts';
import type { Judged, Ref, Step } from '../step.ts';
import { defineStep, ref } from '../step.ts';
import type { Workload } from '../workload.ts';
import { findObject } from './manifest.ts';
import { SERVED } from './operator.ts';
import { proofId } from './proof.ts';

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}
interface Status {
  readonly conditions?: readonly Condition[];
  /** `<generation>-<hash of labels and annotations>` of what was read last. */
  readonly syncedResourceVersion?: string;
  readonly refreshTime?: string;
}
interface Event {
  readonly type?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

interface Seen {
  readonly object: KubernetesObject | undefined;
  /** What it reads by was changed after it was last read. */
  readonly outdated: boolean;
  /** Why the operator could not read; it tries again by itself, after ever longer pauses. */
  readonly failure?: { readonly said: string; readonly isOld: boolean };
}

/** So long the operator's own pauses are short (it doubles them from milliseconds on). */
const SOON = 30_000;
/** Clocks of a cluster's machines differ by less; times are whole seconds. */
const LEEWAY = 5_000;

/**
 * The operator has read the vault and written the Secret, by the ExternalSecret's own condition: a store that is `Valid`
 * proves nothing, since the operator makes no call to Key Vault for it. One that has failed for a while is asked to look
 * again now.
 */
export const filled = (options: {
  workload: Workload;
  secretName: string;
  externalSecret: Step;
  /** What it reads by. */
  basis: readonly (Omit<ObjectRef, 'apiVersion'> & { readonly apiVersions: readonly string[] })[];
  after: readonly Ref[];
}): Step => {
  const { workload, secretName } = options;
  const { namespace, name } = workload;
  const reference = { kind: 'ExternalSecret', namespace, name };
  const needs = Object.fromEntries(
    [ref(options.externalSecret, 'applied'), ...options.after].map((before) => [before.step, before]),
  );
  return defineStep({
    id: `sync/${namespace}/${secretName}`,
    kind: 'sync',
    subject: `${namespace}/${secretName}`,
    title: `the operator has filled the Secret ${namespace}/${secretName}`,
    side: 'Kubernetes',
    workloads: [workload.name],
    quiet: true,
    needs,
    proven: [proofId(workload)],
    yields: ['applied'],
    settles: 'minutes',
    async observe({ kubernetes, clock }): Promise<Seen> {
      const object = await findObject(kubernetes, reference, SERVED);
      if (!object) return { object, outdated: false };
      const basis = await Promise.all(
        // They only date the sync: who may not see them trusts the condition.
        options.basis.map((one) => findObject(kubernetes, one, one.apiVersions).catch(() => undefined)),
      );
      const outdated = isBefore(statusOf(object).refreshTime, latestOf([object, ...basis]));
      const { reason, message = '', lastTransitionTime } = readyOf(object);
      if (reason !== 'SecretSyncedError') return { object, outdated };
      const said = (await toldBy(kubernetes, namespace, name)) ?? message;
      const age = clock.now().getTime() - Date.parse(lastTransitionTime ?? '');
      return { object, outdated, failure: { said, isOld: !(age < SOON) } };
    },
    judge: (seen) => judge(seen, secretName),
    async converge({ kubernetes, clock }, { object }) {
      // The operator looks at once whenever an annotation changes (External Secrets Operator, FAQ).
      const at = String(Math.floor(clock.now().getTime() / 1000));
      await kubernetes.annotate({ ...reference, apiVersion: object?.apiVersion ?? SERVED[0] }, { 'force-sync': at });
      return undefined;
    },
    recipe: () => [
      command(`kubectl wait ${word(`externalsecret/${name}`)}`, { namespace, for: 'condition=Ready', timeout: '10m' }),
    ],
    byHand: () => `kubectl annotate externalsecret ${name} --namespace ${namespace} force-sync=1 --overwrite`,
  });
};

const statusOf = ({ status }: KubernetesObject): Status => (status ?? {}) as Status;
const readyOf = (object: KubernetesObject): Condition =>
  statusOf(object).conditions?.find(({ type }) => type === 'Ready') ?? {};

/** The Secret that it fills: its own name where it says no other. */
const targetOf = ({ metadata, spec }: KubernetesObject): string =>
  (spec as { target?: { name?: string } } | undefined)?.target?.name ?? metadata.name;

/** What was read last is the ExternalSecret as it is now. */
function isSynced(object: KubernetesObject): boolean {
  const { status, reason } = readyOf(object);
  const [generation] = (statusOf(object).syncedResourceVersion ?? '').split('-');
  return status === 'True' && reason === 'SecretSynced' && generation === String(object.metadata.generation ?? 1);
}

function judge({ object, outdated, failure }: Seen, secretName: string): Judged {
  const base = { owner: 'theirs', facts: {}, differences: [] } as const;
  if (!object) return { ...base, state: 'settling', note: 'there is no ExternalSecret yet' };
  if (object.metadata.deletionTimestamp) return { ...base, state: 'settling', note: 'its ExternalSecret is going' };
  if (targetOf(object) !== secretName)
    return { ...base, state: 'settling', note: 'its ExternalSecret fills another one' };
  if (isSynced(object) && !outdated) return { ...base, state: 'as wanted', facts: { applied: 'yes' } };
  const asked = (is: string): Judged => ({
    ...base,
    state: 'differs',
    differences: [{ path: 'sync', is, want: 'SecretSynced' }],
    note: is,
  });
  if (failure?.isOld) return asked(`the operator says: ${failure.said}`);
  if (failure) return { ...base, state: 'settling', note: `the operator says: ${failure.said}` };
  if (isSynced(object)) return asked('read before the last change');
  return { ...base, state: 'settling', note: 'the operator has not read it yet' };
}

const timeOf = (text: string | undefined | null): number => (text ? Date.parse(text) : Number.NaN);

/** When we last changed one of these, by the server's own record. */
const latestOf = (objects: readonly (KubernetesObject | undefined)[]): number =>
  Math.max(
    Number.NEGATIVE_INFINITY,
    ...objects
      .flatMap((object) => object?.metadata.managedFields ?? [])
      .filter(({ manager, operation }) => manager === OWNER && operation === 'Apply')
      .map(({ time }) => timeOf(time))
      .filter(Number.isFinite),
  );

const isBefore = (refreshed: string | undefined, changed: number): boolean => timeOf(refreshed) + LEEWAY < changed;

/** What the operator said last: the condition names no reason, its events do. Of a store that is not ready, the store's. */
async function toldBy(kubernetes: Kubernetes, namespace: string, name: string): Promise<string | undefined> {
  // They only explain: who may not see them is told less.
  const events = (await kubernetes
    .list({ apiVersion: 'v1', kind: 'Event' }, namespace)
    .catch(() => [])) as readonly (KubernetesObject & Event)[];
  const last = (kind: string): string | undefined =>
    newestFirst(events)
      .filter(({ type, involvedObject }) => type === 'Warning' && involvedObject?.kind === kind)
      .filter(({ involvedObject }) => involvedObject?.name === name)
      .at(0)?.message;
  const own = last('ExternalSecret');
  const said = own && /SecretStore\b.*not ready/i.test(own) ? (last('SecretStore') ?? own) : own;
  return said && inShort(said);
}

/** A message beyond that is not read: an operator may copy a whole page into it. */
const LOOKED = 2000;

/**
 * A message as one line that stays the same while the reason does: Azure's ids and times differ from try to try, and
 * what a client wraps around an answer says nothing.
 */
export function inShort(message: string): string {
  const line = message
    .slice(0, LOOKED)
    .replaceAll(/(?:\\r|\\n|\s)+/g, ' ')
    .trim();
  const entra = /AADSTS\d+: .*?(?=\s*(?:Trace ID|Correlation ID|Timestamp|Check |"|\\"|$))/.exec(line)?.[0];
  // Of go-autorest, and of the newer libraries, which quote the answer.
  const vault = /(?:Message=|"message": ?)"(.*?)(?:\. |\.?")/.exec(line)?.[1];
  const inner =
    /InnerError=\{[^}]*"code":\s*"(\w+)"/.exec(line)?.[1] ?? /"innererror":\s*\{\s*"code":\s*"(\w+)"/.exec(line)?.[1];
  const gist = entra ?? (vault ? [vault, inner && `(${inner})`].filter(Boolean).join(' ') : line);
  return gist.length > 200 ? `${gist.slice(0, 197)}...` : gist;
}
