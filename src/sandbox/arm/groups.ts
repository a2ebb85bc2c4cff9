import { refusal } from './errors.ts';
import { everything, groupId, knownOnly, locationOf, tagsOf, tracked } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type Json, type Resource, record } from './store.ts';

const RESOURCES = {
  type: 'Microsoft.Resources/resourceGroups',
  known: [
    '2015-11-01',
    '2016-06-01',
    '2018-05-01',
    '2019-10-01',
    '2020-10-01',
    '2021-01-01',
    '2021-04-01',
    '2022-09-01',
    '2022-12-01',
    '2023-07-01',
    '2024-03-01',
    '2024-07-01',
    '2024-11-01',
    '2025-03-01',
    '2025-04-01',
  ],
};

/** What `registrationState` says of a provider that the sandbox knows. */
const PROVIDERS = [
  'Microsoft.ContainerService',
  'Microsoft.KeyVault',
  'Microsoft.ManagedIdentity',
  'Microsoft.KubernetesConfiguration',
  'Microsoft.Authorization',
  'Microsoft.Resources',
];

/** How long a registration takes. */
const REGISTERING = 90_000;

export const registered = (call: Pick<Call, 'slice' | 'now'>, namespace: string): boolean => {
  const since = call.slice.providers[namespace.toLowerCase()];
  return since !== undefined && since <= call.now;
};

const subscriptionOf = ({ parts, slice }: Call) => ({
  id: `/subscriptions/${parts.state.subscriptionId}`,
  authorizationSource: 'RoleBased',
  managedByTenants: [],
  subscriptionId: parts.state.subscriptionId,
  tenantId: parts.state.tenantId,
  displayName: slice.subscription.displayName,
  state: 'Enabled',
  subscriptionPolicies: {
    locationPlacementId: 'Public_2014-09-01',
    quotaId: 'PayAsYouGo_2014-09-01',
    spendingLimit: 'Off',
  },
});

const providerOf = (call: Call): Json => {
  const asked = call.params.ns ?? '';
  const namespace = PROVIDERS.find((name) => name.toLowerCase() === asked.toLowerCase());
  if (!namespace) {
    throw refusal(404, 'InvalidResourceNamespace', `The resource namespace '${asked}' is invalid.`);
  }
  const since = call.slice.providers[namespace.toLowerCase()];
  const registrationState = since === undefined ? 'NotRegistered' : since > call.now ? 'Registering' : 'Registered';
  return {
    id: `/subscriptions/${call.parts.state.subscriptionId}/providers/${namespace}`,
    namespace,
    registrationPolicy: 'RegistrationRequired',
    resourceTypes: [],
    registrationState,
  };
};

const group = ({ slice, params }: Call): Resource => {
  const found = slice.groups[(params.rg ?? '').toLowerCase()];
  if (!found) throw groupNotFound(params.rg ?? '');
  return found;
};

export const groupNotFound = (name: string) =>
  refusal(404, 'ResourceGroupNotFound', `Resource group '${name}' could not be found.`);

function putGroup(call: Call) {
  const { body, params, slice, parts } = call;
  const name = params.rg ?? '';
  knownOnly(body, ['location', 'tags', 'managedBy', 'id', 'name', 'type', 'properties'], 'ResourceGroup');
  if (!/^[-\w._()]{1,90}$/.test(name) || name.endsWith('.')) {
    throw refusal(400, 'InvalidResourceGroup', `The provided resource group name '${name}' is invalid.`);
  }
  const location = locationOf(body);
  const before = slice.groups[name.toLowerCase()];
  if (before && before.location !== location) {
    throw refusal(
      409,
      'InvalidResourceGroupLocation',
      `Invalid resource group location '${location}'. The Resource group already exists in location '${before.location}'.`,
    );
  }
  const tags = tagsOf(body);
  const made: Resource = {
    id: before?.id ?? groupId(parts.state.subscriptionId, name),
    name: before?.name ?? name,
    type: 'Microsoft.Resources/resourceGroups',
    location,
    ...(tags && { tags }),
    properties: { provisioningState: 'Succeeded' },
  };
  slice.groups[name.toLowerCase()] = made;
  return { status: before ? 200 : 201, body: made };
}

const tagsAt = (call: Call) => {
  const resource = tracked(call.slice, `/${call.params.scope}`);
  if (!resource) throw refusal(404, 'ResourceNotFound', `The resource '/${call.params.scope}' was not found.`);
  return resource;
};
const tagsBody = (resource: Resource) => ({
  id: `${resource.id}/providers/Microsoft.Resources/tags/default`,
  name: 'default',
  type: 'Microsoft.Resources/tags',
  properties: { tags: resource.tags ?? {} },
});

