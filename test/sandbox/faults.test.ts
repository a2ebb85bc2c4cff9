import { describe, expect, it } from 'vitest';
import { arm, CLUSTER, IDENTITY, sandbox } from './harness.ts';

const location = 'westeurope';

describe('faults', () => {
  const put = (one: Awaited<ReturnType<typeof sandbox>>, name: string) =>
    arm(one, 'PUT', IDENTITY.replace('demo-id', name), { location });

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('cut the connection at the n-th write, %s it took effect', async (when, there) => {
    const one = await sandbox();
    one.faults.cutAtWrite(2, when);
    expect((await put(one, 'first')).status).toBe(201);
    await expect(put(one, 'second')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(arm(one, 'GET', CLUSTER)).rejects.toThrow();
    one.faults.heal();
    const found = await arm(one, 'GET', IDENTITY.replace('demo-id', 'second'));
    expect(found.status).toBe(there ? 200 : 404);
  });

  it('answer with what they are given, so many times', async () => {
    const one = await sandbox();
    const busy = {
      status: 429,
      headers: { 'retry-after': '7' },
      body: { error: { code: 'TooManyRequests', message: '' } },
    };
    one.faults.failAt({ method: 'GET', path: /managedClusters/ }, busy, 1);
    const first = await arm(one, 'GET', CLUSTER);
    expect([first.status, first.headers['retry-after']]).toEqual([429, '7']);
    expect((await arm(one, 'GET', CLUSTER)).status).toBe(200);
    const undo = one.faults.failAt({ host: 'management.azure.com' }, 'reset');
    await expect(arm(one, 'GET', CLUSTER)).rejects.toMatchObject({ code: 'ECONNRESET' });
    undo();
    expect((await arm(one, 'GET', CLUSTER)).status).toBe(200);
  });
});

describe('faults of an answer', () => {
  it.each([
    ['reset', false],
    ['reset after', true],
    ['truncated', true],
    ['half', true],
    ['silence', true],
  ] as const)('%s: what took effect is there', async (how, there) => {
    const one = await sandbox();
    one.faults.failAt({ method: 'PUT', path: /userAssignedIdentities/, after: 1, outside: true }, how, 1);
    expect((await arm(one, 'PUT', IDENTITY.replace('demo-id', 'first'), { location })).status).toBe(201);
    const second = IDENTITY.replace('demo-id', 'second');
    const answer = arm(one, 'PUT', second, { location });
    if (how === 'silence') {
      await expect(Promise.race([answer, until(one)])).resolves.toBe('effect');
      answer.catch(() => undefined);
    } else await expect(answer).rejects.toThrow(how === 'half' ? /JSON/ : /hang up|aborted|ECONNRESET/);
    expect((await arm(one, 'GET', second)).status).toBe(there ? 200 : 404);
  });

  /** The request has been dealt with. */
  const until = async (one: Awaited<ReturnType<typeof sandbox>>) => {
    while (one.log.entries.filter(({ kind }) => kind === 'write').length < 2) await new Promise(setImmediate);
    return 'effect';
  };
});
