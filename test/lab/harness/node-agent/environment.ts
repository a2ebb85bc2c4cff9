import { fieldOf } from './fields.ts';
import type { Container, EnvVar, KeyRef, Pod } from './model.ts';
import { MountError, type Node } from './node.ts';
import { keysOf } from './volumes.ts';

/** A container cannot be made of what the pod says: `CreateContainerConfigError`, with the kubelet's words. */
export class ConfigError extends Error {}

type Env = Readonly<Record<string, string>>;

/** Variables of a container: the API server's address, `envFrom`, then `env`, each knowing the ones before. */
export async function environmentOf(node: Node, pod: Pod, container: Container): Promise<Env> {
  const env: Record<string, string> = {
    HOSTNAME: pod.metadata.name,
    KUBERNETES_SERVICE_HOST: node.apiHost,
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
  };
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (!ref) continue;
    const data = await dataOf(node, pod, configMapRef ? 'configmap' : 'secret', ref.name, ref.optional === true);
    for (const [key, bytes] of data ?? []) env[`${prefix}${key}`] = bytes.toString();
  }
  for (const each of container.env ?? []) {
    const value = await variable(node, pod, each, env);
    if (value !== undefined) env[each.name] = value;
  }
  return env;
}

async function variable(node: Node, pod: Pod, { value, valueFrom }: EnvVar, env: Env): Promise<string | undefined> {
  if (!valueFrom) return expanded(value ?? '', env);
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) {
    const field = fieldOf(node, pod, fieldRef.fieldPath);
    if (field === undefined) throw new ConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`);
    return field;
  }
  if (configMapKeyRef) return keyOf(node, pod, 'configmap', configMapKeyRef);
  if (secretKeyRef) return keyOf(node, pod, 'secret', secretKeyRef);
  throw new ConfigError(`the lab's node has no variables from ${Object.keys(valueFrom).join(', ')}`);
}

async function keyOf(node: Node, pod: Pod, what: 'configmap' | 'secret', ref: KeyRef): Promise<string | undefined> {
  const optional = ref.optional === true;
  const data = await dataOf(node, pod, what, ref.name, optional);
  const bytes = data?.get(ref.key);
  if (bytes || optional) return bytes?.toString();
  const kind = what === 'configmap' ? 'ConfigMap' : 'Secret';
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`);
}

const dataOf = (...[node, pod, what, name, optional]: Parameters<typeof keysOf>) =>
  keysOf(node, pod, what, name, optional).catch((error: unknown) => {
    throw error instanceof MountError ? new ConfigError(error.message) : error;
  });

/** `$(NAME)` of a variable that is known is its value, `$$(NAME)` is `$(NAME)`, and any other stays as it is. */
export const expanded = (text: string, env: Env): string =>
  text.replace(/\$(\$|\(([^()]+)\))/g, (all, rest: string, name: string | undefined) =>
    rest === '$' ? '$' : (env[name ?? ''] ?? all),
  );
