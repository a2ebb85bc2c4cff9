import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { pauseOf } from '../gate.ts';
import { Problem } from '../trouble.ts';
import type { Clock } from '../world.ts';
import { failureOf } from './problems.ts';

/** Pauses between two looks at a running operation, milliseconds; the last goes on. */
const PACE = [2000, 3000, 5000, 8000, 10_000] as const;
/** What a service may ask for instead: looking earlier than it says does no harm, and what says "at once" is not hammered. */
const [SHORTEST, LONGEST] = [500, 60_000];
/** Longer than any operation that we begin; what has not ended by then is left to Azure, milliseconds. */
const END = 3_600_000;

/** The part of core-lro's `PollerLike` that is needed to drive it by hand. */
interface Poller {
  readonly isDone: boolean;
  submitted(): Promise<void>;
  poll(): Promise<unknown>;
}

interface LastAnswer {
  readonly body: unknown;
  readonly retryAfter: string | undefined;
  readonly requestId: string | undefined;
}

/** Remembers the last answer as it came over the wire: models of the SDKs know less than it holds. */
export function witness(): { readonly policy: PipelinePolicy; last(): LastAnswer | undefined } {
  let answer: LastAnswer | undefined;
  return {
    policy: {
      name: 'last-answer',
      async sendRequest(request, next) {
        const response = await next(request);
        answer = {
          body: parse(response.bodyAsText),
          retryAfter: response.headers.get('retry-after'),
          requestId: response.headers.get('x-ms-request-id'),
        };
        return response;
      },
    },
    last: () => answer,
  };
}

/** Sends this body instead of what the SDK's model makes of it, so that nothing it does not know is lost. */
export function rawBody(body: unknown): PipelinePolicy {
  const text = JSON.stringify(body);
  return {
    name: 'raw-body',
    sendRequest: (request, next) => {
      if (request.method === 'PUT') {
        request.body = text;
        request.headers.delete('content-length');
      }
      return next(request);
    },
  };
}

/**
 * Follows an operation to its end by the injected clock, and gives the last answer. An operation that fails throws its
 * own error (core-lro keeps only a sentence of it).
 */
export async function follow(
  poller: Poller,
  {
    last,
    clock,
    signal,
    resource,
  }: { last(): LastAnswer | undefined; clock: Clock; signal: AbortSignal; resource: string },
): Promise<unknown> {
  const end = clock.now().getTime() + END;
  await poller.submitted();
  for (let turn = 0; !poller.isDone; turn += 1) {
    if (clock.now().getTime() >= end) throw endless(resource, last());
    const asked = pauseOf(last()?.retryAfter, clock) ?? PACE[Math.min(turn, PACE.length - 1)]!;
    await clock.sleep(Math.min(LONGEST, Math.max(SHORTEST, asked)), signal);
    try {
      await poller.poll();
    } catch (error) {
      throw failed(last(), resource) ?? error;
    }
  }
  const problem = failed(last(), resource);
  if (problem) throw problem;
  return last()?.body;
}

function endless(resource: string, answer: LastAnswer | undefined): Problem {
  const message = `${resource}: the operation has not ended within ${END / 60_000} minutes; Azure goes on with it.`;
  const { requestId } = answer ?? {};
  return new Problem('busy', resource, message, { said: { by: 'Azure', message, ...(requestId && { requestId }) } });
}

function failed(answer: LastAnswer | undefined, resource: string) {
  const body = answer?.body as
    | { status?: unknown; error?: { code?: string; message?: string }; properties?: { provisioningState?: unknown } }
    | undefined;
  const status = body?.status ?? body?.properties?.provisioningState;
  if (typeof status !== 'string' || !/^(failed|cancell?ed)$/i.test(status)) return undefined;
  const error = body?.error ?? {
    code: /^f/i.test(status) ? 'OperationFailed' : 'OperationCanceled',
    message: `The operation ended as ${status}.`,
  };
  return failureOf(error, resource, answer?.requestId);
}

function parse(text: string | null | undefined): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
