import { describe, expect, it } from 'vitest';
import { azureOn, CLUSTER, cluster, jumpingClock, problem, servers } from './server.ts';

const start = servers();

describe('what all requests share', () => {
  it('repeats reads and puts after a lost connection and 5xx, by the clock', async () => {
    const clock = jumpingClock();
    const server = await start((_, nth) =>
      nth === 0 ? { cut: true } : nth === 1 ? { status: 500, body: {} } : { body: cluster() },
    );
    expect(await azureOn(server.agent, { clock }).clusters.get(CLUSTER)).toEqual(cluster());
    expect(clock.slept).toEqual([500, 2000]);
  });

  it('traces without headers, bodies and queries', async () => {
    const lines: string[] = [];
    const server = await start(() => ({ status: 403, body: { error: { code: 'AuthorizationFailed', message: 'x' } } }));
    await problem(azureOn(server.agent, { trace: (line) => lines.push(line) }).clusters.get(CLUSTER));
    expect(lines).toEqual([`GET management.azure.com ${CLUSTER} 403 req-0 0 ms`]);
  });

  it('sends nothing after an interruption, and throws its reason', async () => {
    const server = await start(() => ({ body: cluster() }));
    const stop = new AbortController();
    const azure = azureOn(server.agent, { signal: stop.signal });
    const reason = new Error('interrupted');
    stop.abort(reason);
    await expect(azure.clusters.get(CLUSTER)).rejects.toBe(reason);
    expect(server.asked).toHaveLength(0);
  });

  it('lets what is in flight be answered after an interruption', async () => {
    const stop = new AbortController();
    const server = await start(async () => {
      stop.abort(new Error('interrupted'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { body: cluster() };
    });
    expect(await azureOn(server.agent, { signal: stop.signal }).clusters.get(CLUSTER)).toEqual(cluster());
  });
});
