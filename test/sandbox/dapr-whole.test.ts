import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createKubernetes } from '../../src/kubernetes/index.ts';
import { seedCertificate, seedKey } from '../../src/sandbox/vault/seed.ts';
import { ANNOTATIONS, asking, component, LABELS, SCRIPT } from './dapr-world.ts';
import { arm, CLUSTER, IDENTITY, roleDefinition, SECRETS_USER, sandbox, VAULT } from './harness.ts';

it('an application asks its sidecar, and that the real Azure of the sandbox', async () => {
  const one = await sandbox({ settings: { replication: 0 } });
  await seedCertificate(one.parts, 'demo-kv', 'tls');
  await seedKey(one.parts, 'demo-kv', 'signing');
  await one.seed('demo-kv', 'unused', 'marker-unused');
  const contents = (one.parts.state.vaults as Record<string, { secrets: Record<string, { versions: object[] }> }>)[
    'demo-kv'
  ]!;
  Object.assign(contents.secrets.unused!.versions[0]!, { enabled: false });
  const { body: cluster } = await arm(one, 'GET', CLUSTER);
  Object.assign(cluster.properties, {
    oidcIssuerProfile: { enabled: true },
    securityProfile: { workloadIdentity: { enabled: true } },
  });
  expect((await arm(one, 'PUT', CLUSTER, cluster)).status).toBe(200);
  one.advance(600_000);
  await one.world.daprExtension('demo-aks');
  const { body: changed } = await arm(one, 'GET', CLUSTER);
  const { body: identity } = await arm(one, 'PUT', IDENTITY, { location: 'westeurope' });
  const { principalId, clientId } = identity.properties;

  const kubernetes = createKubernetes({
    kubeconfig: async () => ({ text: one.kubeconfig() }),
    named: async () => ({ fqdns: [changed.properties.fqdn] }),
    env: {},
    clock: one.surroundings.clock,
    signal: new AbortController().signal,
  });
  const apply = (object: object) => kubernetes.apply(stringify(object));
  const metadata = { name: 'orders', namespace: 'shop' };
  const annotations = { 'azure.workload.identity/client-id': clientId };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, annotations } });
  const script = { name: 'script', namespace: 'shop' };
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: script, data: { 'ask.mjs': SCRIPT } });
  await apply(component());

  /** Starts the application anew, and answers what it was answered. */
  let round = 0;
  const ask = async (...paths: string[]): Promise<string[]> => {
    round += 1;
    await apply(asking(paths, { ...ANNOTATIONS, round: String(round) }, LABELS));
    for (let tries = 0; tries < 200; tries += 1) {
      const pods = await kubernetes.fresh().list({ apiVersion: 'v1', kind: 'Pod' }, 'shop', 'app=orders');
      const pod = pods.find((each) => each.metadata.annotations?.round === String(round));
      const text = await kubernetes
        .fresh()
        .log('shop', pod?.metadata.name ?? '', 50, 'app')
        .catch(() => '');
      if (text.endsWith('end\n')) return text.split('\n').slice(0, -2);
      await one.surroundings.clock.sleep(1000);
    }
    throw new Error('it never answered');
  };
  const SECRET = '/secrets/kv/db-password';

  // The identity trusts nobody, then the account, and may read only after that.
  expect((await ask(SECRET))[0]).toMatch(/500 .*ERR_SECRET_GET.*AADSTS70021/);
  const trust = { issuer: changed.properties.oidcIssuerProfile.issuerURL, audiences: ['api://AzureADTokenExchange'] };
  const credential = (subject: string) =>
    arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/orders`, { properties: { ...trust, subject } });
  await credential('system:serviceaccount:shop:default');
  expect((await ask(SECRET))[0]).toMatch(/500 .*ERR_SECRET_GET.*AADSTS700213/);
  await credential('system:serviceaccount:shop:orders');
  expect((await ask(SECRET))[0]).toMatch(/500 .*ERR_SECRET_GET.*RESPONSE 403.*ForbiddenByRbac/);
  await arm(one, 'PUT', `${VAULT}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, {
    properties: { roleDefinitionId: roleDefinition(one, SECRETS_USER), principalId, principalType: 'ServicePrincipal' },
  });
  const [secret, certificate, key, disabled, bulk] = await ask(
    SECRET,
    '/secrets/kv/tls',
    '/secrets/kv/signing',
    '/secrets/kv/unused',
    '/secrets/kv/bulk',
  );
  expect(secret).toMatch(/^200 \{"db-password":"sandbox-db-password-/);
  expect(certificate).toMatch(/^200 \{"tls":"-----BEGIN PRIVATE KEY-----.*BEGIN CERTIFICATE/);
  expect(key).toMatch(/^500 .*SecretNotFound/);
  expect(disabled).toMatch(/^500 .*SecretDisabled/);
  expect(Object.keys(JSON.parse(bulk!.slice(4)))).toEqual(['api-key', 'db-password', 'tls']);

  const byDapr = one.log.entries.filter(({ userAgent }) => userAgent.startsWith('dapr '));
  expect(new Set(byDapr.map(({ host, via }) => `${host} ${via}`))).toEqual(
    new Set(['login.microsoftonline.com inside', 'demo-kv.vault.azure.net inside']),
  );
  expect(one.errors).toEqual([]);
});
