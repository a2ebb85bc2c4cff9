import { isMap, parse } from 'yaml';
import { Complaints } from '../complaint.ts';
import type { Kubernetes, KubernetesObject, ObjectRef } from '../kubernetes/kubernetes.ts';
import { isOurObject, keeperOf, MANAGED_BY, OWNER } from '../ownership.ts';
import { command, heredoc, word } from '../shell.ts';
import type { Difference, Judged, Needs, Step } from '../step.ts';
import { defineStep, KNOWN_AFTER_APPLY } from '../step.ts';
import { parseText, write } from '../templates/yaml.ts';
import type { Filled } from '../templates.ts';
import type { World } from '../world.ts';
import { differencesOf, leftovers, otherManagerOf } from './compare.ts';
import { endOfObject, removeObject, type Surveyed } from './manifest-end.ts';

/** What is looked at besides the object itself, and what it says of the object's life (a Deployment's pods). */
export interface Life<More> {
  look(kubernetes: Kubernetes, object: KubernetesObject): Promise<More>;
  /** A sentence while it is on its way; `undefined` once it is there. */
  pending(object: KubernetesObject, more: More): string | undefined;
  /** A sentence while something of it is still there after it is gone. */
  remains?(kubernetes: Kubernetes, object: ObjectRef): Promise<string | undefined>;
}

interface Seen<More> {
  readonly object: KubernetesObject | undefined;
  readonly more?: More;
}

/**
 * A Kubernetes object as a filled template says. It is looked at by GET and judged by the fields that the template sets;
 * what is sent is the filled text itself, by server-side apply under our own field manager and never by force.
 */
export const manifest = <N extends Needs, More = undefined>(options: {
  needs: N;
  /** The filled template, from facts; names in it come from the Spec alone. */
  fill: (known: Readonly<Record<keyof N, string>>) => Filled;
  /** Where its template was found, for complaints. */
  file: string;
  workloads: readonly string[];
  life?: Life<More>;
  /** Where it depends on the cluster under which version a kind is served: those to look for it under, best first. */
  apiVersions?: readonly string[];
  /** What of an object that is there keeps the text from working, in a sentence. */
  objection?: ((found: KubernetesObject) => string | undefined) | undefined;
  proven?: readonly string[];
  /** The needs that the text names; absent: all. */
  holes?: readonly (keyof N & string)[];
}): Step => {
  const { needs, fill, life } = options;
  const placeholders = Object.fromEntries(Object.keys(needs).map((key) => [key, KNOWN_AFTER_APPLY])) as Record<
    keyof N,
    string
  >;
  const reference = referenceOf(fill(placeholders).object, options.file);
  const subject = [reference.namespace, reference.name].filter(Boolean).join('/');

  const look = async (kubernetes: Kubernetes, object: KubernetesObject | undefined): Promise<Seen<More>> =>
    object && life ? { object, more: await life.look(kubernetes, object) } : { object };

  return defineStep<N, Seen<More>, Surveyed | undefined>({
    id: `manifest/${subject}/${reference.kind}`,
    kind: reference.kind,
    subject,
    title: `${reference.kind} ${subject} is as its template says`,
    side: 'Kubernetes',
    workloads: options.workloads,
    needs,
    ...(options.proven && { proven: options.proven }),
    yields: ['applied'],
    lane: `manifest/${subject}/${reference.kind}`,
    settles: life ? 'minutes' : 'seconds',
    observe: async ({ kubernetes }) =>
      look(kubernetes, await findObject(kubernetes, reference, options.apiVersions ?? [reference.apiVersion])),
    judge({ object, more }, known) {
      const objection = object && options.objection?.(object);
      if (objection) return { state: 'blocked', owner: 'theirs', facts: {}, differences: [], note: objection };
      const pending = object && more !== undefined ? life?.pending(object, more) : undefined;
      return judge(wantedOf(fill(known), object), object, pending);
    },
    async converge({ kubernetes }, { object }, known) {
      const filled = fill(known);
      const of = referenceOf(filled.object, options.file);
      const applied = await kubernetes.apply(textFor(filled, object), { of });
      return life ? undefined : { object: applied };
    },
    ...(life?.remains && {
      survey: async ({ kubernetes }: World): Promise<Surveyed> => ({
        remains: await life.remains?.(kubernetes, reference),
      }),
    }),
    removal: ({ object }, _known, leaving) => endOfObject(object, leaving),
    ...(reference.kind !== 'Namespace' && {
      async remove({ kubernetes }: World, { object }: Seen<More>) {
        if (object) await removeObject(kubernetes, { ...reference, apiVersion: object.apiVersion }, object);
      },
    }),
    preview: (known) => fill(known).text,
    recipe: (seen, known) => [
      ...(isSettled(seen?.object, fill(known)) ? [] : [heredoc('apply', textFor(fill(known), seen?.object))]),
      ...(life
        ? [
            command(`kubectl rollout status ${word(`${reference.kind.toLowerCase()}/${reference.name}`)}`, {
              namespace: reference.namespace,
              timeout: '10m',
            }),
          ]
        : []),
    ],
    manifest: {
      ...reference,
      holes: options.holes ?? Object.keys(needs),
      text: (seen, known) => declared(fill(known).text, seen?.object),
    },
  });
};

