import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { OWNER } from '../../ownership.ts';
import { inShort } from '../../steps/external-secret.ts';
import { servedBy } from '../../steps/operator.ts';
import type { World } from '../../world.ts';
import { called } from '../wiring/carrier.ts';
import { causeIn } from '../wiring/cause.ts';
import type { Wrong } from '../wiring/finding.ts';
import { type Note, warningsIn } from '../wiring/live.ts';
import { enumerated, record, text } from '../wiring/shape.ts';
import type { Chain, Question } from './look.ts';
import { GROUP, readyOf, type Store, type Wanted } from './model.ts';
import { refreshWrong } from './rules.ts';
import { absentWrong } from './vault.ts';

/** What the operator itself writes of an object: the condition says that it failed, only its event says why. */
async function toldOf(world: World, object: KubernetesObject): Promise<Note | undefined> {
  // Events of what lies in no namespace are in this one (Kubernetes, events.k8s.io).
  const notes = await warningsIn(world, object.metadata.namespace ?? 'default');
  const { kind, metadata } = object;
  // Not of one before it that had its name.
  return notes.find(
    (note) =>
      note.kind === kind && note.name === metadata.name && (!note.uid || !metadata.uid || note.uid === metadata.uid),
  );
}

/** When somebody else than the operator last wrote an object, by the records of its managers, milliseconds. */
const changedAt = ({ metadata }: KubernetesObject): number =>
  Math.max(
    0,
    ...(metadata.managedFields ?? [])
      .filter(({ subresource }) => !subresource)
      .flatMap(({ time }) => (time ? [Date.parse(time)] : [])),
  );

const AGAIN = 'Have the operator look again and read its event: an annotation that changes is a reason to it.';

const again = ({ kind, metadata }: KubernetesObject): NonNullable<Wrong['fix']> => ({
  say: AGAIN,
  run: `kubectl annotate ${kind.toLowerCase()} ${metadata.name}${metadata.namespace ? ` --namespace ${metadata.namespace}` : ''} --overwrite force-sync=1`,
});

/** Codes by which Entra says that no credential of the identity fits the token. */
const MISMATCH: readonly string[] = ['F049', 'F050', 'F051', 'F052', 'F053'];

/** What keeps a store from being ready, as its event says it. */
export async function storeReadyWrong(world: World, store: Store): Promise<Wrong | undefined> {
  const { object } = store;
  const { status, reason, message } = readyOf(object);
  if (status === 'True') return undefined;
  const expected = 'Ready';
  if (status === undefined)
    return { verdict: 'unknown', young: true, observed: 'the operator has not looked at it yet', expected };
  const note = await toldOf(world, object);
  if (note && note.at.getTime() < changedAt(object))
    return {
      verdict: 'unknown',
      young: true,
      observed: 'the operator has not looked at it since it was changed',
      expected,
    };
  if (!note)
    return {
      failure: 'F113',
      observed: `${reason}: ${message}, and no event is left that says why`,
      expected,
      fix: again(object),
    };
  const id = causeIn([`External Secrets, ${called(object)}: ${note.message}`])?.row.id;
  // The operator's own account is not the one that the credential is for.
  const isOwn = store.authType === 'WorkloadIdentity' && !store.account && id !== undefined && MISMATCH.includes(id);
  return { failure: isOwn ? 'F120' : (id ?? 'F113'), observed: inShort(note.message), expected };
}

