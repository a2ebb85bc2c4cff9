import type { Refreshable as Azure } from '../../src/azure/index.ts';
import type { Refreshable as Cluster } from '../../src/kubernetes/index.ts';
import { Secret } from '../../src/secret.ts';
import { CLUSTER, IDENTITY, unsignedJwt, VAULT } from '../azure/server.ts';
import { account } from '../kubernetes/cluster.ts';

/** A call of an edge, and how a person names what it is about. */
export interface Call<Edge> {
  readonly name: string;
  does(edge: Edge): Promise<unknown>;
  readonly about: RegExp;
  /** Whether the result is what the call promises. */
  readonly gives: (result: unknown) => boolean;
  /** Of a call that reads pages: an item of one. */
  readonly list?: object;
  /** It answers nothing: what the service said besides "done" does not matter. */
  readonly silent?: true;
}

const URI = 'https://demo-kv.vault.azure.net/';
const APP = '22222222-2222-4222-8222-222222222222';
const TENANT = '33333333-3333-4333-8333-333333333333';
export const VALUE = new Secret('hostile-value-5f1c');
export const ASSERTION = new Secret(unsignedJwt({ iss: 'https://issuer/', sub: 'system:serviceaccount:shop:orders' }));
export const WORKLOAD_TOKEN = new Secret('workload-token-77aa');
const trusted = {
  name: 'c',
  issuer: 'https://issuer/',
  subject: 'system:serviceaccount:shop:orders',
  audiences: ['a'],
};
const policy = { tenantId: TENANT, objectId: APP, permissions: { secrets: ['get'] } };
const assignment = { scope: VAULT, role: APP, principalId: TENANT, description: 'aks-secrets' };

type Fits = (value: unknown) => boolean;
const text: Fits = (value) => typeof value === 'string';
const maybe =
  (fits: Fits): Fits =>
  (value) =>
    value === undefined || fits(value);
const orNull =
  (fits: Fits): Fits =>
  (value) =>
    value === null || fits(value);
const all =
  (fits: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every(fits);
const shaped =
  (shape: Readonly<Record<string, Fits>>): Fits =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([key, fits]) => fits((value as Record<string, unknown>)[key]));
const object = shaped({});
const nothing: Fits = (value) => value === undefined;
const date: Fits = (value) => value instanceof Date && !Number.isNaN(value.getTime());
const resource = shaped({ id: text, properties: object, tags: maybe(orNull(object)), location: maybe(orNull(text)) });
const properties = shaped({
  ...{
    name: (value) => text(value) && value !== '',
    version: maybe(text),
    enabled: (value) => typeof value === 'boolean',
  },
  ...{ created: maybe(date), expires: maybe(date), starts: maybe(date) },
});
const credential = shaped({ name: text, issuer: text, subject: text, audiences: all(text) });
const role = shaped({
  id: text,
  scope: text,
  role: text,
  principalId: text,
  createdOn: maybe(date),
  description: maybe(text),
});
const application = shaped({ id: text, clientId: text, name: text, tags: all(text), created: maybe(date) });
const principal = shaped({ id: text, clientId: text, tags: all(text) });
const secret: Fits = (value) => value instanceof Secret && value.reveal() !== '';

const RESOURCE = { id: `${VAULT}x`, name: 'x', properties: {} };
const ITEM = { id: 'https://demo-kv.vault.azure.net/secrets/a/b', attributes: { enabled: true } };
const APPLICATION = { id: APP, appId: APP, displayName: 'a' };
const ASSIGNMENT = { id: VAULT, properties: { roleDefinitionId: `/x/${APP}`, principalId: APP, scope: VAULT } };

