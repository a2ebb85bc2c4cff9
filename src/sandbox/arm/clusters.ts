import { randomBytes, randomUUID } from 'node:crypto';
import { REGIONS } from '../names.ts';
import type { Reply } from '../parts.ts';
import { acceptCluster, checkCluster } from './clusterModel.ts';
import { refusal, resourceNotFound } from './errors.ts';
import { demandSubnets } from './governance.ts';
import { begin, type ClusterWork, newTag, operationStatus, polling } from './operations.ts';
import { idOf, locationOf, systemData, tagsOf } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type ClusterRecord, type Resource, record } from './store.ts';

export const CLUSTER = 'Microsoft.ContainerService/managedClusters';
const versions = {
  type: CLUSTER,
  known: [
    '2024-02-01',
    '2024-05-01',
    '2024-09-01',
    '2025-01-01',
    '2025-03-01',
    '2025-05-01',
    '2025-08-01',
    '2025-10-01',
    '2026-01-01',
    '2026-02-01',
    '2026-04-01',
    '2026-06-01',
  ],
};
export const cluster = ({ params, slice }: Call): ClusterRecord => {
  const found = slice.clusters[idOf(params, CLUSTER, params.c ?? '').toLowerCase()];
  if (!found) throw resourceNotFound(CLUSTER, params.c ?? '', params.rg ?? '');
  return found;
};

/** One operation at a time, on a running cluster, and only over the state that the caller knows. */
export function demandFree(call: Call, found: ClusterRecord): void {
  const running = found.operation ? call.slice.operations[found.operation] : undefined;
  if (running && !running.done) {
    throw refusal(
      409,
      'OperationNotAllowed',
      `Operation is not allowed: Another operation (${running.kind}) is in progress, please wait for it to finish before ` +
        'starting a new operation. See https://aka.ms/aks-pending-operation for more details',
    );
  }
  const wanted = call.request.headers['if-match'];
  if (wanted !== undefined && wanted !== '*' && wanted.replace(/^"|"$/g, '') !== found.resource.eTag) {
    throw refusal(
      412,
      'EtagMismatch',
      'Operation is not allowed: Etag in If-Match header does not match the current etag of the resource.',
    );
  }
}

export function demandRunning(found: ClusterRecord): void {
  if (record(found.resource.properties.powerState).code !== 'Stopped') return;
  throw refusal(
    409,
    'OperationNotAllowed',
    `managed cluster is in (Stopped) power state, and the operation is not allowed; start the cluster '${found.resource.name}' first.`,
  );
}

const put =
  (work: ClusterWork) =>
  (call: Call): Reply => {
    const { body, params, slice, parts, now } = call;
    const name = params.c ?? '';
    const id = idOf(params, CLUSTER, name);
    const before = slice.clusters[id.toLowerCase()];
    if (!before && call.request.headers['if-match'] !== undefined) {
      throw refusal(
        412,
        'EtagMismatch',
        'Operation is not allowed: the resource in the If-Match header does not exist.',
      );
    }
    if (before) {
      demandFree(call, before);
      demandRunning(before);
    }
    const location = locationOf(body);
    if (before && before.resource.location !== location) {
      throw refusal(400, 'PropertyChangeNotAllowed', `Changing property 'location' is not allowed.`);
    }
    if (!(REGIONS as readonly string[]).includes(location)) {
      throw refusal(
        400,
        'LocationNotAvailableForResourceType',
        `The provided location '${location}' is not available for resource type '${CLUSTER}'. ` +
          `List of available regions for the resource type is '${REGIONS.join(',')}'.`,
      );
    }
    checkCluster(name, body, before?.resource);
    demandSubnets(call);

    const kept: ClusterRecord = before ?? newCluster(call, location);
    const accepted = acceptCluster(body, kept.resource, before === undefined);
    kept.resource = {
      ...accepted,
      id: kept.resource.id,
      name: kept.resource.name,
      type: CLUSTER,
      location,
      tags: tagsOf(body) ?? {},
      systemData: systemData(call, before && record(before.resource.systemData)),
      eTag: newTag(),
      properties: { ...accepted.properties, provisioningState: before ? 'Updating' : 'Creating' },
    };
    slice.clusters[id.toLowerCase()] = kept;
    const operation = begin(call, work, kept, before ? 'Updating' : 'Creating', now + parts.settings.operation);
    return { status: before ? 200 : 201, headers: polling(call, work, operation), body: kept.resource };
  };

