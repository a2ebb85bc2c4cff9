import { setTimeout as delay } from 'node:timers/promises';
import type { Activity } from './activity.ts';
import { type FaultsInside, isPod } from './faults.ts';
import { kindOf, type Log, type Via } from './log.ts';
import { type Service, serviceOf } from './names.ts';
import { type Handler, type Parts, Refusal, type Reply, type Request } from './parts.ts';
import { createWaves } from './waves.ts';

/** What becomes of a request: an answer, whole or not, or a connection that breaks or stays silent. */
export type Outcome = { readonly reply: Reply; readonly cut?: 'truncated' | 'half' } | 'reset' | 'silence';

/** One world's answers: where requests of clients and of the sandbox's own parts meet the services. */
export interface Exchange {
  answer(request: Request, via: Via): Promise<Outcome>;
  /** Errors of our own making, which tests look at. */
  readonly errors: readonly unknown[];
}

export function createExchange(of: {
  readonly parts: Parts;
  readonly services: Readonly<Record<Service, Handler>>;
  readonly faults: FaultsInside;
  readonly throttle: (request: Request) => Reply | undefined;
  readonly log: Log;
  readonly activity: Activity;
  /** Brings what time has finished (long operations) into the world. */
  readonly settle: () => Promise<void>;
  readonly saved: () => Promise<void>;
}): Exchange {
  const { parts, services, faults, throttle, log, activity, settle, saved } = of;
  const errors: unknown[] = [];
  const waves = createWaves(activity);

  const handle = async (request: Request): Promise<Reply> => {
    const service = serviceOf(request.host);
    if (!service) return notImplemented(request);
    try {
      return await services[service](request, parts);
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      errors.push(error);
      const message = `${request.method} https://${request.host}${request.path}: ${(error as Error)?.stack ?? error}`;
      return { status: 500, body: { error: { code: 'SandboxBroken', message } } };
    }
  };

  const run = async (request: Request, via: Via): Promise<Outcome> => {
    await settle();
    const kind = kindOf(request);
    const inside = via === 'inside';
    const note = (status: number) =>
      log.add({
        at: parts.clock.now().toISOString(),
        method: request.method,
        host: request.host,
        path: request.path,
        query: request.query.toString(),
        status,
        userAgent: request.headers['user-agent'] ?? '',
        kind,
        via,
        ...(wave !== undefined && { wave }),
      });
    if (!inside && parts.settings.latency > 0) await delay(parts.settings.latency);
    const wave = parts.settings.waves && !inside && !isPod(request) ? await waves.turn() : undefined;
    const fault = faults.meet(request, kind, inside);
    if (fault === 'reset' || fault === 'cut before') {
      if (fault === 'cut before') faults.setCut();
      note(0);
      return 'reset';
    }
    const throttled = parts.settings.throttle ? throttle(request) : undefined;
    const reply = (typeof fault === 'object' ? fault : undefined) ?? throttled ?? (await handle(request));
    if (kind === 'write') await saved();
    if (fault === 'cut after') faults.setCut();
    if (fault === 'cut after' || fault === 'reset after' || fault === 'silence') {
      note(0);
      return fault === 'silence' ? 'silence' : 'reset';
    }
    note(reply.status);
    return fault === 'truncated' || fault === 'half' ? { reply, cut: fault } : { reply };
  };

  return {
    answer: (request, via) => activity.during(run(request, via)),
    errors,
  };
}

/** What the sandbox does not know is refused, never ignored. */
export function notImplemented({ method, host, path }: Pick<Request, 'method' | 'host' | 'path'>): Reply {
  const message = `The sandbox does not implement ${method} https://${host}${path}`;
  return { status: 501, body: { error: { code: 'NotImplementedBySandbox', message } } };
}
