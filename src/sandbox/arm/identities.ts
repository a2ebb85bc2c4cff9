import { randomUUID } from 'node:crypto';
import { refusal, resourceNotFound } from './errors.ts';
import { idOf, knownOnly, locationOf, systemData, tagsOf } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type IdentityRecord, type Json, type Resource, record } from './store.ts';

export const IDENTITY = 'Microsoft.ManagedIdentity/userAssignedIdentities';
export const MSI = {
  type: IDENTITY,
  known: [
    '2018-11-30',
    '2022-01-31-preview',
    '2023-01-31',
    '2023-07-31-preview',
    '2024-11-30',
    '2025-01-31-preview',
    '2025-05-31-preview',
    '2026-04-30',
    '2026-05-31',
  ],
};

export function identity(call: Pick<Call, 'params' | 'slice'>): IdentityRecord {
  const { params, slice } = call;
  const found = slice.identities[idOf(params, IDENTITY, params.i ?? '').toLowerCase()];
  if (!found) throw resourceNotFound(IDENTITY, params.i ?? '', params.rg ?? '');
  return found;
}

/** An identity and the principal that Entra makes for it, which other services see once it has arrived. */
function makeIdentity(call: Call, location: string): IdentityRecord {
  const { params, parts, slice, now } = call;
  const name = params.i ?? '';
  const [principalId, clientId] = [randomUUID(), randomUUID()];
  const arrivesAt = now + parts.settings.replication;
  slice.principals[principalId] = { kind: 'ServicePrincipal', name, arrivesAt };
  return {
    arrivesAt,
    credentials: {},
    resource: {
      id: idOf(params, IDENTITY, name),
      name,
      type: IDENTITY,
      location,
      tags: {},
      systemData: systemData(call),
      properties: { isolationScope: 'None', tenantId: parts.state.tenantId, principalId, clientId },
    },
  };
}

function put(call: Call) {
  const { body, params, slice } = call;
  const name = params.i ?? '';
  knownOnly(body, ['location', 'tags', 'properties', 'id', 'name', 'type', 'systemData'], 'Identity');
  const settable = ['isolationScope', 'assignmentRestrictions', 'tenantId', 'principalId', 'clientId'];
  knownOnly(record(body.properties), settable, 'IdentityProperties');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$/.test(name)) {
    throw refusal(
      400,
      'ValidationError',
      `The resource name '${name}' is invalid. It must start with a letter or number, contain only alphanumerics, ` +
        'hyphens and underscores, and be 3 to 128 characters long.',
    );
  }
  const location = locationOf(body);
  const key = idOf(params, IDENTITY, name).toLowerCase();
  const before = slice.identities[key];
  if (before && before.resource.location !== location) {
    throw refusal(
      409,
      'InvalidResourceLocation',
      `The resource '${name}' already exists in location '${before.resource.location}' in resource group ` +
        `'${params.rg}'. A resource with the same name cannot be created in location '${location}'. ` +
        'Please select a new resource name.',
    );
  }
  const kept = before ?? makeIdentity(call, location);
  kept.resource.tags = tagsOf(body) ?? {};
  if (before) kept.resource.systemData = systemData(call, record(before.resource.systemData));
  slice.identities[key] = kept;
  return { status: before ? 200 : 201, body: shown(kept) };
}

const shown = ({ resource }: IdentityRecord): Resource => resource;

function remove({ params, slice }: Call) {
  const key = idOf(params, IDENTITY, params.i ?? '').toLowerCase();
  const found = slice.identities[key];
  if (!found) return { status: 204 };
  delete slice.identities[key];
  // Its principal goes; role assignments that name it stay behind, as in Azure.
  delete slice.principals[String(found.resource.properties.principalId)];
  return { status: 200 };
}

const one = '/subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}';
const listIn = (call: Call, below: string): Resource[] =>
  Object.values(call.slice.identities)
    .map(shown)
    .filter(({ id }) => id.toLowerCase().startsWith(`${below.toLowerCase()}/`));

export const identityRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/subscriptions/{s}/providers/Microsoft.ManagedIdentity/userAssignedIdentities',
    versions: MSI,
    action: `${IDENTITY}/read`,
    scope: ({ s }) => `/subscriptions/${s}`,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}`), 50),
  },
  {
    method: 'GET',
    path: one.replace(/\/\{i\}$/, ''),
    versions: MSI,
    action: `${IDENTITY}/read`,
    scope: ({ s, rg }) => `/subscriptions/${s}/resourceGroups/${rg}`,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}/resourceGroups/${call.params.rg}`), 50),
  },
  {
    method: 'GET',
    path: one,
    versions: MSI,
    action: `${IDENTITY}/read`,
    run: (call) => ({ status: 200, body: shown(identity(call)) }),
  },
  { method: 'PUT', path: one, versions: MSI, action: `${IDENTITY}/write`, run: put },
  {
    method: 'PATCH',
    path: one,
    versions: MSI,
    action: `${IDENTITY}/write`,
    run: (call) => {
      const found = identity(call);
      const body: Json = call.body;
      knownOnly(body, ['tags', 'location', 'properties'], 'IdentityUpdate');
      found.resource.tags = tagsOf(body) ?? found.resource.tags ?? {};
      found.resource.systemData = systemData(call, record(found.resource.systemData));
      return { status: 200, body: shown(found) };
    },
  },
  { method: 'DELETE', path: one, versions: MSI, action: `${IDENTITY}/delete`, run: remove },
];
