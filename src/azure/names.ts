import { entryOf } from '../entry.ts';

/** ARM ids and request addresses, as a person names them, and as the gates tell them apart. */

/** What a segment of an ARM path is called by people. */
const TYPES: Readonly<Record<string, string>> = {
  managedclusters: 'cluster',
  extensions: 'extension',
  vaults: 'vault',
  deletedvaults: 'deleted vault',
  userassignedidentities: 'identity',
  resourcegroups: 'resource group',
  subscriptions: 'subscription',
  secrets: 'secret',
  keys: 'key',
  certificates: 'certificate',
  applications: 'application',
  serviceprincipals: 'service principal',
};

/** `vault demo-kv`, `credential x at identity orders-id`, `secret db-password in vault demo-kv`, from a URL or ARM id. */
export function nameOf(urlOrId: string): string {
  const url = urlOrId.startsWith('/') ? undefined : (URL.parse(urlOrId) ?? undefined);
  const segments = (url?.pathname ?? urlOrId).split('?')[0]!.split('/').filter(Boolean).map(decode);
  const vault = url && /^([^.]+)\.vault\./.exec(url.hostname)?.[1];
  if (vault) {
    const type = entryOf(TYPES, segments[0]?.toLowerCase() ?? '');
    return type && segments[1] ? `${type} ${segments[1]} in vault ${vault}` : `vault ${vault}`;
  }
  if (/\/oauth2\//.test(url?.pathname ?? '')) return `token of tenant ${segments[0]}`;
  if (segments[0] === 'v1.0') return graphName(segments.slice(1));
  return armName(segments) ?? url?.host ?? urlOrId;
}

/** `application 1111-…`, by its key or in the path; `applications of the directory`. */
function graphName([collection = '', id, ...rest]: readonly string[]): string {
  const [, plural = collection, key = id] = /^(\w+)\(appId='([^']*)'\)$/.exec(collection) ?? [];
  const type = entryOf(TYPES, plural.toLowerCase()) ?? plural;
  const name = key === undefined ? `${type}s of the directory` : `${type} ${key}`;
  return rest[0]?.toLowerCase() === 'federatedidentitycredentials' ? `credentials of ${name}` : name;
}

function armName(segments: readonly string[]): string | undefined {
  const at = (type: string) => segments.findIndex((each) => each.toLowerCase() === type);
  const roles = at('roleassignments');
  if (roles >= 0) return `role assignments on ${armName(segments.slice(0, roles - 2)) ?? 'the subscription'}`;
  const credentials = at('federatedidentitycredentials');
  if (credentials >= 0) {
    const identity = armName(segments.slice(0, credentials)) ?? 'identity';
    return segments[credentials + 1]
      ? `credential ${segments[credentials + 1]} at ${identity}`
      : `credentials of ${identity}`;
  }
  for (let index = segments.length - 2; index >= 0; index -= 1) {
    const type = entryOf(TYPES, segments[index]!.toLowerCase());
    if (type) {
      const provider = at('providers');
      if (type === 'subscription' && provider >= 0 && segments[provider + 1])
        return `provider ${segments[provider + 1]}`;
      return `${type} ${segments[index + 1]}`;
    }
  }
  return undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The resource provider that answers for an ARM path: the last one named. Lower case. */
export function providerOf(path: string): string {
  const all = [...path.matchAll(/\/providers\/([^/?]+)/gi)];
  return all.at(-1)?.[1]?.toLowerCase() ?? 'microsoft.resources';
}

/** The parts of an ARM id of a resource in a group. Throws when it is none. */
export function partsOf(id: string): { readonly group: string; readonly name: string } {
  const match = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/[^/]+\/[^/]+\/([^/]+)$/i.exec(id);
  if (!match) throw new Error(`not the id of a resource in a group: ${id}`);
  return { group: match[1]!, name: match[2]! };
}