/** All that is asked of Azure. */
export const AZURE: readonly Call<Azure>[] = [
  {
    name: 'subscription',
    does: (azure) => azure.describe(),
    about: /subscription/,
    gives: shaped({ name: text, tenantId: text }),
  },
  {
    name: 'group',
    does: (azure) => azure.groups.get('demo-rg'),
    about: /resource group demo-rg/,
    gives: maybe(resource),
  },
  {
    name: 'group create',
    does: (azure) => azure.groups.create('demo-rg', 'x', {}),
    about: /resource group demo-rg/,
    gives: resource,
  },
  {
    name: 'provider',
    does: (azure) => azure.providers.state('Microsoft.KeyVault'),
    about: /provider Microsoft.KeyVault/,
    gives: text,
  },
  {
    name: 'list of subscriptions',
    does: (azure) => azure.lists.subscriptions(),
    about: /./,
    gives: all(shaped({ id: text, name: text, tenantId: text })),
    list: { subscriptionId: APP, displayName: 'x', tenantId: APP, state: 'Enabled' },
  },
  {
    name: 'list of groups',
    does: (azure) => azure.lists.groups(),
    about: /./,
    gives: all(resource),
    list: { id: VAULT, name: 'g', properties: {} },
  },
  { name: 'list of vaults', does: (azure) => azure.lists.vaults(), about: /./, gives: all(resource), list: RESOURCE },
  {
    name: 'list of identities',
    does: (azure) => azure.lists.identities(),
    about: /./,
    gives: all(resource),
    list: RESOURCE,
  },
  { name: 'cluster', does: (azure) => azure.clusters.get(CLUSTER), about: /cluster demo-aks/, gives: maybe(resource) },
  {
    name: 'list of clusters',
    does: (azure) => azure.clusters.list(),
    about: /./,
    gives: all(resource),
    list: RESOURCE,
  },
  {
    name: 'cluster put',
    does: (azure) => azure.clusters.put(CLUSTER, { location: 'x' }),
    about: /cluster demo-aks/,
    gives: resource,
  },
  {
    name: 'credentials',
    does: (azure) => azure.clusters.credentials(CLUSTER),
    about: /cluster demo-aks/,
    gives: secret,
  },
  {
    name: 'extensions',
    does: (azure) => azure.extensions.list(CLUSTER),
    about: /cluster demo-aks/,
    gives: maybe(all(resource)),
    list: RESOURCE,
  },
  {
    name: 'extension put',
    does: (azure) => azure.extensions.put(CLUSTER, 'dapr', {}),
    about: /extension dapr/,
    gives: resource,
  },
  { name: 'vault', does: (azure) => azure.vaults.get(VAULT), about: /vault demo-kv/, gives: maybe(resource) },
  { name: 'vault create', does: (azure) => azure.vaults.create(VAULT, {}), about: /vault demo-kv/, gives: resource },
  {
    name: 'vault name',
    does: (azure) => azure.vaults.nameFree('demo-kv'),
    about: /vault demo-kv|Microsoft.KeyVault/,
    gives: shaped({ free: (value) => typeof value === 'boolean', reason: maybe(text) }),
  },
  {
    name: 'deleted vault',
    does: (azure) => azure.vaults.deleted('demo-kv', 'x'),
    about: /deleted vault demo-kv/,
    gives: maybe(resource),
  },
  {
    name: 'policy',
    does: (azure) => azure.vaults.addPolicy(VAULT, policy),
    about: /vault demo-kv/,
    gives: nothing,
    silent: true,
  },
  {
    name: 'identity',
    does: (azure) => azure.identities.get(IDENTITY),
    about: /identity orders-id/,
    gives: maybe(resource),
  },
  {
    name: 'identities',
    does: (azure) => azure.identities.list('demo-rg'),
    about: /resource group demo-rg/,
    gives: all(resource),
    list: RESOURCE,
  },
  {
    name: 'identity create',
    does: (azure) => azure.identities.create(IDENTITY, 'x', {}),
    about: /identity orders-id/,
    gives: resource,
  },
  {
    name: 'credentials of an identity',
    does: (azure) => azure.federation.list(IDENTITY),
    about: /identity orders-id/,
    gives: maybe(all(credential)),
    list: { name: 'c', properties: trusted },
  },
  {
    name: 'credential put',
    does: (azure) => azure.federation.put(IDENTITY, trusted),
    about: /identity orders-id/,
    gives: credential,
  },
  {
    name: 'application',
    does: (azure) => azure.applications.find({ clientId: APP }),
    about: /application/,
    gives: all(application),
  },
  {
    name: 'applications of a name',
    does: (azure) => azure.applications.find({ name: 'a' }),
    about: /application/,
    gives: all(application),
    list: APPLICATION,
  },
  {
    name: 'application create',
    does: (azure) => azure.applications.create({ name: 'a', tags: [], signInAudience: 'AzureADMyOrg' }),
    about: /application/,
    gives: application,
  },
  {
    name: 'service principal',
    does: (azure) => azure.servicePrincipals.of(APP),
    about: /service principal|application/,
    gives: maybe(principal),
  },
  {
    name: 'service principal create',
    does: (azure) => azure.servicePrincipals.create(APP, []),
    about: /service principal|application/,
    gives: principal,
  },
  {
    name: 'credentials of an application',
    does: (azure) => azure.federation.list(APP),
    about: /credential|application/,
    gives: maybe(all(credential)),
    list: trusted,
  },
  {
    name: 'assignments',
    does: (azure) => azure.roles.list(VAULT),
    about: /vault demo-kv/,
    gives: maybe(all(role)),
    list: ASSIGNMENT,
  },
  {
    name: 'assignments held',
    does: (azure) => azure.roles.heldBy(VAULT, TENANT),
    about: /vault demo-kv/,
    gives: all(role),
    list: ASSIGNMENT,
  },
  { name: 'assign', does: (azure) => azure.roles.assign(assignment), about: /vault demo-kv/, gives: role },
  {
    name: 'secrets',
    does: (azure) => azure.secrets.list(URI),
    about: /vault demo-kv/,
    gives: maybe(all(properties)),
    list: ITEM,
  },
  {
    name: 'keys',
    does: (azure) => azure.keys.list(URI),
    about: /vault demo-kv/,
    gives: maybe(all(properties)),
    list: ITEM,
  },
  {
    name: 'certificates',
    does: (azure) => azure.certificates.list(URI),
    about: /vault demo-kv/,
    gives: maybe(all(properties)),
    list: ITEM,
  },
  {
    name: 'secret',
    does: (azure) => azure.secrets.find(URI, 'db-password'),
    about: /secret db-password in vault demo-kv/,
    gives: maybe(properties),
    list: ITEM,
  },
  {
    name: 'versions',
    does: (azure) => azure.secrets.versions(URI, 'db-password'),
    about: /secret db-password/,
    gives: all(properties),
    list: ITEM,
  },
  {
    name: 'secret set',
    does: (azure) => azure.secrets.set(URI, 'db-password', VALUE),
    about: /secret db-password/,
    gives: properties,
  },
  {
    name: 'exchange',
    does: (azure) => azure.workload.exchange(TENANT, APP, ASSERTION),
    about: /token of tenant/,
    gives: secret,
  },
  {
    name: 'proof',
    does: (azure) => azure.workload.mayGet(URI, 'secret', 'db-password', WORKLOAD_TOKEN),
    about: /secret db-password in vault demo-kv/,
    gives: nothing,
  },
  {
    name: 'proof of a list',
    does: (azure) => azure.workload.mayList(URI, WORKLOAD_TOKEN),
    about: /vault demo-kv/,
    gives: nothing,
  },
];

