import { stringify } from 'yaml';
import type { Kubernetes, KubernetesObject, ObjectRef } from '../kubernetes/kubernetes.ts';
import { isOurObject, keeperOf, OWNER } from '../ownership.ts';
import type { Leaving, Removal } from '../step.ts';
import { ABSENT, NOT_OURS, serving, staying } from './staying.ts';

/** What is still there of an object that is gone: a sentence. */
export interface Surveyed {
  readonly remains?: string | undefined;
}

/** What becomes of an object: ours goes, of somebody else's only the annotations and labels that we wrote on it. */
export function endOfObject(
  object: KubernetesObject | undefined,
  { others, surveyed }: Leaving<Surveyed | undefined>,
): Removal {
  if (!object) return surveyed?.remains ? { state: 'going', note: surveyed.remains } : ABSENT;
  const { kind, metadata } = object;
  const { finalizers = [] } = metadata as { finalizers?: readonly string[] };
  if (metadata.deletionTimestamp)
    return {
      state: 'going',
      note: `it is being deleted${finalizers.length > 0 ? `, and ${finalizers.join(', ')} holds it` : ''}`,
    };
  // It takes with it whatever else lies in it, whoever made it.
  if (kind === 'Namespace') return staying('others may live in it', `kubectl delete namespace ${metadata.name}`);
  const keeper = keeperOf(object);
  if (keeper) return staying(`kept by ${keeper}, which would make it again: remove it there`);
  const fields = ourFields(object);
  if (!isOurObject(object) && fields.length === 0) return staying(NOT_OURS);
  if (others.length > 0) return staying(serving(others));
  const takes = [`${kind}/${metadata.namespace}/${metadata.name}`];
  if (isOurObject(object)) return { state: 'remove', takes };
  return isAbove(fields, 'f:metadata')
    ? { state: 'remove', takes, note: 'only the annotations that aks-secrets wrote on it; the object stays' }
    : staying(`${NOT_OURS}; what aks-secrets wrote on it stays too, since it may not be whole without`);
}

/** Deletes what is ours, and lets go of what we own of an object that is not: an apply that names nothing. */
export async function removeObject(
  kubernetes: Kubernetes,
  reference: ObjectRef,
  object: KubernetesObject,
): Promise<void> {
  if (isOurObject(object)) return kubernetes.delete(reference, object.metadata.uid ?? '');
  const { apiVersion, kind, name, namespace } = reference;
  // With its uid: one that is gone meanwhile would be made anew by an apply, and empty.
  const metadata = { name, ...(namespace && { namespace }), uid: object.metadata.uid };
  await kubernetes.apply(stringify({ apiVersion, kind, metadata }));
}

interface Fields {
  readonly [name: string]: Fields;
}

/** The fields that the server has down as ours, at the top. */
const ourFields = ({ metadata }: KubernetesObject): readonly Fields[] =>
  (metadata.managedFields ?? [])
    .filter(({ manager, operation, subresource }) => manager === OWNER && operation === 'Apply' && !subresource)
    .map(({ fieldsV1 }) => (fieldsV1 ?? {}) as Fields)
    .filter((fields) => Object.keys(fields).length > 0);

const isAbove = (fields: readonly Fields[], name: string): boolean =>
  fields.every((one) => Object.keys(one).every((key) => key === name));
