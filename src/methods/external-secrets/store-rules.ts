import { matched } from '../../expression.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Wrong } from '../wiring/finding.ts';
import { CLIENT_ID, TENANT_ID } from '../wiring/keys.ts';
import { list, record, text, texts } from '../wiring/shape.ts';
import { calledStore, hostOf, merge, type Store } from './model.ts';

/*
 * What the operator demands of a SecretStore or ClusterSecretStore of Azure Key Vault: its admission webhook and the
 * provider azurekv, in their order, so that the first thing wrong is the one that they say.
 */
const AZUREKV = 'spec.provider.azurekv';

/** What surrounds a store. */
export interface Around {
  /** The ServiceAccount that it names; absent: not known. */
  readonly account?: KubernetesObject | undefined;
  /** All there is has been looked at, so what is not there is missing. */
  readonly isWhole: boolean;
}

/** Why a store cannot sign in; `undefined` when it can, as far as it can be seen from here. */
export const signInWrong = (store: Store, around: Around): Wrong | undefined =>
  namespaceWrong(store) ?? customCloudWrong(store) ?? byAuthType(store, around);

function namespaceWrong(store: Store): Wrong | undefined {
  if (store.kind !== 'SecretStore') return undefined;
  const refs = [
    ...(store.account ? [{ ...store.account, path: `${AZUREKV}.serviceAccountRef.namespace` }] : []),
    ...(store.secrets ?? []).map((one) => ({ ...one, path: `${AZUREKV}.authSecretRef.${one.field}.namespace` })),
  ];
  const foreign = refs.find(({ namespace }) => namespace !== undefined && namespace !== store.namespace);
  return (
    foreign && {
      failure: 'F151',
      observed: `it names the namespace ${foreign.namespace}`,
      expected: 'no namespace: a SecretStore takes what it refers to from its own',
      fix: { say: 'Leave the namespace out, or make it a ClusterSecretStore.' },
      path: foreign.path,
    }
  );
}

function customCloudWrong(store: Store): Wrong | undefined {
  if (store.isCustomCloud && !store.usesSdk)
    return {
      failure: 'F128',
      observed: 'customCloudConfig without useAzureSDK',
      expected: 'useAzureSDK: true',
      fix: {
        say: 'Set useAzureSDK: true: without it the operator signs in by a library that knows no custom cloud.',
        ...change(store, { useAzureSDK: true }),
      },
      path: `${AZUREKV}.useAzureSDK`,
    };
  if (store.environment === 'AzureStackCloud' && !store.isCustomCloud)
    return {
      failure: 'F128',
      observed: 'environmentType AzureStackCloud without customCloudConfig',
      expected: 'customCloudConfig, and useAzureSDK: true',
      fix: { say: 'Give customCloudConfig with the endpoints of that cloud, and useAzureSDK: true.' },
      path: `${AZUREKV}.environmentType`,
    };
  return undefined;
}

function byAuthType(store: Store, around: Around): Wrong | undefined {
  switch (store.authType) {
    case 'WorkloadIdentity':
      // Without an account it is the operator's own identity, and the store is right in itself.
      return store.account ? workloadIdentityWrong(store, store.account.name, around) : undefined;
    case 'ServicePrincipal':
      return servicePrincipalWrong(store);
    default:
      return undefined;
  }
}

function servicePrincipalWrong(store: Store): Wrong | undefined {
  const has = (field: string) => store.secrets?.some((one) => one.field === field && one.name !== '') === true;
  if (has('clientId') && (has('clientSecret') || has('clientCertificate')))
    return store.tenantId || has('tenantId') ? undefined : tenantMissing(store);
  return {
    failure: 'F118',
    observed: store.isAuthTypeGiven
      ? 'authType ServicePrincipal without a complete authSecretRef'
      : 'no authType, which means ServicePrincipal, and no complete authSecretRef',
    expected: 'authType: WorkloadIdentity',
    fix: {
      say: 'Set authType: WorkloadIdentity and serviceAccountRef.',
      ...(store.account && change(store, { authType: 'WorkloadIdentity' })),
    },
    path: `${AZUREKV}.authType`,
  };
}

