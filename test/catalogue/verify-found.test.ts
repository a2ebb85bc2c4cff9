import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Ran, type Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';
import { accountByHand, create, deployByHand, identityByHand, NAMES, switchedOn } from './by-hand.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const { namespace, account, identity } = NAMES;
const CLIENT_ID = 'azure.workload.identity/client-id';
const SPC = `/apis/secrets-store.csi.x-k8s.io/v1/namespaces/${namespace}/secretproviderclasses`;

interface Report {
  readonly summary: Record<'pass' | 'fail' | 'warn' | 'unknown' | 'skipped', number>;
  readonly checks: readonly {
    id: string;
    verdict: string;
    title: string;
    observed: string;
    expected: string;
    subject: string;
    fix: { say: string };
  }[];
}
const reportOf = ({ out }: Ran): Report => JSON.parse(out);
/** What is not well, one line each. */
const unwell = (ran: Ran): string[] =>
  reportOf(ran).checks.flatMap(({ id, verdict, title, observed }) =>
    verdict === 'pass' ? [] : [`${verdict} ${id} ${title}: ${observed}`],
  );
const annotate = (path: string, annotations: Record<string, string>) =>
  kubectl(story, 'PATCH', path, { metadata: { annotations } }, 'application/merge-patch+json');
const found = (words: string) => story.run(`verify --cluster demo-aks -o json ${words}`, { bare: true });
/** What a person is told on the way. */
const told = async (words: string) =>
  (await story.run(`verify --cluster demo-aks ${words}`, { bare: true })).err.replaceAll(/\s+/g, ' ');

describe('a world wired by hand, under other names, is well', () => {
  it('by the CSI driver', async () => {
    await switchedOn(story, 'csi');
    const { clientId, tenantId } = await identityByHand(story);
    await accountByHand(story);
    await create(story, SPC, {
      ...{
        apiVersion: 'secrets-store.csi.x-k8s.io/v1',
        kind: 'SecretProviderClass',
        metadata: { name: 'vault-things' },
      },
      spec: {
        provider: 'azure',
        parameters: {
          ...{ clientID: clientId, tenantID: tenantId, keyvaultName: 'demo-kv' },
          objects:
            'array:\n  - |\n    objectName: db-password\n    objectType: secret\n    objectAlias: PGPASSWORD\n  - |\n    objectName: api-key\n    objectType: secret\n',
        },
      },
    });
    const pod = await deployByHand(story, {
      container: { volumeMounts: [{ name: 'kv', mountPath: '/kv', readOnly: true }] },
      volumes: [
        {
          name: 'kv',
          csi: {
            ...{ driver: 'secrets-store.csi.k8s.io', readOnly: true },
            volumeAttributes: { secretProviderClass: 'vault-things' },
          },
        },
      ],
    });
    const ran = await found(`--pod ${namespace}/${pod} --probe`);
    expect(unwell(ran)).toEqual([]);
    expect(ran.code).toBe(0);
    const said = reportOf(ran).checks.map(({ title, observed }) => `${title} ${observed}`);
    expect(said.join('\n')).toMatch(/trusts store-front\/checkout-runner .*checkout-in-demo-aks/);
    expect(said.join('\n')).toMatch(/may read in demo-kv .*through a group/);
    expect(said).toContainEqual(expect.stringContaining('reads PGPASSWORD 32 bytes'));
  });

  it('by the External Secrets Operator', async () => {
    await switchedOn(story, 'external-secrets');
    const { clientId, tenantId } = await identityByHand(story);
    await accountByHand(story, { [CLIENT_ID]: clientId });
    const api = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
    await create(story, `${api}/secretstores`, {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'company-vault' } },
      spec: {
        provider: {
          azurekv: {
            ...{ authType: 'WorkloadIdentity', vaultUrl: 'https://demo-kv.vault.azure.net/', tenantId },
            serviceAccountRef: { name: account },
          },
        },
      },
    });
    await create(story, `${api}/externalsecrets`, {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name: 'checkout-values' } },
      spec: {
        refreshInterval: '10m',
        secretStoreRef: { kind: 'SecretStore', name: 'company-vault' },
        target: { name: 'checkout-env' },
        data: [{ secretKey: 'PGPASSWORD', remoteRef: { key: 'db-password' } }],
      },
    });
    const pod = await deployByHand(story, {
      serviceAccountName: 'default',
      container: { envFrom: [{ secretRef: { name: 'checkout-env' } }] },
    });
    const ran = await found(`--pod ${namespace}/${pod} --probe`);
    expect(unwell(ran)).toEqual([]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('reads PGPASSWORD');
  });

  it('by Dapr', async () => {
    await switchedOn(story, 'dapr');
    const { clientId } = await identityByHand(story);
    await accountByHand(story, { [CLIENT_ID]: clientId });
    await create(story, `/apis/dapr.io/v1alpha1/namespaces/${namespace}/components`, {
      ...{ apiVersion: 'dapr.io/v1alpha1', kind: 'Component', metadata: { name: 'company-vault' } },
      spec: {
        ...{ type: 'secretstores.azure.keyvault', version: 'v1' },
        metadata: [{ name: 'vaultName', value: 'demo-kv' }],
      },
      scopes: ['checkout'],
    });
    const pod = await deployByHand(story, {
      labels: { 'azure.workload.identity/use': 'true' },
      annotations: { 'dapr.io/enabled': 'true', 'dapr.io/app-id': 'checkout' },
    });
    const ran = await found(`--pod ${namespace}/${pod} --secret db-password --probe`);
    expect(unwell(ran)).toEqual([]);
    expect(ran.code).toBe(0);
    // Which secrets an application asks its sidecar for, no object says.
    const without = await found(`--pod ${namespace}/${pod}`);
    expect(unwell(without)).toEqual([
      `unknown AKS-SECRETS-NAMED it is known which secrets ${namespace}/${NAMES.deployment} reads: Component ${namespace}/company-vault names none`,
    ]);
    expect(reportOf(without).checks.find(({ id }) => id === 'AKS-SECRETS-NAMED')?.expected).toBe('--secret');
    expect(without.code).toBe(1);
  });

  it('by Workload ID', async () => {
    await switchedOn(story, 'workload-identity');
    const { clientId } = await identityByHand(story);
    await accountByHand(story, { [CLIENT_ID]: clientId });
    const pod = await deployByHand(story, {
      labels: { 'azure.workload.identity/use': 'true' },
      container: { env: [{ name: 'KEYVAULT_URL', value: 'https://demo-kv.vault.azure.net' }] },
    });
    const ran = await found(`--pod ${namespace}/${pod} --secret api-key --probe`);
    expect(unwell(ran)).toEqual([]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(identity);
  });
});

