import type { Azure, Resource, SecretProperties } from '../../src/azure/azure.ts';
import { cloudOf } from '../../src/azure/clouds.ts';
import type { Kind, Kubernetes } from '../../src/kubernetes/kubernetes.ts';
import { assemble } from '../../src/methods/assemble.ts';
import { methods } from '../../src/methods/index.ts';
import type { Scope } from '../../src/methods/method.ts';
import type { Finding } from '../../src/step.ts';
import { readTemplate } from '../../src/templates.ts';
import { Problem } from '../../src/trouble.ts';
import type { Spec, Workload } from '../../src/workload.ts';
import type { World } from '../../src/world.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects as somebody writes them
export type Json = any;

export const CLIENT = '1b4e28ba-2fa1-11d2-883f-0016d3cca427';
export const PRINCIPAL = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
export const TENANT = '6fa459ea-ee8a-3ca4-894e-db77e160355e';
export const NOW = new Date('2026-11-22T12:00:00Z');

export const KNOWN = {
  clientId: CLIENT,
  principalId: PRINCIPAL,
  tenantId: TENANT,
  vaultUri: 'https://shop-kv.vault.azure.net',
};

const cloud = await cloudOf('AzurePublicCloud', () => Promise.reject(new Error('no metadata')));
const folder = new URL('../../templates', import.meta.url).pathname;

export const workload = (method: string, more: Partial<Workload> = {}): Workload => ({
  name: 'orders',
  namespace: 'shop',
  serviceAccount: 'orders',
  method,
  vault: { resourceGroup: 'shop-rg', name: 'shop-kv' },
  identity: { resourceGroup: 'shop-rg', name: 'orders-id' },
  secrets: [{ kind: 'secret', name: 'db-password', as: 'db-password' }],
  roleScope: 'vault',
  options: {},
  ...more,
});

/** Objects of a cluster, and what else a look may meet. */
export interface Around {
  readonly objects: readonly Json[];
  /** Kinds that the caller may not look at. */
  readonly denied?: readonly string[];
  /** By `pod/container`. */
  readonly logs?: Readonly<Record<string, string>>;
  /** API groups that are served. */
  readonly groups?: readonly string[];
  /** Versions in the vault, by `secrets/db-password`. */
  readonly versions?: Readonly<Record<string, readonly SecretProperties[]>>;
  readonly identities?: readonly { readonly name: string; readonly clientId: string }[];
  readonly cluster?: Json;
}

const fits = (labels: Json, selector: string | undefined): boolean =>
  !selector || selector.split(',').every((term) => labels?.[term.split('=')[0]!] === term.split('=')[1]);

/** A world of hand-written objects, which can only be looked at. */
export function worldOf(around: Around): World {
  const { objects, denied = [], groups = ['secrets-store.csi.x-k8s.io'] } = around;
  const seen = <T>({ kind }: Kind, found: () => T): Promise<T> =>
    denied.includes(kind)
      ? Promise.reject(new Problem('denied', kind, `You may not list ${kind}.`, { right: `list ${kind}` }))
      : Promise.resolve(found());
  const kubernetes: Partial<Kubernetes> = {
    get: (ref) =>
      seen(ref, () =>
        objects.find(
          ({ kind, metadata }) =>
            kind === ref.kind && metadata.name === ref.name && (metadata.namespace ?? '') === (ref.namespace ?? ''),
        ),
      ),
    list: (kind, namespace, selector) =>
      seen(kind, () =>
        objects.filter(
          (each) =>
            each.kind === kind.kind &&
            (!namespace || each.metadata.namespace === namespace) &&
            fits(each.metadata.labels, selector),
        ),
      ),
    log: async (_namespace, pod, _tail, container) => around.logs?.[`${pod}/${container}`] ?? '',
    versions: async (group) => (groups.includes(group) ? [`${group}/v1`] : []),
  };
  const shelf = (kind: string) => ({
    versions: async (_vault: string, name: string) => around.versions?.[`${kind}/${name}`] ?? [],
  });
  const azure = {
    secrets: shelf('secrets'),
    keys: shelf('keys'),
    certificates: shelf('certificates'),
    identities: {
      list: async () =>
        (around.identities ?? []).map(({ name, clientId }) => ({ id: name, name, properties: { clientId } })),
    },
    clusters: { get: async () => (around.cluster ?? { id: 'c', name: 'c', properties: {} }) as Resource },
  } as unknown as Azure;
  return {
    azure,
    kubernetes: kubernetes as Kubernetes,
    clock: { now: () => NOW, sleep: async () => undefined },
    signal: new AbortController().signal,
  } as unknown as World;
}

/** What the checks of a method find, those that follow from something broken left out. */
export async function examined(wanted: Workload, around: Around, scope: Scope = {}): Promise<readonly Finding[]> {
  const spec: Spec = {
    subscription: '00000000-0000-0000-0000-000000000001',
    cluster: { resourceGroup: 'shop-rg', name: 'shop-aks' },
    workloads: [wanted],
  };
  const { examine } = assemble(spec, {
    ...{ cloud, methods, grantSelf: false, keepGrant: false },
    template: (path) => readTemplate(folder, path),
  });
  const world = worldOf(around);
  const broken = new Set<string>();
  const all: Finding[] = [];
  for (const check of examine(scope)) {
    if (check.after.some((id) => broken.has(id))) {
      broken.add(check.id);
      continue;
    }
    const findings = await check.run(world, KNOWN).catch((error: unknown): readonly Finding[] => {
      if (!(error instanceof Problem) || error.trouble !== 'denied') throw error;
      return [{ check: check.id, title: check.title, verdict: 'unknown', right: error.right ?? '' }];
    });
    if (findings.some(({ verdict }) => verdict === 'fail')) broken.add(check.id);
    all.push(...findings);
  }
  return all;
}

/** Those that are not well. */
export const unwell = async (...of: Parameters<typeof examined>): Promise<readonly Finding[]> =>
  (await examined(...of)).filter(({ verdict }) => verdict !== 'pass');

const uid = (object: Json): string => `uid-${object.kind}-${object.metadata.name}`;
const owned = (owner: Json): Json => [
  { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: uid(owner) },
];

export const account = (annotations: Record<string, string> = {}, more: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'orders', namespace: 'shop', annotations, ...more },
});

export const deployment = (template: Json, metadata: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'orders', namespace: 'shop', uid: 'uid-Deployment-orders', ...metadata },
  spec: { replicas: 1, template },
});

/** The ReplicaSet and the pod of a Deployment, as controllers and webhooks leave them. */
export function madeBy(owner: Json, pod: Json = {}): readonly Json[] {
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `${owner.metadata.name}-7d4c`, namespace: 'shop', ownerReferences: owned(owner) },
    spec: { replicas: 1 },
    status: { replicas: 1 },
  } as Json;
  set.metadata.uid = uid(set);
  const { template } = owner.spec;
  const made = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${set.metadata.name}-abcde`,
      namespace: 'shop',
      creationTimestamp: '2026-11-22T11:00:00Z',
      labels: template.metadata?.labels,
      annotations: template.metadata?.annotations,
      ownerReferences: owned(set),
      ...pod.metadata,
    },
    spec: { nodeName: 'node-1', ...template.spec, ...pod.spec },
    status: pod.status ?? READY,
  } as Json;
  made.metadata.uid = uid(made);
  return [owner, set, made];
}

export const READY = {
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True' }],
  containerStatuses: [{ name: 'app', ready: true, state: { running: { startedAt: '2026-11-22T11:00:05Z' } } }],
};
