import { randomUUID } from 'node:crypto';
import { notImplemented } from '../exchange.ts';
import {
  type ArmAnswers,
  type ArmCluster,
  type ArmVault,
  type Handler,
  type Parts,
  Refusal,
  type Reply,
  type Request,
} from '../parts.ts';
import { assignmentRoutes } from './assignments.ts';
import { clusterRoutes } from './clusters.ts';
import { refusal } from './errors.ts';
import { extensionRoutes, finishExtension } from './extensions.ts';
import { federationRoutes } from './federation.ts';
import { demandUngoverned, lockRoutes } from './governance.ts';
import { groupNotFound, groupRoutes, registered } from './groups.ts';
import { identityRoutes } from './identities.ts';
import { metadata } from './metadata.ts';
import { finish, issuerUrl } from './operations.ts';
import { demand, mayDo } from './rights.ts';
import { type Call, match, type Route, type Versions } from './routes.ts';
import { type ClusterRecord, type Json, type Operation, type Resource, record, sliceOf, text } from './store.ts';
import { purgeDate, vaultRoutes } from './vaults.ts';

const AUDIENCES = ['https://management.azure.com', 'https://management.core.windows.net'];

export interface Arm extends ArmAnswers {
  readonly handler: Handler;
  /** Brings about what time has brought: ends long operations, lets their cluster know, purges deleted vaults. */
  settle(): Promise<void>;
}

