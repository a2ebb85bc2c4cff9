import type { Cluster } from './cluster.ts';
import { kindNamed } from './kinds.ts';
import type { Container, EnvVar, Pod, Secret } from './model.ts';
import { fieldOf } from './volumes.ts';

/** Why a container cannot be made, in the words of its status (`CreateContainerConfigError`). */
export class ConfigError extends Error {}

/** The environment that the manifest gives a container, with references resolved. */
export function environmentOf(cluster: Cluster, pod: Pod, container: Container): Record<string, string> {
  const { namespace } = pod.metadata;
  const env: Record<string, string> = {};
  const data = (kind: 'ConfigMap' | 'Secret', ref: { name: string; optional?: boolean }) => {
    const found = cluster.store.get(kindNamed(kind), namespace, ref.name) as Secret | undefined;
    if (!found) {
      if (ref.optional) return undefined;
      throw new ConfigError(`${kind.toLowerCase()} "${ref.name}" not found`);
    }
    const entries = Object.entries(found.data ?? {});
    return kind === 'Secret'
      ? Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
      : Object.fromEntries(entries);
  };
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const values = configMapRef ? data('ConfigMap', configMapRef) : secretRef ? data('Secret', secretRef) : undefined;
    for (const [key, value] of Object.entries(values ?? {})) env[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = resolve(variable);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  return env;

  function resolve(variable: EnvVar): string | undefined {
    const { valueFrom } = variable;
    if (!valueFrom) return variable.value ?? '';
    const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef) {
      const field = fieldOf(pod, fieldRef.fieldPath);
      if (field === undefined) throw new ConfigError(`the sandbox does not know the field ${fieldRef.fieldPath}`);
      return field;
    }
    const kind = secretKeyRef ? 'Secret' : 'ConfigMap';
    const ref = secretKeyRef ?? configMapKeyRef;
    if (!ref) throw new ConfigError(`the sandbox does not know this source of ${variable.name}`);
    const value = data(kind, ref)?.[ref.key];
    if (value === undefined && !ref.optional) {
      throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${namespace}/${ref.name}`);
    }
    return value;
  }
}

/** `$(NAME)` stands for an earlier variable, `$$` for a dollar; an unknown name stays as it is. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)\s]+)\)/g, (whole, name?: string) =>
    whole === '$$' ? '$' : (env[name ?? ''] ?? whole),
  );
}
