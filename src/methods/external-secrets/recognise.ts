import { entryOf } from '../../entry.ts';
import type { Kubernetes, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { SERVED } from '../../steps/operator.ts';
import type { SecretRef } from '../../workload.ts';
import type { PodAround, Recognised } from '../method.ts';
import { secretsIn } from '../wiring/carrier.ts';
import { CLIENT_ID, TENANT_ID } from '../wiring/keys.ts';
import { list, record, text } from '../wiring/shape.ts';
import { KINDS } from './model.ts';

interface Store {
  readonly kind: string;
  readonly name: string;
}

/** What the operator brings: by the ExternalSecrets that write the Kubernetes Secrets which the pod reads. */
export async function recognise(
  { pod, namespace, cloud }: PodAround,
  kubernetes: Kubernetes,
): Promise<readonly Recognised[]> {
  const read = secretsIn(pod.spec);
  if (read.length === 0) return [];
  const all = await kubernetes.list({ apiVersion: await apiOf(kubernetes), kind: 'ExternalSecret' }, namespace);
  const own = all.filter((each) => read.includes(targetOf(each)));
  const shown = own.flatMap((each) =>
    storesOf(each).map((store) => shownBy(each, store, kubernetes, cloud.vaultSuffix)),
  );
  return (await Promise.all(shown)).flat();
}

/** The version under which the cluster serves its kinds; where there is no operator, any says that there is nothing. */
async function apiOf(kubernetes: Kubernetes): Promise<string> {
  const served = await kubernetes.versions('external-secrets.io');
  return SERVED.find((version) => served.includes(version)) ?? SERVED[0];
}

const specOf = (found: KubernetesObject | undefined) => record(found?.spec);
/** Its Secret is called as itself unless it says otherwise. */
const targetOf = (found: KubernetesObject): string => text(record(specOf(found).target).name) || found.metadata.name;

/** Each store from which it takes something: most name one for all. */
function storesOf(found: KubernetesObject): readonly Store[] {
  const { secretStoreRef, data, dataFrom } = specOf(found);
  const named = [...list(data), ...list(dataFrom)].map((each) => storeOf(each) ?? referenceOf(secretStoreRef));
  const stores = named.length > 0 ? named : [referenceOf(secretStoreRef)];
  return stores.filter((one, at) => one && stores.findIndex((other) => isSame(one, other)) === at) as Store[];
}
const isSame = (one: Store | undefined, other: Store | undefined): boolean =>
  one?.name === other?.name && one?.kind === other?.kind;
const storeOf = (entry: unknown): Store | undefined => referenceOf(record(record(entry).sourceRef).storeRef);
function referenceOf(given: unknown): Store | undefined {
  const { name, kind } = record(given);
  return text(name) ? { name: text(name)!, kind: text(kind) || 'SecretStore' } : undefined;
}

async function shownBy(
  found: KubernetesObject,
  { kind, name }: Store,
  kubernetes: Kubernetes,
  vaultSuffix: string,
): Promise<readonly Recognised[]> {
  const { namespace = '' } = found.metadata;
  const { apiVersion } = found;
  const isWide = kind === 'ClusterSecretStore';
  const store = await kubernetes
    .get({ apiVersion, kind, name, ...(!isWide && { namespace }) })
    // Who may not see a store of the whole cluster is told so, and the rest is looked at all the same.
    .catch(() => undefined);
  const by = `ExternalSecret ${namespace}/${found.metadata.name}`;
  const taken = takenFrom(found, { kind, name });
  const common = { by, ...taken, names: { syncSecret: targetOf(found) } };
  const where = isWide ? name : `${namespace}/${name}`;
  if (!store)
    return [{ ...common, serviceAccount: '', unseen: [`${kind} ${where} is not there, or may not be looked at`] }];
  const provider = record(record(specOf(store).provider).azurekv);
  // Another kind of store: no Key Vault has a part in it.
  if (Object.keys(provider).length === 0) return [];
  const account = await accountOf(provider, namespace, kubernetes);
  const clientId = account.object?.metadata.annotations?.[CLIENT_ID];
  const tenantId = text(provider.tenantId) || account.object?.metadata.annotations?.[TENANT_ID];
  const vault = vaultIn(text(provider.vaultUrl) ?? '', vaultSuffix);
  return [
    {
      ...common,
      ...{ serviceAccount: account.name, unseen: [] },
      ...(account.namespace !== namespace && { accountNamespace: account.namespace }),
      ...(clientId && { clientId }),
      ...(tenantId && { tenantId }),
      ...(vault && { vault }),
    },
  ];
}

interface Account {
  readonly name: string;
  readonly namespace: string;
  readonly object: KubernetesObject | undefined;
}

/** Whose token the operator takes: the service account that the store names, or its own. */
async function accountOf(
  provider: Readonly<Record<string, unknown>>,
  namespace: string,
  kubernetes: Kubernetes,
): Promise<Account> {
  const named = record(provider.serviceAccountRef);
  const name = text(named.name);
  if (name) return accountCalled(name, text(named.namespace) || namespace, kubernetes);
  if (provider.authType !== 'WorkloadIdentity') return { name: '', namespace, object: undefined };
  const label = 'app.kubernetes.io/name=external-secrets';
  const operators = await kubernetes
    .list({ apiVersion: 'apps/v1', kind: 'Deployment' }, undefined, label)
    .catch(() => []);
  const [operator] = operators;
  const own = text(record(record(specOf(operator).template).spec).serviceAccountName);
  return own && operator?.metadata.namespace
    ? accountCalled(own, operator.metadata.namespace, kubernetes)
    : { name: '', namespace, object: undefined };
}

async function accountCalled(name: string, namespace: string, kubernetes: Kubernetes): Promise<Account> {
  const object = await kubernetes
    .get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace, name })
    .catch(() => undefined);
  return { name, namespace, object };
}

