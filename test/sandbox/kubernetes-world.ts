import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { stringify } from 'yaml';
import { createKubernetes, type KubernetesPart } from '../../src/sandbox/kubernetes/index.ts';
import { stateOf } from '../../src/sandbox/kubernetes/open-cluster.ts';
import type { ArmCluster, Parts, Reply, Request } from '../../src/sandbox/parts.ts';
import { handMade, TENANT } from './hand-made.ts';

export const ISSUER = 'https://westeurope.oic.prod-aks.azure.com/tenant/cluster/';
export const CLIENT = '44444444-4444-4444-8444-444444444444';

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, looked into by tests
export type Json = any;

export interface ClusterWorld {
  readonly parts: Parts;
  readonly cluster: { -readonly [K in keyof ArmCluster]: ArmCluster[K] };
  readonly kubernetes: KubernetesPart;
  /** Secrets of the vault `demo-kv`: name → value and version. */
  readonly secrets: Map<string, { value: string; version: string }>;
  /** Subjects that Entra trusts. */
  readonly trusted: Set<string>;
  /** Everything that was dispatched. */
  readonly asked: Request[];
  /** Makes the vault or Entra answer this instead, for requests whose address contains the text. */
  readonly instead: Map<string, Reply>;
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Json; headers: Json }>;
  get(path: string): Promise<Json>;
  /** Server-side apply; `query` is added to manager `test` and strict validation. */
  apply(object: Json, query?: Record<string, string>): Promise<{ status: number; body: Json }>;
  /** Moves simulated time on, waking whoever is due in order, and lets the controllers work. */
  advance(milliseconds: number): Promise<void>;
  /** Looks again and again in real time, for what child processes do. */
  until<T>(look: () => Promise<T | undefined | false>): Promise<T>;
  events(reason?: string): Promise<Json[]>;
  /** As after the end of the program: a new part over the same state. */
  reopen(): Promise<void>;
}

/** Made once: a key of its own for each world would take longer than the test. */
const KEY = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid: 'key' };

const opened: (() => Promise<void>)[] = [];
/** After each test (`setup.ts`). */
export async function closeWorlds(): Promise<void> {
  for (const close of opened.splice(0)) await close();
}

const PLURALS: Record<string, string> = {
  SecretProviderClass: 'secretproviderclasses',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
};
const WIDE = ['Namespace', 'MutatingWebhookConfiguration', 'CSIDriver', 'ClusterSecretStore', 'ClusterRole'];

export function pathOf(object: Json, named = true): string {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = WIDE.includes(kind) ? '' : `/namespaces/${metadata.namespace}`;
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  return `${root}${scope}/${plural}${named ? `/${metadata.name}` : ''}`;
}

