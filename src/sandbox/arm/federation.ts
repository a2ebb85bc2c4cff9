import { setTimeout as delay } from 'node:timers/promises';
import type { Reply } from '../parts.ts';
import { refusal } from './errors.ts';
import { IDENTITY, identity, MSI } from './identities.ts';
import { knownOnly, systemData } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type CredentialRecord, type IdentityRecord, type Json, record, text } from './store.ts';

const TYPE = `${IDENTITY}/federatedIdentityCredentials`;
/** Entra's limit per identity. */
const LIMIT = 20;
/** Regions whose identities take no credentials (considerations for workload identity federation). */
const WITHOUT = ['malaysiasouth', 'newzealandnorth'];
/** Small, so that a client that does not page is found out. */
const PAGE = 5;
/** Real milliseconds that a write takes at the least, in which another one to the same identity is refused. */
const WRITING = 4;

/** Identities that are being written to now. Not state: a restart ends every write. */
const writing = new WeakMap<object, Set<string>>();

/** Entra takes one write at a time per identity and refuses the others, rather than queue them. */
async function alone(call: Call, owner: IdentityRecord, write: () => Reply): Promise<Reply> {
  const busy = writing.get(call.slice) ?? new Set<string>();
  writing.set(call.slice, busy);
  if (busy.has(owner.resource.id) || (owner.writtenUntil ?? 0) > call.now) {
    throw refusal(
      409,
      'ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity',
      'Too many Federated Identity Credentials are written concurrently for the managed identity ' +
        `'${owner.resource.id}'. Concurrent Federated Identity Credentials writes under the same managed identity are ` +
        'not supported.',
    );
  }
  busy.add(owner.resource.id);
  try {
    await delay(Math.max(WRITING, call.parts.settings.latency));
    return write();
  } finally {
    busy.delete(owner.resource.id);
  }
}

interface Trust {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

const bad = (message: string) => refusal(400, 'BadRequest', message);

/** Name and properties by Entra's rules (considerations for workload identity federation). */
function trustOf(name: string, properties: Json): Trust {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$/.test(name)) {
    throw bad(
      `Federated Identity Credential name '${name}' is invalid. It must start with a letter or number, contain only ` +
        'letters, numbers, hyphens and underscores, and be 3 to 120 characters long.',
    );
  }
  knownOnly(properties, ['issuer', 'subject', 'audiences'], 'FederatedIdentityCredentialProperties');
  const { audiences } = properties;
  const [issuer, subject] = [text(properties.issuer), text(properties.subject)];
  if (!issuer || !subject || !Array.isArray(audiences) || audiences.length === 0) {
    throw bad('The properties issuer, subject and audiences are required for a Federated Identity Credential.');
  }
  if (audiences.length !== 1 || typeof audiences[0] !== 'string' || audiences[0] === '') {
    throw bad('Federated Identity Credential must have exactly one audience.');
  }
  if ([issuer, subject, audiences[0]].some((one) => one.length > 600)) {
    throw bad('Issuer, subject and audience of a Federated Identity Credential are limited to 600 characters.');
  }
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== 'https:') {
    throw bad(`The issuer '${issuer}' is not a valid HTTPS URL.`);
  }
  return { issuer, subject, audiences: [audiences[0]] };
}

function write(call: Call, owner: IdentityRecord): Reply {
  const name = call.params.f ?? '';
  knownOnly(call.body, ['properties', 'id', 'name', 'type', 'systemData'], 'FederatedIdentityCredential');
  if (WITHOUT.includes(owner.resource.location ?? '')) {
    throw refusal(405, 'MethodNotAllowed', 'Support for federated identity credentials not enabled');
  }
  const trust = trustOf(name, record(call.body.properties));
  const key = name.toLowerCase();
  const before = owner.credentials[key];
  const taken = Object.entries(owner.credentials).some(
    ([
      other,
      {
        resource: { properties },
      },
    ]) => other !== key && properties.issuer === trust.issuer && properties.subject === trust.subject,
  );
  if (taken) throw bad('Issuer and subject combination already exists for this Managed Identity.');
  if (!before && Object.keys(owner.credentials).length >= LIMIT) {
    throw bad(
      `Too many Federated Identity Credentials: the managed identity '${owner.resource.name}' has reached the limit of ` +
        `${LIMIT} federated identity credentials.`,
    );
  }
  const arrived = before && before.arrivesAt <= call.now ? before.resource.properties : before?.before;
  const made: CredentialRecord = {
    arrivesAt: call.now + call.parts.settings.replication,
    ...(arrived && { before: arrived }),
    resource: {
      id: `${owner.resource.id}/federatedIdentityCredentials/${before?.resource.name ?? name}`,
      name: before?.resource.name ?? name,
      type: TYPE,
      systemData: systemData(call, before && record(before.resource.systemData)),
      properties: { ...trust },
    },
  };
  owner.credentials[key] = made;
  return { status: before ? 200 : 201, body: made.resource };
}

const one =
  '/subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}/federatedIdentityCredentials/{f}';
const versions = { ...MSI, type: TYPE };

export const federationRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: one.replace(/\/\{f\}$/, ''),
    versions,
    action: `${TYPE}/read`,
    scope: ({ s, rg, i }) => `/subscriptions/${s}/resourceGroups/${rg}/providers/${IDENTITY}/${i}`,
    run: (call) =>
      page(
        call,
        Object.values(identity(call).credentials).map(({ resource }) => resource),
        PAGE,
      ),
  },
  {
    method: 'GET',
    path: one,
    versions,
    action: `${TYPE}/read`,
    run: (call) => {
      const found = identity(call).credentials[(call.params.f ?? '').toLowerCase()];
      if (!found) {
        throw refusal(404, 'NotFound', `The Federated Identity Credential with name '${call.params.f}' was not found.`);
      }
      return { status: 200, body: found.resource };
    },
  },
  {
    method: 'PUT',
    path: one,
    versions,
    action: `${TYPE}/write`,
    run: (call) => {
      const owner = identity(call);
      return alone(call, owner, () => write(call, owner));
    },
  },
  {
    method: 'DELETE',
    path: one,
    versions,
    action: `${TYPE}/delete`,
    run: (call) => {
      const owner = identity(call);
      return alone(call, owner, () => {
        const key = (call.params.f ?? '').toLowerCase();
        if (!owner.credentials[key]) return { status: 204 };
        delete owner.credentials[key];
        return { status: 200 };
      });
    },
  },
];