function changeTags(call: Call) {
  const resource = tagsAt(call);
  const given = tagsOf(record(call.body.properties)) ?? {};
  const operation = call.request.method === 'PUT' ? 'Replace' : call.body.operation;
  const had = resource.tags ?? {};
  if (operation === 'Replace') resource.tags = given;
  else if (operation === 'Merge') resource.tags = { ...had, ...given };
  else if (operation === 'Delete') {
    resource.tags = Object.fromEntries(Object.entries(had).filter(([name, value]) => given[name] !== value));
  } else throw refusal(400, 'InvalidTagPatchOperation', `The tag operation '${operation}' is invalid.`);
  return { status: 200, body: tagsBody(resource) };
}

const S = '/subscriptions/{s}';
const inSubscription = ({ s }: Readonly<Record<string, string>>) => `/subscriptions/${s}`;
const tagsRoute = {
  path: '/{+scope}/providers/Microsoft.Resources/tags/default',
  versions: RESOURCES,
  scope: ({ scope }: Readonly<Record<string, string>>) => `/${scope}`,
};

/** Subscriptions, resource groups, resource providers, tags. */
export const groupRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/subscriptions',
    versions: RESOURCES,
    action: '',
    run: (call) => ({ status: 200, body: { value: [subscriptionOf(call)], count: { type: 'Total', value: 1 } } }),
  },
  {
    method: 'GET',
    path: '/tenants',
    versions: RESOURCES,
    action: '',
    run: ({ parts: { state } }) => ({
      status: 200,
      body: { value: [{ id: `/tenants/${state.tenantId}`, tenantId: state.tenantId, displayName: 'Sandbox' }] },
    }),
  },
  {
    method: 'GET',
    path: S,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/read',
    run: (call) => ({ status: 200, body: subscriptionOf(call) }),
  },
  {
    method: 'GET',
    path: `${S}/resourceGroups`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/read',
    scope: inSubscription,
    run: (call) => page(call, Object.values(call.slice.groups), 100),
  },
  {
    method: 'GET',
    path: `${S}/resourceGroups/{rg}`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/read',
    run: (call) => ({ status: 200, body: group(call) }),
  },
  {
    method: 'HEAD',
    path: `${S}/resourceGroups/{rg}`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/read',
    run: ({ slice, params }) => ({ status: slice.groups[(params.rg ?? '').toLowerCase()] ? 204 : 404 }),
  },
  {
    method: 'PUT',
    path: `${S}/resourceGroups/{rg}`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/write',
    run: putGroup,
  },
  {
    method: 'GET',
    path: `${S}/resources`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resources/read',
    scope: inSubscription,
    run: (call) => page(call, filtered(call), 100),
  },
  {
    method: 'GET',
    path: `${S}/resourceGroups/{rg}/resources`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/resourceGroups/resources/read',
    scope: ({ s, rg }) => groupId(s ?? '', rg ?? ''),
    run: (call) => {
      const below = `${group(call).id.toLowerCase()}/`;
      return page(
        call,
        filtered(call).filter(({ id }) => id.toLowerCase().startsWith(below)),
        100,
      );
    },
  },
  {
    method: 'GET',
    path: `${S}/providers/{ns}`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/providers/read',
    scope: inSubscription,
    run: (call) => ({ status: 200, body: providerOf(call) }),
  },
  {
    method: 'POST',
    path: `${S}/providers/{ns}/register`,
    versions: RESOURCES,
    action: 'Microsoft.Resources/subscriptions/providers/register/action',
    scope: inSubscription,
    run: (call) => {
      const { namespace } = providerOf(call);
      call.slice.providers[String(namespace).toLowerCase()] ??= call.now + REGISTERING;
      return { status: 200, body: providerOf(call) };
    },
  },
  {
    ...tagsRoute,
    method: 'GET',
    action: 'Microsoft.Resources/tags/read',
    run: (call) => ({ status: 200, body: tagsBody(tagsAt(call)) }),
  },
  { ...tagsRoute, method: 'PUT', action: 'Microsoft.Resources/tags/write', run: changeTags },
  { ...tagsRoute, method: 'PATCH', action: 'Microsoft.Resources/tags/write', run: changeTags },
];

/** `$filter` by `resourceType`, `name` and `resourceGroup`, each `eq '…'`; other filters are refused. */
function filtered(call: Call): Resource[] {
  const filter = call.query.get('$filter') ?? '';
  let all = everything(call.slice);
  for (const clause of filter.split(/\s+and\s+/i).filter((one) => one !== '')) {
    const [, field, value = ''] = /^(resourceType|name|resourceGroup) eq '([^']*)'$/i.exec(clause.trim()) ?? [];
    if (!field)
      throw refusal(400, 'InvalidFilterInQueryString', `Invalid $filter '${filter}' specified in the query string.`);
    const of = {
      name: ({ name }: Resource) => name,
      resourcetype: ({ type }: Resource) => type,
      resourcegroup: ({ id }: Resource) => id.split('/')[4] ?? '',
    }[field.toLowerCase() as 'name' | 'resourcetype' | 'resourcegroup'];
    all = all.filter((resource) => of(resource).toLowerCase() === value.toLowerCase());
  }
  return all.map(
    ({ id, name, type, location, tags }) => ({ id, name, type, location, ...(tags && { tags }) }) as Resource,
  );
}
