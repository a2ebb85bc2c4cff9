import { createHash } from 'node:crypto';
import type { FederatedCredential } from './azure/azure.ts';
import type { KubernetesObject } from './kubernetes/kubernetes.ts';
import type { Workload } from './workload.ts';

/**
 * Who owns a thing is read from the thing; there is no state file. This is the one place that knows the marks:
 * a tag on Azure resources, the name of a federated credential, the description of a role assignment, a label and the
 * field manager on Kubernetes objects. What cannot be shown to be ours is theirs.
 */
export const TAG = 'aks-secrets';
export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const OWNER = 'aks-secrets';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Six hex digits that stand for a cluster in names and tags; ARM ids compare without case. */
export function clusterHash(clusterId: string): string {
  return sha256(clusterId.toLowerCase()).slice(0, 6);
}

/** `<cluster hash>/<namespace>/<workload>`: the value of our tag, and what our descriptions carry. */
export function ownerMark(clusterId: string, workload: Pick<Workload, 'namespace' | 'name'>): string {
  return `${clusterHash(clusterId)}/${workload.namespace}/${workload.name}`;
}

/** Our tag as one word, for what has no pairs: applications and service principals. */
export const tagWord = (mark: string): string => `${TAG}=${mark}`;
/** What our tag says among such words. */
export const tagIn = (words: readonly string[]): string | undefined =>
  words.find((word) => word.startsWith(`${TAG}=`))?.slice(TAG.length + 1);

/** Whether a tag says that we made it for this workload, on whichever cluster (`--rebind` takes it to another one). */
export function isForSameWorkload(tag: string | undefined, mark: string): boolean {
  const [, made] = /^[0-9a-f]{6}(\/.+)$/.exec(tag ?? '') ?? [];
  return made !== undefined && made === mark.slice(mark.indexOf('/'));
}

/** The name of the credential that we make for a pair; the pair itself is what a match is judged by. */
export function credentialName(issuer: string, subject: string): string {
  return `aks-secrets-${sha256(`${issuer}\n${subject}`).slice(0, 16)}`;
}

/** A credential that bears the name of its own issuer and subject: nobody else names one so. */
export const isOurCredential = ({ name, issuer, subject }: Pick<FederatedCredential, 'name' | 'issuer' | 'subject'>) =>
  name === credentialName(issuer, subject);

export const accessDescription = (mark: string): string => `${OWNER} ${mark}`;
/** Whether a description says that we made it for this workload, on whichever cluster. */
export const isAccessOf = (description: string | undefined, mark: string): boolean =>
  isOurs(description) && isForSameWorkload(description?.slice(OWNER.length + 1), mark);
/** A grant to the caller, to be taken back in the same run or, after an interruption, in the next. */
export const temporaryDescription = `${OWNER} temporary grant`;

export const isOurs = (description: string | undefined): boolean => description?.startsWith(`${OWNER} `) ?? false;
export const isTemporary = (description: string | undefined): boolean => description === temporaryDescription;

export function isOurObject(object: KubernetesObject): boolean {
  return (
    object.metadata.labels?.[MANAGED_BY] === OWNER &&
    (object.metadata.managedFields?.some((entry) => entry.manager === OWNER && entry.operation === 'Apply') ?? false)
  );
}

/** Managers that would undo our change at their next reconciliation, by the marks they leave on what they own. */
const KEEPERS: readonly { readonly name: string; readonly mark: RegExp; readonly manager: RegExp }[] = [
  { name: 'Argo CD', mark: /^argocd\.argoproj\.io\//, manager: /^argocd/ },
  { name: 'Flux', mark: /^(kustomize|helm)\.toolkit\.fluxcd\.io\//, manager: /^(kustomize|helm)-controller$/ },
  { name: 'Helm', mark: /^meta\.helm\.sh\//, manager: /^helm$/i },
];

/** The manager that keeps the object (Argo CD, Flux, Helm), if one does. */
export function keeperOf({ metadata }: KubernetesObject): string | undefined {
  const marks = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})];
  const managers = metadata.managedFields?.map((entry) => entry.manager) ?? [];
  if (metadata.labels?.[MANAGED_BY] === 'Helm') return 'Helm';
  return KEEPERS.find(({ mark, manager }) => marks.some((m) => mark.test(m)) || managers.some((m) => manager.test(m)))
    ?.name;
}
