import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { azureOn, credentialOf, problem, servers, unsignedJwt } from './server.ts';

const start = servers();

describe('secrets', () => {
  it('sends the bearer at once and never reads a value', async () => {
    const server = await start(({ method, path }) => {
      const id = 'https://demo-kv.vault.azure.net/secrets/db-password';
      const attributes = { enabled: true, created: 1_700_000_000, exp: 1_800_000_000 };
      if (method === 'PUT') return { body: { value: 'hunter22', id: `${id}/v1`, attributes } };
      if (path.includes('/versions')) {
        return {
          body: {
            value: [
              { id: `${id}/v1`, attributes: { created: 1, enabled: true } },
              { id: `${id}/v2`, attributes: { created: 2, enabled: false } },
            ],
          },
        };
      }
      return { body: { value: [{ id, attributes, managed: true, contentType: 'x' }], nextLink: null } };
    });
    const { credential, scopes } = credentialOf();
    const azure = azureOn(server.agent, { credential });
    const uri = 'https://demo-kv.vault.azure.net/';
    const dates = { created: new Date(1_700_000_000_000), expires: new Date(1_800_000_000_000) };
    expect(await azure.secrets.list(uri)).toEqual([
      { name: 'db-password', enabled: true, ...dates, managed: true, contentType: 'x' },
    ]);
    expect(await azure.secrets.find(uri, 'db-password')).toMatchObject({ name: 'db-password', enabled: false });
    const written = await azure.secrets.set(uri, 'db-password', new Secret('hunter22'));
    expect(JSON.stringify(written)).not.toContain('hunter22');
    expect(JSON.parse(server.asked[2]!.body)).toEqual({ value: 'hunter22' });
    expect(server.asked).toHaveLength(3);
    expect(new Set(scopes)).toEqual(new Set(['https://vault.azure.net/.default']));
  });

  it('is undefined for a vault whose host does not exist', async () => {
    const server = await start(() => ({}));
    expect(await azureOn(server.agent).secrets.list('https://absent-kv.vault.azure.net/')).toBeUndefined();
    expect(server.asked).toHaveLength(0);
  });

  it('gives no token to a host that is no vault of the cloud', async () => {
    const { credential, scopes } = credentialOf();
    const azure = azureOn(undefined, { credential });
    for (const uri of [
      'https://evil.example/',
      'http://demo-kv.vault.azure.net/',
      'https://vault.azure.net.evil.example/',
    ]) {
      expect((await problem(azure.secrets.list(uri))).trouble).toBe('refused');
    }
    expect(scopes).toEqual([]);
  });

  it('does not write a second version after a lost connection', async () => {
    const server = await start(() => ({ cut: true }));
    const error = await problem(
      azureOn(server.agent).secrets.set('https://demo-kv.vault.azure.net/', 'a', new Secret('xxxxxx')),
    );
    expect(error.trouble).toBe('broken');
    expect(server.asked).toHaveLength(1);
  });
});

