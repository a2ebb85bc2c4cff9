/**
 * Simulated time. It runs with the real clock, and jumps ahead to the next sleeper as soon as nothing else is going on
 * in the sandbox: a replication delay of ten minutes takes none.
 */
export interface Clock {
  now(): Date;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
