import type { Clock } from './world.ts';

/** Requests in flight behind one gate. */
const PLACES = 16;
/** How often one request is sent at most, when it is refused for its rate. */
const REFUSALS = 8;
/** Pauses before a request is sent again after a lost connection or a fault of the service, milliseconds. */
const PAUSES = [500, 2000, 5000] as const;
/** Pause after a refusal that does not say how long. */
const UNSAID = 2000;
/**
 * Milliseconds after which a place in the rates is lost: who then went together with all who waited like him would be
 * refused. And how often one is lost so, where everything takes that long.
 */
const [STALE, LOST] = [250, 3];
/** Who is told to come back later than that is told so at once: Azure's longest windows are of an hour. */
const LONGEST = 3_600_000;

/** What the gate must know of an answer. */
interface Answer {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
  /** The service failed in a way that may pass. */
  readonly fault: boolean;
}

/** What the service's published rates leave to a request. */
interface Allowance {
  /** Waits until they allow it, and takes its place in them. */
  take(): Promise<void>;
  /** The service says that there is none left, whatever we counted: others use it too. */
  spent(): void;
}

interface Pass<T> {
  readonly allowance?: Allowance;
  /** Sends once. */
  send(): Promise<T>;
  answer(result: T): Answer;
  /** The same request may be sent again although it may have had its effect. */
  readonly again: boolean;
  /** Whether the error is a lost connection, so that sending again may help. */
  lost(error: unknown): boolean;
}

/**
 * All requests of one host and provider go through one gate: a limited number at a time, everybody pauses when one is
 * refused for its rate (429, or 503 with Retry-After), and after the pause they start slowly, so that nobody is
 * refused twice. Requests that may be repeated are, after a lost connection or 5xx.
 */
export interface Gate {
  pass<T>(request: Pass<T>): Promise<T>;
}

export function createGate(clock: Clock, signal: AbortSignal, places = PLACES): Gate {
  let inside = 0;
  let open = places;
  let closedUntil = 0;
  let refusals = 0;
  /** Grows with every refusal: answers to what was sent before it say nothing about after it. */
  let epoch = 0;
  let turn: Promise<unknown> = Promise.resolve();
  let wake: () => void = () => undefined;

  /** One after the other: only the head of the queue looks at clock and places. */
  const enter = (): Promise<void> => {
    const mine = turn.then(async () => {
      for (;;) {
        signal.throwIfAborted();
        const wait = closedUntil - clock.now().getTime();
        if (wait > 0) await clock.sleep(wait, signal);
        else if (inside < open) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      inside += 1;
    });
    turn = mine.catch(() => undefined);
    return mine;
  };
  const leave = () => {
    inside -= 1;
    wake();
  };
  const tooLong = ({ retryAfter }: Answer) => (pauseOf(retryAfter, clock) ?? 0) > LONGEST;
  const refused = (sentIn: number, retryAfter: string | undefined) => {
    const pause = pauseOf(retryAfter, clock) ?? UNSAID * 2 ** Math.min(refusals, 4);
    closedUntil = Math.max(closedUntil, clock.now().getTime() + pause);
    if (sentIn !== epoch) return;
    open = 1;
    refusals += 1;
    epoch += 1;
  };
  const welcome = (sentIn: number) => {
    if (sentIn !== epoch) return;
    open = Math.min(places, open + 1);
    refusals = 0;
  };

  /** A place in the rates and one here, at about the same time. */
  const admitted = async (allowance: Allowance | undefined): Promise<void> => {
    for (let lost = 0; ; lost += 1) {
      await allowance?.take();
      const taken = clock.now().getTime();
      await enter();
      if (!allowance || lost === LOST || clock.now().getTime() - taken <= STALE) return;
      leave();
    }
  };

  const once = async <T>(request: Pass<T>): Promise<T> => {
    await admitted(request.allowance);
    const sentIn = epoch;
    try {
      const result = await request.send();
      const answer = request.answer(result);
      if (overRate(answer)) {
        if (!tooLong(answer)) refused(sentIn, answer.retryAfter);
        request.allowance?.spent();
      } else if (!answer.fault) welcome(sentIn);
      return result;
    } finally {
      leave();
    }
  };

  return {
    async pass(request) {
      let faults = 0;
      for (let refusal = 0; ; ) {
        try {
          const result = await once(request);
          const answer = request.answer(result);
          if (overRate(answer)) {
            refusal += 1;
            if (refusal >= REFUSALS || tooLong(answer)) return result;
            continue;
          }
          if (!(request.again && answer.fault) || faults >= PAUSES.length) return result;
        } catch (error) {
          if (!(request.again && request.lost(error)) || faults >= PAUSES.length || signal.aborted) throw error;
        }
        await clock.sleep(PAUSES[faults] ?? 0, signal);
        faults += 1;
      }
    },
  };
}

const overRate = ({ status, retryAfter }: Pick<Answer, 'status' | 'retryAfter'>) =>
  status === 429 || (status === 503 && retryAfter !== undefined);

/** Milliseconds from `Retry-After`: seconds or a date (RFC 9110, 10.2.3). */
export function pauseOf(retryAfter: string | undefined, clock: Clock): number | undefined {
  if (retryAfter === undefined || retryAfter.trim() === '') return undefined;
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - clock.now().getTime());
}

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Bucket {
  wait(signal: AbortSignal): Promise<void>;
  /** There is none left; more come from now on. */
  empty(): void;
}

/**
 * Keeps to a published rate: `wait` takes one place of the bucket, and returns when it is there. One after the other, by
 * the clock as it is then: who was kept from going on (a machine that is busy) must not go together with all who came
 * after him, since the service's bucket holds no more than a burst either.
 */
export function createBucket({ burst, perSecond }: Rate, clock: Clock): Bucket {
  let level = burst;
  let at = clock.now().getTime();
  let turn: Promise<unknown> = Promise.resolve();
  const take = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const now = clock.now().getTime();
      level = Math.min(burst, level + (Math.max(0, now - at) / 1000) * perSecond);
      at = now;
      if (level >= 1) break;
      await clock.sleep(Math.ceil(((1 - level) / perSecond) * 1000), signal);
    }
    level -= 1;
  };
  return {
    wait(signal) {
      const mine = turn.then(() => take(signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
    empty() {
      level = 0;
      at = clock.now().getTime();
    },
  };
}

/** Several buckets as one, the narrowest first: who waits for it must not hold a place of a wider one meanwhile. */
export const allowanceOf = (buckets: readonly Bucket[], signal: AbortSignal): Allowance => ({
  async take() {
    for (const bucket of buckets) await bucket.wait(signal);
  },
  // Which of them was meant is not said: the narrowest is spent soonest.
  spent: () => buckets[0]?.empty(),
});
