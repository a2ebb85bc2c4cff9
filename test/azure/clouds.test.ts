import { describe, expect, it } from 'vitest';
import { CLOUDS, cloudOf } from '../../src/azure/clouds.ts';
import { Problem } from '../../src/trouble.ts';

const none = () => Promise.reject(new Error('not to be asked'));

/** As `GET https://management.azure.com/metadata/endpoints?api-version=2022-09-01` answers, shortened. */
const entry = (more: object = {}) => ({
  name: 'AzureCloud',
  portal: 'https://portal.azure.com',
  authentication: {
    loginEndpoint: 'https://login.microsoftonline.com',
    audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
    tenant: 'common',
    identityProvider: 'AAD',
  },
  microsoftGraphResourceId: 'https://graph.microsoft.com/',
  resourceManager: 'https://management.azure.com/',
  suffixes: { keyVaultDns: 'vault.azure.net' },
  ...more,
});

describe('clouds', () => {
  it('are known by name, also as az spells it', async () => {
    expect((await cloudOf('AzureCloud', none)).name).toBe('AzurePublicCloud');
    expect((await cloudOf('azurepubliccloud', none)).resourceManager).toBe('https://management.azure.com');
    expect((await cloudOf('AzureUSGovernment', none)).federationAudience).toBe('api://AzureADTokenExchangeUSGov');
    expect((await cloudOf('AzureChinaCloud', none)).vaultSuffix).toBe('.vault.azure.cn');
  });

  it('have no trailing slashes and are https', () => {
    for (const cloud of CLOUDS) {
      for (const url of [cloud.resourceManager, cloud.authority, cloud.graph, cloud.portal])
        expect(url).toMatch(/^https:\/\/[^/]+$/);
      expect(cloud.vaultSuffix).toMatch(/^\.vault\./);
    }
  });

  it('are read from metadata, one or many', async () => {
    for (const answer of [entry(), [entry({ name: 'Other', resourceManager: 'https://other/' }), entry()]]) {
      expect(await cloudOf('https://management.azure.com', async () => answer)).toEqual(CLOUDS[0]);
    }
  });

  it('ask the metadata path of a bare address', async () => {
    const urls: string[] = [];
    await cloudOf('https://management.azure.com/', async (url) => {
      urls.push(url);
      return entry();
    });
    expect(urls).toEqual(['https://management.azure.com/metadata/endpoints?api-version=2022-09-01']);
  });

  it('may be none of those we know', async () => {
    const cloud = await cloudOf('https://management.lab.example/metadata/endpoints?api-version=2022-09-01', async () =>
      entry({
        name: 'Lab',
        resourceManager: 'https://management.lab.example',
        authentication: { loginEndpoint: 'https://login.lab.example/', audiences: ['https://management.lab.example'] },
        suffixes: { keyVaultDns: '.vault.lab.example' },
      }),
    );
    expect(cloud).toMatchObject({
      name: 'Lab',
      resourceManager: 'https://management.lab.example',
      resourceManagerScope: 'https://management.lab.example/.default',
      authority: 'https://login.lab.example',
      vaultSuffix: '.vault.lab.example',
      vaultScope: 'https://vault.lab.example/.default',
      federationAudience: 'api://AzureADTokenExchange',
    });
  });

  it.each([
    ['AzureMoonCloud', entry(), 'AzurePublicCloud'],
    ['http://management.azure.com/', entry(), 'https'],
    ['https://', entry(), 'not a URL'],
    ['https://management.azure.com/', 'hello', 'does not describe'],
    ['https://management.azure.com/', entry({ suffixes: {} }), 'lacks'],
    ['https://management.azure.com/', entry({ authentication: { loginEndpoint: 'http://login' } }), 'lacks'],
  ])('refuse %s', async (name, answer, words) => {
    const error = await cloudOf(name, async () => answer).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Problem);
    expect((error as Problem).message).toContain(words);
  });
});
