import type { Cluster } from '../cluster.ts';
import { kindOf } from '../kinds.ts';
import type { Resource } from '../model.ts';
import { InitError } from './components.ts';
import { API } from './definitions.ts';

interface Scope {
  readonly storeName: string;
  readonly defaultAccess?: string;
  readonly allowedSecrets?: readonly string[];
  readonly deniedSecrets?: readonly string[];
}

/** Whether the app may have a secret of a store. */
export type Policy = (store: string, secret: string) => boolean;

/**
 * The policy of the Configuration that `dapr.io/config` names. Of the rest of it (pipelines, API rules, tracing) nothing
 * is simulated.
 * @throws InitError when it is not there or its scopes are wrong: daprd does not start without what it was told to obey
 */
export function policyOf({ store }: Cluster, namespace: string, name: string | undefined): Policy {
  if (!name) return () => true;
  const wrong = (why: string) => new InitError(`error loading configuration: ${why}`);
  const kind = kindOf(store, { ...API, kind: 'Configuration' });
  const found = kind && store.get(kind, namespace, name);
  if (!found) {
    throw wrong(
      `rpc error: code = Unknown desc = error getting configuration: Configuration.dapr.io "${name}" not found`,
    );
  }
  const { spec } = found as Resource & { spec?: { secrets?: { scopes?: readonly Scope[] } } };
  const scopes = new Map<string, Scope>();
  for (const scope of spec?.secrets?.scopes ?? []) {
    if (scopes.has(scope.storeName)) throw wrong(`"${scope.storeName}" storeName is repeated in secrets configuration`);
    if (!/^(allow|deny)?$/i.test(scope.defaultAccess ?? '')) {
      throw wrong(`defaultAccess "${scope.defaultAccess}" can be either allow or deny`);
    }
    scopes.set(scope.storeName, scope);
  }
  return (storeName, secret) => {
    const scope = scopes.get(storeName);
    if (!scope) return true;
    const { allowedSecrets = [], deniedSecrets = [], defaultAccess } = scope;
    if (allowedSecrets.length > 0) return allowedSecrets.includes(secret);
    return !deniedSecrets.includes(secret) && defaultAccess?.toLowerCase() !== 'deny';
  };
}