function workloadIdentityWrong(store: Store, account: string, around: Around): Wrong | undefined {
  const annotations = around.account && texts(record(around.account.metadata).annotations);
  // The newer library takes the client from the annotation alone, and its first tenant.
  const named = store.usesSdk ? undefined : store.secrets?.map(({ field }) => field);
  if (named) {
    // The account's annotation is not known from here, and it is what an account is named for.
    const mayBeTwo = annotations === undefined ? !around.isWhole : Boolean(annotations[CLIENT_ID]);
    if (mayBeTwo || !named.includes('clientId'))
      return {
        failure: 'F116',
        observed: `both authSecretRef and the ServiceAccount ${account}`,
        expected: 'one of them',
        fix: { say: `Take authSecretRef away: the ServiceAccount ${account} names the client.` },
        path: `${AZUREKV}.authSecretRef`,
      };
  } else if (around.isWhole && annotations && !annotations[CLIENT_ID])
    return {
      failure: 'F114',
      observed: `the ServiceAccount ${account} has no annotation ${CLIENT_ID}`,
      expected: `${CLIENT_ID}: the client id of the identity`,
      fix: { say: `Annotate the ServiceAccount ${account} with the client id of the identity.` },
    };
  const tenants = [
    ...(store.tenantId ? [`${AZUREKV}.tenantId`] : []),
    ...(named?.includes('tenantId') ? [`${AZUREKV}.authSecretRef.tenantId`] : []),
  ];
  const isAnnotated = annotations?.[TENANT_ID] !== undefined;
  if (isAnnotated && tenants.length > 0 && !store.usesSdk)
    return {
      failure: 'F116',
      observed: `the tenant both in the store and in the annotation ${TENANT_ID} of the ServiceAccount ${account}`,
      expected: 'one of them',
      fix: {
        say: 'Take tenantId out of the store where the ServiceAccount must keep its annotation, else take the annotation off.',
        ...(store.tenantId && change(store, { tenantId: null })),
      },
      path: tenants[0]!,
    };
  const isMissing = around.isWhole && annotations && !isAnnotated && tenants.length === 0;
  return isMissing ? tenantMissing(store) : undefined;
}

const tenantMissing = (store: Store): Wrong => ({
  failure: 'F115',
  observed: 'no tenant is named anywhere',
  expected: `${AZUREKV}.tenantId`,
  fix: { say: `Set ${AZUREKV}.tenantId of the ${calledStore(store)} to the tenant of the identity.` },
  path: `${AZUREKV}.tenantId`,
});

/** Why a store does not read the vault that is meant, by the names of the cloud that the vault is in. */
export function vaultWrong(
  store: Store,
  meant: { readonly uri: string; readonly environment: string },
): Wrong | undefined {
  if (hostOf(store.vaultUrl) !== hostOf(meant.uri) || !/^https:/i.test(store.vaultUrl))
    return {
      failure: 'F075',
      observed: store.vaultUrl || 'no vaultUrl',
      expected: meant.uri,
      fix: { say: `Set vaultUrl to ${meant.uri}.`, ...change(store, { vaultUrl: meant.uri }) },
      path: `${AZUREKV}.vaultUrl`,
    };
  if (store.isCustomCloud || store.environment === meant.environment) return undefined;
  return {
    failure: 'F143',
    observed: `environmentType ${store.environment}`,
    expected: meant.environment,
    fix: {
      say: `Set environmentType to ${meant.environment}: the vault is in that cloud.`,
      ...change(store, { environmentType: meant.environment }),
    },
    path: `${AZUREKV}.environmentType`,
  };
}

type Labels = Readonly<Record<string, string>>;

/** Why a cluster-wide store may not be used from a namespace. Without its labels what selects by them may fit. */
export function useWrong(store: Store, namespace: string, labels: Labels | undefined): Wrong | undefined {
  if (store.kind !== 'ClusterSecretStore' || store.conditions.length === 0) return undefined;
  const isAllowed = store.conditions.some(
    ({ namespaces, regexes, selector }) =>
      namespaces.includes(namespace) ||
      regexes.some((source) => fits(source, namespace)) ||
      (selector !== undefined && (labels === undefined || selects(selector, labels))),
  );
  if (isAllowed) return undefined;
  return {
    failure: 'F123',
    observed: `the conditions of the ${calledStore(store)} leave the namespace ${namespace} out`,
    expected: `a condition that fits ${namespace}`,
    fix: { say: `Add ${namespace} to spec.conditions of the ${calledStore(store)}, or use a SecretStore of its own.` },
    path: 'spec.conditions',
  };
}

/** What Go takes and JavaScript does not, or not in time, may fit. */
const fits = (source: string, name: string): boolean => {
  try {
    return matched(new RegExp(source), [name])?.includes(name) ?? true;
  } catch {
    return true;
  }
};

/** A label selector as Kubernetes reads it. */
function selects(selector: Readonly<Record<string, unknown>>, labels: Labels): boolean {
  const byLabels = Object.entries(texts(selector.matchLabels)).every(([key, value]) => labels[key] === value);
  const byExpressions = list(selector.matchExpressions).every((each) => {
    const { key, operator, values } = record(each);
    const value = labels[text(key) ?? ''];
    const isOne = value !== undefined && list(values).includes(value);
    if (operator === 'In') return isOne;
    if (operator === 'NotIn') return !isOne;
    return (operator === 'Exists') === (value !== undefined);
  });
  return byLabels && byExpressions;
}

/** A line that changes fields of a store; none for one of a file that names no namespace. */
const change = (store: Store, fields: object): { readonly run?: string } =>
  store.kind === 'SecretStore' && store.namespace === undefined
    ? {}
    : { run: merge(store.object, { spec: { provider: { azurekv: fields } } }) };