/** What keeps a Secret from being in step with the vault, as the event of its ExternalSecret says it. */
export async function syncWrong(world: World, question: Question, { external }: Chain): Promise<readonly Wrong[]> {
  const { object } = external;
  const { status, reason = '', message = '' } = readyOf(object);
  const expected = 'SecretSynced';
  if (status === undefined)
    return [{ verdict: 'unknown', young: true, observed: 'the operator has not read it yet', expected }];
  if (reason === 'SecretDeleted')
    return [
      {
        failure: 'F077',
        observed: `nothing that it asks for is in the vault, and so the Secret was deleted`,
        expected,
      },
    ];
  if (reason === 'SecretMissing')
    return [
      {
        failure: 'F103',
        observed: message,
        expected,
        fix: { say: 'Set creationPolicy: Owner, or make the Secret that it shall fill.' },
        path: 'spec.target.creationPolicy',
      },
    ];
  // What is read once is not read again for a change: what became old by that is a question of its own.
  if (status === 'True') return isOfNow(object) || refreshWrong(external) ? [] : [UNREAD];
  const note = await toldOf(world, object);
  if (note && (note.at.getTime() < changedAt(object) || /SecretStore\b.*\bis not ready/i.test(note.message)))
    return [
      {
        verdict: 'unknown',
        young: true,
        observed: 'the operator has not tried it again since',
        expected,
        fix: again(object),
      },
    ];
  if (!note)
    return [
      {
        failure: 'F121',
        observed: `${reason}: ${message}, and no event is left that says why`,
        expected,
        fix: again(object),
      },
    ];
  const absent = /Secret does not exist\b/.test(note.message) && external.wanted.find(isIn(note.message));
  if (absent) return [await absentWrong(world, question, absent)];
  const id = causeIn([`External Secrets, ${called(object)}: ${note.message}`])?.row.id;
  // Reading works by another right than looking through the vault.
  const isSearch = external.finds && /getting all secrets/i.test(note.message) && ['F067', 'F069'].includes(id ?? '');
  return [{ failure: isSearch ? 'F127' : (id ?? 'F121'), observed: inShort(note.message), expected }];
}

/** Which of what it asks for the operator means: `spec.data[0] (key: db-password)`, `spec.dataFrom[1].extract`. */
const isIn =
  (message: string) =>
  ({ path, extracted }: Wanted): boolean =>
    message.includes(extracted ? path : `${path.replace(/\.remoteRef$/, '')} `);

/** What was read last is the ExternalSecret as it is now (`<generation>-<hash>`). */
function isOfNow({ metadata, status }: KubernetesObject): boolean {
  const [generation] = (text(record(status).syncedResourceVersion) ?? '').split('-');
  return generation === String(metadata.generation ?? 1);
}

const UNREAD: Wrong = {
  verdict: 'unknown',
  young: true,
  observed: 'the operator has not read it since it was changed',
  expected: 'SecretSynced',
};

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Who writes an object in which version: by the records of its managers, and by what kubectl keeps of its manifest. */
function writersOf({ metadata }: KubernetesObject): readonly { readonly who: string; readonly apiVersion: string }[] {
  const managers = (metadata.managedFields ?? []).flatMap((entry) => {
    const apiVersion = text(record(entry).apiVersion);
    // Our own manifests are written in the version that is served then.
    return apiVersion && !entry.subresource && entry.manager !== OWNER ? [{ who: entry.manager, apiVersion }] : [];
  });
  const applied = /"apiVersion":"([^"]+)"/.exec(metadata.annotations?.[APPLIED] ?? '')?.[1];
  return [...(applied ? [{ who: 'kubectl apply', apiVersion: applied }] : []), ...managers];
}

/** Who writes these objects in a version that is not served: what is there works, and the next write is refused. */
export async function writtenInOther({ kubernetes }: World, chains: readonly Chain[]): Promise<readonly Wrong[]> {
  const served = await servedBy(kubernetes);
  const objects = chains.flatMap(({ external, sources }) => [
    external.object,
    ...sources.flatMap(({ object }) => object ?? []),
  ]);
  const old = [...new Set(objects)].flatMap((object) =>
    writersOf(object)
      .filter(({ apiVersion }) => apiVersion.startsWith(`${GROUP}/`) && !served.includes(apiVersion))
      .map((writer) => ({ ...writer, object })),
  );
  const [first] = old;
  if (!first) return [];
  const all = enumerated([...new Set(old.map(({ object }) => called(object)))]);
  return [
    {
      failure: first.apiVersion === `${GROUP}/v1` ? 'F112' : 'F111',
      observed: `${first.who} writes ${all} as ${first.apiVersion}: the next time it is refused`,
      expected: served.join(' or '),
      fix: { say: `Write ${served[0]} in the manifests that ${first.who} takes; the fields are the same.` },
      path: 'apiVersion',
    },
  ];
}