/** The simulated Resource Manager. */
export function createArm(
  parts: Parts,
  inside: {
    takeOperationError(): { code: string; message: string } | undefined;
    readonly waitedFor: ((milliseconds: number) => Promise<void>) | undefined;
    /** A deleted vault's time is up: what it held is gone. */
    purged(vaultName: string): void;
  },
): Arm {
  const slice = sliceOf(parts);
  const now = () => parts.clock.now().getTime();
  const { tenantId } = parts.state;

  /** Extensions whose operation is being ended: it takes the cluster's work, which asks here itself. */
  const ending = new Map<string, Promise<void>>();
  const endExtension = async (operation: Operation) => {
    const work = finishExtension(slice, parts.kubernetes, operation, (found) => clusterOf(found, tenantId));
    const ended = parts.busy(work).finally(() => ending.delete(operation.id));
    ending.set(operation.id, ended);
    await ended;
    parts.save();
  };

  const settle = async () => {
    for (const [name, deleted] of Object.entries(slice.deletedVaults)) {
      if (purgeDate(deleted) > now()) continue;
      delete slice.deletedVaults[name];
      inside.purged(name);
    }
    const due = Object.values(slice.operations).filter((operation) => !operation.done && operation.endsAt <= now());
    for (const operation of due) {
      if (operation.extension) {
        if (!ending.has(operation.id)) await endExtension(operation);
        continue;
      }
      const changed = finish(slice, tenantId, operation);
      parts.save();
      if (changed) await parts.busy(parts.kubernetes.clusterChanged(clusterOf(changed, tenantId)));
    }
  };
  /** Notices the end of an operation that nobody asks about. */
  const begun = (operation: Operation) => {
    void parts.clock.sleep(Math.max(operation.endsAt - now(), 0)).then(settle);
  };
  for (const operation of Object.values(slice.operations)) if (!operation.done) begun(operation);

  const routes: readonly Route[] = [
    ...clusterRoutes({
      ...inside,
      begun,
      settle,
      kubeconfig: (found) => parts.kubernetes.kubeconfig(clusterOf(found, tenantId)),
    }),
    ...extensionRoutes({
      ...inside,
      begun,
      async ended(id) {
        await settle();
        await ending.get(id);
      },
    }),
    ...vaultRoutes,
    ...federationRoutes,
    ...identityRoutes,
    ...assignmentRoutes,
    ...groupRoutes,
    ...lockRoutes,
  ];

  const answer = async (request: Request): Promise<Reply> => {
    if (request.method === 'GET' && /^\/metadata\/endpoints\/?$/i.test(request.path))
      return metadata(request, tenantId);
    const there = routes.flatMap((route) => {
      const params = match(route, request.path);
      return params ? [{ route, params }] : [];
    });
    const caller = await authenticated(request, parts);
    const found = there.find(({ route }) => route.method === request.method);
    if (!found) return notImplemented(request);
    const { route, params } = found;
    const version = versionOf(request, route.versions);
    if (params.s && params.s.toLowerCase() !== parts.state.subscriptionId.toLowerCase()) {
      throw refusal(404, 'SubscriptionNotFound', `The subscription '${params.s}' could not be found.`);
    }
    const call: Call = {
      request,
      params,
      query: request.query,
      body: bodyOf(request),
      version,
      caller,
      parts,
      slice,
      now: now(),
    };
    if (route.action !== '') demand(slice, call.now, caller, route.action, route.scope?.(params) ?? request.path);
    demandUngoverned(call);
    demandPlace(call, route);
    return route.run(call);
  };

  return {
    async handler(request) {
      const ids = {
        'x-ms-request-id': randomUUID(),
        'x-ms-correlation-request-id': request.headers['x-ms-correlation-request-id'] ?? randomUUID(),
        'x-ms-routing-request-id': `WESTEUROPE:${randomUUID()}`,
        'cache-control': 'no-cache',
      };
      const reply = await answer(request).catch((error: unknown) => {
        if (error instanceof Refusal) return error.reply;
        throw error;
      });
      return { ...reply, headers: { ...ids, ...reply.headers } };
    },
    settle,
    clusters: () =>
      Object.values(slice.clusters)
        .filter((found) => found.effective)
        .map((found) => clusterOf(found, tenantId)),
    vault(name) {
      const found = Object.values(slice.vaults).find(
        ({ resource }) => resource.name.toLowerCase() === name.toLowerCase(),
      );
      return found && vaultOf(found.resource, found.load ?? 0);
    },
    identityByClientId(clientId) {
      const found = Object.values(slice.identities).find(
        ({ resource, arrivesAt }) =>
          String(resource.properties.clientId) === clientId.toLowerCase() && arrivesAt <= now(),
      );
      if (!found) return undefined;
      const credentials = Object.values(found.credentials).flatMap(({ resource, arrivesAt, before }) => {
        const known = arrivesAt <= now() ? resource.properties : before;
        return known
          ? [
              {
                name: resource.name,
                issuer: String(known.issuer),
                subject: String(known.subject),
                audiences: known.audiences as string[],
              },
            ]
          : [];
      });
      return {
        id: found.resource.id,
        clientId: String(found.resource.properties.clientId),
        principalId: String(found.resource.properties.principalId),
        tenantId,
        credentials,
      };
    },
    mayDo: (principalId, action, scope, kind) => mayDo(slice, now(), principalId, action, scope, kind),
    principalMade(objectId, name, arrivesAt) {
      slice.principals[objectId] = { kind: 'ServicePrincipal', name, arrivesAt };
    },
    principalGone(objectId) {
      delete slice.principals[objectId];
    },
    principals() {
      const identities = new Map(
        Object.values(slice.identities).map(({ resource: { id, properties } }) => [
          String(properties.principalId).toLowerCase(),
          { id, clientId: String(properties.clientId) },
        ]),
      );
      return Object.entries(slice.principals).flatMap(([objectId, { kind, name, arrivesAt }]) => {
        if (arrivesAt > now()) return [];
        const identity = identities.get(objectId.toLowerCase());
        return [{ objectId, kind, name, ...(identity && { identity }) }];
      });
    },
  };
}

