import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/trouble.ts';
import { findingsOf } from '../../src/verify/probe/heard.ts';
import { jobName, selecting } from '../../src/verify/probe/job.ts';
import { ANY_SECRET, type Workload } from '../../src/workload.ts';

const workload: Workload = {
  ...{ name: 'orders', namespace: 'shop', serviceAccount: 'orders', method: 'workload-identity', roleScope: 'vault' },
  vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
  identity: { resourceGroup: 'shop-rg', name: 'orders-id' },
  secrets: [{ kind: 'secret', name: 'db', as: 'db' }],
  options: {},
};
const WELL = [
  'host login.microsoftonline.com public 20.190.1.1 ok',
  'host shop-kv.vault.azure.net private 10.1.2.3 ok',
];
const heard = (...lines: string[]) => findingsOf(lines.join('\n'), workload);
const said = (...lines: string[]) =>
  heard(...lines).map(({ verdict, failure, title, observed }) =>
    [verdict, failure, title, observed].filter(Boolean).join(' | '),
  );
const thrown = (...lines: string[]): Problem => {
  try {
    heard(...lines);
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('nothing was thrown');
};

describe('what a probe says', () => {
  it('all is well: network and secrets, names and numbers', () => {
    expect(said(...WELL, 'read db 24 bytes version 3f2a91c0aaaa')).toEqual([
      'pass | pods in shop reach login.microsoftonline.com | public address 20.190.1.1',
      'pass | pods in shop reach shop-kv.vault.azure.net | private address 10.1.2.3',
      'pass | a pod of shop/orders reads db | 24 bytes, version 3f2a91c0',
    ]);
  });

  it.each([
    ['F066', 'host login.microsoftonline.com unknown - ENOTFOUND', 'no address: ENOTFOUND'],
    ['F066', 'host login.microsoftonline.com public 20.190.1.1 ETIMEDOUT', 'public address 20.190.1.1, then ETIMEDOUT'],
    ['F075', 'host shop-kv.vault.azure.net unknown - ENOTFOUND', 'no address: ENOTFOUND'],
    ['F076', 'host shop-kv.vault.azure.net private 10.1.2.3 ETIMEDOUT', 'private address 10.1.2.3, then ETIMEDOUT'],
  ])('the network is what is broken, and what follows from it is not told: %s', (failure, line, observed) => {
    const found = heard(line, 'failed exchange ENOTFOUND', 'failed db ENOTFOUND');
    expect(found).toMatchObject([{ verdict: 'fail', failure, observed, check: 'AKS-PROBE-NETWORK' }]);
  });

  it.each([
    ['F073', 'ForbiddenByFirewall'],
    ['F074', 'ForbiddenByConnection'],
  ])('a vault that lets the network of the pods not in: %s', (failure, code) => {
    expect(heard(...WELL, `failed db 403 ${code}`)).toMatchObject([{ verdict: 'fail', failure, check: 'AKS-PROBE' }]);
  });

  it.each([
    ['Entra', 'AADSTS700213', 'failed exchange 400 AADSTS700213: No matching federated identity record found'],
    ['Key Vault', 'ForbiddenByRbac', 'failed db 403 ForbiddenByRbac'],
    ['Entra', 'AADSTS70021', 'failed db ERR_SECRET_GET AADSTS70021'],
    ['Key Vault', 'SecretNotFound', 'failed db 404 SecretNotFound'],
  ] as const)('what %s refuses is judged like every refusal: %s', (by, code, line) => {
    expect(thrown(...WELL, line).said).toMatchObject({ by, code });
  });

  it('the answer that there is no such secret shows the right to read, where no name is known', () => {
    const nameless = { ...workload, secrets: [ANY_SECRET] };
    const [found] = findingsOf(`failed ${ANY_SECRET.name} 404 SecretNotFound`, nameless);
    expect(found).toMatchObject({ verdict: 'pass', title: 'a pod of shop/orders may read secrets of shop-kv' });
  });

  it('of silence nothing is concluded', () => {
    expect(() => heard('')).toThrow('printed nothing');
  });
});

describe('the Job', () => {
  it('has a name that is a label', () => {
    expect(jobName({ name: 'orders' })).toBe('aks-secrets-probe-orders');
    const [one, other] = [jobName({ name: 'x'.repeat(63) }), jobName({ name: `${'x'.repeat(62)}y` })];
    expect(one.length).toBe(63);
    expect(one).not.toBe(other);
  });

  it.each([
    [{ app: 'orders' }, false],
    [{}, false],
    [{ 'azure.workload.identity/use': 'true' }, true],
    [{ 'azure.workload.identity/use': 'true', app: 'orders' }, false],
  ])('is selected by a Service whose selector is among its labels: %j', (selector, is) => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { selector } };
    const labels = { 'app.kubernetes.io/name': 'aks-secrets-probe', 'azure.workload.identity/use': 'true' };
    expect(selecting([service], labels)).toBe(is ? service : undefined);
  });
});
