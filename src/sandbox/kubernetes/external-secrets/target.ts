import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import { controlledBy, controllerOf, equal, type FieldsV1, fullName, type Secret } from '../model.ts';
import { messageOf } from '../status.ts';
import { dataHash, hashOf } from './hash.ts';
import { type ExternalSecret, GROUP, OperatorError, targetOf } from './model.ts';
import { HOLE } from './not-simulated.ts';

const PREFIX = 'reconcile.external-secrets.io/';
export const MANAGED = `${PREFIX}managed`;
const CREATED_BY = `${PREFIX}created-by`;
const DATA_HASH = `${PREFIX}data-hash`;

const SECRET = kindNamed('Secret');

/** The name under which the operator owns fields of what an ExternalSecret writes. */
const managerOf = (external: ExternalSecret) => `externalsecrets.${GROUP}/${external.metadata.name}`;
const ownerLabel = ({ metadata }: ExternalSecret) => hashOf(`${metadata.namespace}/${metadata.name}`);

export function existingTarget(cluster: Cluster, external: ExternalSecret): Secret | undefined {
  return cluster.store.get(SECRET, external.metadata.namespace, targetOf(external)) as Secret | undefined;
}

/** Still as it was written: nobody changed its data or took the label away. */
export function isIntact(secret: Secret | undefined): boolean {
  if (!secret) return false;
  const { labels, annotations } = secret.metadata;
  return labels?.[MANAGED] === 'true' && annotations?.[DATA_HASH] === dataHash(secret.data);
}

/** Marks a Secret that is there already, before anything else is done: also one that will turn out to be another's. */
export function markManaged(cluster: Cluster, external: ExternalSecret, secret: Secret): Secret {
  if (secret.metadata.labels?.[MANAGED] === 'true') return secret;
  const marked = cluster.registry.edit(secret, managerOf(external), (copy) => {
    copy.metadata.labels = { ...copy.metadata.labels, [MANAGED]: 'true' };
  });
  return marked ?? secret;
}

/** Why a Secret was not written, and what the condition says of it. */
export class NotWritten extends OperatorError {
  readonly summary: string;
  /** Trying again changes nothing. */
  readonly final: boolean;
  constructor(summary: string, message: string, final = true) {
    super(message);
    this.summary = summary;
    this.final = final;
  }
}

/**
 * Creates or updates the target. With `Owner` and `Orphan` its data is replaced whole, with `Merge` the ExternalSecret's
 * own keys alone. Throws NotWritten.
 */
export function writeTarget(cluster: Cluster, external: ExternalSecret, data: ReadonlyMap<string, Buffer>): void {
  const name = targetOf(external);
  const { namespace } = external.metadata;
  const known = existingTarget(cluster, external);
  const manager = managerOf(external);
  const note = (reason: string, text: string) => cluster.note(external, 'Normal', reason, text, 'external-secrets');
  if (!known) {
    const empty: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...(namespace && { namespace }) } };
    const wanted = mutated(empty, external, data);
    written(
      () => cluster.registry.create(SECRET, wanted, { manager }),
      (why) => why,
    );
    note('Created', 'secret created');
    return;
  }
  let wanted: Secret;
  try {
    wanted = mutated(structuredClone(known), external, data);
  } catch (error) {
    if (!(error instanceof NotWritten)) throw error;
    throw new NotWritten(error.summary, `unable to mutate secret ${name}: ${error.message}`);
  }
  if (equal(known, wanted)) return;
  if (known.immutable === true && !(equal(known.data, wanted.data) && known.type === wanted.type)) {
    const why = `unable to update secret ${name}: secret is immutable`;
    throw new NotWritten('could not update secret, target is immutable', why);
  }
  written(
    () => cluster.registry.update(SECRET, wanted, { manager }),
    (why) => `unable to update secret ${name}: ${why}`,
  );
  note('Updated', 'secret updated');
}

function written(write: () => unknown, words: (why: string) => string): void {
  try {
    write();
  } catch (error) {
    throw new NotWritten('could not update secret', words(messageOf(error)), false);
  }
}

