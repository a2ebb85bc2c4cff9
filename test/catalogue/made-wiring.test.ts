import { describe, expect, it } from 'vitest';
import type { Method } from '../../src/sandbox/break/index.ts';
import { brokenAndMended, casesOf, get, logOf, podsOf, type Row, symptoms } from './made-world.ts';

const INJECTED: readonly Method[] = ['workload-identity'];

const ROWS: readonly Row[] = [
  ['F025', { 'workload-identity': /AZURE_AUTHORITY_HOST is not set/, dapr: /no client ID specified/ }],
  ['F026', /AZURE_AUTHORITY_HOST is not set/, INJECTED],
  ['F027', /AADSTS700016/, INJECTED],
  ['F028', /AZURE_CLIENT_ID is not set/, INJECTED],
  ['F029', /AZURE_CLIENT_ID is not set/, INJECTED],
  ['F030', { 'workload-identity': /AZURE_CLIENT_ID is not set/, 'external-secrets': /missing clientID/ }],
  ['F031', { 'workload-identity': /AZURE_CLIENT_ID is not set/, 'external-secrets': /missing clientID/ }],
  [
    'F032',
    { 'workload-identity': /AZURE_CLIENT_ID is not set/, csi: /AADSTS700213.*system:serviceaccount:demo:default/ },
  ],
  ['F033', /FailedCreate .*serviceaccount "demo" not found/, ['workload-identity', 'csi']],
  ['F034', /FailedCreate .*no endpoints available for service "azure-wi-webhook-webhook-service"/, INJECTED],
  ['F035', /FailedCreate .*mutation\.azure-workload-identity\.io.*context deadline exceeded/, INJECTED],
  ['F036', /AZURE_AUTHORITY_HOST is not set/, INJECTED],
  ['F038', /token expiration 60 not valid\. Expected value to be between 3600 and 86400/, INJECTED],
  ['F039', /hostNetwork is set to true, cannot inject proxy sidecar/, INJECTED],
  ['F042', /ENOENT.*azure-identity-token/, INJECTED],
  ['F044', /FailedMount .*which is of an unsupported type/, INJECTED],
];

describe('what the pods of the workload come to', () => {
  it.each(casesOf(ROWS))('%s, by %s', async (id, method, found) => {
    await brokenAndMended(method, id, async (story) => {
      expect(await symptoms(story, method)).toMatch(found);
    });
  });
});

describe('F029', () => {
  it('leaves the annotation right, and younger than the pods', async () => {
    await brokenAndMended('workload-identity', 'F029', async (story) => {
      const account = await get(story, '/api/v1/namespaces/demo/serviceaccounts/demo');
      expect(account.metadata.annotations).toHaveProperty(['azure.workload.identity/client-id']);
      const [pod] = await podsOf(story);
      const times = account.metadata.managedFields.map(({ time }: { time: string }) => Date.parse(time));
      expect(Math.max(...times)).toBeGreaterThan(Date.parse(pod?.metadata.creationTimestamp ?? ''));
    });
  });
});

describe('F037', () => {
  it('has both webhooks see the pods: two volumes, and the path of the older one', async () => {
    await brokenAndMended('workload-identity', 'F037', async (story) => {
      const [pod] = await podsOf(story);
      const volumes = pod?.spec.volumes.map(({ name }: { name: string }) => name);
      expect(volumes).toContain('azure-identity-token');
      expect(volumes).toContainEqual(expect.stringMatching(/^azure-workload-identity-reserved-/));
      const env = pod?.spec.containers[0].env;
      expect(env).toContainEqual({
        name: 'AZURE_FEDERATED_TOKEN_FILE',
        value: '/var/run/secrets/azure/tokens/azure-identity-token',
      });
      expect(await logOf(story)).toMatch(/^read db-password/m);
    });
  });
});

describe('F040', () => {
  it('leaves a pod in kube-system that no webhook has seen', async () => {
    await brokenAndMended('workload-identity', 'F040', async (story) => {
      expect(await podsOf(story)).toEqual([]);
      const pods = await podsOf(story, 'kube-system');
      const moved = pods.find(({ metadata }) => metadata.name.startsWith('demo-sample'));
      expect(moved?.spec.serviceAccountName).toBe('demo');
      const env = moved?.spec.containers[0].env.map(({ name }: { name: string }) => name);
      expect(env).not.toContain('AZURE_FEDERATED_TOKEN_FILE');
    });
  });
});

describe('F043', () => {
  it('leaves a Job whose work is done, and which does not end', async () => {
    await brokenAndMended('workload-identity', 'F043', async (story) => {
      const job = await get(story, '/apis/batch/v1/namespaces/demo/jobs/demo-nightly');
      expect(job.status).toMatchObject({ active: 1 });
      const pods = await podsOf(story);
      const pod = pods.find(({ metadata }) => metadata.name.startsWith('demo-nightly'));
      const states = pod?.status.containerStatuses.map(({ name, state }: { name: string; state: object }) => [
        name,
        Object.keys(state)[0],
      ]);
      expect(states).toEqual([
        ['reader', 'terminated'],
        ['azwi-proxy', 'running'],
      ]);
    });
  });
});
