import { afterEach, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { orAll } from './exhaustive.ts';
import { begin, type Story } from './harness.ts';

let story: Story;
afterEach(() => story.close());

describe.each(orAll(methods, ({ name }) => name === 'csi').map(({ name }) => [name]))(
  '%s in a slow Azure',
  (method) => {
    it('waits ten simulated minutes for replication by evidence, and says what for', async () => {
      story = await begin({ settings: { replication: 500_000, operation: 200_000, strictPrincipals: true } });
      const ran = await story.run(`init --method ${method} --yes`);
      expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
      expect(ran.err).toMatch(/waiting/i);
    });

    it('killed and started again, it still knows that what it rests on is young', async () => {
      story = await begin({ settings: { replication: 300_000 } });
      const stop = new AbortController();
      const first = story.run(`init --method ${method} --yes`, { signal: stop.signal });
      const watch = setInterval(() => {
        if (
          story.sandbox.log.entries.some(
            ({ path, kind }) => kind === 'token' && path.endsWith('/token') && path.includes('oauth2'),
          )
        )
          stop.abort();
      }, 1);
      expect((await first).code).toBe(130);
      clearInterval(watch);
      const second = await story.run(`init --method ${method} --yes`);
      expect({ code: second.code, err: second.code ? second.err : '' }).toEqual({ code: 0, err: '' });
    });
  },
);

describe('somebody else at work', () => {
  it('a running operation of the cluster is waited out', async () => {
    story = await begin();
    story.sandbox.world.clusterBusy('demo-aks', 120_000);
    const ran = await story.run('init --method csi --yes');
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
  });

  it('a failed operation ends with its own error', async () => {
    story = await begin();
    story.sandbox.faults.failOperation({ code: 'SubnetIsFull', message: 'Subnet aks has not enough free addresses.' });
    const ran = await story.run('init --method csi --yes');
    expect(ran.code).toBe(1);
    expect(ran.err + ran.out).toContain('SubnetIsFull');
    expect(ran.err + ran.out).toContain('not enough free addresses');
  });

  it('a stopped cluster is blocked, with the command that starts it', async () => {
    story = await begin();
    story.sandbox.world.clusterPower('demo-aks', 'Stopped');
    const ran = await story.run('init --method csi --yes');
    expect(ran.code).not.toBe(0);
    expect(ran.err + ran.out).toContain('az aks start --resource-group demo-rg --name demo-aks');
    expect(ran.writes.filter(({ path }) => /managedClusters\/demo-aks$/.test(path))).toEqual([]);
  });

  it('a 429 is obeyed', async () => {
    story = await begin();
    story.sandbox.faults.failAt(
      { host: 'management.azure.com' },
      {
        status: 429,
        headers: { 'retry-after': '7' },
        body: { error: { code: 'TooManyRequests', message: 'slow down' } },
      },
      3,
    );
    const ran = await story.run('init --method workload-identity --yes');
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
  });
});
