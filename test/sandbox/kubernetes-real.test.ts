import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { createKubernetes } from '../../src/kubernetes/index.ts';
import { Problem } from '../../src/trouble.ts';
import { arm, CLUSTER, IDENTITY, roleDefinition, SECRETS_USER, sandbox, temporaryFolder, VAULT } from './harness.ts';

/** What an application with workload identity does, and what one with mounted files does. */
const SCRIPT = `
import { readFileSync } from 'node:fs';
const { env } = process;
const assertion = readFileSync(env.AZURE_FEDERATED_TOKEN_FILE, 'utf8');
const answer = await fetch(env.AZURE_AUTHORITY_HOST + env.AZURE_TENANT_ID + '/oauth2/v2.0/token', {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: env.AZURE_CLIENT_ID,
    scope: 'https://vault.azure.net/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }),
});
const { access_token } = await answer.json();
const headers = { authorization: 'Bearer ' + access_token };
const secret = await (await fetch('https://demo-kv.vault.azure.net/secrets/db-password?api-version=7.4', { headers })).json();
console.log('same', secret.value === readFileSync('/mnt/secrets/db-password'.replace('/mnt/secrets', env.FOLDER), 'utf8'));
const gone = await fetch('https://no-such-vault.vault.azure.net/').catch((error) => error.cause.code);
console.log('gone', gone);
setInterval(() => {}, 2 ** 30);
`;

it('a pod reads its secrets through the real Azure of the sandbox, by both ways', async () => {
  const one = await sandbox({ settings: { replication: 0 } });
  const { body: cluster } = await arm(one, 'GET', CLUSTER);
  Object.assign(cluster.properties, {
    oidcIssuerProfile: { enabled: true },
    securityProfile: { workloadIdentity: { enabled: true } },
    addonProfiles: {
      azureKeyvaultSecretsProvider: {
        enabled: true,
        config: { enableSecretRotation: 'true', rotationPollInterval: '2m' },
      },
    },
  });
  expect((await arm(one, 'PUT', CLUSTER, cluster)).status).toBe(200);
  one.advance(600_000);
  const { body: changed } = await arm(one, 'GET', CLUSTER);
  const issuer = changed.properties.oidcIssuerProfile.issuerURL;
  const { body: identity } = await arm(one, 'PUT', IDENTITY, { location: 'westeurope' });
  const properties = {
    issuer,
    subject: 'system:serviceaccount:shop:orders',
    audiences: ['api://AzureADTokenExchange'],
  };
  expect((await arm(one, 'PUT', `${IDENTITY}/federatedIdentityCredentials/orders`, { properties })).status).toBe(201);
  const { principalId, clientId, tenantId } = identity.properties;
  const role = { roleDefinitionId: roleDefinition(one, SECRETS_USER), principalId, principalType: 'ServicePrincipal' };
  const assigned = await arm(one, 'PUT', `${VAULT}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, {
    properties: role,
  });
  expect(assigned.status).toBe(201);
  one.advance(600_000);

  const kubernetes = createKubernetes({
    kubeconfig: async () => ({ text: one.kubeconfig() }),
    named: async () => ({ fqdns: [changed.properties.fqdn] }),
    env: {},
    clock: one.surroundings.clock,
    signal: new AbortController().signal,
  });
  const apply = (object: object) => kubernetes.apply(stringify(object));
  const metadata = { name: 'orders', namespace: 'shop' };
  const pod = {
    serviceAccountName: 'orders',
    containers: [
      {
        name: 'reader',
        image: 'registry.example/node:24',
        command: ['node', '/script/read.mjs'],
        env: [{ name: 'FOLDER', value: '/mnt/secrets' }],
        volumeMounts: [
          { name: 'script', mountPath: '/script' },
          { name: 'secrets', mountPath: '/mnt/secrets', readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'script', configMap: { name: 'orders' } },
      {
        name: 'secrets',
        csi: {
          driver: 'secrets-store.csi.k8s.io',
          readOnly: true,
          volumeAttributes: { secretProviderClass: 'orders' },
        },
      },
    ],
  };
  const labels = { app: 'orders', 'azure.workload.identity/use': 'true' };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { ...metadata, annotations: { 'azure.workload.identity/client-id': clientId } },
  });
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'read.mjs': SCRIPT } });
  const objects = stringify({ array: [stringify({ objectName: 'db-password', objectType: 'secret' })] });
  const spec = {
    provider: 'azure',
    parameters: { clientID: clientId, tenantID: tenantId, keyvaultName: 'demo-kv', objects },
  };
  await apply({ apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClass', metadata, spec });
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { selector: { matchLabels: { app: 'orders' } }, template: { metadata: { labels }, spec: pod } },
  };
  await apply(deployment);

  const look = async () => {
    const [found] = await kubernetes.fresh().list({ apiVersion: 'v1', kind: 'Pod' }, 'shop', 'app=orders');
    const text = await kubernetes
      .fresh()
      .log('shop', found?.metadata.name ?? '', 10)
      .catch(() => '');
    return text.includes('gone') ? text : undefined;
  };
  let said: string | undefined;
  for (let tries = 0; said === undefined && tries < 60; tries += 1) {
    said = await look();
    await one.surroundings.clock.sleep(1000);
  }
  expect(said).toBe('same true\ngone ENOTFOUND\n');
  const byPod = one.log.entries.filter(({ userAgent }) => userAgent.startsWith('sandbox-pod/shop/orders-'));
  expect(byPod.map(({ host, status, via }) => `${host} ${status} ${via}`)).toEqual([
    'login.microsoftonline.com 200 proxy',
    'demo-kv.vault.azure.net 200 proxy',
  ]);

  const refused = await apply({ ...deployment, spec: { ...deployment.spec, replicaz: 1 } }).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({
    trouble: 'refused',
    message: expect.stringContaining('.spec.replicaz: field not declared in schema'),
  });
  expect(refused).toBeInstanceOf(Problem);
  const before = await kubernetes.fresh().get({ apiVersion: 'apps/v1', kind: 'Deployment', ...metadata });
  expect((await apply(deployment)).metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  expect(await kubernetes.token('shop', 'orders', 'api://AzureADTokenExchange')).toBeDefined();
  expect(one.errors).toEqual([]);
});

it("a pod's process ends when the sandbox is killed", async () => {
  const folder = temporaryFolder();
  const [script, caFile, log] = ['stay.mjs', 'ca.pem', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(script, 'console.log(process.pid); setInterval(() => {}, 2 ** 30);');
  writeFileSync(caFile, rootCertificates[0] ?? '');
  const holder = `
    import { readFileSync } from 'node:fs';
    import { run } from ${JSON.stringify(resolve('src/sandbox/kubernetes/runner.ts'))};
    const access = { proxyUrl: 'http://127.0.0.1:9', caFile: ${JSON.stringify(caFile)}, ca: '', env: {} };
    const log = ${JSON.stringify(log)};
    setInterval(() => {}, 2 ** 30);
    await run({ folder: ${JSON.stringify(folder)}, pod: 'a/b', args: [${JSON.stringify(script)}], env: {}, access, log }).heard;
    console.log(readFileSync(log, 'utf8'));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = Number(await new Promise<Buffer>((found) => parent.stdout.once('data', found)));
  const alive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  expect(alive()).toBe(true);
  parent.kill('SIGKILL');
  for (let tries = 0; alive() && tries < 500; tries += 1) await new Promise((later) => setTimeout(later, 5));
  expect(alive()).toBe(false);
});
