import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Flaw } from '../method.ts';
import { flawIn, type Wrong } from '../wiring/finding.ts';
import { isObject, list, record, text } from '../wiring/shape.ts';
import {
  calledStore,
  type ExternalSecret,
  externalSecretOf,
  GROUP,
  merge,
  type Store,
  type StoreRef,
  storeOf,
  type Wanted,
} from './model.ts';
import { signInWrong, useWrong } from './store-rules.ts';

/** What is looked at; the checks of a cluster and of files share the codes and the words. */
export const CHECKS = {
  api: ['AKS-ESO-API', 'is written in a version that the cluster serves'],
  store: ['AKS-ESO-STORE', 'has a store that it may use'],
  signIn: ['AKS-ESO-SIGN-IN', 'says how the operator signs in'],
  data: ['AKS-ESO-DATA', 'asks for what a vault can have'],
  target: ['AKS-ESO-TARGET', 'is the only one to write its Secret'],
} as const;

/** Which versions of the operator's kinds are served, newest first. Absent: not known. */
type Served = readonly string[] | undefined;

/**
 * An object in a version of the operator's API that is not served: `v1beta1` since 0.17, `v1` before 0.16. Where the
 * versions are not known, those are wrong that no operator in support serves.
 */
export function versionWrong(apiVersion: string, served: Served): Wrong | undefined {
  const newest = `${GROUP}/v1`;
  if (served ? served.includes(apiVersion) : apiVersion === newest) return undefined;
  const best = served ? served[0] : newest;
  const isTooNew = apiVersion === newest;
  return {
    failure: isTooNew ? 'F112' : 'F111',
    observed: apiVersion,
    expected: best ?? 'an operator that serves it',
    fix: {
      say: isTooNew
        ? 'Upgrade the External Secrets Operator: v1 is served since 0.16.'
        : `Write it as ${best ?? newest}; its fields are the same.`,
    },
    path: 'apiVersion',
  };
}

/** A store that is not there. `near` are those of that name, of another kind or namespace: one of them may be meant. */
export function storeMissing(external: ExternalSecret, ref: StoreRef, near: readonly Store[]): Wrong {
  const { object, namespace } = external;
  const asked = calledStore({ ...ref, kind: ref.kind as Store['kind'], ...(namespace && { namespace }) });
  const [other] = near;
  const isKind = other !== undefined && other.kind !== ref.kind;
  return {
    failure: 'F122',
    observed: other ? `no ${asked}, but a ${calledStore(other)}` : `no ${asked}`,
    expected: asked,
    fix: {
      say: isKind
        ? `Set ${ref.path}.kind to ${other.kind}.`
        : `Make the ${asked}, or name one that is there in ${ref.path}.`,
      ...(isKind &&
        ref.path === 'spec.secretStoreRef' &&
        namespace && { run: merge(object, { spec: { secretStoreRef: { kind: other.kind } } }) }),
    },
    path: ref.path,
  };
}

/** Names in Key Vault ("Objects, identifiers, and versioning", Azure Key Vault). */
const OBJECT_NAME = /^[0-9a-zA-Z-]{1,127}$/;

/** What an ExternalSecret asks for and no vault can give. */
export const dataWrong = ({ wanted }: ExternalSecret): readonly Wrong[] =>
  wanted.flatMap((one) => wantedWrong(one) ?? []);

function wantedWrong({ key, kind, name, extracted, path }: Wanted): Wrong | undefined {
  if (key === '') return undefined;
  const base = { observed: key, path: `${path}.key` };
  if (kind === undefined) {
    const expected = `secret/${name}, key/${name} or cert/${name}`;
    return { ...base, failure: 'F078', expected, fix: { say: `Write it as ${expected}.` } };
  }
  if (extracted && kind !== 'secret')
    return {
      ...base,
      failure: 'F126',
      expected: 'an entry of data, with a secretKey',
      fix: { say: `Take ${key} by an entry of data: a ${kind} cannot be taken apart by dataFrom.extract.` },
    };
  if (OBJECT_NAME.test(name)) return undefined;
  return {
    ...base,
    failure: 'F081',
    expected: 'letters, digits and hyphens',
    fix: { say: `Name the ${kind} as it is called in the vault; the key of the Secret may be another.` },
  };
}

/** Why an ExternalSecret cannot write its Secret: another one owns it, or wants to. `owner` where it is known. */
export function targetWrong(
  external: ExternalSecret,
  all: readonly ExternalSecret[],
  owner?: string,
): Wrong | undefined {
  const { name, namespace, target } = external;
  if (external.creationPolicy !== 'Owner' || owner === name) return undefined;
  const rival = all.find(
    (other) =>
      other.name !== name &&
      other.namespace === namespace &&
      other.target === target &&
      other.creationPolicy === 'Owner' &&
      (owner === undefined || owner === other.name),
  );
  return (
    rival && {
      failure: 'F124',
      observed: `ExternalSecret ${rival.name} ${owner === undefined ? 'wants to own' : 'owns'} the Secret ${target} too`,
      expected: 'one ExternalSecret with creationPolicy Owner for a Secret',
      fix: { say: 'Give one of them another target.name, or creationPolicy: Merge where both shall fill it.' },
      path: 'spec.target.name',
    }
  );
}

