import type { Cluster } from '../cluster.ts';
import { kindNamed, kindOf } from '../kinds.ts';
import type { Resource, Secret } from '../model.ts';
import type { Settings, Surroundings } from './credentials.ts';
import { API } from './definitions.ts';
import { keyVault, type SecretStore } from './key-vault.ts';

/** A component as the operator hands it to a sidecar. */
interface Component extends Resource {
  scopes?: string[];
  auth?: { secretStore?: string };
  spec: {
    type: string;
    version: string;
    ignoreErrors?: boolean;
    metadata?: { name: string; value?: unknown; secretKeyRef?: { name: string; key: string } }[];
  };
}

/** What a sidecar has loaded. */
export interface Loaded {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly store: SecretStore;
}

/** Why daprd does not start. */
export class InitError extends Error {}

/** Those of the namespace whose scopes name the app, or that have none. */
export function componentsFor({ store }: Cluster, namespace: string, appId: string): Component[] {
  const kind = kindOf(store, { ...API, kind: 'Component' });
  const all = kind ? (store.list(kind, namespace) as readonly Component[]) : [];
  return all.filter(({ scopes = [] }) => scopes.length === 0 || scopes.includes(appId));
}

/**
 * Starts one component.
 * @throws InitError with the words of the runtime
 */
export function initialize(cluster: Cluster, component: Component, at: Surroundings): Loaded {
  const { name } = component.metadata;
  const { type, version } = component.spec;
  const category = CATEGORIES[type.split('.')[0] ?? ''];
  if (!category) throw new InitError(`incorrect type ${type}`);
  const logName = `${name} (${type}/${version})`;
  if (type !== 'secretstores.azure.keyvault' || !['', 'v0', 'v1'].includes(version)) {
    const why = `couldn't find ${category} ${type}/${version}`;
    throw new InitError(`[CREATE_COMPONENT_FAILURE]: initialization error occurred for ${logName}: ${why}`);
  }
  try {
    return { name, type, version, store: keyVault(settingsOf(cluster, component), at) };
  } catch (error) {
    throw failure(logName, (error as Error).message);
  }
}

/** What is said of a component that could not be initialized. */
export const failure = (logName: string, why: string) =>
  new InitError(`[INIT_COMPONENT_FAILURE]: initialization error occurred for ${logName}: ${why}`);

/** Of components that Dapr knows and the sandbox does not, daprd here says what it says of those that nobody knows. */
const CATEGORIES: Readonly<Record<string, string>> = {
  secretstores: 'secret store',
  state: 'state store',
  pubsub: 'message bus',
  bindings: 'binding',
  configuration: 'configuration store',
  lock: 'lock store',
  crypto: 'crypto provider',
  conversation: 'conversation',
  middleware: 'middleware',
  workflowbackend: 'workflow backend',
};

function settingsOf(cluster: Cluster, { metadata, spec, auth }: Component): Settings {
  const properties = new Map(
    (spec.metadata ?? []).map(({ name, value, secretKeyRef }) => {
      const text = secretKeyRef ? referred(cluster, metadata.namespace ?? '', secretKeyRef, auth?.secretStore) : value;
      return [name.toLowerCase(), text === undefined || text === null ? '' : String(text)] as const;
    }),
  );
  return (...names) => names.map((name) => properties.get(name.toLowerCase())).find((value) => value !== undefined);
}

/** The value of a `secretKeyRef`, which the operator reads from the namespace's Secrets. */
function referred(
  cluster: Cluster,
  namespace: string,
  { name, key }: { name: string; key: string },
  secretStore: string | undefined,
): string {
  if (secretStore && secretStore !== 'kubernetes') {
    throw new Error(`the sandbox reads a secretKeyRef from Kubernetes alone, not from the store ${secretStore}`);
  }
  const secret = cluster.store.get(kindNamed('Secret'), namespace, name) as Secret | undefined;
  if (!secret) throw new Error(`secrets "${name}" not found`);
  return Buffer.from(secret.data?.[key || name] ?? '', 'base64').toString();
}
