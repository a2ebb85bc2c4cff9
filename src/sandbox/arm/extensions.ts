import { randomUUID } from 'node:crypto';
import type { ArmCluster, Parts, Reply } from '../parts.ts';
import { CLUSTER, cluster, demandFree, demandRunning } from './clusters.ts';
import { refusal, resourceNotFound } from './errors.ts';
import { acceptExtension, checkExtension, releaseOf } from './extensionModel.ts';
import { type ClusterWork, operationStatus, retryAfter } from './operations.ts';
import { idOf, systemData } from './resources.ts';
import { type Call, page, type Route } from './routes.ts';
import { type ClusterRecord, type ExtensionRecord, type Operation, record, type Slice } from './store.ts';

/*
 * Cluster extensions: Microsoft.KubernetesConfiguration/extensions below a managed cluster.
 * https://github.com/Azure/azure-rest-api-specs, specification/kubernetesconfiguration, extensions.json
 */
export const EXTENSION = 'Microsoft.KubernetesConfiguration/extensions';
const versions = {
  type: EXTENSION,
  known: ['2021-09-01', '2022-03-01', '2022-07-01', '2022-11-01', '2023-05-01', '2024-11-01', '2025-03-01'],
};

const below = ({ params }: Call) => `${idOf(params, CLUSTER, params.c ?? '')}/providers/${EXTENSION}`;
const idFor = (call: Call) => `${below(call)}/${call.params.e}`;
const find = (call: Call): ExtensionRecord | undefined => call.slice.extensions[idFor(call).toLowerCase()];

function extension(call: Call): ExtensionRecord {
  cluster(call);
  const found = find(call);
  if (!found) throw resourceNotFound(EXTENSION, call.params.e ?? '', call.params.rg ?? '');
  return found;
}

/** A cluster that can be worked on, and nothing else under way for the extension. */
function demandReady(call: Call, found: ExtensionRecord | undefined): ClusterRecord {
  const owner = cluster(call);
  demandFree(call, owner);
  demandRunning(owner);
  const { servicePrincipalProfile, provisioningState } = owner.resource.properties;
  if (!owner.effective || provisioningState === 'Deleting') {
    throw refusal(409, 'OperationNotAllowed', `The cluster '${owner.resource.name}' is ${provisioningState}.`);
  }
  const principal = record(servicePrincipalProfile).clientId;
  if (principal !== undefined && principal !== 'msi') {
    throw refusal(
      400,
      'BadRequest',
      `The cluster '${owner.resource.name}' uses a service principal. Cluster extensions need a cluster with a managed ` +
        'identity: run az aks update --enable-managed-identity first.',
    );
  }
  const running = found?.operation ? call.slice.operations[found.operation] : undefined;
  if (running && !running.done) throw conflict();
  return owner;
}

const conflict = () =>
  refusal(
    409,
    'UpdateFailed',
    'Update failed for this resource, as there is a conflicting operation in progress. Please try after sometime.',
  );

/** Begins an operation on an extension; answers the headers by which it is followed. */
function begin(
  call: Call,
  work: ClusterWork,
  owner: ClusterRecord,
  found: ExtensionRecord,
  kind: Operation['kind'],
): Record<string, string> {
  const error = work.takeOperationError();
  const operation: Operation = {
    id: randomUUID(),
    cluster: owner.resource.id,
    extension: found.resource.id,
    kind,
    startedAt: call.now,
    endsAt: call.now + call.parts.settings.operation,
    ...(error && { error }),
  };
  call.slice.operations[operation.id] = operation;
  found.operation = operation.id;
  work.begun(operation);
  const url = `https://${call.request.host}${found.resource.id}/operations/${operation.id}?api-version=${call.version}`;
  return { 'azure-asyncoperation': url, ...retryAfter(work, operation, call.now) };
}

const put =
  (work: ClusterWork) =>
  (call: Call): Reply => {
    const before = find(call);
    const owner = demandReady(call, before);
    // One that is stuck must be deleted.
    if (before?.resource.properties.provisioningState === 'Creating') throw conflict();
    const name = before?.resource.name ?? call.params.e ?? '';
    checkExtension(name, call.body, before, owner.resource.location ?? '');
    const found: ExtensionRecord = {
      ...before,
      resource: {
        id: before?.resource.id ?? idFor(call),
        name,
        type: EXTENSION,
        systemData: systemData(call, before && record(before.resource.systemData)),
        identity: call.body.identity ?? null,
        plan: call.body.plan ?? null,
        properties: acceptExtension(call.body, before?.resource),
      },
    };
    call.slice.extensions[found.resource.id.toLowerCase()] = found;
    const headers = begin(call, work, owner, found, before ? 'Updating' : 'Creating');
    return { status: before ? 200 : 201, headers, body: found.resource };
  };

