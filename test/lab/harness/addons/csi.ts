import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { binary, folderOf, programNamed } from '../../build/programs.ts';
import type { Lab, Live } from '../lab.ts';
import { programImage } from '../node-agent/images.ts';
import { startNodeAgent } from '../node-agent/index.ts';
import { until } from '../processes.ts';
import type { Addon } from './addon.ts';
import { livenessProbe, registrar } from './csi-sidecars.ts';

export const CSI_DRIVER = 'secrets-store.csi.k8s.io';
/** DaemonSets, and their accounts, as AKS calls them. */
export const DRIVER_SET = 'aks-secrets-store-csi-driver';
export const PROVIDER_SET = 'aks-secrets-store-provider-azure';
const UPSTREAM = 'secrets-store-csi-driver';
const MANAGED = { 'kubernetes.azure.com/managedby': 'aks', 'addonmanager.kubernetes.io/mode': 'Reconcile' };

/**
 * The add-on `azure-keyvault-secrets-provider`: the driver by its makers' manifests and the provider by its chart's, under
 * the names that AKS gives them, and with the tokens that AKS asks for. Both run as the pods of their DaemonSets.
 */
export const csi: Addon = {
  name: 'csi',
  wanted: ({ keyVaultAddon }) => keyVaultAddon.enabled,
  async install(lab) {
    const agent = await startNodeAgent(lab);
    const provider = binary('provider-azure');
    agent.image(programImage(/secrets-store\/driver:/, binary('secrets-store-csi-driver'), lab.ca));
    agent.image(programImage(/secrets-store\/provider-azure:/, provider, lab.ca));
    agent.image({ matches: /csi-node-driver-registrar:/, is: registrar(agent) });
    agent.image({ matches: /\/livenessprobe:/, is: livenessProbe });
    await lab.apply(...definitions());
    await lab.kubectl('wait --for=condition=Established crd --all --timeout=30s');
    await lab.apply(...manifests(lab), csiDriver(lab));
    await driverAnswers(lab);
  },
  // Another interval is another DaemonSet; all else of the cluster concerns it not.
  async changed(lab) {
    const set = manifests(lab).filter((each) => (each as Manifest).metadata.name === DRIVER_SET);
    const { interval } = lab.cluster().keyVaultAddon;
    if (await isRotating(lab, interval)) return;
    await lab.apply(...set, csiDriver(lab));
    await lab.kubectl(`rollout status daemonset/${DRIVER_SET} -n kube-system --timeout=60s`);
  },
};

/** Whether a ready pod of the driver has this interval. */
export async function isRotating(lab: Lab, interval: string): Promise<boolean> {
  const found = await lab.object<{ items: readonly Live[] } & Live>(`pods -n kube-system -l app=${UPSTREAM}`);
  return (found?.items ?? []).some((pod) => {
    const { containers } = pod.spec as unknown as { containers: readonly Container[] };
    const { conditions = [] } = pod.status as { conditions?: readonly { type: string; status: string }[] };
    const args = containers.flatMap((each) => each.args ?? []);
    const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    return isReady && !pod.metadata.deletionTimestamp && args.includes(`--rotation-poll-interval=${interval}`);
  });
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly template: { readonly metadata: object; readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
}

const read = (...path: readonly string[]) =>
  parseAllDocuments(readFileSync(join(folderOf(programNamed('csi-driver')), ...path), 'utf8')).map(
    (each) => each.toJS() as Manifest,
  );

const definitions = (): readonly Manifest[] =>
  readdirSync(join(folderOf(programNamed('csi-driver')), 'config/crd/bases')).flatMap((name) =>
    read('config/crd/bases', name),
  );

/** The driver with its accounts and roles, that for synchronized Secrets too; and the provider. */
function manifests(lab: Lab): readonly object[] {
  const files = ['rbac-secretproviderclass.yaml', 'rbac-secretprovidersyncing.yaml', 'secrets-store-csi-driver.yaml'];
  const own = files.flatMap((name) => read('deploy', name)).map((each) => namedByAks(each));
  return [...own.map((each) => (each.kind === 'DaemonSet' ? driverSet(lab, each) : each)), ...provider()];
}

/** Accounts and roles bear the add-on's names. */
function namedByAks(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest)
    .replaceAll(`"name":"${UPSTREAM}"`, `"name":"${DRIVER_SET}"`)
    .replaceAll(`"serviceAccountName":"${UPSTREAM}"`, `"serviceAccountName":"${DRIVER_SET}"`)
    .replaceAll('"name":"csi-secrets-store"', `"name":"${DRIVER_SET}"`)
    .replaceAll('"app":"csi-secrets-store"', `"app":"${UPSTREAM}"`)
    .replaceAll('"name":"secretprovider', '"name":"aks-secretprovider');
  const named = JSON.parse(text) as Manifest;
  return { ...named, metadata: { ...named.metadata, labels: { ...named.metadata.labels, ...MANAGED } } };
}