const kubernetesObject = shaped({ metadata: shaped({ name: text }) });
const pods = { apiVersion: 'v1', kind: 'Pod' };

/** All that is asked of a cluster. */
export const KUBERNETES: readonly Call<Cluster>[] = [
  {
    name: 'object',
    does: (cluster) => cluster.get(account),
    about: /ServiceAccount shop\/orders/,
    gives: maybe(kubernetesObject),
  },
  {
    name: 'objects',
    does: (cluster) => cluster.list(pods, 'shop'),
    about: /Pod in shop/,
    gives: all(kubernetesObject),
  },
  {
    name: 'versions',
    does: (cluster) => cluster.versions('external-secrets.io'),
    about: /external-secrets\.io/,
    gives: all(text),
  },
  {
    name: 'an object of a kind that is asked for',
    does: (cluster) => cluster.get({ apiVersion: 'example.com/v1', kind: 'Thing', namespace: 'shop', name: 'a' }),
    about: /example\.com\/v1|Thing/,
    gives: maybe(kubernetesObject),
  },
  {
    name: 'apply',
    does: (cluster) =>
      cluster.apply('apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: orders, namespace: shop }\n'),
    about: /ServiceAccount shop\/orders/,
    gives: kubernetesObject,
  },
  {
    name: 'token',
    does: (cluster) => cluster.token('shop', 'orders', 'a'),
    about: /ServiceAccount shop\/orders/,
    gives: secret,
  },
];
