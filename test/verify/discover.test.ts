import { describe, expect, it } from 'vitest';
import type { Azure, FederatedCredential, Resource } from '../../src/azure/azure.ts';
import { CLOUDS } from '../../src/azure/clouds.ts';
import type { Kubernetes, KubernetesObject, ObjectRef } from '../../src/kubernetes/kubernetes.ts';
import { methods } from '../../src/methods/index.ts';
import { carrierOf } from '../../src/methods/wiring/carrier.ts';
import { Problem } from '../../src/trouble.ts';
import { findCluster } from '../../src/verify/discover/cluster.ts';
import { identityFor } from '../../src/verify/discover/identity.ts';
import { podsAt } from '../../src/verify/discover/pods.ts';

type Json = Readonly<Record<string, unknown>>;
const object = (kind: string, name: string, rest: Json = {}, metadata: Json = {}): KubernetesObject =>
  ({ apiVersion: 'v1', kind, metadata: { name, namespace: 'shop', ...metadata }, ...rest }) as KubernetesObject;

/** A cluster that holds these; what is denied is denied by kind. */
function clusterOf(objects: readonly KubernetesObject[], denied: readonly string[] = []): Kubernetes {
  const look = (kind: string) => {
    if (denied.includes(kind)) throw new Problem('denied', kind, `you may not look at ${kind}`);
    return objects.filter((each) => each.kind === kind);
  };
  return {
    get: async ({ kind, name, namespace }: ObjectRef) =>
      look(kind).find(({ metadata }) => metadata.name === name && (!namespace || metadata.namespace === namespace)),
    list: async ({ kind }: { kind: string }) => look(kind),
    versions: async () => ['external-secrets.io/v1'],
  } as unknown as Kubernetes;
}
const resource = (name: string, properties: Json, type = 'userAssignedIdentities'): Resource =>
  ({ id: `/subscriptions/s/resourceGroups/${name}-rg/providers/x/${type}/${name}`, name, properties }) as Resource;

describe('the cluster', () => {
  const aks = (name: string, properties: Json = {}) => resource(name, properties, 'managedClusters');
  const where = (id: string, ...all: Resource[]) => ({ id, azure: { clusters: { list: async () => all } as never } });
  const none = async () => [];

  it.each([
    ['fqdn', 'a.hcp.westeurope.azmk8s.io'],
    ['privateFQDN', 'A.privatelink.westeurope.azmk8s.io'],
    ['azurePortalFQDN', 'a.portal.hcp.westeurope.azmk8s.io'],
  ])('is the one of this host: %s', async (property, host) => {
    const own = where('one', aks('other', { fqdn: 'b.example' }), aks('shop-aks', { [property]: host }));
    expect(await findCluster({ host: host.toLowerCase() }, own, none)).toEqual({
      subscription: 'one',
      cluster: { name: 'shop-aks', resourceGroup: 'shop-aks-rg' },
    });
  });

  it('may be in another subscription, which is asked only then', async () => {
    const others = async () => [where('two', aks('shop-aks', { fqdn: 'a.example' }))];
    expect((await findCluster({ host: 'a.example' }, where('one'), others)).subscription).toBe('two');
    const never = () => Promise.reject(new Error('was asked'));
    expect(await findCluster({ name: 'SHOP-aks' }, where('one', aks('shop-aks')), never)).toMatchObject({
      cluster: { name: 'shop-aks' },
    });
  });

  it.each([
    [{}, /no kubeconfig here/],
    [{ host: 'x.example' }, /leads to x.example, and no cluster/],
    [{ name: 'shop-ask' }, /There is no cluster shop-ask .* Did you mean "shop-aks"/],
  ])('is never picked because it is the only one: %j', async (clue, message) => {
    await expect(findCluster(clue, where('one', aks('shop-aks', { fqdn: 'a.example' })), none)).rejects.toThrow(
      message,
    );
  });
});

