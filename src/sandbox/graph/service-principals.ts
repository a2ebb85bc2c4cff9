import { randomUUID } from 'node:crypto';
import type { ArmPrincipal } from '../parts.ts';
import { KEY } from './applications.ts';
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
import { bad, denied, notFound, taken } from './errors.ts';
import { applicationOf, type ServicePrincipalRecord, servicePrincipalOf } from './store.ts';

/** That of the path, in the caller's own directory. */
function servicePrincipal({ params, directory, parts }: Call): ServicePrincipalRecord {
  const { id, appId } = params;
  const home = parts.state.tenantId;
  const found = appId
    ? servicePrincipalOf(directory, appId, home)
    : directory.servicePrincipals[(id ?? '').toLowerCase()];
  if (found?.tenantId.toLowerCase() !== home.toLowerCase()) throw notFound(appId ?? id ?? '');
  return found;
}

const shown = (
  { id, appId, displayName, tags, accountEnabled }: ServicePrincipalRecord,
  { parts }: Pick<Call, 'parts'>,
): Json => ({
  ...{ id, appId, displayName, tags, accountEnabled },
  appDisplayName: displayName,
  appOwnerOrganizationId: parts.state.tenantId,
  servicePrincipalNames: [appId],
  servicePrincipalType: 'Application',
});

/** That of a managed identity, which Resource Manager keeps: here it can only be looked at. */
const shownIdentity = ({
  objectId,
  name,
  identity,
}: ArmPrincipal & Required<Pick<ArmPrincipal, 'identity'>>): Json => ({
  ...{ id: objectId, appId: identity.clientId, displayName: name, tags: [], accountEnabled: true },
  ...{ appDisplayName: null, appOwnerOrganizationId: null },
  alternativeNames: ['isExplicit=True', identity.id],
  servicePrincipalNames: [identity.clientId],
  servicePrincipalType: 'ManagedIdentity',
});

const isIdentity = (one: ArmPrincipal): one is ArmPrincipal & Required<Pick<ArmPrincipal, 'identity'>> =>
  one.identity !== undefined;

/** All of the caller's directory: of its applications, and of managed identities. */
export const servicePrincipals = (call: Pick<Call, 'directory' | 'parts'>): Json[] => [
  ...Object.values(call.directory.servicePrincipals)
    .filter(({ tenantId }) => tenantId === call.parts.state.tenantId)
    .map((each) => shown(each, call)),
  ...call.parts.arm.principals().filter(isIdentity).map(shownIdentity),
];

/** One to look at, by object id or client id. */
function looked(call: Call): Json {
  const { id, appId } = call.params;
  const found = servicePrincipals(call).find((one) =>
    appId ? one.appId === appId.toLowerCase() : one.id === id?.toLowerCase(),
  );
  if (!found) throw notFound(appId ?? id ?? '');
  return found;
}

/** Of an application that this part of the directory does not know yet, Graph says that there is none. */
function create(call: Call) {
  demand(call, 'owned');
  const { body, now, parts, directory, caller } = call;
  knownOnly(body, ['appId', 'tags', 'accountEnabled']);
  const appId = textOf(body, 'appId')?.toLowerCase();
  if (!appId) throw bad("A value is required for property 'appId' of resource 'ServicePrincipal'.");
  const application = applicationOf(directory, appId);
  if (!application || application.arrivesAt > now) {
    throw bad(`The appId '${appId}' of the service principal does not reference a valid application object.`, [
      { code: 'NoBackingApplicationObject', message: 'The application object is not there.', target: 'appId' },
    ]);
  }
  demandOwn(call, application);
  if (servicePrincipalOf(directory, appId, parts.state.tenantId)) {
    throw taken(
      `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
    );
  }
  const made: ServicePrincipalRecord = {
    id: randomUUID(),
    appId,
    displayName: application.displayName,
    tags: tagsOf(body) ?? [],
    accountEnabled: body.accountEnabled !== false,
    tenantId: parts.state.tenantId,
    owner: caller.objectId,
    arrivesAt: now + parts.settings.replication,
  };
  directory.servicePrincipals[made.id] = made;
  parts.arm.principalMade(made.id, made.displayName, made.arrivesAt);
  return { status: 201, body: shown(made, call) };
}

function update(call: Call) {
  const found = servicePrincipal(call);
  const application = applicationOf(call.directory, found.appId);
  if (!application) throw denied();
  demandOwn(call, application);
  const { body } = call;
  knownOnly(body, ['tags', 'accountEnabled']);
  found.tags = tagsOf(body) ?? found.tags;
  if (typeof body.accountEnabled === 'boolean') found.accountEnabled = body.accountEnabled;
  return { status: 204 };
}

function remove(call: Call) {
  const found = servicePrincipal(call);
  const application = applicationOf(call.directory, found.appId);
  if (!application) throw denied();
  demandOwn(call, application);
  delete call.directory.servicePrincipals[found.id];
  // Role assignments that name it stay behind, as in Azure.
  call.parts.arm.principalGone(found.id);
  return { status: 204 };
}

const one = new RegExp(`^/servicePrincipals${KEY}$`);
const all = /^\/servicePrincipals$/;

export const servicePrincipalRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: all,
    run(call) {
      demand(call, 'read');
      const filterable = ['appId', 'displayName', 'servicePrincipalNames'];
      return list(call, servicePrincipals(call), { type: 'servicePrincipals', filterable });
    },
  },
  { method: 'POST', path: all, run: create },
  {
    method: 'GET',
    path: one,
    run(call) {
      demand(call, 'read');
      return { status: 200, body: selected(call, looked(call)) };
    },
  },
  { method: 'PATCH', path: one, run: update },
  { method: 'DELETE', path: one, run: remove },
];
