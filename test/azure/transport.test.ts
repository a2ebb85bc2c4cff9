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

  const never = () => new Promise<never>(() => undefined);

  it.each([
    ['answered', never],
    ['answered to the end', () => ({ stalled: true }) as const],
  ])('does not wait for ever: what is not %s is asked again', async (_, no) => {
    const clock = jumpingClock();
    const server = await start((_, nth) => (nth < 2 ? no() : { body: cluster() }));
    expect(await azureOn(server.agent, { clock, answerWithin: 250 }).clusters.get(CLUSTER)).toEqual(cluster());
    // A busy machine may need as long for its first connection.
    expect(clock.slept.slice(0, 2)).toEqual([500, 2000]);
  });

  it('says of a service that never answers that it does not', async () => {
    const clock = jumpingClock();
    const server = await start(never);
    const asking = azureOn(server.agent, { clock, answerWithin: 250 }).clusters.get(CLUSTER);
    const { trouble, message } = await problem(asking);
    expect(trouble).toBe('broken');
    expect(message).toContain('no answer within 0.25 seconds');
    expect(clock.slept).toEqual([500, 2000, 5000]);
  });

  it('takes neither an answer that breaks off nor half of one for the answer', async () => {
    const half = JSON.stringify(cluster()).slice(0, 40);
    const server = await start((_, nth) => (nth === 0 ? { body: half } : { body: cluster() }));
    expect(await azureOn(server.agent).clusters.get(CLUSTER)).toEqual(cluster());
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