function newCluster(call: Call, location: string): ClusterRecord {
  const { params, parts } = call;
  const name = params.c ?? '';
  const prefix = String(record(call.body.properties).dnsPrefix ?? name).toLowerCase();
  const fqdn = `${prefix}-${randomBytes(4).toString('hex')}.hcp.${location}.azmk8s.io`;
  const issuerId = randomUUID();
  return {
    fqdn,
    issuerId,
    resource: {
      id: idOf(params, CLUSTER, name),
      name,
      type: CLUSTER,
      location,
      properties: {
        powerState: { code: 'Running' },
        fqdn,
        azurePortalFQDN: fqdn.replace('.hcp.', '.portal.hcp.'),
        maxAgentPools: 100,
        resourceUID: randomBytes(12).toString('hex'),
        nodeResourceGroup: `MC_${params.rg}_${name}_${location}`,
      },
      identity: { type: 'SystemAssigned', principalId: randomUUID(), tenantId: parts.state.tenantId },
      sku: { name: 'Base', tier: 'Free' },
    },
  };
}

const remove =
  (work: ClusterWork) =>
  (call: Call): Reply => {
    const found = call.slice.clusters[idOf(call.params, CLUSTER, call.params.c ?? '').toLowerCase()];
    if (!found) return { status: 204 };
    demandFree(call, found);
    found.resource.properties = { ...found.resource.properties, provisioningState: 'Deleting' };
    const operation = begin(call, work, found, 'Deleting', call.now + call.parts.settings.operation);
    return { status: 202, headers: polling(call, work, operation) };
  };

const listIn = (call: Call, below: string): Resource[] =>
  Object.values(call.slice.clusters)
    .map(({ resource }) => resource)
    .filter(({ id }) => id.toLowerCase().startsWith(`${below.toLowerCase()}/`));

const one = '/subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.ContainerService/managedClusters/{c}';

export const clusterRoutes = (
  work: ClusterWork & { settle(): Promise<void>; kubeconfig(found: ClusterRecord): string },
): readonly Route[] => [
  {
    method: 'GET',
    path: '/subscriptions/{s}/providers/Microsoft.ContainerService/managedClusters',
    versions,
    action: `${CLUSTER}/read`,
    scope: ({ s }) => `/subscriptions/${s}`,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}`), 50),
  },
  {
    method: 'GET',
    path: one.replace(/\/\{c\}$/, ''),
    versions,
    action: `${CLUSTER}/read`,
    scope: ({ s, rg }) => `/subscriptions/${s}/resourceGroups/${rg}`,
    run: (call) => page(call, listIn(call, `/subscriptions/${call.params.s}/resourceGroups/${call.params.rg}`), 50),
  },
  {
    method: 'GET',
    path: one,
    versions,
    action: `${CLUSTER}/read`,
    run: (call) => ({ status: 200, body: cluster(call).resource }),
  },
  { method: 'PUT', path: one, versions, action: `${CLUSTER}/write`, run: put(work) },
  { method: 'DELETE', path: one, versions, action: `${CLUSTER}/delete`, run: remove(work) },
  {
    method: 'GET',
    path: '/subscriptions/{s}/providers/Microsoft.ContainerService/locations/{l}/operations/{id}',
    versions,
    action: 'Microsoft.ContainerService/locations/operations/read',
    scope: ({ s }) => `/subscriptions/${s}`,
    run: operationStatus(work, work.settle),
  },
  {
    method: 'POST',
    path: `${one}/listClusterUserCredential`,
    versions,
    action: `${CLUSTER}/listClusterUserCredential/action`,
    scope: (params) => idOf(params, CLUSTER, params.c ?? ''),
    run: (call) => {
      const found = cluster(call);
      if (!found.effective) {
        throw refusal(404, 'ClusterNotReady', `The cluster '${found.resource.name}' is still being created.`);
      }
      const value = Buffer.from(work.kubeconfig(found)).toString('base64');
      return { status: 200, body: { kubeconfigs: [{ name: 'clusterUser', value }] } };
    },
  },
];
