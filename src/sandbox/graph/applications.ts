import { randomUUID } from 'node:crypto';
import {
  type Call,
  demand,
  demandOwn,
  type Json,
  knownOnly,
  list,
  type Route,
  selected,
  tagsOf,
  textOf,
} from './call.ts';
import { bad, notFound } from './errors.ts';
import { type ApplicationRecord, applicationOf, servicePrincipalOf } from './store.ts';

const AUDIENCES = [
  'AzureADMyOrg',
  'AzureADMultipleOrgs',
  'AzureADandPersonalMicrosoftAccount',
  'PersonalMicrosoftAccount',
];

/** The application of the path, by its object id or `(appId='…')`. */
export function application({ params, directory }: Pick<Call, 'params' | 'directory'>): ApplicationRecord {
  const { id, appId } = params;
  const found = appId ? applicationOf(directory, appId) : directory.applications[(id ?? '').toLowerCase()];
  if (!found) throw notFound(appId ?? id ?? '');
  return found;
}

const shown = (
  { id, appId, displayName, tags, signInAudience, createdDateTime }: ApplicationRecord,
  call: Call,
): Json => ({
  ...{ id, appId, displayName, tags, signInAudience, createdDateTime },
  deletedDateTime: null,
  description: null,
  identifierUris: [],
  publisherDomain: `${call.parts.state.tenantId}.sandbox.example`,
  passwordCredentials: [],
  keyCredentials: [],
});

function audienceOf(body: Json): string | undefined {
  const audience = textOf(body, 'signInAudience');
  if (audience && !AUDIENCES.includes(audience)) throw bad("Invalid value specified for property 'signInAudience'.");
  return audience;
}

/** Names are not unique: every POST makes one more. */
function create(call: Call) {
  demand(call, 'owned');
  const { body, now, parts, directory, caller } = call;
  // The Azure CLI always says that it has no certificate.
  const { keyCredentials = [], ...rest } = body;
  if (!Array.isArray(keyCredentials) || keyCredentials.length > 0) throw bad('The sandbox takes no certificates.');
  knownOnly(rest, ['displayName', 'tags', 'signInAudience', 'description', 'notes']);
  const displayName = textOf(body, 'displayName');
  if (!displayName) throw bad("A value is required for property 'displayName' of resource 'Application'.");
  if (displayName.length > 256)
    throw bad("Invalid value specified for property 'displayName' of resource 'Application'.");
  const made: ApplicationRecord = {
    id: randomUUID(),
    appId: randomUUID(),
    displayName,
    tags: tagsOf(body) ?? [],
    signInAudience: audienceOf(body) ?? 'AzureADandPersonalMicrosoftAccount',
    createdDateTime: new Date(now).toISOString(),
    owner: caller.objectId,
    arrivesAt: now + parts.settings.replication,
    credentials: [],
  };
  directory.applications[made.id] = made;
  return { status: 201, body: shown(made, call) };
}

function update(call: Call) {
  const found = application(call);
  demandOwn(call, found);
  const { body } = call;
  knownOnly(body, ['displayName', 'tags', 'signInAudience']);
  found.displayName = textOf(body, 'displayName') ?? found.displayName;
  found.tags = tagsOf(body) ?? found.tags;
  found.signInAudience = audienceOf(body) ?? found.signInAudience;
  return { status: 204 };
}

/** Its service principal in its own tenant goes with it; those elsewhere stay, and sign in no more. */
function remove(call: Call) {
  const found = application(call);
  demandOwn(call, found);
  const { directory, parts } = call;
  const own = servicePrincipalOf(directory, found.appId, parts.state.tenantId);
  if (own) {
    delete directory.servicePrincipals[own.id];
    parts.arm.principalGone(own.id);
  }
  delete directory.applications[found.id];
  return { status: 204 };
}

/** `{id}` or `(appId='…')`, as Graph writes an object and its alternate key. */
export const KEY = `(?:/(?<id>[^/()]+)|\\(appId='(?<appId>[^']+)'\\))`;
const one = new RegExp(`^/applications${KEY}$`);
const all = /^\/applications$/;

export const applicationRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: all,
    run(call) {
      demand(call, 'read');
      const found = Object.values(call.directory.applications).map((each) => shown(each, call));
      return list(call, found, { type: 'applications', filterable: ['displayName', 'appId'] });
    },
  },
  { method: 'POST', path: all, run: create },
  {
    method: 'GET',
    path: one,
    run(call) {
      demand(call, 'read');
      return { status: 200, body: selected(call, shown(application(call), call)) };
    },
  },
  { method: 'PATCH', path: one, run: update },
  { method: 'DELETE', path: one, run: remove },
];