function driverSet(lab: Lab, set: Manifest): object {
  const { rotation, interval } = lab.cluster().keyVaultAddon;
  const { spec } = set;
  if (!spec) throw new Error('the driver has no DaemonSet');
  const changed = (arg: string): string => {
    const [flag] = arg.split('=');
    if (flag === '--enable-secret-rotation') return `${flag}=${rotation}`;
    if (flag === '--rotation-poll-interval') return `${flag}=${interval}`;
    // All pods share one network, in which this port has been taken.
    return flag === '--metrics-addr' ? `${flag}=127.0.0.1:8097` : arg;
  };
  const containers = spec.template.spec.containers.map((each) => ({
    ...each,
    ...(each.name === 'secrets-store' && {
      image: 'mcr.microsoft.com/oss/v2/kubernetes-csi/secrets-store/driver:v1.6.0',
      args: [...(each.args ?? []).map(changed), '-v=5'],
    }),
  }));
  return { ...set, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } } };
}

/** As its chart makes it: https://github.com/Azure/secrets-store-csi-driver-provider-azure, charts/…/provider-azure-installer.yaml */
function provider(): readonly object[] {
  const app = 'secrets-store-provider-azure';
  const metadata = { name: PROVIDER_SET, namespace: 'kube-system', labels: { app, ...MANAGED } };
  const container = {
    name: 'provider-azure-installer',
    image: 'mcr.microsoft.com/oss/v2/azure/secrets-store/provider-azure:v1.8.2',
    args: [
      ...['--endpoint=unix:///provider/azure.sock', '--construct-pem-chain=true', '-v=5'],
      ...['--healthz-port=8989', '--healthz-path=/healthz', '--healthz-timeout=5s'],
    ],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 8989 },
      ...{ failureThreshold: 3, initialDelaySeconds: 5, timeoutSeconds: 10, periodSeconds: 30 },
    },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsUser: 0 },
    volumeMounts: [{ name: 'provider-vol', mountPath: '/provider' }],
  };
  const spec = {
    serviceAccountName: PROVIDER_SET,
    hostNetwork: true,
    containers: [container],
    volumes: [{ name: 'provider-vol', hostPath: { path: '/var/run/secrets-store-csi-providers' } }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ operator: 'Exists' }],
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec } },
    },
  ];
}

/** What the driver's makers leave to whoever installs it, and AKS does: the audience that Entra wants. */
export function csiDriver(lab: Lab): object {
  const [made] = read('deploy', 'csidriver.yaml');
  if (!made) throw new Error('the driver has no CSIDriver');
  return {
    ...made,
    metadata: { ...made.metadata, labels: MANAGED },
    spec: {
      ...made.spec,
      requiresRepublish: lab.cluster().keyVaultAddon.rotation,
      tokenRequests: [{ audience: 'api://AzureADTokenExchange' }],
    },
  };
}

/** The node has the driver, and all pods of the DaemonSets are ready. */
export async function driverAnswers(lab: Lab, of: readonly string[] = [DRIVER_SET, PROVIDER_SET]): Promise<void> {
  let said = '';
  await until(
    'driver and provider run on the node',
    async () => {
      const csiNode = await lab.object<Live & { spec: { drivers: readonly { name: string }[] | null } }>(
        `csinode/${lab.plane.node.name}`,
      );
      const sets = await Promise.all(of.map((name) => lab.object<Live>(`daemonset/${name} -n kube-system`)));
      said = JSON.stringify([csiNode?.spec, ...sets.map((each) => each?.status)]);
      const registered = csiNode?.spec.drivers?.some(({ name }) => name === CSI_DRIVER);
      return registered === true && sets.every((each) => each?.status?.numberReady === 1);
    },
    () => said,
  );
}
