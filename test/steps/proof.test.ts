import { describe, expect, it } from 'vitest';
import { CLOUDS } from '../../src/azure/clouds.ts';
import { Secret } from '../../src/secret.ts';
import { proof } from '../../src/steps/proof.ts';
import { Problem } from '../../src/trouble.ts';
import type { Workload } from '../../src/workload.ts';
import { upstream } from './made.ts';

const make = (lists: boolean, secrets: object[]) =>
  proof({
    workload: {
      name: 'orders',
      namespace: 'shop',
      serviceAccount: 'orders',
      vault: { name: 'kv' },
      identity: { name: 'orders-id' },
      secrets,
    } as unknown as Workload,
    cloud: CLOUDS[0]!,
    vault: upstream('vault/kv'),
    identity: upstream('identity/orders-id'),
    after: [],
    lists,
  });
const check = make(false, [{ kind: 'secret', name: 'db-password', as: 'x' }]);
const claims = Buffer.from(JSON.stringify({ iss: 'https://i/', sub: 's', aud: ['a'] })).toString('base64url');
const token = new Secret(`e30.${claims}.x`);
const refusal = (trouble: Problem['trouble'], by: 'Entra' | 'Key Vault', code: string) =>
  new Problem(trouble, 'r', code, { said: { by, code, message: code } });
const ask = (workload: object, of = check) =>
  of.run({ kubernetes: { token: async () => token }, azure: { workload } } as never, {
    clientId: 'c',
    tenantId: 't',
    vaultUri: 'v',
  });
const failing = (problem: Problem) => async () => {
  throw problem;
};

describe('the podless proof', () => {
  it.each(['AADSTS70021', 'AADSTS700213', 'AADSTS90061', 'AADSTS50166'])(
    '%s may still come right while what it rests on is young',
    async (code) => {
      await expect(ask({ exchange: failing(refusal('refused', 'Entra', code)) })).rejects.toMatchObject({
        trouble: 'denied',
        detail: 'Presented: issuer https://i/, subject s, audience a.',
      });
    },
  );
  it('any other refusal of Entra stays one', async () => {
    const exchange = failing(refusal('refused', 'Entra', 'AADSTS53003'));
    await expect(ask({ exchange })).rejects.toMatchObject({ trouble: 'refused' });
  });
  it.each(['ForbiddenByFirewall', 'ForbiddenByConnection'])(
    '%s says where we are, and nothing of the workload: not known, and not failed',
    async (code) => {
      const found = await ask({ exchange: async () => token, mayGet: failing(refusal('refused', 'Key Vault', code)) });
      expect(found).toMatchObject([
        { verdict: 'pass' },
        { verdict: 'unknown', observed: expect.stringContaining(code) },
      ]);
    },
  );
  it('a denial is the answer', async () => {
    const mayGet = failing(refusal('denied', 'Key Vault', 'ForbiddenByRbac'));
    await expect(ask({ exchange: async () => token, mayGet })).rejects.toThrow('kv does not let orders-id read');
  });
});

describe('the proof of who looks through the vault', () => {
  const lister = make(true, []);
  const may = async () => undefined;

  it('is of listing, and of reading a secret of whatever name', async () => {
    const names: unknown[] = [];
    const mayGet = async (_uri: string, kind: string, name: string) => void names.push([kind, name]);
    const found = await ask({ exchange: async () => token, mayList: may, mayGet }, lister);
    expect(found.map(({ title }) => title)).toEqual([
      'shop/orders can list its secrets',
      'shop/orders can read its secrets',
    ]);
    expect(names).toEqual([['secret', 'aks-secrets-proof']]);
    expect(lister.title).toBe('shop/orders can list and read the secrets of kv');
  });
  it('fails where it may read and not list, or list and not read', async () => {
    const no = failing(refusal('denied', 'Key Vault', 'AccessDenied'));
    await expect(ask({ exchange: async () => token, mayList: no, mayGet: may }, lister)).rejects.toThrow(
      'list its secrets',
    );
    await expect(ask({ exchange: async () => token, mayList: may, mayGet: no }, lister)).rejects.toThrow(
      'read its secrets',
    );
  });
});
