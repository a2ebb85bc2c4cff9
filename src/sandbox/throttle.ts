import type { Reply, Request } from './parts.ts';

/** A published rate: so many at once, then so many per second. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
  /** What the answer calls it. */
  readonly title: string;
}

const subscription = /^\/subscriptions\/([^/]+)/i;
const identity = /^\/subscriptions\/([^/]+)\/.*\/userAssignedIdentities\/([^/]+)/i;

/**
 * Azure's published rates (subscription limits of Resource Manager; limits of managed identities; Key Vault service
 * limits), kept on simulated time.
 */
export function createThrottle(now: () => number): (request: Request) => Reply | undefined {
  const buckets = new Map<string, { tokens: number; at: number }>();

  /** Seconds to wait, 0 when there is room; takes a token. */
  const take = (key: string, { burst, perSecond }: Rate): number => {
    const bucket = buckets.get(key) ?? { tokens: burst, at: now() };
    buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now() - bucket.at) / 1000) * perSecond);
    bucket.at = now();
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
    bucket.tokens -= 1;
    return 0;
  };

  return (request) => {
    for (const [key, rate] of ratesOf(request)) {
      const wait = take(key, rate);
      if (wait > 0) return tooMany(request, rate, wait);
    }
    return undefined;
  };
}

function ratesOf({ method, host, path }: Request): [string, Rate][] {
  if (host.endsWith('.vault.azure.net')) {
    return [[host, { burst: 4000, perSecond: 400, title: 'secret' }]];
  }
  const owner = subscription.exec(path)?.[1];
  if (host !== 'management.azure.com' || !owner) return [];
  const reads = method === 'GET' || method === 'HEAD';
  const rates: [string, Rate][] = [
    reads
      ? [`${owner} read`, { burst: 250, perSecond: 25, title: 'read' }]
      : [`${owner} write`, { burst: 200, perSecond: 10, title: 'write' }],
  ];
  const resource = identity.exec(path)?.[2];
  if (!resource) return rates;
  const credentials = /\/federatedIdentityCredentials/i.test(path);
  if (reads && !credentials) {
    rates.push([`${owner} identities`, { burst: 10, perSecond: 5, title: 'identity read' }]);
    rates.push([`${owner} ${resource} read`, { burst: 10, perSecond: 0.5, title: 'identity read' }]);
  }
  if (method === 'PUT' && !credentials) {
    rates.push([`${owner} identities create`, { burst: 2, perSecond: 2, title: 'identity create' }]);
    rates.push([`${owner} ${resource} create`, { burst: 1, perSecond: 0.25, title: 'identity create' }]);
  }
  return rates;
}

function tooMany({ host }: Request, rate: Rate, wait: number): Reply {
  const headers = { 'retry-after': String(wait) };
  if (host.endsWith('.vault.azure.net')) {
    const message =
      'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached';
    return {
      status: 429,
      headers,
      body: { error: { code: 'Throttled', message, innererror: { code: 'VaultRequestTypeLimitReached' } } },
    };
  }
  const message = `Number of '${rate.title}' requests exceeded the limit. Please try again after '${wait}' seconds.`;
  return { status: 429, headers, body: { error: { code: 'TooManyRequests', message } } };
}