/** The Secret as the ExternalSecret wants it. Changes what it is given. */
function mutated(secret: Secret, external: ExternalSecret, data: ReadonlyMap<string, Buffer>): Secret {
  const { creationPolicy, template, immutable } = external.spec.target;
  const { metadata } = secret;
  own(secret, external);

  const mine = fieldsOf(secret, managerOf(external));
  const without = (map: Record<string, string> | undefined, keys: readonly string[]) =>
    Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));
  const source = template ? template.metadata : external.metadata;
  const filled = (map: Record<string, string> | undefined) => (template ? fill(map, data) : map);
  metadata.labels = { ...without(metadata.labels, mine.labels), ...filled(source?.labels) };
  metadata.annotations = { ...without(metadata.annotations, mine.annotations), ...filled(source?.annotations) };

  const encoded = Object.fromEntries([...data].map(([key, value]) => [key, value.toString('base64')]));
  const kept = creationPolicy === 'Merge' ? without(secret.data, mine.data) : {};
  const texts = Object.entries(fill(template?.data, data)).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  const fromProvider = texts.length === 0 || template?.mergePolicy === 'Merge' ? encoded : {};
  secret.data = { ...kept, ...fromProvider, ...Object.fromEntries(texts) };
  if (template?.type) secret.type = template.type;
  if (immutable) secret.immutable = true;

  if (creationPolicy === 'Owner') metadata.labels[CREATED_BY] = ownerLabel(external);
  else delete metadata.labels[CREATED_BY];
  metadata.labels[MANAGED] = 'true';
  metadata.annotations[DATA_HASH] = dataHash(secret.data);
  return secret;
}

/** Sets or takes away the controller reference, as the creation policy has it. */
function own(secret: Secret, external: ExternalSecret): void {
  const owner = controllerOf(secret);
  const ofOurs = owner?.kind === 'ExternalSecret' && owner.apiVersion.startsWith(`${GROUP}/`);
  const ours = ofOurs && owner.name === external.metadata.name;
  if (ofOurs && !ours) {
    throw new NotWritten(
      'target is owned by another ExternalSecret',
      `secret is owned by another ExternalSecret: ${owner.name}`,
    );
  }
  const others = (secret.metadata.ownerReferences ?? []).filter((each) => !(ours && each === owner));
  if (external.spec.target.creationPolicy !== 'Owner') {
    if (ours) secret.metadata.ownerReferences = others;
    return;
  }
  if (owner && !ours) {
    throw new NotWritten(
      'failed to take ownership of target secret',
      `could not set controller reference on secret: Object ${fullName(secret)} is already owned by another ${owner.kind} controller ${owner.name}`,
    );
  }
  secret.metadata.ownerReferences = [...others, controlledBy(external)];
}

/** Keys that the manager owns, as the managed fields say. */
function fieldsOf(secret: Secret, manager: string) {
  const entries = (secret.metadata.managedFields ?? []).filter((entry) => entry.manager === manager);
  const keys = (read: (fields: FieldsV1) => FieldsV1 | undefined) =>
    entries.flatMap(({ fieldsV1 }) =>
      Object.keys(read(fieldsV1) ?? {}).flatMap((name) => (name.startsWith('f:') ? [name.slice(2)] : [])),
    );
  return {
    data: keys((fields) => fields['f:data']),
    labels: keys((fields) => fields['f:metadata']?.['f:labels']),
    annotations: keys((fields) => fields['f:metadata']?.['f:annotations']),
  };
}

/** Templates filled with the provider's values; functions were refused when the object was written. */
function fill(
  templates: Readonly<Record<string, string>> | undefined,
  data: ReadonlyMap<string, Buffer>,
): Record<string, string> {
  const entries = Object.entries(templates ?? {}).map(([key, text]) => [
    key,
    text.replace(HOLE, (_hole, name: string) => data.get(name)?.toString() ?? '<no value>'),
  ]);
  return Object.fromEntries(entries);
}

/** Takes away what the ExternalSecret owned under another name. */
export function removeOrphans(cluster: Cluster, external: ExternalSecret): void {
  const { namespace } = external.metadata;
  for (const secret of cluster.store.list(SECRET, namespace)) {
    if (secret.metadata.labels?.[CREATED_BY] !== ownerLabel(external) || secret.metadata.name === targetOf(external))
      continue;
    cluster.registry.remove(SECRET, namespace, secret.metadata.name);
    cluster.note(external, 'Normal', 'Deleted', 'secret deleted because it was orphaned', 'external-secrets');
  }
}
