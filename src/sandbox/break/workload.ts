import { parse } from 'yaml';
import { type IdentityRecord, type Slice, sliceOf, type VaultRecord } from '../arm/store.ts';
import type { Parts } from '../parts.ts';
import { contentsOf } from '../vault/store.ts';
import { CannotBreak, METHODS, type Method, type PodTemplate, type Workload } from './break.ts';
import type { Kubectl, KubeObject } from './kubectl.ts';

/** Which workload is meant. Namespace absent: the one in which an account of that name is. */
export interface Wanted {
  readonly workload: string;
  readonly namespace?: string | undefined;
  readonly method?: Method | undefined;
}

/** What tells how a workload gets its secrets. */
interface Shape {
  readonly method: Method;
  readonly clientId: string;
  readonly vault: string;
  readonly secrets: readonly string[];
}

const CLIENT_ID = 'azure.workload.identity/client-id';
const USE = 'azure.workload.identity/use';

/** The workload by what the world holds. Throws `CannotBreak` with what to run first. */
export async function findWorkload(
  parts: Parts,
  kubectl: Kubectl,
  wanted: Wanted,
  settled: () => Promise<void>,
): Promise<Workload> {
  const slice = () => sliceOf(parts);
  const { account, deployments } = await accountOf(kubectl, wanted);
  const { name, namespace = '' } = account.metadata;
  const deployed = deployments[0];
  const shape = await shapeOf(kubectl, account, deployed, wanted.method);
  if (!shape) throw lacks(wanted, `${namespace}/${name} has nothing of the method ${wanted.method ?? 'that is known'}`);

  const deployment = async () => {
    const found = deployed && (await kubectl.get('Deployment', deployed.metadata.name, namespace));
    if (!found) throw lacks(wanted, `no Deployment runs as ${namespace}/${name}`, ' --sample');
    return found;
  };
  const pods = async () => {
    const all = await kubectl.list('Pod', namespace);
    return all.filter(({ spec }) => spec.serviceAccountName === name);
  };
  const scaled = async (replicas: number) => {
    const { metadata } = await deployment();
    await kubectl.patch('Deployment', metadata.name, namespace, { spec: { replicas } });
    await settled();
  };
  const identity = () => identityOf(slice(), shape.clientId, wanted);
  const vault = () => vaultNamed(slice(), shape.vault || vaultOf(slice(), identity()), wanted);
  const contents = () => contentsOf(vault().resource.name, parts);
  return {
    method: shape.method,
    namespace,
    account: name,
    clientId: shape.clientId,
    get secrets() {
      return shape.secrets.length > 0 ? shape.secrets : Object.values(contents().secrets).map((entry) => entry.name);
    },
    deployment,
    pods,
    vault,
    identity,
    contents,
    async object(kind) {
      const found = await objectOf(kubectl, kind, account, deployed);
      if (!found) throw lacks(wanted, `${namespace} has no ${kind} for ${name}`);
      return (await kubectl.get(kind, found.metadata.name, namespace))!;
    },
    async restart() {
      for (const { metadata } of await pods()) await kubectl.remove('Pod', metadata.name, namespace);
      await settled();
    },
    async redeploy(change) {
      const replicas = (await deployment()).spec.replicas ?? 1;
      await scaled(0);
      const now = structuredClone(await deployment());
      const template = now.spec.template as PodTemplate;
      template.metadata ??= {};
      change(template);
      await kubectl.replace(now);
      await scaled(replicas);
    },
  };
}

/** The account of that name, or the one of the Deployment that is called so. */
async function accountOf(kubectl: Kubectl, wanted: Wanted) {
  const all = await kubectl.list('ServiceAccount', wanted.namespace);
  const running = (await kubectl.list('Deployment', wanted.namespace)).filter(
    ({ metadata }) => metadata.name === wanted.workload,
  );
  const named = all.filter(({ metadata }) => metadata.name === wanted.workload);
  const used = all.filter(({ metadata }) =>
    running.some(
      (each) =>
        each.metadata.namespace === metadata.namespace && each.spec.template.spec.serviceAccountName === metadata.name,
    ),
  );
  const accounts = named.length > 0 ? named : used;
  const [account] = accounts;
  if (!account) throw lacks(wanted, `there is no ServiceAccount ${wanted.workload}`);
  if (accounts.length > 1) {
    const where = accounts.map(({ metadata }) => metadata.namespace).join(', ');
    throw new CannotBreak(`${wanted.workload} is in several namespaces (${where}): name one as NAMESPACE/NAME`);
  }
  const deployed = await kubectl.list('Deployment', account.metadata.namespace);
  const deployments = deployed.filter(({ spec }) => spec.template.spec.serviceAccountName === account.metadata.name);
  return { account, deployments };
}