/** A workload by Workload ID that somebody wired; whether a variable says which vault it reads. */
async function signingIn(
  env: readonly { name: string; value: string }[] = [],
): Promise<{ pod: string; clientId: string }> {
  await switchedOn(story, 'workload-identity');
  const { clientId } = await identityByHand(story);
  await accountByHand(story, { [CLIENT_ID]: clientId });
  const pod = await deployByHand(story, { labels: { 'azure.workload.identity/use': 'true' }, container: { env } });
  return { pod: `${namespace}/${pod}`, clientId };
}
const VAULT = { name: 'KEYVAULT_NAME', value: 'demo-kv' };

describe('what cannot be found is unknown, and named with the flag that supplies it', () => {
  it('the vault, where nothing names one: that Entra lets the workload in is proven all the same', async () => {
    const { pod } = await signingIn();
    const ran = await found(`--pod ${pod}`);
    expect(ran.code).toBe(1);
    expect(unwell(ran)).toEqual([
      `unknown AKS-VAULT it is known which vault ${namespace}/${NAMES.deployment} reads: ServiceAccount ${namespace}/${account} names none, and no variable does`,
    ]);
    const { checks } = reportOf(ran);
    expect(checks.find(({ id }) => id === 'AKS-VAULT')).toMatchObject({
      expected: '--vault',
      fix: { say: 'Give it by --vault.' },
    });
    expect(checks.find(({ id }) => id === 'AKS-PROOF')).toMatchObject({
      ...{ verdict: 'pass', title: `Entra takes ${namespace}/${account} for ${identity}` },
    });
    const named = await found(`--pod ${pod} --vault demo-kv --secret api-key`);
    expect({ code: named.code, unwell: unwell(named) }).toEqual({ code: 0, unwell: [] });
  });

  it('identity and vault, where the caller may look at nothing of Azure but the cluster', async () => {
    const { pod } = await signingIn([VAULT]);
    const denied = { status: 403, body: { error: { code: 'AuthorizationFailed', message: 'no right to do that' } } };
    story.sandbox.faults.failAt({ path: /userAssignedIdentities$/ }, denied, 9);
    story.sandbox.faults.failAt({ path: /Microsoft.KeyVault\/vaults$/ }, denied, 9);
    story.sandbox.faults.failAt({ host: 'graph.microsoft.com' }, denied, 9);
    const ran = await found(`--pod ${pod} --secret api-key`);
    expect(unwell(ran)).toEqual([
      `unknown AKS-IDENTITY it is known whom ${namespace}/${account} becomes at Entra: you may not look at managed identities of the subscription and the directory`,
      'unknown AKS-VAULT it is known where demo-kv lies: you may not list the vaults of the subscription',
    ]);
    expect(reportOf(ran).checks.find(({ id }) => id === 'AKS-PROOF')).toMatchObject({ verdict: 'pass' });
    expect(ran.code).toBe(1);
  });

  it('as whom a store reads that signs in with a password', async () => {
    await switchedOn(story, 'external-secrets');
    await accountByHand(story);
    const api = `/apis/external-secrets.io/v1/namespaces/${namespace}`;
    const key = { name: 'service-principal', key: 'value' };
    await create(story, `${api}/secretstores`, {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'kv' } },
      spec: {
        provider: {
          azurekv: {
            vaultUrl: 'https://demo-kv.vault.azure.net',
            authSecretRef: { clientId: key, clientSecret: key },
          },
        },
      },
    });
    await create(story, `${api}/externalsecrets`, {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name: 'values' } },
      spec: { secretStoreRef: { name: 'kv' }, data: [{ secretKey: 'key', remoteRef: { key: 'api-key' } }] },
    });
    await create(story, `/api/v1/namespaces/${namespace}/pods`, {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
      spec: {
        containers: [{ name: 'web', image: 'contoso.example/web:1', envFrom: [{ secretRef: { name: 'values' } }] }],
      },
    });
    const ran = await found(`--pod ${namespace}/web`);
    expect(unwell(ran)).toContain(
      `unknown AKS-IDENTITY it is known as whom ExternalSecret ${namespace}/values is read: the store of ExternalSecret ${namespace}/values names no service account, and signs in by other means`,
    );
    expect(reportOf(ran).checks.map(({ id }) => id)).not.toContain('AKS-PROOF');
  });

  it('the cluster, the namespace, a pod that is not there: said before anything is looked at', async () => {
    const nowhere = await story.run('verify --pod shop/orders', { bare: true });
    expect(nowhere.code).toBe(2);
    expect(nowhere.err).toMatch(/--cluster NAME --resource-group RG/);
    const unnamed = await story.run('verify --cluster demo-aks --pod orders', { bare: true });
    expect(unnamed.err).toContain('In which namespace?');
    const gone = await story.run('verify --cluster demo-aks --pod kube-system/orders', { bare: true });
    expect(gone.code).toBe(2);
    expect(gone.err).toMatch(/There is no pod orders in the namespace kube-system/);
    const empty = await story.run('verify --cluster demo-aks -n default', { bare: true });
    expect(empty.err).toContain('There is no pod in the namespace default.');
  });
});

