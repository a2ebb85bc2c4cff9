import { appendFileSync, chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ArmCluster, openSandbox, type Sandbox } from '../../../src/sandbox/index.ts';
import { binary } from '../build/programs.ts';
import { ADDONS, installDapr } from './addons/index.ts';
import { type ControlPlane, startControlPlane, startEtcd } from './control-plane.ts';
import { type Deployer, deployerOf } from './deployer.ts';
import { type Issuer, outsideCluster } from './outside-cluster.ts';
import { LAB } from './place.ts';
import { type Ended, run } from './processes.ts';

/** A real cluster, the sandbox as its Azure under the production names, and the program to act on both. */
export interface Lab {
  /** Of this run, gone with it. */
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly plane: ControlPlane;
  readonly deployer: Deployer;
  /** PEM file of the authority that the production names are certified by, for `SSL_CERT_FILE` and the like. */
  readonly ca: string;
  /** The cluster as Resource Manager has it now; without a name the first one. */
  cluster(name?: string): ArmCluster;
  /** Starts the API server of another cluster of the sandbox. */
  startCluster(name: string): Promise<ControlPlane>;
  /** Runs the program as the deployer, with flags for the cluster and subscription. */
  aksSecrets(
    words: string,
    more?: {
      readonly stdin?: string;
      readonly bare?: boolean;
      /** Besides, or instead of, what it is given always. */
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<Ended>;
  /** Runs `kubectl` as the administrator of the first cluster, or of that one. */
  kubectl(words: string, stdin?: string, of?: ControlPlane): Promise<Ended>;
  /** `kubectl apply` of objects or text; throws when it is refused. */
  apply(...objects: readonly (object | string)[]): Promise<void>;
  /** An object, or undefined when there is none: `object('secret/demo -n shop')`. */
  object<T = Live>(words: string): Promise<T | undefined>;
  /** Calls Resource Manager as the subscription's owner. */
  arm<T = unknown>(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: T }>;
  /** Another issuer, whose host leads to the sandbox: one of the region's. */
  publish(issuer: Issuer): void;
  /** Makes a name lead to an address, or to the sandbox: that of a vault which is not there yet. */
  resolve(name: string, address?: string): void;
}

/** What is looked at of any object. */
export interface Live {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

const FIRST = 'demo-aks';
/** Names that lead to the sandbox from the beginning. */
const NAMES = [
  ...['management.azure.com', 'login.microsoftonline.com', 'graph.microsoft.com'],
  ...['westeurope.oic.prod-aks.azure.com', 'demo-kv.vault.azure.net'],
];

let lab: Promise<Lab> | undefined;

/** The one lab of this run, started when it is first asked for. */
export function theLab(): Promise<Lab> {
  lab ??= begin();
  return lab;
}

async function begin(): Promise<Lab> {
  if (!LAB) throw new Error('the lab runs inside its own namespaces: npm run test:lab');
  const { folder } = LAB;
  const { issuer: pipeline, deployer, register } = await deployerOf(folder);
  const clusters = new Map<string, { readonly plane: ControlPlane; readonly issuer: Issuer }>();
  const others: Issuer[] = [];
  const installed = new Set<string>();
  const sandbox = await openSandbox({
    dir: join(folder, 'azure'),
    port: 443,
    realClock: true,
    settings: { replication: 0, operation: 1000 },
    kubernetes: () =>
      outsideCluster({
        kubeconfig: ({ name }) => clusters.get(name)?.plane.kubeconfig ?? '',
        issuers: () => [pipeline, ...others, ...[...clusters.values()].map(({ issuer }) => issuer)],
        async changed(arm) {
          // What the second cluster gets is for the case that has it.
          if (arm.name !== FIRST) return;
          for (const addon of ADDONS) {
            if (!addon.wanted(arm)) continue;
            const isNew = !installed.has(addon.name);
            installed.add(addon.name);
            await (isNew ? addon.install(await theLab()) : addon.changed?.(await theLab()));
          }
        },
        async installDapr(arm, release) {
          await installDapr(await theLab(), arm, release);
          return undefined;
        },
      }),
  });
  register(sandbox);
  // Containers that are not root's read it too.
  chmodSync(sandbox.caFile, 0o644);
  const resolve = (name: string, address = '127.0.0.1') =>
    appendFileSync(join(folder, 'hosts'), `${address} ${name}\n`);
  for (const name of NAMES) resolve(name);

  const { tenantId } = sandbox.parts.state;
  const cluster = (name = FIRST) => sandbox.parts.arm.clusters().find((each) => each.name === name)!;
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const path = [dirname(binary('kubectl')), dirname(process.execPath), '/usr/bin', '/bin'].join(':');

  const startCluster: Lab['startCluster'] = async (name) => {
    const { fqdn, id } = cluster(name);
    const number = clusters.size;
    const address = `127.0.0.${3 + number}`;
    resolve(fqdn, address);
    const { issuerId } = sandbox.place.slice.clusters[id.toLowerCase()]!;
    const url = `https://westeurope.oic.prod-aks.azure.com/${tenantId}/${issuerId}/`;
    const azure = dirname(sandbox.caFile);
    const plane = await startControlPlane({
      ...{ folder, name, address, fqdn, issuer: url, controllersPort: 10257 + number },
      bin: { apiserver: binary('kube-apiserver'), controllers: binary('kube-controller-manager') },
      tls: {
        certificate: join(azure, 'server.pem'),
        key: join(azure, 'server-key.pem'),
        ca: sandbox.parts.access.ca,
      },
    });
    // As AKS does it: there is no such issuer before the feature is on.
    const published = async (rest: string) => {
      if (!cluster(name).oidcIssuer) return undefined;
      const { status, body } = await plane.get(`/${rest}`);
      return status === 200 ? body : undefined;
    };
    clusters.set(name, { plane, issuer: { url, published } });
    return plane;
  };

  await startEtcd(folder, binary('etcd'));
  const plane = await startCluster(FIRST);

  const kubectl: Lab['kubectl'] = (words, stdin, of = plane) => {
    const kubeconfig = join(folder, `${of.address}.kubeconfig`);
    // Once: another kubectl may be reading it.
    if (!existsSync(kubeconfig)) writeFileSync(kubeconfig, of.kubeconfig, { mode: 0o600 });
    return run(binary('kubectl'), split(words), {
      env: { KUBECONFIG: kubeconfig, HOME: home, PATH: path },
      ...(stdin !== undefined && { stdin }),
    });
  };

  return {
    ...{ folder, sandbox, plane, deployer, cluster, startCluster, resolve, kubectl },
    publish: (issuer) => others.push(issuer),
    ca: sandbox.caFile,
    async aksSecrets(words, { stdin, bare, env } = {}) {
      const flags = ['--cluster', FIRST, '--resource-group', 'demo-rg', '--subscription', sandbox.place.subscriptionId];
      const all = [...split(words), ...(bare ? [] : flags)];
      const ran = await run(process.execPath, [join(folder, 'program/dist/cli.js'), ...all], {
        cwd: folder,
        env: {
          PATH: path,
          HOME: home,
          NO_COLOR: '1',
          LANG: 'C.UTF-8',
          CI: 'true',
          NODE_EXTRA_CA_CERTS: sandbox.caFile,
          AZURE_CLIENT_ID: deployer.clientId,
          AZURE_TENANT_ID: tenantId,
          AZURE_FEDERATED_TOKEN_FILE: deployer.tokenFile,
          ...env,
        },
        ...(stdin !== undefined && { stdin }),
      });
      appendFileSync(join(folder, 'runs.log'), `$ aks-secrets ${words}\n${ran.out}${ran.err}exit ${ran.code}\n\n`);
      return ran;
    },
    async apply(...objects) {
      const text = objects.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n---\n');
      const { code, err } = await kubectl('apply --server-side --force-conflicts -f -', text);
      if (code !== 0) throw new Error(err);
    },
    async object<T>(words: string) {
      const { code, out, err } = await kubectl(`get ${words} -o json`);
      if (code === 0) return JSON.parse(out) as T;
      if (/\(NotFound\)/.test(err)) return undefined;
      throw new Error(err);
    },
    async arm<T>(method: string, pathAndQuery: string, body?: object) {
      const { parts } = sandbox;
      const url = new URL(pathAndQuery, 'https://management.azure.com');
      const credential = await sandbox.surroundings.credential();
      const { token } = await credential.getToken('https://management.azure.com/.default');
      const reply = await parts.dispatch({
        method,
        host: url.hostname,
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        headers: { host: url.hostname, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body ? JSON.stringify(body) : '',
      });
      return { status: reply.status, body: reply.body as T };
    },
  };
}

/** Words of a command line; what stands in single quotes is one. */
export const split = (words: string): string[] =>
  [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
