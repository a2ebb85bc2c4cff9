import { afterEach, describe, expect, it } from 'vitest';
import { type SimulatedClock, simulatedClock } from '../../src/sandbox/clock.ts';

let made: SimulatedClock | undefined;
afterEach(() => made?.stop());

function clock(options: { idle?: () => boolean; real?: boolean; activity?: () => number } = {}) {
  let offset = 0;
  made = simulatedClock({
    time: {
      offset: () => offset,
      setOffset: (value) => {
        offset = value;
      },
    },
    idle: options.idle ?? (() => true),
    activity: options.activity ?? (() => 0),
    real: options.real ?? false,
  });
  return made;
}

const HOUR = 3_600_000;

describe('simulated time', () => {
  it('jumps to the one who sleeps, and runs with real time otherwise', async () => {
    const { client } = clock();
    const [before, real] = [client.now().getTime(), Date.now()];
    await client.sleep(HOUR);
    expect(client.now().getTime() - before).toBeGreaterThanOrEqual(HOUR);
    expect(client.now().getTime() - before).toBeLessThan(HOUR + 1000);
    expect(Date.now() - real).toBeLessThan(1000);
  });

  it('does not add up those who sleep side by side, and wakes them in order', async () => {
    const { client } = clock();
    const before = client.now().getTime();
    const woken: number[] = [];
    await Promise.all([3, 1, 2].map((n) => client.sleep(n * HOUR).then(() => woken.push(n))));
    expect(woken).toEqual([1, 2, 3]);
    expect(client.now().getTime() - before).toBeLessThan(3 * HOUR + 1000);
  });

  it('stands while something is going on', async () => {
    let busy = true;
    const { client } = clock({ idle: () => !busy });
    let woken = false;
    const sleeping = client.sleep(HOUR).then(() => {
      woken = true;
    });
    await new Promise((done) => setTimeout(done, 25));
    expect(woken).toBe(false);
    busy = false;
    await sleeping;
  });

  it('does not jump for the parts of the sandbox alone, but wakes them on the way', async () => {
    const { client, parts } = clock();
    let loops = 0;
    void (async () => {
      while (loops < 1000) {
        await parts.sleep(60_000);
        loops += 1;
      }
    })();
    await new Promise((done) => setTimeout(done, 25));
    expect(loops).toBe(0);
    await client.sleep(10 * 60_000 + 1);
    expect(loops).toBeGreaterThanOrEqual(9);
    expect(loops).toBeLessThanOrEqual(10);
  });

  it('never jumps when it is real', async () => {
    const { client, advance } = clock({ real: true });
    let woken = false;
    const sleeping = client.sleep(HOUR).then(() => {
      woken = true;
    });
    await new Promise((done) => setTimeout(done, 25));
    expect(woken).toBe(false);
    advance(HOUR);
    await sleeping;
  });

  it('ends a sleep that is aborted, with the reason', async () => {
    const { client } = clock({ idle: () => false });
    const abort = new AbortController();
    const sleeping = client.sleep(HOUR, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(client.sleep(1, abort.signal)).rejects.toThrow('enough');
  });

  it.each(['ends by itself', 'is aborted'])('stays finite when the last sleep %s before it could jump', async (how) => {
    const { client } = clock();
    for (let turn = 0; turn < 10; turn += 1) {
      const abort = new AbortController();
      const sleeping = client.sleep(how === 'is aborted' ? HOUR : 1, abort.signal).catch(() => undefined);
      if (how === 'is aborted') abort.abort();
      await sleeping;
      await new Promise((done) => setTimeout(done, 6));
      expect(client.now().getTime()).toBeLessThan(Date.now() + 1000);
    }
  });

  it('ends the sleep of clients when the sandbox closes', async () => {
    const one = clock({ idle: () => false });
    const sleeping = one.client.sleep(HOUR);
    one.stop();
    await expect(sleeping).rejects.toThrow('closed');
  });
});