/** A cluster with everything switched on, beside an Entra and a vault made by hand, and namespace `shop`. */
export async function clusterWorld(more: Partial<ArmCluster> = {}): Promise<ClusterWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-pods-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, rootCertificates[0] ?? '');
  const made = handMade();
  const cluster: ClusterWorld['cluster'] = {
    id: '/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/demo',
    name: 'demo',
    location: 'westeurope',
    fqdn: 'demo.hcp.westeurope.azmk8s.io',
    issuer: ISSUER,
    oidcIssuer: true,
    workloadIdentity: true,
    keyVaultAddon: { enabled: true, rotation: true, interval: '2m' },
    running: true,
    kubernetesVersion: '1.33.5',
    entra: false,
    ...more,
  };
  let now = made.parts.clock.now().getTime();
  const sleepers = new Set<{ due: number; wake: () => void }>();
  const secrets = new Map([
    ['db-password', { value: 'marker-one', version: 'a'.repeat(32) }],
    ['api-key', { value: 'marker-two', version: 'b'.repeat(32) }],
  ]);
  const trusted = new Set(['system:serviceaccount:shop:orders']);
  const asked: Request[] = [];
  const instead = new Map<string, Reply>();
  made.vaults.push({
    id: '/vaults/demo-kv',
    name: 'demo-kv',
    location: 'westeurope',
    tenantId: TENANT,
    rbac: true,
    accessPolicies: [],
    publicNetworkAccess: 'Enabled',
    networkAcls: { defaultAction: 'Allow', ipRules: [] },
  });

  const dispatch = async (request: Request): Promise<Reply> => {
    asked.push(request);
    for (const [text, reply] of instead) if (`${request.host}${request.path}`.includes(text)) return reply;
    if (request.path.endsWith('/.well-known/openid-configuration')) return { status: 200, body: {} };
    if (request.path.endsWith('/.well-known/openid-configuration')) return { status: 200, body: {} };
    if (request.host === 'login.microsoftonline.com') {
      const form = new URLSearchParams(request.body);
      const claims = JSON.parse(Buffer.from(form.get('client_assertion')!.split('.')[1]!, 'base64url').toString());
      if (form.get('client_id') === CLIENT && trusted.has(claims.sub) && claims.iss === ISSUER) {
        return { status: 200, body: { access_token: 'access' } };
      }
      const description = `AADSTS700213: No matching federated identity record found for presented assertion subject '${claims.sub}'`;
      return { status: 401, body: { error: 'invalid_client', error_description: description, error_codes: [700213] } };
    }
    if (!request.headers.authorization) {
      const challenge = `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`;
      return { status: 401, headers: { 'WWW-Authenticate': challenge }, body: {} };
    }
    const [, , name = ''] = request.path.split('/');
    const secret = secrets.get(name);
    if (!secret) {
      const message = `A secret with (name/id) ${name} was not found in this key vault.`;
      return { status: 404, body: { error: { code: 'SecretNotFound', message } } };
    }
    const id = `https://demo-kv.vault.azure.net/secrets/${name}/${secret.version}`;
    return { status: 200, body: { value: secret.value, id, attributes: { enabled: true } } };
  };

  const parts: Parts = {
    ...made.parts,
    clock: {
      now: () => new Date(now),
      sleep: (milliseconds, signal) =>
        new Promise((resolve, reject) => {
          const sleeper = { due: now + milliseconds, wake: resolve };
          sleepers.add(sleeper);
          signal?.addEventListener('abort', () => {
            sleepers.delete(sleeper);
            reject(signal.reason);
          });
        }),
    },
    arm: { ...made.parts.arm, clusters: () => [cluster] },
    access: { proxyUrl: 'http://127.0.0.1:9', caFile, ca: 'CA', env: {} },
    dispatch,
  };
  stateOf(parts, cluster.id).signingKeys.push(KEY);
  let kubernetes = createKubernetes(parts);
  opened.push(async () => {
    await kubernetes.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const world: ClusterWorld = {
    parts,
    cluster,
    get kubernetes() {
      return kubernetes;
    },
    secrets,
    trusted,
    asked,
    instead,
    async ask(method, path, body, headers = {}) {
      const url = new URL(path, 'https://x');
      const token = JSON.parse(kubernetes.kubeconfig(cluster)).users[0].user.token;
      const request: Request = {
        method,
        host: cluster.fqdn,
        path: url.pathname,
        query: url.searchParams,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'user-agent': 'test/1',
          ...headers,
        },
        body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      };
      const reply = await kubernetes.handler(request, parts);
      return { status: reply.status, body: structuredClone(reply.body), headers: reply.headers ?? {} };
    },
    get: async (path) => (await world.ask('GET', path)).body,
    apply(object, query = {}) {
      const search = new URLSearchParams({ fieldManager: 'test', fieldValidation: 'Strict', ...query });
      const text = typeof object === 'string' ? object : stringify(object);
      const path = typeof object === 'string' ? query.path! : pathOf(object);
      search.delete('path');
      return world.ask('PATCH', `${path}?${search}`, text, { 'content-type': 'application/apply-patch+yaml' });
    },
    async advance(milliseconds) {
      await world.get('/version');
      const end = now + milliseconds;
      for (;;) {
        const next = [...sleepers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        now = Math.max(now, next.due);
        sleepers.delete(next);
        next.wake();
        await new Promise((resolve) => setImmediate(resolve));
        await world.get('/version');
      }
      now = end;
    },
    async until(look) {
      for (let tries = 0; tries < 500; tries += 1) {
        const seen = await look();
        if (seen) return seen;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error('it never came');
    },
    async events(reason) {
      const { items } = await world.get('/api/v1/namespaces/shop/events');
      return items.filter((event: Json) => !reason || event.reason === reason);
    },
    async reopen() {
      await kubernetes.stop();
      parts.state.kubernetes = JSON.parse(JSON.stringify(parts.state.kubernetes));
      kubernetes = createKubernetes(parts);
    },
  };
  await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders', namespace: 'shop' } });
  return world;
}

/** A Deployment `orders` of one container; what is given goes into the pod's spec and template metadata. */
export function deployment(spec: Json = {}, metadata: Json = {}): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'orders', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'orders' } },
      template: {
        metadata: { ...metadata, labels: { app: 'orders', ...metadata.labels } },
        spec: {
          serviceAccountName: 'orders',
          automountServiceAccountToken: false,
          containers: [{ name: 'app', image: 'registry.example/app:1' }],
          ...spec,
        },
      },
    },
  };
}
