import { describe, expect, it } from 'vitest';
import { azureOn, CLUSTER, jumpingClock, problem, servers } from './server.ts';

const start = servers();
const LIST = `${CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions`;
const DAPR = `${LIST}/dapr`;
const extension = (properties: object) => ({ id: DAPR, name: 'dapr', properties });
const OPERATION = `https://management.azure.com${DAPR}/operations/1?api-version=2025-03-01`;

describe('extensions of a cluster', () => {
  it('are listed as the wire has them, page by page, once per world', async () => {
    const next = `https://management.azure.com${LIST}?api-version=2025-03-01&page=2`;
    const server = await start(({ path }) =>
      path.includes('page=2')
        ? { body: { value: [extension({ b: 2 })] } }
        : { body: { value: [extension({ a: 1 })], nextLink: next } },
    );
    const azure = azureOn(server.agent);
    const [one, two] = await Promise.all([azure.extensions.list(CLUSTER), azure.extensions.list(CLUSTER)]);
    expect(one).toEqual([extension({ a: 1 }), extension({ b: 2 })]);
    expect(two).toBe(one);
    expect(server.calls()).toEqual([`GET management.azure.com${LIST}`, `GET management.azure.com${LIST}`]);
  });

  it.each([
    ['undefined where there is no cluster', 404, 'ParentResourceNotFound', undefined],
    ['none where the provider is not registered', 409, 'MissingSubscriptionRegistration', []],
  ])('are %s', async (_what, status, code, expected) => {
    const server = await start(() => ({ status, body: { error: { code, message: 'no' } } }));
    expect(await azureOn(server.agent).extensions.list(CLUSTER)).toEqual(expected);
  });
});

describe('an extension that is put', () => {
  it('is followed by the clock to the end of its operation, and given as it is then', async () => {
    const clock = jumpingClock();
    let polls = 0;
    const server = await start(({ method, path }) => {
      if (method === 'PUT')
        return {
          status: 201,
          headers: { 'azure-asyncoperation': OPERATION },
          // What it says of itself is not what counts: the operation goes on.
          body: extension({ provisioningState: 'Succeeded' }),
        };
      if (!path.includes('/operations/')) return { body: extension({ provisioningState: 'Succeeded', done: true }) };
      polls += 1;
      const headers: Record<string, string> = polls === 1 ? { 'retry-after': '30' } : {};
      return { headers, body: { status: polls < 3 ? 'Creating' : 'Succeeded' } };
    });
    const body = { properties: { extensionType: 'microsoft.dapr' } };
    expect(await azureOn(server.agent, { clock }).extensions.put(CLUSTER, 'dapr', body)).toEqual(
      extension({ provisioningState: 'Succeeded', done: true }),
    );
    expect(JSON.parse(server.asked[0]!.body)).toEqual(body);
    expect(server.asked[0]!.path).toContain('api-version=2025-03-01');
    expect(clock.slept).toEqual([2000, 30_000, 5000]);
  });

  it('throws the error of its operation', async () => {
    const error = { code: 'ExtensionOperationFailed', message: 'Helm installation failed : timed out' };
    const server = await start(({ method }) =>
      method === 'PUT'
        ? { headers: { 'azure-asyncoperation': OPERATION }, body: extension({ provisioningState: 'Updating' }) }
        : { body: { status: 'Failed', error } },
    );
    const thrown = await problem(azureOn(server.agent).extensions.put(CLUSTER, 'dapr', {}));
    expect(thrown).toMatchObject({ trouble: 'refused', resource: 'extension dapr', said: error });
  });

  it('without the address of an operation is looked at itself, and its own error is thrown', async () => {
    const errorInfo = { code: 'InstallationFailed', message: 'no node for dapr-placement' };
    const server = await start(({ method }, nth) => ({
      status: method === 'PUT' ? 201 : 200,
      body: extension(nth < 2 ? { provisioningState: 'Creating' } : { provisioningState: 'Failed', errorInfo }),
    }));
    const thrown = await problem(azureOn(server.agent).extensions.put(CLUSTER, 'dapr', {}));
    expect(thrown.said).toMatchObject(errorInfo);
    expect(server.asked).toHaveLength(3);
  });

  it('does not follow an operation to another host, so no token goes there', async () => {
    const server = await start(() => ({
      status: 201,
      headers: { 'azure-asyncoperation': 'https://elsewhere.example/op' },
      body: extension({ provisioningState: 'Creating' }),
    }));
    await problem(azureOn(server.agent).extensions.put(CLUSTER, 'dapr', {}));
    expect(server.asked.map(({ host }) => host)).toEqual(['management.azure.com']);
  });
});
