import { randomUUID } from 'node:crypto';
import type { Reply } from '../parts.ts';
import { removeBelow } from './assignments.ts';
import { featuresOf } from './clusterModel.ts';
import { refusal } from './errors.ts';
import type { Call } from './routes.ts';
import { type ClusterRecord, type Json, type Operation, type Resource, record } from './store.ts';

/** How often Azure wants to be asked how an operation goes. */
const POLL = 30_000;

/** What the world outside these routes does for an operation. */
export interface ClusterWork {
  /** The error that the next operation is to end with. */
  takeOperationError(): { code: string; message: string } | undefined;
  /** Lets the caller's waiting pass before the answer; absent: `Retry-After` asks for it instead. */
  readonly waitedFor: ((milliseconds: number) => Promise<void>) | undefined;
  /** An operation was begun: see to it that its end is noticed. */
  begun(operation: Operation): void;
}

export const newTag = () => randomUUID();

export function begin(
  call: Call,
  work: ClusterWork,
  found: ClusterRecord,
  kind: Operation['kind'],
  endsAt: number,
): Operation {
  const error = work.takeOperationError();
  const operation: Operation = {
    id: randomUUID(),
    cluster: found.resource.id,
    kind,
    startedAt: call.now,
    endsAt,
    ...(error && { error }),
  };
  call.slice.operations[operation.id] = operation;
  found.operation = operation.id;
  work.begun(operation);
  return operation;
}

export function polling(call: Call, work: ClusterWork, operation: Operation): Record<string, string> {
  const location = call.slice.clusters[operation.cluster.toLowerCase()]?.resource.location;
  const url =
    `https://${call.request.host}/subscriptions/${call.parts.state.subscriptionId}/providers/Microsoft.ContainerService` +
    `/locations/${location}/operations/${operation.id}?api-version=${call.version}`;
  return { 'azure-asyncoperation': url, ...retryAfter(work, operation, call.now) };
}

const waitFor = (operation: Operation, now: number) => Math.max(Math.min(operation.endsAt - now, POLL), 0);

export const retryAfter = (work: ClusterWork, operation: Operation, now: number): Record<string, string> =>
  work.waitedFor ? {} : { 'retry-after': String(Math.ceil(waitFor(operation, now) / 1000)) };

export const operationStatus =
  (work: ClusterWork, settle: () => Promise<void>) =>
  async (call: Call): Promise<Reply> => {
    const operation = call.slice.operations[call.params.id ?? ''];
    if (!operation) throw refusal(404, 'NotFound', `The operation '${call.params.id}' was not found.`);
    if (!operation.done && work.waitedFor) {
      await work.waitedFor(waitFor(operation, call.now));
      await settle();
    }
    const status = operation.done ? (operation.error ? 'Failed' : 'Succeeded') : 'InProgress';
    return {
      status: 200,
      headers: operation.done ? {} : retryAfter(work, operation, call.now),
      body: {
        name: operation.id,
        status,
        startTime: new Date(operation.startedAt).toISOString(),
        ...(operation.done && { endTime: new Date(operation.endsAt).toISOString() }),
        ...(operation.done && operation.error && { error: operation.error }),
      },
    };
  };

/** Brings an operation that is due to its end. Answers the cluster when it now runs with other features. */
export function finish(slice: Call['slice'], tenantId: string, operation: Operation): ClusterRecord | undefined {
  operation.done = true;
  const found = slice.clusters[operation.cluster.toLowerCase()];
  if (!found) return undefined;
  if (operation.kind === 'Deleting' && !operation.error) {
    delete slice.clusters[operation.cluster.toLowerCase()];
    removeBelow(slice, found.resource.id);
    const below = `${found.resource.id.toLowerCase()}/`;
    for (const id of Object.keys(slice.extensions)) if (id.startsWith(below)) delete slice.extensions[id];
    return undefined;
  }
  const { resource } = found;
  resource.eTag = newTag();
  resource.properties = { ...resource.properties, provisioningState: operation.error ? 'Failed' : 'Succeeded' };
  if (operation.error) return undefined;
  complete(found, tenantId);
  const nodes = String(resource.properties.nodeResourceGroup);
  slice.groups[nodes.toLowerCase()] ??= {
    id: resource.id.replace(/\/resourceGroups\/.*$/i, `/resourceGroups/${nodes}`),
    name: nodes,
    type: 'Microsoft.Resources/resourceGroups',
    location: resource.location ?? '',
    managedBy: resource.id,
    properties: { provisioningState: 'Succeeded' },
  };
  return found;
}

/** What AKS fills in once features are really on: the issuer's URL, the add-on's identity. */
export function complete(found: ClusterRecord, tenantId: string): void {
  const { resource } = found;
  const { properties } = resource;
  found.effective = featuresOf(properties);
  properties.currentKubernetesVersion = properties.kubernetesVersion;
  if (found.effective.oidcIssuer) {
    properties.oidcIssuerProfile = { ...record(properties.oidcIssuerProfile), issuerURL: issuerUrl(found, tenantId) };
  }
  const addons = record(properties.addonProfiles);
  for (const [key, value] of Object.entries(addons)) {
    const addon = record(value);
    if (key.toLowerCase() !== 'azurekeyvaultsecretsprovider') continue;
    if (addon.enabled === true) addon.identity ??= addonIdentity(resource);
    else delete addon.identity;
  }
}

export const issuerUrl = (found: ClusterRecord, tenantId: string) =>
  `https://${found.resource.location}.oic.prod-aks.azure.com/${tenantId}/${found.issuerId}/`;

const addonIdentity = (resource: Resource): Json => ({
  resourceId:
    `${resource.id.replace(/\/resourceGroups\/.*$/i, '')}/resourcegroups/${resource.properties.nodeResourceGroup}` +
    `/providers/Microsoft.ManagedIdentity/userAssignedIdentities/azurekeyvaultsecretsprovider-${resource.name}`,
  clientId: randomUUID(),
  objectId: randomUUID(),
});
