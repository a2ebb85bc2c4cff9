import { randomUUID } from 'node:crypto';
import { roleOf } from '../arm/roles.ts';
import type { IdentityRecord, Json, VaultRecord } from '../arm/store.ts';
import { CALLER } from '../world/demo.ts';
import { type BreakWorld, CannotBreak, type Workload } from './break.ts';
import type { KubeObject } from './kubectl.ts';

/* What several failures do in the same way. */

const PREFIX = 'azure.workload.identity/';
export const CLIENT_ID = `${PREFIX}client-id`;
export const TENANT_ID = `${PREFIX}tenant-id`;
export const USE = `${PREFIX}use`;

/** Changes annotations of the workload's ServiceAccount; null takes one away. */
export async function annotate(
  { kubectl }: BreakWorld,
  { account, namespace }: Workload,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  await kubectl.patch('ServiceAccount', account, namespace, { metadata: { annotations } });
}

/** The role assignments of a principal, whatever their scope. */
export const grantsOf = ({ slice }: BreakWorld, principalId: unknown) =>
  Object.entries(slice.assignments).filter(
    ([, { resource }]) => String(resource.properties.principalId).toLowerCase() === String(principalId).toLowerCase(),
  );

/** Takes a principal's roles away: those whose name begins so. */
export function takeRoles(world: BreakWorld, principalId: unknown, name = ''): void {
  for (const [key, { resource }] of grantsOf(world, principalId)) {
    const role = roleOf(String(resource.properties.roleDefinitionId));
    if (role?.name.startsWith(name)) delete world.slice.assignments[key];
  }
}

/** An entry of a vault's access policies that lets secrets be read. */
export const policyFor = (tenantId: string, objectId: unknown, more: Json = {}): Json => ({
  tenantId,
  objectId,
  permissions: { secrets: ['get', 'list'], keys: [], certificates: [] },
  ...more,
});

/** The vault decides by access policies; its owner, the caller, has one for everything. */
export function byPolicies({ resource }: VaultRecord, tenantId: string, policies: readonly Json[]): void {
  const own = policyFor(tenantId, CALLER.objectId, {
    permissions: { secrets: ['all'], keys: ['all'], certificates: ['all'] },
  });
  resource.properties.enableRbacAuthorization = false;
  resource.properties.accessPolicies = [own, ...policies];
}

/** The identity was deleted and made anew under its name: other ids, and the old principal is gone. */
export function reissue({ slice }: BreakWorld, identity: IdentityRecord): { readonly before: string } {
  const { properties, name } = identity.resource;
  const before = String(properties.principalId);
  delete slice.principals[before.toLowerCase()];
  properties.clientId = randomUUID();
  properties.principalId = randomUUID();
  slice.principals[String(properties.principalId)] = { kind: 'ServicePrincipal', name, arrivesAt: 0 };
  return { before };
}

/** Where a workload says a client id, whichever its method: an annotation, or a parameter of its class. */
export async function setClientId(world: BreakWorld, workload: Workload, clientId: string): Promise<void> {
  if (workload.method !== 'csi') return annotate(world, workload, { [CLIENT_ID]: clientId });
  await setParameters(world, await workload.object('SecretProviderClass'), { clientID: clientId });
}

/** Where it says a tenant. */
export async function setTenant(world: BreakWorld, workload: Workload, tenantId: string): Promise<void> {
  switch (workload.method) {
    case 'csi':
      return setParameters(world, await workload.object('SecretProviderClass'), { tenantID: tenantId });
    case 'external-secrets':
      return setStore(world, await workload.object('SecretStore'), { tenantId });
    default:
      return annotate(world, workload, { [TENANT_ID]: tenantId });
  }
}

export async function setParameters(
  { kubectl }: BreakWorld,
  { metadata }: KubeObject,
  parameters: Readonly<Record<string, string | null>>,
): Promise<void> {
  await kubectl.patch('SecretProviderClass', metadata.name, metadata.namespace, { spec: { parameters } });
}

export async function setStore({ kubectl }: BreakWorld, { metadata }: KubeObject, azurekv: Json): Promise<void> {
  await kubectl.patch('SecretStore', metadata.name, metadata.namespace, { spec: { provider: { azurekv } } });
}

/** One of the objects that a SecretProviderClass or an ExternalSecret names, written otherwise. */
export async function setFirstObject(
  world: BreakWorld,
  workload: Workload,
  change: { readonly name?: string; readonly type?: 'secret' | 'key' | 'cert'; readonly version?: string },
): Promise<void> {
  if (workload.method === 'csi') {
    const found = await workload.object('SecretProviderClass');
    let objects = String(found.spec.parameters.objects);
    const set = (field: string, value: string | undefined) => {
      if (value === undefined) return;
      const line = new RegExp(`^(\\s*)${field}:.*$`, 'm');
      const name = /^(\s*)objectName:.*$/m;
      objects = line.test(objects)
        ? objects.replace(line, `$1${field}: ${value}`)
        : objects.replace(name, `$&\n$1${field}: "${value}"`);
    };
    set('objectName', change.name);
    set('objectType', change.type);
    set('objectVersion', change.version);
    return setParameters(world, found, { objects });
  }
  if (workload.method !== 'external-secrets') throw new CannotBreak('no object in the cluster names its secrets');
  const { metadata, spec } = await workload.object('ExternalSecret');
  const [first, ...others] = structuredClone(spec.data) as { remoteRef: { key: string; version?: string } }[];
  if (!first) throw new CannotBreak('its ExternalSecret names no secret');
  const { remoteRef } = first;
  const [, type = 'secret', name = ''] = /^(?:(secret|key|cert)\/)?(.*)$/.exec(remoteRef.key) ?? [];
  remoteRef.key = `${change.type ?? type}/${change.name ?? name}`;
  if (change.version !== undefined) remoteRef.version = change.version;
  await world.kubectl.patch('ExternalSecret', metadata.name, metadata.namespace, {
    spec: { data: [first, ...others] },
  });
}