const remove =
  (work: ClusterWork) =>
  (call: Call): Reply => {
    cluster(call);
    const found = find(call);
    if (!found) return { status: 204 };
    // Gone from Resource Manager alone: what it installed stays where it is.
    if (call.query.get('forceDelete') === 'true') {
      delete call.slice.extensions[found.resource.id.toLowerCase()];
      return { status: 200 };
    }
    const owner = demandReady(call, found);
    found.resource.properties = { ...found.resource.properties, provisioningState: 'Deleting' };
    return { status: 202, headers: begin(call, work, owner, found, 'Deleting') };
  };

/**
 * Brings an extension's operation, whose time has come, to its end: what it installs is in the cluster then, or the
 * error is in the operation and in the resource.
 */
export async function finishExtension(
  slice: Slice,
  kubernetes: Parts['kubernetes'],
  operation: Operation,
  armOf: (found: ClusterRecord) => ArmCluster,
): Promise<void> {
  const key = (operation.extension ?? '').toLowerCase();
  const found = slice.extensions[key];
  const owner = slice.clusters[operation.cluster.toLowerCase()];
  if (!found || !owner) {
    operation.done = true;
    return;
  }
  const release = releaseOf(found.resource.properties);
  const deleting = operation.kind === 'Deleting';
  let { error } = operation;
  if (!error && deleting) {
    if (found.installed) await kubernetes.removeDapr(armOf(owner));
    delete slice.extensions[key];
  } else if (!error) {
    error = release ? automatic(owner) : UNRESOLVED;
    const { name } = found.resource;
    if (release && !error) error = await kubernetes.installDapr(armOf(owner), { by: 'extension', name, ...release });
    if (release && !error) found.installed = release;
  }
  operation.done = true;
  if (error) operation.error = error;
  Object.assign(found.resource.properties, {
    provisioningState: error ? 'Failed' : 'Succeeded',
    errorInfo: error ?? null,
    statuses: error ? [{ ...error, displayStatus: 'Failed', level: 'Error', time: null }] : [],
  });
}

const failed = (why: string) => ({
  code: 'ExtensionOperationFailed',
  message: `The extension operation failed with the following error:  ${why}`,
});
const UNRESOLVED = failed('Failed to resolve the extension version from the given values.');

/** AKS Automatic protects its system namespaces, dapr-system among them, from Dapr itself (Azure/AKS#5726). */
function automatic({ resource }: ClusterRecord): { code: string; message: string } | undefined {
  if (record(resource.sku).name !== 'Automatic') return undefined;
  return failed(
    'Helm installation failed : Timed out waiting for the resource to come to a ready/completed state. Last resource not ' +
      'was dapr-system/dapr-sentry. InnerError: secrets "dapr-trust-bundle" is forbidden: ValidatingAdmissionPolicy ' +
      "'aks-managed-protect-system-namespaces' with binding 'aks-managed-protect-system-namespaces-binding' denied " +
      'request: Modification of resources in managed system namespaces is not allowed',
  );
}

const all =
  '/subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.ContainerService/managedClusters/{c}/providers/Microsoft.KubernetesConfiguration/extensions';
const one = `${all}/{e}`;

export const extensionRoutes = (
  work: ClusterWork & { ended(operationId: string): Promise<void> },
): readonly Route[] => [
  {
    method: 'GET',
    path: all,
    versions,
    action: `${EXTENSION}/read`,
    scope: (params) => idOf(params, CLUSTER, params.c ?? ''),
    run: (call) => {
      cluster(call);
      const prefix = `${below(call).toLowerCase()}/`;
      const found = Object.entries(call.slice.extensions).filter(([id]) => id.startsWith(prefix));
      return page(
        call,
        found.map(([, { resource }]) => resource),
        50,
      );
    },
  },
  {
    method: 'GET',
    path: one,
    versions,
    action: `${EXTENSION}/read`,
    run: (call) => ({ status: 200, body: extension(call).resource }),
  },
  { method: 'PUT', path: one, versions, action: `${EXTENSION}/write`, run: put(work) },
  { method: 'DELETE', path: one, versions, action: `${EXTENSION}/delete`, run: remove(work) },
  {
    method: 'GET',
    path: `${one}/operations/{id}`,
    versions,
    action: `${EXTENSION}/operations/read`,
    run: (call) => operationStatus(work, () => work.ended(call.params.id ?? ''))(call),
  },
];