async function shapeOf(
  kubectl: Kubectl,
  account: KubeObject,
  deployed: KubeObject | undefined,
  only: Method | undefined,
): Promise<Shape | undefined> {
  const mine = (kind: string) => objectOf(kubectl, kind, account, deployed);
  const clientId = account.metadata.annotations?.[CLIENT_ID] ?? '';
  const said = (variable: string): string[] => {
    const containers = (deployed?.spec.template.spec.containers ?? []) as {
      env?: { name: string; value?: string }[];
    }[];
    const value = containers.flatMap(({ env = [] }) => env).find((each) => each.name === variable)?.value;
    return (value ?? '').split(',').flatMap((each) => each.trim().replace(/^.*\//, '') || []);
  };
  const shapes: Readonly<Record<Method, () => Promise<Shape | undefined>>> = {
    async csi() {
      const found = await mine('SecretProviderClass');
      if (!found) return undefined;
      const { clientID = '', keyvaultName = '', objects = '' } = found.spec.parameters;
      const array = ((parse(objects) as { array?: string[] })?.array ?? []).map((each) => parse(each));
      const secrets = array.filter(({ objectType = 'secret' }) => objectType === 'secret');
      return {
        method: 'csi',
        clientId: clientID,
        vault: keyvaultName,
        secrets: secrets.map((each) => each.objectName),
      };
    },
    async dapr() {
      const found = await mine('Component');
      if (found?.spec.type !== 'secretstores.azure.keyvault') return undefined;
      const vault = (found.spec.metadata as { name: string; value: string }[]).find(
        (each) => each.name === 'vaultName',
      );
      return { method: 'dapr', clientId, vault: vault?.value ?? '', secrets: said('SECRETS') };
    },
    async 'external-secrets'() {
      const store = await mine('SecretStore');
      const external = await mine('ExternalSecret');
      if (!store || !external) return undefined;
      const vault = /^https:\/\/([^.]+)\./.exec(store.spec.provider?.azurekv?.vaultUrl ?? '')?.[1] ?? '';
      const keys = ((external.spec.data ?? []) as { remoteRef: { key: string } }[]).map(
        ({ remoteRef }) => remoteRef.key,
      );
      const secrets = keys.flatMap((key) => (/^(key|cert)\//.test(key) ? [] : key.replace(/^secret\//, '')));
      return { method: 'external-secrets', clientId, vault, secrets };
    },
    async 'workload-identity'() {
      if (!clientId || (deployed && deployed.spec.template.metadata?.labels?.[USE] !== 'true')) return undefined;
      const containers = (deployed?.spec.template.spec.containers ?? []) as {
        env?: { name: string; value?: string }[];
      }[];
      const uri = containers
        .flatMap(({ env = [] }) => env)
        .find((each) => /\.vault\.azure\.net/.test(each.value ?? ''));
      const vault = /^https:\/\/([^.]+)\./.exec(uri?.value ?? '')?.[1] ?? '';
      return { method: 'workload-identity', clientId, vault, secrets: said('SECRETS') };
    },
  };
  // Dapr's pods bear what those of workload identity bear, so the last is asked last.
  const order: readonly Method[] = only ? [only] : [...METHODS.slice(1), METHODS[0]!];
  for (const method of order) {
    const shape = await shapes[method]();
    if (shape) return shape;
  }
  return undefined;
}

/** The object of a kind that serves the workload; the only one of the namespace does. */
async function objectOf(
  kubectl: Kubectl,
  kind: string,
  { metadata }: KubeObject,
  deployed: KubeObject | undefined,
): Promise<KubeObject | undefined> {
  const all = await kubectl.list(kind, metadata.namespace);
  return all.find((each) => belongs(each, metadata.name, deployed)) ?? (all.length === 1 ? all[0] : undefined);
}

/** Whether an object serves the workload: it has its name, or its pods or its account name it. */
function belongs({ kind, metadata, spec }: KubeObject, account: string, deployed: KubeObject | undefined): boolean {
  if (kind === 'SecretProviderClass') {
    const volumes = (deployed?.spec.template.spec.volumes ?? []) as {
      csi?: { volumeAttributes?: { secretProviderClass?: string } };
    }[];
    const named = volumes.some(({ csi }) => csi?.volumeAttributes?.secretProviderClass === metadata.name);
    if (named) return true;
  }
  if (kind === 'SecretStore' && spec.provider?.azurekv?.serviceAccountRef?.name === account) return true;
  return metadata.name === account;
}

function identityOf(slice: Slice, clientId: string, wanted: Wanted): IdentityRecord {
  const found = Object.values(slice.identities).find(({ resource }) => resource.properties.clientId === clientId);
  if (!found) throw lacks(wanted, `no identity has the client id ${clientId || '(none)'}`);
  return found;
}

/** The vault at which it has a role. */
function vaultOf(slice: Slice, { resource }: IdentityRecord): string {
  const scopes = Object.values(slice.assignments).flatMap(({ resource: { properties } }) =>
    properties.principalId === resource.properties.principalId ? [String(properties.scope)] : [],
  );
  return scopes.flatMap((scope) => /\/vaults\/([^/]+)/i.exec(scope)?.[1] ?? [])[0] ?? '';
}

function vaultNamed(slice: Slice, name: string, wanted: Wanted): VaultRecord {
  const found = Object.values(slice.vaults).find(({ resource }) => resource.name.toLowerCase() === name.toLowerCase());
  if (!found) throw lacks(wanted, `there is no vault ${name || 'that it reads'}`);
  return found;
}

/** What to run first, for a world that is not so far. */
function lacks({ workload, namespace, method }: Wanted, what: string, more = ''): CannotBreak {
  const named = workload === 'demo' ? '' : ` --workload ${workload}${namespace ? ` --namespace ${namespace}` : ''}`;
  return new CannotBreak(what, `aks-secrets init --sandbox --method ${method ?? 'csi'}${named}${more} --yes`);
}
