/**
 * How long a service may take to answer, in milliseconds of real time, since it is about sockets. Resource Manager and
 * API servers give up after a minute and say so: who says nothing for longer will say nothing any more.
 */
const PATIENCE = 100_000;

/** No answer came, or not the whole of it. What was asked may have taken effect; to ask again may help. */
export class Unanswered extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unanswered';
  }
}

/** Sends once, with a signal that ends it when no whole answer comes within that time. @throws {Unanswered} */
export async function answerWithin<T>(
  milliseconds: number = PATIENCE,
  stop: AbortSignal,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), milliseconds);
  try {
    return await send(AbortSignal.any([stop, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || stop.aborted) throw error;
    throw new Unanswered(`no answer within ${milliseconds / 1000} seconds`);
  } finally {
    clearTimeout(timer);
  }
}

/** The JSON of a text that came as such. @throws {Unanswered} when it breaks off or is none */
export function wholeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says quotes the answer, which may hold a value.
    throw new Unanswered('the answer is not whole: it is no JSON');
  }
}
