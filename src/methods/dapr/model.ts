import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Carrier, Container } from '../wiring/carrier.ts';
import { list, record, text } from '../wiring/shape.ts';

/*
 * Dapr's objects as the sidecar reads them: https://github.com/dapr/dapr (pkg/apis, pkg/injector) and
 * https://github.com/dapr/components-contrib (secretstores/azure/keyvault). Whatever is not what it should be reads as
 * nothing.
 */
export const API = 'dapr.io/v1alpha1';
export const STORE = 'secretstores.azure.keyvault';
export const SIDECAR = 'daprd';

export const ENABLED = 'dapr.io/enabled';
export const APP_ID = 'dapr.io/app-id';
export const APP_PORT = 'dapr.io/app-port';
export const CONFIG = 'dapr.io/config';
export const NO_BUILT_IN = 'dapr.io/disable-builtin-k8s-secret-store';
const PREFIX = 'dapr.io/';

/** A component that reads a Key Vault. */
export interface Component {
  readonly object: KubernetesObject;
  readonly name: string;
  readonly namespace?: string;
  readonly version: string;
  /** Applications that load it; none: all of the namespace. */
  readonly scopes: readonly string[];
  /** A setting by any of its names, in whatever case. `undefined` where it is not written out. */
  setting(...names: readonly string[]): string | undefined;
  /** Where it stands: `spec.metadata[1].value`. */
  pathOf(...names: readonly string[]): string;
}

export function componentOf(object: KubernetesObject): Component | undefined {
  if (object.kind !== 'Component' || !text(object.apiVersion)?.startsWith('dapr.io/')) return undefined;
  const spec = record(object.spec);
  if (spec.type !== STORE) return undefined;
  const { name, namespace } = record(object.metadata);
  const settings = list(spec.metadata).map(record);
  const at = (names: readonly string[]): number => {
    const wanted = names.map((each) => each.toLowerCase());
    return settings.findIndex((each) => wanted.includes(text(each.name)?.toLowerCase() ?? ''));
  };
  return {
    object,
    name: text(name) ?? '',
    ...(text(namespace) && { namespace: text(namespace)! }),
    version: text(spec.version) ?? '',
    scopes: list(object.scopes).flatMap((each) => text(each) ?? []),
    setting: (...names) => {
      const { value } = settings[at(names)] ?? {};
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : text(value);
    },
    pathOf: (...names) => (at(names) < 0 ? 'spec.metadata' : `spec.metadata[${at(names)}].value`),
  };
}

/** The bare name of the vault: an address is read by its first label, as a courtesy to components of old. */
export const vaultOf = (component: Component): string =>
  (component.setting('vaultName') ?? '').replace(/^https:\/\//i, '').split('.')[0] ?? '';

/** What the injector takes for yes. */
export const isTruthy = (value: string | undefined): boolean => /^(y|yes|true|t|on|1)$/i.test(value ?? '');

/** Something of Dapr is said to the pod, or to what makes it. */
export const isMeant = ({ annotations, object, spec }: Carrier): boolean =>
  [annotations, record(record(object.metadata).annotations), record(record(object.metadata).labels)].some((keys) =>
    Object.keys(keys).some((key) => key.startsWith(PREFIX)),
  ) || spec.containers.some(({ name }) => name === SIDECAR);

export const sidecarOf = ({ spec }: Carrier): Container | undefined =>
  spec.containers.find(({ name }) => name === SIDECAR);

/** By which components and Configurations know the application; a pod without one is known by its name. */
export const appIdOf = ({ annotations, object, path }: Carrier): string | undefined =>
  annotations[APP_ID] || (path === '' ? (text(record(object.metadata).name) ?? undefined) : undefined);

/** The value of a flag that the sidecar was started with. */
export function flagOf({ words }: Container, flag: string): string | undefined {
  const at = words.indexOf(flag);
  return at < 0 ? undefined : words[at + 1];
}
