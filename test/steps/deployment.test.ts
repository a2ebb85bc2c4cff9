import { describe, expect, it } from 'vitest';
import { deploymentLife } from '../../src/steps/deployment.ts';

const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop', namespace: 'demo' } };
const CRASHED = { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } };

/** What it says while its pod has this status and that log. */
async function saying(status: object, log: () => Promise<string>): Promise<string | undefined> {
  const pod = { metadata: { name: 'shop-1', namespace: 'demo' }, spec: {}, status: { containerStatuses: [status] } };
  const event = { type: 'Warning', message: 'Readiness probe failed:', involvedObject: { name: 'shop-1' } };
  const kubernetes = { list: async ({ kind }: { kind: string }) => [kind === 'Pod' ? pod : event], log };
  const more = await deploymentLife.look(kubernetes as never, DEPLOYMENT);
  return deploymentLife.pending(DEPLOYMENT, more);
}

describe('a Deployment whose pod is not ready', () => {
  const words = async () =>
    'read db-password 9 bytes\nfailed api-key 404 SecretNotFound\nsomething of its own: hunter2\n';
  it('says why by what the script has said of what it could not read, and repeats nothing else of a log', async () => {
    expect(await saying(CRASHED, words)).toBe('pod shop-1 CrashLoopBackOff (failed api-key 404 SecretNotFound)');
    expect(await saying(CRASHED, async () => 'hunter2')).toBe('pod shop-1 CrashLoopBackOff (Readiness probe failed:)');
  });
  it('says what the events say, where nobody may see the log or nothing has ended yet', async () => {
    const denied = () => Promise.reject(new Error('forbidden'));
    expect(await saying(CRASHED, denied)).toBe('pod shop-1 CrashLoopBackOff (Readiness probe failed:)');
    expect(await saying({ state: { running: {} } }, words)).toBe('pod shop-1 is starting (Readiness probe failed:)');
  });
});