/** The object under the first of these versions that has it: a version that is not served has none. */
export async function findObject(
  kubernetes: Kubernetes,
  reference: Omit<ObjectRef, 'apiVersion'>,
  apiVersions: readonly string[],
): Promise<KubernetesObject | undefined> {
  for (const apiVersion of apiVersions) {
    const found = await kubernetes.get({ ...reference, apiVersion });
    if (found || kubernetes.serves({ ...reference, apiVersion })) return found;
  }
  return undefined;
}

function judge(wanted: KubernetesObject, found: KubernetesObject | undefined, pending: string | undefined): Judged {
  if (!found) return { state: 'absent', owner: 'ours', facts: {}, differences: [] };
  const owner = isOurObject(found) ? 'ours' : 'theirs';
  // What is applied to it now goes with it.
  if (found.metadata.deletionTimestamp)
    return { state: 'settling', owner, facts: {}, differences: [], note: 'it is being deleted' };
  const keeper = keeperOf(found);
  const differences = [...differencesOf(wanted, found), ...leftovers(wanted, found)];
  const base = { owner, facts: { applied: 'yes' }, differences } as const;
  if (differences.length === 0)
    return pending
      ? { ...base, state: 'settling', note: pending }
      : { ...base, state: 'as wanted', ...(keeper && { note: `kept by ${keeper}` }) };
  if (keeper)
    return {
      ...base,
      state: 'blocked',
      note: `${keeper} manages this object, and would undo the change: make it there`,
    };
  const taken = differences
    .map((difference) => ({ difference, manager: otherManagerOf(found, difference.path) }))
    .find(({ manager }) => manager !== undefined);
  if (taken?.manager) return blockedBy(base, taken.difference, taken.manager, found);
  return { ...base, state: 'differs' };
}

/** A field that somebody else has set stays theirs until they hand it over. */
function blockedBy(
  base: Pick<Judged, 'owner' | 'facts' | 'differences'>,
  { path, is, want }: Difference,
  manager: string,
  { kind, metadata }: KubernetesObject,
): Judged {
  const annotation = /^metadata\.annotations\["(.+)"\]$/.exec(path)?.[1];
  return {
    ...base,
    state: 'blocked',
    note: `${manager} has set ${annotation ?? path} to ${is}`,
    ...(annotation &&
      want !== KNOWN_AFTER_APPLY && {
        run: `kubectl annotate ${kind.toLowerCase()} ${metadata.name} --namespace ${metadata.namespace ?? 'default'} --field-manager=${OWNER} --overwrite ${annotation}=${want}`,
      }),
  };
}

/**
 * The text that is applied. Our label says "made by us, and may be removed by us": an object that was there before gets
 * what it needs, and not the label.
 */
function textFor({ text }: Filled, found: KubernetesObject | undefined): string {
  return !found || isOurObject(found) ? text : withoutLabel(text, found);
}

/** What that text says. */
const wantedOf = (filled: Filled, found: KubernetesObject | undefined): KubernetesObject =>
  (!found || isOurObject(found) ? filled.object : parse(textFor(filled, found))) as KubernetesObject;

function withoutLabel(filled: string, found: KubernetesObject): string {
  const { documents } = parseText({ text: filled, file: `${found.kind} ${found.metadata.name}` });
  return documents
    .map((document) => {
      if (document.hasIn(['metadata', 'labels', MANAGED_BY])) document.deleteIn(['metadata', 'labels', MANAGED_BY]);
      const labels = document.getIn(['metadata', 'labels']);
      if (isMap(labels) && labels.items.length === 0) document.deleteIn(['metadata', 'labels']);
      return write(document);
    })
    .join('---\n');
}

/** Nothing of the text is missing in the object: it is only waited for. */
const isSettled = (found: KubernetesObject | undefined, filled: Filled): boolean => {
  if (!found) return false;
  const wanted = wantedOf(filled, found);
  return differencesOf(wanted, found).length === 0 && leftovers(wanted, found).length === 0;
};

/**
 * The text for a repository. By the label alone it is told whose the object is: whoever applies it is its manager. A
 * namespace that is somebody else's is left to them, since a tool that prunes would take away what lies in it.
 */
function declared(filled: string, found: KubernetesObject | undefined): string | undefined {
  if (!found || found.metadata.labels?.[MANAGED_BY] === OWNER) return filled;
  return found.kind === 'Namespace' ? undefined : withoutLabel(filled, found);
}

/** Which object a text is of; throws `Complaints` for one that can be applied to nothing (a template may be the user's). */
function referenceOf(object: unknown, file: string): ObjectRef {
  const { apiVersion, kind, metadata } = (object ?? {}) as Partial<KubernetesObject>;
  // They make the path that it is applied to.
  const named = [
    // Which version the cluster serves may not be known yet.
    [apiVersion === KNOWN_AFTER_APPLY ? 'v1' : apiVersion, /^[a-z0-9.-]+(\/[a-z0-9]+)?$/],
    [kind, /^[A-Za-z][A-Za-z0-9]*$/],
    [metadata?.name, /^[a-z0-9][a-z0-9.:-]*$/],
    [metadata?.namespace ?? 'none', /^[a-z0-9][a-z0-9-]*$/],
  ].every(([field, form]) => typeof field === 'string' && (form as RegExp).test(field));
  if (!apiVersion || !kind || !metadata || !named)
    throw new Complaints([
      { message: 'a template is one Kubernetes object, with apiVersion, kind and metadata.name', file },
    ]);
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace && { namespace: metadata.namespace }) };
}