/** Why an ExternalSecret is read once and never again. */
export function refreshWrong({ object, refreshPolicy, interval, namespace }: ExternalSecret): Wrong | undefined {
  if (refreshPolicy === 'Periodic' && interval > 0) return undefined;
  const change = { refreshPolicy: 'Periodic', ...(interval === 0 && { refreshInterval: '1h' }) };
  return {
    failure: 'F129',
    verdict: 'warn',
    observed: refreshPolicy === 'Periodic' ? 'refreshInterval 0' : `refreshPolicy ${refreshPolicy}`,
    expected: 'refreshPolicy Periodic and a refreshInterval',
    fix: {
      say: 'Set refreshPolicy: Periodic and a refreshInterval (1h): as it is, a new value in the vault is never seen.',
      ...(namespace && { run: merge(object, { spec: change }) }),
    },
    path: refreshPolicy === 'Periodic' ? 'spec.refreshInterval' : 'spec.refreshPolicy',
  };
}

const KINDS: readonly unknown[] = ['SecretStore', 'ClusterSecretStore', 'ExternalSecret', 'ClusterExternalSecret'];
const isOperators = ({ apiVersion, kind }: KubernetesObject): boolean =>
  text(apiVersion)?.startsWith(`${GROUP}/`) === true && KINDS.includes(kind);

/** Those that the definition serves, where it is among the files. */
function servedIn(objects: readonly KubernetesObject[]): Served {
  const definition = objects.find(
    ({ kind, metadata }) => kind === 'CustomResourceDefinition' && record(metadata).name === `externalsecrets.${GROUP}`,
  );
  if (!definition) return undefined;
  const versions = list(record(definition.spec).versions).map(record);
  return versions.flatMap(({ name, served }) => (served === true && text(name) ? [`${GROUP}/${name}`] : []));
}

/** What is wrong with the operator's objects in files. What may be right in a cluster that one does not see is left out. */
export function lint(given: readonly KubernetesObject[]): readonly Flaw[] {
  const objects = given.filter(isObject);
  const served = servedIn(objects);
  const stores = objects.flatMap((object) => storeOf(object) ?? []);
  const externals = objects.flatMap((object) => externalSecretOf(object) ?? []);
  const flaws = (
    object: KubernetesObject,
    [code, title]: readonly [string, string],
    wrongs: readonly (Wrong | undefined)[],
  ): readonly Flaw[] => wrongs.flatMap((wrong) => (wrong ? [flawIn(object, code, title, offline(wrong))] : []));
  const versions = objects
    .filter(isOperators)
    .flatMap((object) => flaws(object, CHECKS.api, [versionWrong(object.apiVersion, served)]));
  const ofStores = stores.flatMap((store) => {
    const account = objects.find(
      ({ kind, metadata }) =>
        kind === 'ServiceAccount' &&
        record(metadata).name === store.account?.name &&
        text(record(metadata).namespace) === (store.account?.namespace ?? store.namespace),
    );
    return flaws(store.object, CHECKS.signIn, [signInWrong(store, { account, isWhole: false })]);
  });
  const ofExternals = externals.flatMap((external) => {
    const earlier = externals.slice(0, externals.indexOf(external));
    return [
      ...flaws(
        external.object,
        CHECKS.store,
        external.stores.map((ref) => refWrong(external, ref, stores)),
      ),
      ...flaws(external.object, CHECKS.data, dataWrong(external)),
      // Said of the later one of two.
      ...flaws(external.object, CHECKS.target, [targetWrong(external, earlier)]),
    ];
  });
  return [...versions, ...ofStores, ...ofExternals];
}

/** A reference is surely wrong where the store is among the files, and is another kind or in another namespace. */
function refWrong(external: ExternalSecret, ref: StoreRef, stores: readonly Store[]): Wrong | undefined {
  const alike = stores.filter(({ name }) => name === ref.name);
  const found = alike.find(
    ({ kind, namespace }) =>
      kind === ref.kind &&
      (kind === 'ClusterSecretStore' || namespace === undefined || namespace === external.namespace),
  );
  if (found) return external.namespace === undefined ? undefined : useWrong(found, external.namespace, undefined);
  const isElsewhere = external.namespace !== undefined && alike.length > 0;
  const isOtherKind = alike.some(({ kind }) => kind !== ref.kind) && alike.every(({ kind }) => kind !== ref.kind);
  return isElsewhere || isOtherKind ? storeMissing(external, ref, alike) : undefined;
}

/** Files are changed by hand, not in the cluster. */
const offline = ({ fix, ...wrong }: Wrong): Wrong => ({ ...wrong, ...(fix && { fix: { say: fix.say } }) });
