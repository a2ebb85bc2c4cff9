import { describe, expect, it } from 'vitest';
import { kubectl } from '../stories/others.ts';
import { sharedWorld } from './made-shared.ts';
import { eventsIn, get, logOf, podsOf, ready } from './made-world.ts';

const shared = sharedWorld('external-secrets');
const API = '/apis/external-secrets.io/v1/namespaces/demo';
const FAILED = { status: 'False', reason: 'SecretSyncedError', message: 'could not get secret data from provider' };

/** The condition of the only object of a kind whose name is `demo`. */
async function conditionOf(plural: string) {
  const { status } = await get(shared(), `${API}/${plural}/demo`);
  const { type: _, lastTransitionTime: __, ...said } = status.conditions[0];
  return said;
}

/** The newest version of a secret in the vault, and what lies in the Secret. */
async function values(name = 'db-password') {
  const { secrets } = shared().sandbox.parts.state.vaults['demo-kv'] as {
    secrets: Record<string, { versions: { value: string }[] }>;
  };
  const { data } = await get(shared(), '/api/v1/namespaces/demo/secrets/demo');
  return { vault: secrets[name]!.versions.at(-1)!.value, cluster: Buffer.from(data[name], 'base64').toString() };
}

describe('a store that is not ready: the condition says that, the event why', () => {
  it.each([
    [
      'F114',
      "missing clientID: either serviceAccountRef or service account annotation 'azure.workload.identity/client-id' is missing",
    ],
    ['F115', 'missing tenantID in store config'],
    ['F116', "multiple tenantID found. Check secretRef, 'spec.provider.azurekv.tenantId', and serviceAccountRef"],
    [
      'F117',
      'missing environment variables. AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE must be set',
    ],
    ['F118', 'missing secretRef in provider config'],
    [
      'F119',
      'serviceaccounts "demo" is forbidden: User "system:serviceaccount:external-secrets:external-secrets" cannot create resource "serviceaccounts/token"',
    ],
    [
      'F120',
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:external-secrets:external-secrets'",
    ],
    ['F150', 'cannot get Kubernetes secret "azure-secret-sp" from namespace "demo"'],
  ])('%s: %s', async (id, text) => {
    await shared().sandbox.break(id);
    expect(await conditionOf('secretstores')).toEqual({
      status: 'False',
      reason: 'InvalidProviderConfig',
      message: 'unable to create client',
    });
    const events = await eventsIn(shared());
    expect(events).toContainEqual(
      expect.stringMatching(`^InvalidProviderConfig [^]*${text.replace(/[.()]/g, '\\$&')}`),
    );
    // What is there already stays, and is not kept up to date any more.
    expect(await conditionOf('externalsecrets')).toEqual(FAILED);
    expect(events).toContainEqual(expect.stringContaining('SecretStore "demo" is not ready'));
    expect(await ready(shared())).toBe(true);
  });
});

describe('an ExternalSecret that is not synced', () => {
  it.each([
    ['F122', 'could not get ClusterSecretStore "demo", ClusterSecretStore.external-secrets.io "demo" not found'],
    ['F123', 'using cluster store "demo" is not allowed from namespace "demo": denied by spec.condition'],
    ['F125', 'property password does not exist in key secret/db-password'],
    ['F126', 'cannot get use dataFrom to get certificate secret'],
    [
      'F127',
      'error getting all secrets: keyvault.BaseClient#GetSecrets: Failure responding to request: StatusCode=403',
    ],
  ])('%s: %s', async (id, text) => {
    await shared().sandbox.break(id);
    expect(await conditionOf('externalsecrets')).toEqual(FAILED);
    const events = await eventsIn(shared());
    expect(events).toContainEqual(expect.stringMatching(/^UpdateFailed /));
    expect(events).toContainEqual(expect.stringContaining(text));
    expect(await conditionOf('secretstores')).toMatchObject({ status: 'True', reason: 'Valid' });
  });

  it('F124: somebody else owns the Secret, and pods miss what it lacks', async () => {
    await shared().sandbox.break('F124');
    expect(await conditionOf('externalsecrets')).toEqual({
      status: 'False',
      reason: 'SecretSyncedError',
      message: 'target is owned by another ExternalSecret',
    });
    const { metadata } = await get(shared(), '/api/v1/namespaces/demo/secrets/demo');
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'ExternalSecret', name: 'demo-legacy' }]);
    expect(await logOf(shared())).toContain('failed db-password ENOENT');
    expect(await ready(shared())).toBe(false);
  });

  it('F155: the Secret has an owner of another kind', async () => {
    await shared().sandbox.break('F155');
    expect(await conditionOf('externalsecrets')).toMatchObject({
      status: 'False',
      message: 'failed to take ownership of target secret',
    });
    // It is not tried again, so its event has gone after an hour; who owns the Secret stands there still.
    const { metadata, data } = await get(shared(), '/api/v1/namespaces/demo/secrets/demo');
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'demo-sample', controller: true }]);
    expect(Object.keys(data)).toEqual(['legacy']);
  });

  it('F129: its Secret is what it was, and says that all is well', async () => {
    await shared().sandbox.break('F129');
    const { vault, cluster } = await values();
    expect(cluster).not.toBe(vault);
    expect(vault).toContain('rotated');
    expect(await conditionOf('externalsecrets')).toMatchObject({ status: 'True', reason: 'SecretSynced' });
  });
});

describe('versions of the kinds, and what the webhook denies', () => {
  it('F111: what was applied is there, and the same manifest applied again has no kind', async () => {
    await shared().sandbox.break('F111');
    const store = await get(shared(), `${API}/secretstores/demo`);
    const manifest = JSON.parse(store.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']);
    expect(manifest.apiVersion).toBe('external-secrets.io/v1beta1');
    const path = '/apis/external-secrets.io/v1beta1/namespaces/demo/secretstores/demo';
    const again = await kubectl(shared(), 'PATCH', path, manifest, 'application/merge-patch+json');
    expect([again.status, again.body.message]).toEqual([404, 'the server could not find the requested resource']);
    const applied = store.metadata.managedFields.map(({ apiVersion }: { apiVersion: string }) => apiVersion);
    expect(applied).toContain('external-secrets.io/v1beta1');
  });

  it('F112: neither the kinds nor the Secret are there, and pods wait for it', async () => {
    await shared().sandbox.break('F112');
    expect((await get(shared(), `${API}/secretstores`)).code).toBe(404);
    const said = (await eventsIn(shared())).filter((each) => each.startsWith('FailedMount'));
    expect(said).toEqual([expect.stringContaining('secret "demo" not found')]);
    expect((await podsOf(shared())).at(-1)!.status.phase).toBe('Pending');
  });

  it('F151: the store stays as it is, and whoever applies it again is denied', async () => {
    await shared().sandbox.break('F151');
    const store = await get(shared(), `${API}/secretstores/demo`);
    store.metadata.labels.again = 'yes';
    const { status, body } = await kubectl(shared(), 'PUT', `${API}/secretstores/demo`, store);
    expect(status).toBe(403);
    expect(body.message).toBe(
      'admission webhook "validate.secretstore.external-secrets.io" denied the request: invalid ServiceAccountRef: namespace should either be empty or match the namespace of the SecretStore for a namespaced SecretStore',
    );
  });
});
