import type { Reply } from '../parts.ts';
import { refusal } from './errors.ts';
import { knownOnly, systemData } from './resources.ts';
import type { Call } from './routes.ts';
import { type Resource, record, text } from './store.ts';

export const invalid = (message: string) => refusal(400, 'BadRequest', message);

interface Policy {
  tenantId: string;
  objectId: string;
  applicationId?: string;
  permissions: Record<string, string[]>;
}

export function policiesOf(given: unknown): Policy[] {
  if (!Array.isArray(given)) throw invalid('accessPolicies must be a list.');
  if (given.length > 1024) throw invalid('The vault has more than 1024 access policies.');
  for (const one of given.map(record)) {
    knownOnly(one, ['tenantId', 'objectId', 'applicationId', 'permissions'], 'AccessPolicyEntry');
    knownOnly(record(one.permissions), ['keys', 'secrets', 'certificates', 'storage'], 'Permissions');
    if (!text(one.tenantId) || !text(one.objectId)) {
      throw invalid('An access policy needs tenantId and objectId.');
    }
  }
  return given as Policy[];
}

const samePolicy = (one: Policy, other: Policy) =>
  one.objectId.toLowerCase() === other.objectId.toLowerCase() &&
  one.tenantId.toLowerCase() === other.tenantId.toLowerCase() &&
  (one.applicationId ?? '') === (other.applicationId ?? '');

/** `add` merges permissions entry by entry, `remove` takes permissions away, `replace` sets the list. */
export function changePolicies(call: Call, resource: Resource): Reply {
  const given = policiesOf(record(call.body.properties).accessPolicies ?? []);
  const had = resource.properties.accessPolicies as Policy[];
  const kind = (call.params.kind ?? '').toLowerCase();
  let next: Policy[];
  if (kind === 'replace') next = given;
  else if (kind === 'add') {
    next = [...had];
    for (const policy of given) {
      const at = next.findIndex((one) => samePolicy(one, policy));
      const before = next[at];
      if (before) next[at] = { ...before, permissions: merged(before.permissions, policy.permissions) };
      else next.push(policy);
    }
  } else if (kind === 'remove') {
    next = had.flatMap((one) => {
      const gone = given.find((policy) => samePolicy(one, policy));
      if (!gone) return [one];
      const permissions = lessened(one.permissions, gone.permissions);
      return Object.values(permissions).some((list) => list.length > 0) ? [{ ...one, permissions }] : [];
    });
  } else throw refusal(400, 'BadRequest', `The access policy operation '${call.params.kind}' is unknown.`);
  resource.properties.accessPolicies = next;
  resource.systemData = systemData(call, record(resource.systemData));
  return {
    status: 200,
    body: {
      id: `${resource.id}/accessPolicies/`,
      type: 'Microsoft.KeyVault/vaults/accessPolicies',
      location: resource.location,
      properties: { accessPolicies: next },
    },
  };
}

type Permissions = Policy['permissions'];
const merged = (one: Permissions, other: Permissions): Permissions =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((key) => [
      key,
      [...new Set([...(one[key] ?? []), ...(other[key] ?? [])].map((name) => name.toLowerCase()))],
    ]),
  );
const lessened = (one: Permissions, gone: Permissions): Permissions =>
  Object.fromEntries(
    Object.entries(one).map(([key, names]) => {
      const less = (gone[key] ?? []).map((name) => name.toLowerCase());
      return [key, less.includes('all') ? [] : names.filter((name) => !less.includes(name.toLowerCase()))];
    }),
  );
