import { describe, expect, it } from 'vitest';
import type { Method } from '../../src/sandbox/break/index.ts';
import { brokenAndMended, casesOf, get, type Row, readSecret, ready, signIn, symptoms, wired } from './made-world.ts';

// Most of it is the same for whoever asks: it is tried by the driver, whose answer is quick, and by another here and there.
const DRIVER: readonly Method[] = ['csi'];

const ENTRA: readonly Row[] = [
  ['F014', /AADSTS700213/, DRIVER],
  ['F022', /AADSTS700016/, DRIVER],
  ['F049', /AADSTS70021\b/, DRIVER],
  ['F050', /AADSTS700211/, DRIVER],
  ['F051', /AADSTS700212/, DRIVER],
  ['F052', /AADSTS700213/],
  ['F053', /AADSTS7002138/, DRIVER],
  ['F054', { csi: /AADSTS700211.*issuer 'https:\/\/demo-aks[^']*azmk8s\.io\// }],
  ['F055', /AADSTS700016/, DRIVER],
  // The driver asks the tenant that its class names, and only if the vault is of that one.
  ['F056', { 'workload-identity': /AADSTS90002/, csi: /AADSTS90002/ }],
  ['F057', /AADSTS700016/, DRIVER],
  ['F060', /AADSTS90061/, DRIVER],
  ['F062', /AADSTS700027.*key was not found/, DRIVER],
];

const VAULT: readonly Row[] = [
  ['F066', { 'workload-identity': /ENOTFOUND/, csi: /lookup login\.microsoftonline\.com .*no such host/ }],
  ['F067', /ForbiddenByRbac/],
  ['F068', { csi: /certificates\/read/, 'external-secrets': /certificates\/read/ }],
  ['F069', /AccessDenied/, DRIVER],
  ['F070', /AccessDenied/, DRIVER],
  ['F071', /ForbiddenByRbac/, DRIVER],
  ['F072', /AccessDenied/, DRIVER],
  ['F073', /ForbiddenByFirewall/, DRIVER],
  ['F074', /ForbiddenByConnection/, DRIVER],
  ['F075', { 'workload-identity': /ENOTFOUND/, csi: /lookup demo-kv\.vault\.azure\.net .*no such host/ }],
  ['F076', { 'workload-identity': /ETIMEDOUT/, csi: /context deadline exceeded/, 'external-secrets': /i\/o timeout/ }],
  ['F077', /SecretNotFound/, DRIVER],
  ['F078', { csi: /KeyNotFound/ }],
  ['F079', /SecretDisabled/, DRIVER],
  ['F081', { csi: /BadParameter.*invalid name/s, 'external-secrets': /BadParameter/ }],
  ['F082', { csi: /SecretNotFound/, 'external-secrets': /does not exist/ }],
  ['F083', /VaultRequestTypeLimitReached/, ['workload-identity', 'csi']],
  ['F084', { 'workload-identity': /401 Unauthorized/, dapr: /AKV10032/ }],
  ['F085', /ForbiddenByRbac/, DRIVER],
];

const OTHERS: readonly Row[] = [
  ['F046', /Multiple user assigned identities exist/, DRIVER],
  ['F047', /Identity not found/, DRIVER],
  ['F048', /dial tcp 127\.0\.0\.1:2579: connect: connection refused/, DRIVER],
  ['F059', /AADSTS1002012/, ['workload-identity']],
  ['F061', /AADSTS700024/, ['workload-identity']],
  ['F063', /AADSTS700222/, ['workload-identity']],
  ['F065', { csi: /AADSTS7000215/, dapr: /AADSTS7000215/, 'external-secrets': /AADSTS7000215/ }],
  ['F143', /401 Unauthorized/, ['workload-identity']],
];

describe('what the consumer of the secrets says', () => {
  it.each([...casesOf(ENTRA), ...casesOf(VAULT), ...casesOf(OTHERS)])('%s, by %s', async (id, method, found) => {
    await brokenAndMended(method, id, async (story) => {
      expect(await symptoms(story, method)).toMatch(found);
    });
  });
});

describe('what is not wrong for the consumer, or not yet', () => {
  it('F080 leaves the vault giving the secret, whose attributes tell', async () => {
    await brokenAndMended('csi', 'F080', async (story) => {
      expect((await readSecret(story)).status).toBe(200);
      const [version] = Object.values(story.sandbox.parts.state.vaults as Record<string, { secrets: object }>).flatMap(
        ({ secrets }) => Object.values(secrets).map(({ versions }) => versions.at(-1)),
      );
      expect(version.exp * 1000).toBeLessThan(story.sandbox.parts.clock.now().getTime());
    });
  });

  it('F086 leaves the workload reading, and its owner not', async () => {
    await brokenAndMended('csi', 'F086', async (story) => {
      expect((await readSecret(story)).status).toBe(200);
      const credential = await story.sandbox.surroundings.credential();
      const { token } = await credential.getToken('https://vault.azure.net/.default');
      const reply = await story.sandbox.parts.dispatch({
        method: 'GET',
        host: 'demo-kv.vault.azure.net',
        path: '/secrets/db-password',
        query: new URLSearchParams('api-version=7.4'),
        headers: { authorization: `Bearer ${token}` },
        body: '',
      });
      expect(reply).toMatchObject({ status: 403, body: { error: { innererror: { code: 'ForbiddenByRbac' } } } });
    });
  });

  it('F017 leaves the cluster updating, a day long', async () => {
    await brokenAndMended('csi', 'F017', async (story) => {
      const [cluster] = Object.values(story.sandbox.place.slice.clusters);
      expect(cluster?.resource.properties.provisioningState).toBe('Updating');
      expect((await signIn(story)).token).toBeDefined();
    });
  });

  it('F019 leaves the add-on in the list, and the driver nowhere', async () => {
    await brokenAndMended('csi', 'F019', async (story) => {
      const [cluster] = Object.values(story.sandbox.place.slice.clusters);
      expect(cluster?.resource.properties).toMatchObject({
        addonProfiles: { azureKeyvaultSecretsProvider: { enabled: false } },
      });
      expect(await symptoms(story, 'csi')).toMatch(/secrets-store\.csi\.k8s\.io not found in the list of registered/);
    });
  });
});

describe('F064', () => {
  it('blocks an application, and no managed identity', async () => {
    const story = await wired('csi', '--app-registration orders');
    await story.sandbox.break('F064', { age: 0 });
    expect(await symptoms(story, 'csi')).toMatch(/AADSTS53003/);
    await story.sandbox.mend();
    expect(await ready(story)).toBe(true);
  });

  it('concerns applications, and says what to run first', async () => {
    await expect(brokenAndMended('csi', 'F064', async () => undefined)).rejects.toMatchObject({
      message: 'it signs in as a managed identity, to which Conditional Access does not apply',
      run: 'aks-secrets init --sandbox --method csi --app-registration orders --yes',
    });
  });
});

describe('the extension that brings Dapr', () => {
  const state = async (id: string): Promise<string> => {
    let said = '';
    await brokenAndMended('dapr', id, async (story) => {
      const [extension] = Object.values(story.sandbox.place.slice.extensions);
      const { provisioningState, errorInfo } = (extension?.resource.properties ?? {}) as Record<string, unknown>;
      said = `${provisioningState} ${JSON.stringify(errorInfo)}`;
      const { items } = await get(story, '/api/v1/namespaces/demo/pods');
      expect(items.flatMap((pod: { spec: { containers: object[] } }) => pod.spec.containers)).toHaveLength(1);
    });
    return said;
  };
  it.each([
    ['F001', /^undefined/],
    ['F002', /^Failed.*ExtensionTypeRegistrationGetFailed/],
    ['F020', /^Failed.*Failed to resolve the extension version from the given values/],
    ['F021', /^Failed.*invalid ownership metadata/],
    ['F023', /^Failed.*aks-managed-protect-system-namespaces/],
    ['F024', /^Creating/],
  ])('%s', async (id, found) => {
    expect(await state(id)).toMatch(found);
  });
});
