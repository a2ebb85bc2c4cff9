import { describe, expect, it } from 'vitest';
import { allowanceOf, createBucket, createGate, pauseOf } from '../../src/gate.ts';
import type { Clock } from '../../src/world.ts';
import { jumpingClock } from './server.ts';

/** Time that moves only when everybody sleeps: the earliest sleeper is woken. */
function steppingClock(): Clock {
  let now = 0;
  const sleepers: { due: number; wake: () => void }[] = [];
  let armed = false;
  const step = () => {
    armed = false;
    sleepers.sort((a, b) => a.due - b.due);
    const next = sleepers.shift();
    if (!next) return;
    now = Math.max(now, next.due);
    next.wake();
    arm();
  };
  const arm = () => {
    if (armed || sleepers.length === 0) return;
    armed = true;
    setTimeout(step, 1);
  };
  return {
    now: () => new Date(now),
    sleep: (milliseconds, signal) =>
      new Promise((wake, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        sleepers.push({ due: now + milliseconds, wake });
        arm();
      }),
  };
}

const never = new AbortController().signal;
interface Result {
  readonly status: number;
  readonly retryAfter: string | undefined;
}
const pass = (send: () => Promise<Result>, again = true) => ({
  send,
  answer,
  again,
  lost: (error: unknown) => (error as Error).message === 'lost',
});
const ok: Result = { status: 200, retryAfter: undefined };
const answer = ({ status, retryAfter }: Result) => ({ status, retryAfter, fault: status >= 500 && status !== 501 });

describe('the gate', () => {
  it('lets sixteen through at a time', async () => {
    const clock = steppingClock();
    const gate = createGate(clock, never);
    let inside = 0;
    let most = 0;
    const send = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await clock.sleep(10);
      inside -= 1;
      return ok;
    };
    await Promise.all(Array.from({ length: 50 }, () => gate.pass(pass(send))));
    expect(most).toBe(16);
  });

  it('pauses everybody after one 429, and refuses nobody twice', async () => {
    const clock = steppingClock();
    const gate = createGate(clock, never);
    const refusals = new Map<number, number>();
    const sent: number[] = [];
    // Ten at once, then one in 100 ms, as a bucket on the other side.
    let level = 10;
    let at = 0;
    const send = (who: number) => async () => {
      const now = clock.now().getTime();
      sent.push(now);
      level = Math.min(10, level + (now - at) / 100);
      at = now;
      if (level < 1) {
        refusals.set(who, (refusals.get(who) ?? 0) + 1);
        return { status: 429, retryAfter: '3' };
      }
      level -= 1;
      await clock.sleep(150);
      return ok;
    };
    const all = await Promise.all(Array.from({ length: 60 }, (_, who) => gate.pass(pass(send(who)))));
    expect(all.every(({ status }) => status === 200)).toBe(true);
    expect(Math.max(...refusals.values())).toBe(1);
    // Nothing went out while the gate was closed.
    expect(sent.filter((time) => time > 150 && time < 3000)).toEqual([]);
  });

  it('gives up a request that is refused for its rate for ever', async () => {
    let tries = 0;
    const gate = createGate(jumpingClock(), never);
    const result = await gate.pass(
      pass(async () => {
        tries += 1;
        return { status: 429, retryAfter: undefined };
      }),
    );
    expect(result.status).toBe(429);
    expect(tries).toBe(8);
  });

  it('treats 503 with Retry-After as a rate, also for what must not be repeated', async () => {
    let tries = 0;
    const clock = jumpingClock();
    const send = async () => (++tries === 1 ? { status: 503, retryAfter: '4' } : ok);
    expect(await createGate(clock, never).pass(pass(send, false))).toEqual(ok);
    expect(clock.slept).toEqual([4000]);
  });

  it.each([
    ['5xx', true, async () => ({ status: 500, retryAfter: undefined }), 4],
    ['5xx of what must not be repeated', false, async () => ({ status: 500, retryAfter: undefined }), 1],
    ['501', true, async () => ({ status: 501, retryAfter: undefined }), 1],
    ['a lost connection', true, () => Promise.reject(new Error('lost')), 4],
    ['a lost connection of what must not be repeated', false, () => Promise.reject(new Error('lost')), 1],
    ['another error', true, () => Promise.reject(new Error('other')), 1],
    ['404', true, async () => ({ status: 404, retryAfter: undefined }), 1],
  ])('tries %s (repeatable: %s) so many times', async (_name, again, answer, times) => {
    let tries = 0;
    const gate = createGate(jumpingClock(), never);
    const send = () => {
      tries += 1;
      return answer() as Promise<Result>;
    };
    await gate.pass(pass(send, again)).catch(() => undefined);
    expect(tries).toBe(times);
  });

  it('sends nothing once interrupted, and frees those who wait', async () => {
    const stop = new AbortController();
    const clock = steppingClock();
    const gate = createGate(clock, stop.signal, 1);
    let sent = 0;
    const send = async () => {
      sent += 1;
      await clock.sleep(5);
      return ok;
    };
    const first = gate.pass(pass(send));
    const second = gate.pass(pass(send));
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error('interrupted'));
    await expect(second).rejects.toThrow('interrupted');
    expect(await first).toEqual(ok);
    expect(sent).toBe(1);
  });
});