/** The caller of a bearer token for Resource Manager, or a 401 with its challenge. */
async function authenticated(request: Request, parts: Parts) {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const challenge = (code: string, message: string) =>
    refusal(401, code, message, {
      'www-authenticate': `Bearer authorization_uri="https://login.microsoftonline.com/${parts.state.tenantId}", error="invalid_token", error_description="${message}"`,
    });
  if (!token) {
    throw challenge('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
  }
  const caller = await parts.entra.verify(token);
  if (!caller) throw challenge('InvalidAuthenticationToken', 'The access token is invalid.');
  if (!AUDIENCES.includes(caller.audience.replace(/\/+$/, ''))) {
    throw challenge(
      'InvalidAuthenticationTokenAudience',
      `The access token has been obtained for wrong audience or resource '${caller.audience}'. It should exactly match ` +
        `with one of the allowed audiences '${AUDIENCES.map((one) => `${one}/`).join("','")}'.`,
    );
  }
  return caller;
}

function versionOf(request: Request, { type, known }: Versions): string {
  const version = request.query.get('api-version');
  if (!version) {
    throw refusal(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  if (known.includes(version)) return version;
  const list = known.join(', ');
  if (!/^\d{4}-\d{2}-\d{2}(-[a-z]+)?$/.test(version) || type.startsWith('Microsoft.Resources/')) {
    throw refusal(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${version}' is invalid. The supported versions are '${list}'.`,
    );
  }
  const name = type.split('/').slice(1).join('/');
  throw refusal(
    400,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location 'westeurope' and API version '${version}' for type '${name}'. ` +
      `The supported api-versions are '${list}'.`,
  );
}

function bodyOf(request: Request): Json {
  if (request.body === '') return {};
  try {
    const body: unknown = JSON.parse(request.body);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Json;
  } catch {
    // Refused below.
  }
  throw refusal(400, 'InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
}

/** The resource group is there, and for a write its provider is registered and the scope of a grant exists. */
function demandPlace(call: Call, route: Route): void {
  const { request, slice } = call;
  const inGroup = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/(providers\/([^/]+)\/[^/]+\/[^/]+)?/i.exec(
    request.path,
  );
  const [, group, , namespace] = inGroup ?? [];
  if (group && !slice.groups[group.toLowerCase()]) throw groupNotFound(group);
  const extension = /\/providers\/.+\/providers\/(Microsoft\.KubernetesConfiguration)\//i.exec(request.path)?.[1];
  for (const needed of extension ? [namespace, extension] : [namespace]) {
    // A provider that hangs on others' resources answers nothing at all before it is registered.
    if (!needed || (route.method !== 'PUT' && needed !== extension)) continue;
    if (/^Microsoft\.(Authorization|Resources)$/i.test(needed) || registered(call, needed)) continue;
    throw refusal(
      409,
      'MissingSubscriptionRegistration',
      `The subscription is not registered to use namespace '${needed}'. See https://aka.ms/rps-not-found for how to ` +
        'register subscriptions.',
    );
  }
  if (route.method !== 'PUT') return;
  const [, id, type, name] =
    /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/([^/]+\/[^/]+)\/([^/]+))\/.*providers\/Microsoft\.Authorization\//i.exec(
      request.path,
    ) ?? [];
  if (!id) return;
  const key = id.toLowerCase();
  if (slice.clusters[key] || slice.vaults[key] || slice.identities[key]) return;
  throw refusal(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found.`,
  );
}

function clusterOf(found: ClusterRecord, tenantId: string): ArmCluster {
  const { resource, effective } = found;
  const { properties } = resource;
  return {
    id: resource.id,
    name: resource.name,
    location: resource.location ?? '',
    fqdn: found.fqdn,
    issuer: effective?.oidcIssuer ? issuerUrl(found, tenantId) : `https://${found.fqdn}/`,
    oidcIssuer: effective?.oidcIssuer ?? false,
    workloadIdentity: effective?.workloadIdentity ?? false,
    keyVaultAddon: effective?.addon ?? { enabled: false, rotation: false, interval: '2m' },
    running: record(properties.powerState).code !== 'Stopped',
    kubernetesVersion: String(properties.currentKubernetesVersion ?? properties.kubernetesVersion),
    entra: properties.aadProfile !== undefined && properties.aadProfile !== null,
    nodeIdentities: [
      record(properties.identityProfile).kubeletidentity,
      ...Object.values(record(properties.addonProfiles)).map((addon) => record(addon).identity),
    ].flatMap((identity) => {
      const { clientId, objectId } = record(identity);
      return clientId ? [{ clientId: String(clientId), objectId: String(objectId) }] : [];
    }),
    metadataRestricted: record(properties.networkProfile).podLinkLocalAccess === 'None',
  };
}

function vaultOf({ id, name, location, properties }: Resource, load: number): ArmVault {
  const acls = record(properties.networkAcls);
  return {
    id,
    name,
    location: location ?? '',
    tenantId: text(properties.tenantId) ?? '',
    rbac: typeof properties.enableRbacAuthorization === 'boolean' ? properties.enableRbacAuthorization : null,
    load,
    accessPolicies: (properties.accessPolicies ?? []) as ArmVault['accessPolicies'],
    publicNetworkAccess: properties.publicNetworkAccess === 'Disabled' ? 'Disabled' : 'Enabled',
    networkAcls: {
      defaultAction: acls.defaultAction === 'Deny' ? 'Deny' : 'Allow',
      ipRules: (acls.ipRules ?? []) as { value: string }[],
    },
  };
}
