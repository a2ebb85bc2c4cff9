import type { Rate } from '../gate.ts';
import { providerOf } from './names.ts';

/** We stay a little below what is published: Azure measures by another clock. */
const CARE = 0.9;

/** A published rate, and what shares it. */
export interface Limit extends Rate {
  readonly key: string;
}

/**
 * The rates that Azure publishes, for one request. Resource Manager: per principal and subscription ("Understand how
 * Azure Resource Manager throttles requests"); managed identities: "Workload identity federation considerations";
 * Key Vault: "Azure Key Vault service limits"; Graph: "Microsoft Graph service-specific throttling limits", identity and
 * access, of a small tenant (what a read costs more than one unit, its gate learns from a 429).
 */
export function limitsOf(method: string, url: URL): readonly Limit[] {
  return published(method, url).map((limit) => ({ ...limit, perSecond: limit.perSecond * CARE }));
}

/** As Azure publishes them. */
export function published(method: string, url: URL): readonly Limit[] {
  if (/^[^.]+\.vault\./.test(url.hostname)) {
    return [{ key: `vault ${url.hostname}`, burst: 4000, perSecond: 400 }];
  }
  if (/^(microsoft)?graph\./.test(url.hostname)) {
    return [
      method === 'GET'
        ? { key: `reads ${url.hostname}`, burst: 3500, perSecond: 350 }
        : { key: `writes ${url.hostname}`, burst: 3000, perSecond: 20 },
    ];
  }
  const subscription = /^\/subscriptions\/([^/]+)/i.exec(url.pathname)?.[1]?.toLowerCase();
  if (!subscription) return [];
  const read = method === 'GET' || method === 'HEAD';
  const all: Limit[] = [
    read
      ? { key: `reads ${subscription}`, burst: 250, perSecond: 25 }
      : { key: `writes ${subscription}`, burst: 200, perSecond: 10 },
  ];
  if (providerOf(url.pathname) !== 'microsoft.managedidentity') return all;
  const path = url.pathname.toLowerCase();
  const resource = /^.*\/userassignedidentities\/[^/]+/.exec(path)?.[0];
  if (path.includes('/federatedidentitycredentials')) {
    if (read) all.push({ key: `identity lists ${subscription}`, burst: 5, perSecond: 5 });
  } else if (read && !resource) {
    all.push({ key: `identity lists ${subscription}`, burst: 5, perSecond: 5 });
  } else if (read) {
    all.push({ key: `identity reads ${subscription}`, burst: 10, perSecond: 5 });
    all.push({ key: `identity reads ${resource}`, burst: 10, perSecond: 0.5 });
  } else if (method === 'PUT') {
    all.push({ key: `identity writes ${subscription}`, burst: 2, perSecond: 2 });
    all.push({ key: `identity writes ${resource}`, burst: 1, perSecond: 0.25 });
  }
  return all;
}
