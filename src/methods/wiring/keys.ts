import { nearest } from '../../nearest.ts';

/*
 * Labels and annotations of Microsoft Entra Workload ID.
 * https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
 */
export const PREFIX = 'azure.workload.identity/';
/** The label of pods that the webhook looks for; its value must be `true`, as text. */
export const USE = `${PREFIX}use`;
export const CLIENT_ID = `${PREFIX}client-id`;
export const TENANT_ID = `${PREFIX}tenant-id`;
export const EXPIRATION = `${PREFIX}service-account-token-expiration`;
export const PROXY = `${PREFIX}inject-proxy-sidecar`;
export const SKIP = `${PREFIX}skip-containers`;
/** Of AAD Pod Identity, which is out of support. */
export const BINDING = 'aadpodidbinding';

/** All that webhook and proxy read, on service accounts and on pods. */
const KEYS: readonly string[] = [
  USE,
  CLIENT_ID,
  TENANT_ID,
  EXPIRATION,
  PROXY,
  SKIP,
  `${PREFIX}proxy-sidecar-port`,
  `${PREFIX}use-identity-binding`,
];

/** What people call a key that is not its name, and near to none. */
const NICKNAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'use-workload-identity': USE,
    'use-wi': USE,
    clientid: CLIENT_ID,
    'identity-client-id': CLIENT_ID,
    'managed-identity-client-id': CLIENT_ID,
    tenantid: TENANT_ID,
    'token-expiration': EXPIRATION,
  }),
);

/** Whether a key is meant for Workload ID, however it is spelt; the webhook's own objects bear labels of their own. */
const isMeant = (key: string): boolean =>
  (/azure.?workload.?identity/i.test(key) && !key.startsWith('azure-workload-identity.io/')) ||
  /^(use-workload-identity|use-wi)$/i.test(key);

/** The key that a misspelt one was meant to be; `undefined` for one that is right, or of somebody else. */
export function meantBy(key: string): string | undefined {
  if (KEYS.includes(key) || !isMeant(key)) return undefined;
  const bare = key.slice(key.lastIndexOf('/') + 1);
  const name = nearest(
    bare,
    KEYS.map((each) => each.slice(PREFIX.length)),
  );
  return NICKNAMES.get(bare.toLowerCase()) ?? (name === undefined ? nearest(key, KEYS) : PREFIX + name);
}

/** A key that was meant to be `wanted` and is spelt otherwise. */
export const misspelt = (keys: Readonly<Record<string, unknown>>, wanted: string): string | undefined =>
  Object.keys(keys).find((key) => meantBy(key) === wanted);

/** A client id as Entra gives it. */
export const isGuid = (value: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value);