describe('pods', () => {
  const keep = { deployment: { ownerReferences: [{ kind: 'ReplicaSet', name: 'orders-5d4c', uid: 'u' }] } };
  const world = [
    object('Deployment', 'orders', { spec: { template: { spec: { containers: [] } } } }),
    object('ReplicaSet', 'orders-5d4c', {}, { ownerReferences: [{ kind: 'Deployment', name: 'orders', uid: 'd' }] }),
    object('Pod', 'orders-5d4c-old', {}, { ...keep.deployment, creationTimestamp: '2026-11-22T10:00:00Z' }),
    object('Pod', 'orders-5d4c-new', {}, { ...keep.deployment, creationTimestamp: '2026-11-22T11:00:00Z' }),
    object('CronJob', 'nightly', { spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } } }),
    object(
      'Pod',
      'probe',
      {},
      {
        labels: { 'app.kubernetes.io/managed-by': 'aks-secrets', 'app.kubernetes.io/name': 'aks-secrets-probe' },
      },
    ),
  ];
  const seen = async (target: Parameters<typeof podsAt>[0], denied: readonly string[] = []) => {
    const { sighted, notes, pod } = await podsAt(target, clusterOf(world, denied));
    const all = sighted.map(
      ({ pod: { object: one }, owner }) => `${one.kind} ${one.metadata.name} of ${owner.kind} ${owner.name}`,
    );
    return { all, notes, pod };
  };

  it('of a namespace: the newest of each owner, and what has none at the moment', async () => {
    expect((await seen({ namespace: 'shop' })).all).toEqual([
      'Pod orders-5d4c-new of Deployment orders',
      'CronJob nightly of CronJob nightly',
    ]);
  });

  it('by name, whoever may not see what keeps it', async () => {
    const target = { namespace: 'shop', pod: 'orders-5d4c-old' };
    expect(await seen(target)).toMatchObject({
      all: ['Pod orders-5d4c-old of Deployment orders'],
      pod: 'orders-5d4c-old',
    });
    expect((await seen(target, ['ReplicaSet'])).all).toEqual(['Pod orders-5d4c-old of Deployment orders']);
  });

  it.each([
    ['orders-5d4c-gone1', 'There is no pod shop/orders-5d4c-gone1 any more; orders-5d4c-new is its successor.'],
    [
      'nightly-29281234-k8k2p',
      'There is no pod shop/nightly-29281234-k8k2p any more, and no other of CronJob nightly.',
    ],
  ])('one that has gone stands for its successor: %s', async (pod, note) => {
    expect((await seen({ namespace: 'shop', pod })).notes).toEqual([note]);
  });

  it('what keeps pods may be named in place of one', async () => {
    expect(await seen({ namespace: 'shop', pod: 'orders' })).toMatchObject({ notes: [], pod: 'orders-5d4c-new' });
    await expect(seen({ namespace: 'shop', pod: 'payments' })).rejects.toThrow('There is no pod payments');
  });
});

describe('the identity of a client id', () => {
  const managed = [
    resource('orders-id', { clientId: 'AAAA', principalId: 'p1' }),
    resource('other-id', { clientId: 'bbbb', principalId: 'p2' }),
  ];
  const SUBJECT = 'system:serviceaccount:shop:orders';
  const trusting: Readonly<Record<string, readonly FederatedCredential[]>> = {
    'other-id': [{ name: 'c', issuer: 'https://issuer.example/', subject: SUBJECT, audiences: [] }],
  };
  const denied = () => Promise.reject(new Problem('denied', 'x', 'no'));
  const azure = (more: Partial<Record<'identities' | 'applications' | 'principals', () => Promise<unknown>>> = {}) =>
    ({
      lists: { identities: more.identities ?? (async () => managed) },
      applications: { find: more.applications ?? (async () => []) },
      servicePrincipals: { of: more.principals ?? (async () => undefined) },
      federation: { list: async (id: string) => trusting[id.split('/').at(-1) ?? ''] ?? [] },
    }) as unknown as Azure;
  const trust = { subject: SUBJECT, issuer: 'https://issuer.example' };
  const nobody = { subject: 'system:serviceaccount:shop:nobody', issuer: trust.issuer };

  it('is a managed identity, in whatever case it is written', async () => {
    expect(await identityFor(azure(), 'aaaa', trust)).toEqual({
      wish: { name: 'orders-id', resourceGroup: 'orders-id-rg' },
      principalId: 'p1',
    });
  });

  it('is an application of the directory', async () => {
    const found = await identityFor(azure({ applications: async () => [{ id: 'o' }] }), 'cccc', nobody);
    expect(found).toEqual({ wish: { kind: 'app registration', name: 'cccc' } });
  });

  it.each([undefined, 'cccc'])('is the one that trusts the account, where nobody has it: %s', async (clientId) => {
    const found = await identityFor(azure(), clientId, trust);
    expect(found.wish).toEqual({ name: 'other-id', resourceGroup: 'other-id-rg' });
    expect(found.note).toMatch(/other-id trusts shop\/orders, and is taken for it/);
  });

  it.each([
    ['nobody has it', {}, /no managed identity of the subscription and no application has the client id cccc/],
    ['the directory is closed', { applications: denied }, /^you may not look at the directory$/],
    ['the list is closed', { identities: denied }, /^you may not look at managed identities of the subscription$/],
    ['it is elsewhere', { principals: async () => ({ id: 'p9' }) }, /a managed identity of another subscription/],
  ] as const)('is unknown, and it says how far the search went: %s', async (_title, more, why) => {
    const found = await identityFor(azure(more), 'cccc', nobody);
    expect(found.wish).toBeUndefined();
    expect(found.why).toMatch(why);
  });
});