/** `shop-kv` of `https://shop-kv.vault.azure.net/`. */
const vaultIn = (url: string, suffix: string): string | undefined => {
  const host = URL.parse(url)?.hostname ?? '';
  return host.endsWith(suffix) ? host.slice(0, -suffix.length) : undefined;
};

function takenFrom(found: KubernetesObject, store: Store): Pick<Recognised, 'secrets' | 'answers'> {
  const { secretStoreRef, data, dataFrom } = specOf(found);
  const isHere = (entry: unknown): boolean => isSame(storeOf(entry) ?? referenceOf(secretStoreRef), store);
  const all = list(dataFrom).filter(isHere).map(record);
  const finds = all.flatMap(({ find }) => (find === undefined ? [] : [text(record(record(find).name).regexp) ?? '.*']));
  const named = list(data)
    .filter(isHere)
    .flatMap((each) => referenceTo(text(record(record(each).remoteRef).key), text(record(each).secretKey)));
  // The values of such a one are JSON, whose keys become the Secret's: only secrets hold that.
  const whole = all
    .flatMap(({ extract }) => referenceTo(text(record(extract).key), undefined))
    .filter(({ kind }) => kind === 'secret');
  const secrets = [...named, ...whole];
  return { secrets, answers: { 'sync-secret': targetOf(found), ...(finds[0] !== undefined && { find: finds[0] }) } };
}

/** `secret/db`, `key/db`, `cert/db`; a bare name is a secret's. What no secret can be called is for others to complain of. */
function referenceTo(key: string | undefined, as: string | undefined): readonly SecretRef[] {
  const [, type = 'secret', name = ''] = /^(?:(secret|key|cert)\/)?([0-9a-zA-Z-]{1,127})$/.exec(key ?? '') ?? [];
  return name === '' ? [] : [{ kind: entryOf(KINDS, type) ?? 'secret', name, as: as ?? name }];
}
