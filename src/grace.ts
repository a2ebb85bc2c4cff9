/** How long requests in flight may still take after an interruption: real milliseconds, since it is about sockets. */
export const GRACE = 5000;

/**
 * The signal for what is already under way: aborted a while after `signal`, so that an answer just coming is not lost.
 * New work must look at `signal` itself.
 */
export function graceful(signal: AbortSignal, milliseconds = GRACE): AbortSignal {
  const late = new AbortController();
  const wait = () => setTimeout(() => late.abort(signal.reason), milliseconds).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return late.signal;
}