describe('rates', () => {
  it('lets a burst through and then so many a second', async () => {
    const clock = jumpingClock();
    const bucket = createBucket({ burst: 3, perSecond: 2 }, clock);
    for (let n = 0; n < 5; n += 1) await bucket.wait(never);
    expect(clock.slept).toEqual([500, 500]);
  });

  it('lets no more than a burst through at once, also when everybody wakes late', async () => {
    let now = 0;
    const sleepers: { due: number; wake: () => void }[] = [];
    const sleep = (milliseconds: number) =>
      new Promise<void>((wake) => sleepers.push({ due: now + milliseconds, wake: () => wake() }));
    const bucket = createBucket({ burst: 2, perSecond: 2 }, { now: () => new Date(now), sleep });
    let gone = 0;
    for (let n = 0; n < 8; n += 1) void bucket.wait(never).then(() => (gone += 1));
    const goneAfter = async (milliseconds: number) => {
      now += milliseconds;
      for (const { due, wake } of sleepers.splice(0)) due <= now ? wake() : sleepers.push({ due, wake });
      await new Promise((resolve) => setImmediate(resolve));
      return gone;
    };
    expect(await goneAfter(0)).toBe(2);
    // A machine that stood still for a minute: what is due is more than the service lets through at once.
    expect(await goneAfter(60_000)).toBe(4);
    expect(await goneAfter(500)).toBe(5);
  });

  it('what was refused takes a place in the rates again, and none is there until time has passed', async () => {
    const clock = steppingClock();
    const bucket = createBucket({ burst: 4, perSecond: 1 }, clock);
    const gate = createGate(clock, never);
    const sent: number[] = [];
    let refuse = 4;
    const send = async () => {
      sent.push(clock.now().getTime());
      await clock.sleep(10);
      return refuse-- > 0 ? { status: 429, retryAfter: '2' } : ok;
    };
    const allowance = allowanceOf([bucket], never);
    await Promise.all(Array.from({ length: 4 }, () => gate.pass({ ...pass(send), allowance })));
    expect(sent.slice(0, 4)).toEqual([0, 0, 0, 0]);
    const again = sent.slice(4);
    expect(again[0]).toBeGreaterThanOrEqual(2000);
    // At most one a second, as published, and not all together once the pause is over.
    for (const [index, at] of again.entries()) if (index > 1) expect(at - again[index - 2]!).toBeGreaterThan(1000);
    expect(again).toHaveLength(4);
  });

  it('a place that grew stale in the queue is lost, so that not all who waited go together', async () => {
    const clock = steppingClock();
    const bucket = createBucket({ burst: 1, perSecond: 1 }, clock);
    const gate = createGate(clock, never, 1);
    const sent: number[] = [];
    const slow = gate.pass(
      pass(async () => {
        await clock.sleep(5000);
        return ok;
      }),
    );
    const send = async () => {
      sent.push(clock.now().getTime());
      return ok;
    };
    await Promise.all([
      slow,
      ...Array.from({ length: 3 }, () => gate.pass({ ...pass(send), allowance: allowanceOf([bucket], never) })),
    ]);
    for (const [index, at] of sent.entries()) if (index > 0) expect(at - sent[index - 1]!).toBeGreaterThanOrEqual(750);
  });

  it.each([
    ['7', 7000],
    ['0', 0],
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['Sun, 22 Nov 2026 12:00:09 GMT', 9000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ])('reads Retry-After %s as %s ms', (header, milliseconds) => {
    expect(pauseOf(header, jumpingClock())).toBe(milliseconds);
  });
});
