import { entryOf } from '../../entry.ts';
import type { Kubernetes } from '../../kubernetes/kubernetes.ts';
import type { SecretRef } from '../../workload.ts';
import type { PodAround, Recognised } from '../method.ts';
import { CLIENT_ID, misspelt, PREFIX, TENANT_ID, USE } from '../wiring/keys.ts';
import { list, record, text, texts } from '../wiring/shape.ts';

/**
 * That the code signs in by itself, as labels, annotations and token show, and from which vault it reads, where a variable
 * says so. Which secrets it reads, no object says.
 */
export async function recognise(around: PodAround, kubernetes: Kubernetes): Promise<readonly Recognised[]> {
  const { pod, account, cloud } = around;
  const annotations = account?.metadata.annotations ?? {};
  const isWired =
    [pod.labels, pod.annotations].some((keys) => Object.keys(keys).some((key) => key.startsWith(PREFIX))) ||
    misspelt(pod.labels, USE) !== undefined ||
    annotations[CLIENT_ID] !== undefined ||
    misspelt(annotations, CLIENT_ID) !== undefined ||
    pod.spec.volumes.some(({ audiences }) => audiences.includes(cloud.federationAudience));
  if (!isWired) return [];
  const variables = await variablesOf(around, kubernetes);
  const said = (name: string): string | undefined => variables.find((each) => each.name === name)?.value || undefined;
  const clientId = annotations[CLIENT_ID] || said('AZURE_CLIENT_ID');
  const tenantId = annotations[TENANT_ID] || said('AZURE_TENANT_ID');
  const vaults = vaultsIn(variables, cloud.vaultSuffix);
  const common = {
    by: `ServiceAccount ${around.namespace}/${pod.spec.serviceAccountName}`,
    serviceAccount: pod.spec.serviceAccountName,
    ...(clientId && { clientId }),
    ...(tenantId && { tenantId }),
    ...{ answers: {}, names: {}, unseen: [] },
  };
  if (vaults.length === 0) return [{ ...common, secrets: [], faint: true }];
  const secrets = vaults.length === 1 ? secretsIn(said('SECRETS') ?? '') : [];
  return vaults.map((vault) => ({ ...common, vault, secrets }));
}

interface Said {
  readonly name: string;
  readonly value: string;
}

/** The variables of its containers whose values are no secrets: written out, or of a ConfigMap. */
async function variablesOf({ pod, namespace }: PodAround, kubernetes: Kubernetes): Promise<readonly Said[]> {
  const { containers, initContainers } = record(record(pod.path ? parentOf(pod) : pod.object).spec);
  const all = [...list(containers), ...list(initContainers)].map(record);
  const configMap = async (name: string | undefined): Promise<Readonly<Record<string, string>>> => {
    if (!name) return {};
    const found = await kubernetes.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }).catch(() => undefined);
    return texts(found?.data);
  };
  const read = all.flatMap(({ env, envFrom }) => [
    ...list(env).map(async (each): Promise<readonly Said[]> => {
      const { name, value, valueFrom } = record(each);
      const { name: from, key } = record(record(valueFrom).configMapKeyRef);
      const found = text(value) ?? (text(from) ? (await configMap(text(from)))[text(key) ?? ''] : undefined);
      return found === undefined ? [] : [{ name: text(name) ?? '', value: found }];
    }),
    ...list(envFrom).map(async (each): Promise<readonly Said[]> => {
      const { prefix, configMapRef } = record(each);
      const found = Object.entries(await configMap(text(record(configMapRef).name)));
      return found.map(([name, value]) => ({ name: `${text(prefix) ?? ''}${name}`, value }));
    }),
  ]);
  return (await Promise.all(read)).flat();
}

const parentOf = ({ object, path }: PodAround['pod']): Readonly<Record<string, unknown>> =>
  path.split('.').reduce<Readonly<Record<string, unknown>>>((at, step) => record(at[step]), object);

const NAME = /^[a-z][a-z0-9-]{1,22}[a-z0-9]$/i;

/** Vaults that a variable names, by their address anywhere in it, or by their bare name where it is called so. */
function vaultsIn(variables: readonly Said[], suffix: string): readonly string[] {
  const address = new RegExp(`https://([a-z0-9-]+)${suffix.replaceAll('.', '\\.')}(?![\\w-])`, 'gi');
  const addressed = variables.flatMap(({ value }) =>
    [...value.matchAll(address)].map(([, name]) => name!.toLowerCase()),
  );
  if (addressed.length > 0) return [...new Set(addressed)];
  const named = variables.filter(({ name }) => /key_?vault(_?name)?$|vault_?name$|^kv_?name$/i.test(name));
  return [...new Set(named.flatMap(({ value }) => (NAME.test(value) ? [value.toLowerCase()] : [])))];
}

const KINDS: Readonly<Record<string, SecretRef['kind']>> = {
  secrets: 'secret',
  keys: 'key',
  certificates: 'certificate',
};

/** As the sample says it: `secrets/db-password,keys/signing`. */
const secretsIn = (said: string): readonly SecretRef[] =>
  said.split(',').flatMap((path): readonly SecretRef[] => {
    const [, shelf = '', name = ''] = /^(secrets|keys|certificates)\/([0-9a-zA-Z-]+)$/.exec(path.trim()) ?? [];
    const kind = entryOf(KINDS, shelf);
    return kind ? [{ kind, name, as: name }] : [];
  });
