import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAzure, type Refreshable } from '../../src/azure/index.ts';
import { cached } from '../../src/azure/sign-in.ts';
import { createKubernetes } from '../../src/kubernetes/index.ts';
import { openSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { Secret } from '../../src/secret.ts';
import { armId } from '../../src/workload.ts';
import { problem } from './server.ts';

const SECRETS_USER = '4633458b-17de-408a-b874-0445c86b69e6';
const SECRETS_OFFICER = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7';

let folder: string;
let box: Sandbox;
let azure: Refreshable;
let kubernetes: ReturnType<typeof createKubernetes>;
const lines: string[] = [];
const id = (type: string, name: string) => armId(azure.subscription, 'demo-rg', type, name);
const CLUSTER = () => id('Microsoft.ContainerService/managedClusters', 'demo-aks');
const VAULT = () => id('Microsoft.KeyVault/vaults', 'demo-kv');
const IDENTITY = () => id('Microsoft.ManagedIdentity/userAssignedIdentities', 'demo-id');
const URI = 'https://demo-kv.vault.azure.net/';

/** How many requests the work costs. */
const cost = async <T>(work: Promise<T>): Promise<[T, number]> => {
  const before = lines.length;
  const result = await work;
  return [result, lines.length - before];
};
/** Tries until Azure's delays are over, by the sandbox's clock. */
const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries > 100) throw error;
      await box.surroundings.clock.sleep(10_000);
    }
  }
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  box = await openSandbox({ dir: folder });
  const { agent, cloud, clock, defaults, env } = box.surroundings;
  const credential = cached(() => box.surroundings.credential() as never, clock);
  const common = { clock, signal: new AbortController().signal, trace: (line: string) => lines.push(line) };
  azure = createAzure({ ...common, agent, cloud, credential, subscription: String(defaults.subscription) });
  kubernetes = createKubernetes({
    ...common,
    env,
    kubeconfig: async () => ({ text: (await azure.clusters.credentials(CLUSTER())).reveal() }),
    named: async () => {
      const { fqdn } = (await azure.clusters.get(CLUSTER()))!.properties as { fqdn: string };
      return { fqdns: [fqdn] };
    },
  });
});
afterAll(async () => {
  await box?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('against the sandbox, in order', () => {
  it('knows caller, subscription, group and provider', async () => {
    expect(await cost(azure.caller())).toMatchObject([{ kind: 'User' }, 0]);
    expect(await cost(azure.describe())).toMatchObject([{ name: 'Sandbox' }, 1]);
    expect(await cost(azure.groups.get('demo-rg'))).toMatchObject([{ name: 'demo-rg' }, 1]);
    expect(await cost(azure.groups.get('absent-rg'))).toEqual([undefined, 1]);
    expect(await cost(azure.groups.create('other-rg', 'westeurope', { a: 'b' }))).toMatchObject([
      { tags: { a: 'b' } },
      1,
    ]);
    expect(await cost(azure.providers.state('Microsoft.KeyVault'))).toEqual(['Registered', 1]);
    expect((await cost(azure.providers.register('Microsoft.KeyVault')))[1]).toBe(1);
  });

  it('changes the cluster and keeps what it does not know', async () => {
    const [before] = await cost(azure.clusters.get(CLUSTER()));
    const { properties } = before!;
    const body = {
      ...before,
      properties: {
        ...properties,
        oidcIssuerProfile: { enabled: true },
        securityProfile: { ...(properties.securityProfile as object), workloadIdentity: { enabled: true } },
        addonProfiles: {
          ...(properties.addonProfiles as object),
          azureKeyvaultSecretsProvider: {
            enabled: true,
            config: { enableSecretRotation: 'true', rotationPollInterval: '2m' },
          },
        },
      },
    };
    expect((await problem(azure.clusters.put(CLUSTER(), body, 'stale'))).trouble).toBe('busy');
    const after = await azure.clusters.put(CLUSTER(), body, before!.eTag);
    expect(after.properties.provisioningState).toBe('Succeeded');
    expect((after.properties.oidcIssuerProfile as { issuerURL: string }).issuerURL).toMatch(/\/$/);
    expect(await azure.fresh().clusters.get(CLUSTER())).toEqual(after);
    expect(await azure.clusters.get(id('Microsoft.ContainerService/managedClusters', 'absent'))).toBeUndefined();
  });

  it('reads and makes vaults', async () => {
    expect(await cost(azure.vaults.get(VAULT()))).toMatchObject([{ name: 'demo-kv' }, 1]);
    expect(await cost(azure.vaults.nameFree('demo-kv'))).toMatchObject([{ free: false }, 1]);
    expect(await cost(azure.vaults.nameFree('quite-free-kv'))).toEqual([{ free: true }, 1]);
    expect(await cost(azure.vaults.deleted('quite-free-kv', 'westeurope'))).toEqual([undefined, 1]);
    const made = await azure.vaults.create(id('Microsoft.KeyVault/vaults', 'policy-kv'), {
      location: 'westeurope',
      properties: {
        tenantId: (await azure.describe()).tenantId,
        sku: { family: 'A', name: 'standard' },
        enableRbacAuthorization: false,
        accessPolicies: [],
      },
    });
    expect(made.properties.enableRbacAuthorization).toBe(false);
    const policy = {
      tenantId: (await azure.describe()).tenantId,
      objectId: (await azure.caller()).objectId,
      permissions: { secrets: ['get', 'list', 'set'] },
    };
    expect((await cost(azure.vaults.addPolicy(made.id, policy)))[1]).toBe(1);
    const policies = async () =>
      ((await azure.fresh().vaults.get(made.id))!.properties.accessPolicies as unknown[]).length;
    expect(await policies()).toBe(1);
    expect((await cost(azure.vaults.removePolicy(made.id, policy)))[1]).toBe(1);
    expect(await policies()).toBe(0);
  });

  it('makes an identity, its credential and its role', async () => {
    expect(await cost(azure.identities.get(IDENTITY()))).toEqual([undefined, 1]);
    expect(await cost(azure.federation.list(IDENTITY()))).toEqual([undefined, 1]);
    const [identity, requests] = await cost(azure.identities.create(IDENTITY(), 'westeurope', { 'aks-secrets': 'x' }));
    expect(requests).toBe(1);
    const { clientId, principalId, tenantId } = identity.properties as Record<string, string>;
    const issuer = (
      (await azure.fresh().clusters.get(CLUSTER()))!.properties.oidcIssuerProfile as { issuerURL: string }
    ).issuerURL;
    const credential = {
      name: 'aks-secrets-1',
      issuer,
      subject: 'system:serviceaccount:demo:demo',
      audiences: ['api://AzureADTokenExchange'],
    };
    expect(await cost(azure.federation.put(IDENTITY(), credential))).toEqual([credential, 1]);
    expect(await azure.fresh().federation.list(IDENTITY())).toEqual([credential]);
    const wanted = { scope: VAULT(), role: SECRETS_USER, principalId: principalId!, description: 'aks-secrets test' };
    const assigned = await patiently(() => azure.roles.assign(wanted));
    expect(await azure.roles.assign(wanted)).toMatchObject({ id: assigned.id, role: SECRETS_USER });
    expect((await azure.fresh().roles.list(VAULT()))?.some((each) => each.id === assigned.id)).toBe(true);

    await kubernetes.apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: demo }\n');
    await kubernetes.apply(
      'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: demo, namespace: demo, labels: { a: b } }\n',
    );
    const assertion = await kubernetes.token('demo', 'demo', 'api://AzureADTokenExchange');
    const token = await patiently(() => azure.workload.exchange(tenantId!, clientId!, assertion));
    await patiently(() => azure.workload.mayGet(URI, 'secret', 'db-password', token));
    const [, proof] = await cost(
      azure.workload
        .exchange(tenantId!, clientId!, assertion)
        .then((again) => azure.workload.mayGet(URI, 'secret', 'db-password', again)),
    );
    expect(proof).toBe(2);
    const stranger = await kubernetes.token('demo', 'default', 'api://AzureADTokenExchange');
    expect(await problem(azure.workload.exchange(tenantId!, clientId!, stranger))).toMatchObject({
      trouble: 'refused',
      said: { by: 'Entra', code: 'AADSTS700213' },
    });
    expect(await problem(azure.workload.mayGet(URI, 'certificate', 'tls', token))).toMatchObject({ trouble: 'denied' });

    await azure.roles.remove(assigned.id);
    await azure.roles.remove(assigned.id);
    await azure.federation.delete(IDENTITY(), credential.name);
    await azure.federation.delete(IDENTITY(), credential.name);
    await azure.identities.delete(IDENTITY());
    await azure.identities.delete(IDENTITY());
    expect(await azure.fresh().identities.get(IDENTITY())).toBeUndefined();
  });

  it('lists and writes secrets once it may', async () => {
    const { id: scope } = await azure.vaults.create(id('Microsoft.KeyVault/vaults', 'roles-kv'), {
      location: 'westeurope',
      properties: {
        tenantId: (await azure.describe()).tenantId,
        sku: { family: 'A', name: 'standard' },
        enableRbacAuthorization: true,
        accessPolicies: [],
      },
    });
    const uri = 'https://roles-kv.vault.azure.net/';
    const denied = await problem(azure.secrets.set(uri, 'new-secret', new Secret('marker-value')));
    expect(denied).toMatchObject({ trouble: 'denied', said: { code: 'ForbiddenByRbac' } });
    expect(denied.right).toBe('Microsoft.KeyVault/vaults/secrets/setSecret/action');
    const { objectId: principalId } = await azure.caller();
    const grant = {
      scope,
      role: SECRETS_OFFICER,
      principalId,
      principalType: 'User' as const,
      description: 'aks-secrets test',
    };
    await azure.roles.assign(grant);
    const written = await patiently(() => azure.secrets.set(uri, 'new-secret', new Secret('marker-value')));
    expect(written).toMatchObject({ name: 'new-secret', enabled: true });
    const [listed, requests] = await cost(azure.fresh().secrets.list(uri));
    expect(listed!.map(({ name }) => name)).toEqual(['new-secret']);
    expect(requests).toBe(1);
    expect(await azure.secrets.find(uri, 'new-secret')).toMatchObject({ name: 'new-secret', enabled: true });
    expect(await azure.secrets.find(uri, 'no-such')).toBeUndefined();
    const shown = await azure.secrets.list(URI);
    expect(shown!.map(({ name }) => name)).toEqual(expect.arrayContaining(['api-key', 'db-password']));
    expect(await azure.secrets.list('https://no-such-kv.vault.azure.net/')).toBeUndefined();
    expect(lines.join('\n')).not.toContain('marker-value');
  });

  it('reads, applies and deletes in the cluster', async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'demo', name: 'demo' };
    const [found, requests] = await cost(kubernetes.fresh().get(account));
    expect(requests).toBe(1);
    expect(found!.metadata.managedFields?.some(({ manager }) => manager === 'aks-secrets')).toBe(true);
    expect(await kubernetes.get({ ...account, name: 'absent' })).toBeUndefined();
    expect(await kubernetes.get({ ...account, apiVersion: 'no.such/v1', kind: 'Thing' })).toBeUndefined();
    expect((await kubernetes.list(account, 'demo')).map(({ metadata }) => metadata.name)).toContain('demo');
    const strict = await problem(
      kubernetes.apply(
        'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: demo, namespace: demo }\nnoSuchField: 1\n',
      ),
    );
    expect(strict).toMatchObject({ trouble: 'refused' });
    expect(strict.message).toContain('noSuchField');
    const nowhere = await problem(
      kubernetes.apply('apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: demo, namespace: nowhere }\n'),
    );
    expect(nowhere).toMatchObject({ trouble: 'missing', resource: 'namespace nowhere' });
    expect((await problem(kubernetes.delete(account, 'another-uid'))).trouble).toBe('busy');
    await kubernetes.delete(account, found!.metadata.uid!);
    await kubernetes.delete(account, found!.metadata.uid!);
    expect(await kubernetes.fresh().get(account)).toBeUndefined();
  });

  it('keeps to the published rates, so that nobody is refused', async () => {
    box.settings.throttle = true;
    const before = lines.length;
    await Promise.all(Array.from({ length: 60 }, (_, n) => azure.fresh().identities.get(`${IDENTITY()}-${n}`)));
    expect(lines.slice(before).filter((line) => / 429 /.test(line)).length).toBeLessThanOrEqual(1);
    box.settings.throttle = false;
  });

  it('has met no fault of the sandbox itself', () => {
    expect(box.errors).toEqual([]);
  });
});