describe('what is pointed at', () => {
  it('a namespace: all that runs there, each by its own method', async () => {
    const { pod } = await signingIn([VAULT]);
    await story.run('init --method csi --yes --workload mailer --namespace store-front');
    const ran = await found(`-n ${namespace}`);
    const names = new Set(reportOf(ran).checks.map(({ subject }) => subject));
    expect(names).toContain(`Token of ${namespace}/${account}`);
    expect(names).toContain(`Token of ${namespace}/mailer`);
    // That one names no secret: nothing else is wrong.
    expect(unwell(ran)).toEqual([expect.stringMatching(/^unknown AKS-SECRETS-NAMED/)]);
    const one = await found(`-n ${namespace} --selector tier=web --secret api-key`);
    expect({ unwell: unwell(one), code: one.code }).toEqual({ unwell: [], code: 0 });
    const several = await found(`-n ${namespace} --secret api-key`);
    expect(several.code).toBe(2);
    expect(several.out).toContain('say which by --workload, or by --pod');
    const chosen = await found(`-n ${namespace} --workload ${NAMES.deployment} --secret api-key`);
    expect({ unwell: unwell(chosen), code: chosen.code }).toEqual({ unwell: [], code: 0 });
    expect(pod).toContain(namespace);
  });

  it('by the kubeconfig of whoever looks, which leads to the cluster', async () => {
    const { pod } = await signingIn([VAULT]);
    const kubeconfig = story.sandbox.kubeconfig();
    const ran = await story.run(`verify --pod ${pod} --secret api-key -o json`, { bare: true, kubeconfig });
    expect({ unwell: unwell(ran), code: ran.code }).toEqual({ unwell: [], code: 0 });
    expect(ran.requests.map(({ path }) => path)).not.toContainEqual(
      expect.stringContaining('listClusterUserCredential'),
    );
    const other = kubeconfig.replace(/https:\/\/demo-aks[^"]*/, 'https://somewhere-else.hcp.westeurope.azmk8s.io');
    const wrong = await story.run(`verify --pod ${pod}`, { bare: true, kubeconfig: other });
    expect(wrong.code).toBe(2);
    expect(wrong.err).toMatch(/leads to somewhere-else/);
  });

  it('a pod that has been replaced since: the one that is there now', async () => {
    const { pod } = await signingIn([VAULT]);
    const words = `--pod ${namespace}/${NAMES.deployment}-5d4c8f9b6d-x2x4z --secret api-key`;
    const ran = await found(words);
    expect({ unwell: unwell(ran), code: ran.code }).toEqual({ unwell: [], code: 0 });
    expect(await told(words)).toContain(`${pod.split('/')[1]} is its successor.`);
  });

  it('the sandbox itself, without a word', async () => {
    await story.run('init --method csi --yes');
    const ran = await story.run('verify -o json');
    expect({ unwell: unwell(ran), code: ran.code }).toEqual({ unwell: [], code: 0 });
  });
});

describe('what is broken shows as with a file', () => {
  it('an identity that was made anew: the one that trusts the service account is meant', async () => {
    const { pod } = await signingIn([VAULT]);
    const stale = '77777777-0000-4000-8000-00000000000c';
    await annotate(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}`, { [CLIENT_ID]: stale });
    const ran = await found(`--pod ${pod} --secret api-key`);
    const failing = reportOf(ran).checks.filter(({ verdict }) => verdict === 'fail');
    expect(failing.map(({ observed }) => observed).join('\n')).toContain(stale);
    expect(await told(`--pod ${pod}`)).toContain(`No identity has the client id ${stale}; ${identity} trusts`);
    expect(ran.code).toBe(3);
  });

  it('a store of the whole cluster that names an account elsewhere is well', async () => {
    await switchedOn(story, 'external-secrets');
    const { clientId, tenantId } = await identityByHand(story);
    await accountByHand(story, { [CLIENT_ID]: clientId });
    await create(story, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'front' } });
    await create(story, '/apis/external-secrets.io/v1/clustersecretstores', {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'ClusterSecretStore', metadata: { name: 'everybody' } },
      spec: {
        provider: {
          azurekv: {
            ...{ authType: 'WorkloadIdentity', vaultUrl: 'https://demo-kv.vault.azure.net', tenantId },
            serviceAccountRef: { name: account, namespace },
          },
        },
      },
    });
    await create(story, '/apis/external-secrets.io/v1/namespaces/front/externalsecrets', {
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name: 'web' } },
      spec: {
        secretStoreRef: { kind: 'ClusterSecretStore', name: 'everybody' },
        data: [{ secretKey: 'key', remoteRef: { key: 'secret/api-key' } }],
      },
    });
    await create(story, '/api/v1/namespaces/front/pods', {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
      spec: {
        containers: [{ name: 'web', image: 'contoso.example/web:1', envFrom: [{ secretRef: { name: 'web' } }] }],
      },
    });
    await story.sandbox.surroundings.clock.sleep(60_000);
    const ran = await found('--pod front/web');
    expect(unwell(ran)).toEqual([]);
    expect(ran.out).toContain(`Token of ${namespace}/${account}`);
  });
});