describe('the proof', () => {
  it('is one request to Entra and one to the vault', async () => {
    const server = await start(({ host }) =>
      host === 'login.microsoftonline.com'
        ? { body: { token_type: 'Bearer', expires_in: 3600, access_token: unsignedJwt({ oid: 'p' }) } }
        : {
            status: 404,
            body: {
              error: {
                code: 'SecretNotFound',
                message: 'A secret with (name/id) db-password/000 was not found in this key vault.',
              },
            },
          },
    );
    const azure = azureOn(server.agent);
    const token = await azure.workload.exchange(
      '22222222-2222-4222-8222-222222222222',
      'client',
      new Secret('assertion-x'),
    );
    await azure.workload.mayGet('https://demo-kv.vault.azure.net/', 'secret', 'db-password', token);
    expect(server.calls()).toEqual([
      'POST login.microsoftonline.com/22222222-2222-4222-8222-222222222222/oauth2/v2.0/token',
      `GET demo-kv.vault.azure.net/secrets/db-password/${'0'.repeat(32)}`,
    ]);
    expect(new URLSearchParams(server.asked[0]!.body).get('client_assertion')).toBe('assertion-x');
    expect(new URLSearchParams(server.asked[0]!.body).get('scope')).toContain('https://vault.azure.net/.default');
  });

  it('keeps the code of Entra', async () => {
    const text =
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:a:b'. Trace ID: 0f1e Correlation ID: 2";
    const server = await start(() => ({
      status: 401,
      body: { error: 'invalid_client', error_description: text, error_codes: [700213] },
    }));
    const error = await problem(
      azureOn(server.agent).workload.exchange('22222222-2222-4222-8222-222222222222', 'c', new Secret('assertion-x')),
    );
    expect(error).toMatchObject({
      trouble: 'refused',
      said: { by: 'Entra', code: 'AADSTS700213', requestId: 'req-0' },
    });
    expect(server.asked).toHaveLength(1);
    expect(JSON.stringify(error)).not.toContain('assertion-x');
  });

  it('throws what the vault refuses, and an absent vault is no proof', async () => {
    const server = await start(() => ({
      status: 403,
      body: {
        error: {
          code: 'Forbidden',
          message:
            "Caller is not authorized.\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '/subscriptions/s'",
          innererror: { code: 'ForbiddenByRbac' },
        },
      },
    }));
    const azure = azureOn(server.agent);
    const token = new Secret('workload-token');
    const error = await problem(azure.workload.mayGet('https://demo-kv.vault.azure.net/', 'secret', 'a', token));
    expect(error).toMatchObject({
      trouble: 'denied',
      right: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
      said: { code: 'ForbiddenByRbac' },
    });
    expect(
      (await problem(azure.workload.mayGet('https://absent-kv.vault.azure.net/', 'secret', 'a', token))).trouble,
    ).toBe('missing');
  });
});

describe('keys and certificates', () => {
  it('are listed and found as secrets are, by the names that they have there', async () => {
    const base = 'https://demo-kv.vault.azure.net';
    const server = await start(({ path }) => {
      const versions = path.includes('/versions');
      const items = path.startsWith('/keys')
        ? [{ kid: `${base}/keys/sign${versions ? '/v1' : ''}`, attributes: { enabled: true } }]
        : [{ id: `${base}/certificates/tls${versions ? '/v1' : ''}`, attributes: { enabled: false } }];
      return { body: { value: items, nextLink: null } };
    });
    const azure = azureOn(server.agent);
    expect(await azure.keys.list(base)).toEqual([{ name: 'sign', enabled: true }]);
    expect(await azure.keys.find(base, 'sign')).toEqual({ name: 'sign', version: 'v1', enabled: true });
    expect(await azure.certificates.list(base)).toEqual([{ name: 'tls', enabled: false }]);
    expect(await azure.certificates.find(base, 'tls')).toEqual({ name: 'tls', version: 'v1', enabled: false });
    expect(await azure.certificates.versions(base, 'tls')).toEqual([{ name: 'tls', version: 'v1', enabled: false }]);
    expect(await azure.keys.list(base)).toHaveLength(1);
    expect(server.asked.map(({ path }) => path.split('?')[0])).toEqual([
      ...['/keys', '/keys/sign/versions', '/certificates', '/certificates/tls/versions'],
    ]);
  });
});

describe('the right to list', () => {
  it('is proven by the first name alone', async () => {
    const server = await start(() => ({ body: { value: [], nextLink: null } }));
    await azureOn(server.agent).workload.mayList('https://demo-kv.vault.azure.net', new Secret('of-the-workload'));
    expect(server.asked).toMatchObject([
      {
        path: expect.stringMatching(/^\/secrets\?.*maxresults=1$/),
        headers: { authorization: 'Bearer of-the-workload' },
      },
    ]);
  });
});