describe('how a pod gets its secrets', () => {
  const cloud = CLOUDS[0]!;
  const recognised = async (
    pod: Json,
    around: readonly KubernetesObject[] = [],
    account: Json = {},
    metadata: Json = {},
  ): Promise<string[]> => {
    const carrier = carrierOf(
      object('Pod', 'p', { spec: { serviceAccountName: 'orders', containers: [], ...pod } }, metadata),
    )!;
    const given = {
      pod: carrier,
      namespace: 'shop',
      account: object('ServiceAccount', 'orders', {}, { annotations: account }),
      cloud,
    };
    const all = await Promise.all(
      methods.map(async ({ name, recognise }) =>
        ((await recognise?.(given, clusterOf(around))) ?? []).map(({ by, vault, clientId, secrets, faint }) =>
          [
            name,
            by,
            vault ?? '-',
            clientId ?? '-',
            secrets.map((each) => `${each.kind} ${each.name} as ${each.as}`).join(',') || '-',
            faint && 'faint',
          ]
            .filter(Boolean)
            .join(' | '),
        ),
      ),
    );
    return all.flat();
  };
  const CLIENT = { 'azure.workload.identity/client-id': 'id-1' };
  const volume = (name: string) => ({
    volumes: [
      { name: 'kv', csi: { driver: 'secrets-store.csi.k8s.io', volumeAttributes: { secretProviderClass: name } } },
    ],
  });
  const spc = (parameters: Json, more: Json = {}) =>
    object('SecretProviderClass', 'kv', { spec: { provider: 'azure', parameters, ...more } });
  const objects =
    'array:\n  - |\n    objectName: db\n    objectAlias: DB\n  - |\n    objectName: tls\n    objectType: cert\n';

  it('a class that its volume names', async () => {
    const all = [spc({ clientID: 'id-1', keyvaultName: 'shop-kv', objects })];
    expect(await recognised(volume('kv'), all)).toEqual([
      'csi | SecretProviderClass shop/kv | shop-kv | id-1 | secret db as DB,certificate tls as tls',
    ]);
  });

  it('a class of which it reads the Secret, and whose volume it forgot', async () => {
    const env = [{ name: 'DB', valueFrom: { secretKeyRef: { name: 'synced', key: 'db' } } }];
    const all = [
      spc({ keyvaultName: 'https://shop-kv.vault.azure.net/' }, { secretObjects: [{ secretName: 'synced' }] }),
    ];
    expect(await recognised({ containers: [{ name: 'a', env }] }, all)).toEqual([
      'csi | SecretProviderClass shop/kv | shop-kv | - | -',
    ]);
  });

  it.each([
    ['is not there', [], ['csi | SecretProviderClass shop/kv | - | - | -']],
    ['is of another provider', [object('SecretProviderClass', 'kv', { spec: { provider: 'vault' } })], []],
    ['cannot be read', [spc({ objects: 'array: [' })], ['csi | SecretProviderClass shop/kv | - | - | -']],
  ])('a class that %s', async (_title, all, found) => {
    expect(await recognised(volume('kv'), all)).toEqual(found);
  });

  it('its code signs in; a variable says which vault', async () => {
    const label = { labels: { 'azure.workload.identity/use': 'true' } };
    const env = [{ name: 'KV_URI', value: 'x=https://Shop-KV.vault.azure.net/secrets/db' }];
    expect(await recognised({ containers: [{ name: 'a', env }] }, [], CLIENT, label)).toEqual([
      'workload-identity | ServiceAccount shop/orders | shop-kv | id-1 | -',
    ]);
    const config = object('ConfigMap', 'settings', {
      data: { KEY_VAULT_NAME: 'shop-kv', VAULT_ADDR: 'https://vault.example' },
    });
    const from = { containers: [{ name: 'a', envFrom: [{ configMapRef: { name: 'settings' } }] }] };
    expect(await recognised(from, [config], CLIENT, label)).toEqual([
      'workload-identity | ServiceAccount shop/orders | shop-kv | id-1 | -',
    ]);
    expect(await recognised({}, [], CLIENT, label)).toEqual([
      'workload-identity | ServiceAccount shop/orders | - | id-1 | - | faint',
    ]);
    expect(await recognised({}, [], {}, {})).toEqual([]);
  });

  it('the store of its sidecar, of those that are open to it', async () => {
    const component = (name: string, more: Json = {}) =>
      object('Component', name, {
        spec: { type: 'secretstores.azure.keyvault', metadata: [{ name: 'vaultName', value: 'shop-kv' }] },
        ...more,
      });
    const annotations = { annotations: { 'dapr.io/enabled': 'true', 'dapr.io/app-id': 'orders' } };
    const others = [
      object('Component', 'queue', {
        spec: { type: 'pubsub.azure', metadata: [{ name: 'k', secretKeyRef: { name: 'queue-key' } }] },
        auth: { secretStore: 'kv' },
      }),
      component('closed', { scopes: ['payments'] }),
    ];
    expect(await recognised({}, [component('kv', { scopes: ['orders'] }), ...others], CLIENT, annotations)).toContain(
      'dapr | Component shop/kv | shop-kv | id-1 | secret queue-key as queue-key',
    );
    // That it is kept from it is for others to say, where it was meant for somebody.
    expect(await recognised({}, [component('closed', { scopes: ['payments'] })], CLIENT, annotations)).toContain(
      'dapr | Component shop/closed | shop-kv | id-1 | -',
    );
    expect(await recognised({}, [component('closed', { scopes: ['payments'] })], {}, annotations)).toEqual([]);
  });

  it('the ExternalSecret that writes the Secret which it reads, by its store', async () => {
    const store = object('SecretStore', 'store', {
      spec: {
        provider: { azurekv: { vaultUrl: 'https://shop-kv.vault.azure.net/', serviceAccountRef: { name: 'eso' } } },
      },
    });
    const external = object('ExternalSecret', 'values', {
      spec: {
        secretStoreRef: { name: 'store' },
        data: [
          { secretKey: 'DB', remoteRef: { key: 'db' } },
          { secretKey: 'TLS', remoteRef: { key: 'cert/tls' } },
          { secretKey: 'BAD', remoteRef: { key: 'secret/not_a_name' } },
        ],
      },
    });
    const account = object('ServiceAccount', 'eso', {}, { annotations: CLIENT });
    const pod = { volumes: [{ name: 's', secret: { secretName: 'values' } }] };
    expect(await recognised(pod, [store, external, account])).toEqual([
      'external-secrets | ExternalSecret shop/values | shop-kv | id-1 | secret db as DB,certificate tls as TLS',
    ]);
    const aws = object('SecretStore', 'store', { spec: { provider: { aws: {} } } });
    expect(await recognised(pod, [aws, external, account])).toEqual([]);
    expect(await recognised({}, [store, external, account])).toEqual([]);
  });
});
