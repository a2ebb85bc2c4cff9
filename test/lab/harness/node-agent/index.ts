import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Lab } from '../lab.ts';
import type { run } from '../processes.ts';
import { until } from '../processes.ts';
import { ApiError, apiOf } from './api.ts';
import { AZURE_DNS, CLUSTER_DNS, startDns } from './dns.ts';
import { type KnownImage, nodeImage } from './images.ts';
import type { Container, Pod } from './model.ts';
import { now } from './model.ts';
import { KUBELET, MountError, type Node, type Token } from './node.ts';
import { type PodWorker, workOn } from './pod.ts';
import { schedule } from './scheduler.ts';
import { PORT, serve } from './server.ts';

/** The one node of the cluster, and a small kubelet for it: pods that are bound to it run as processes of this machine. */
export interface NodeAgent {
  readonly name: string;
  /** Another image: from now on pods with it are taken to this node. The first that matches counts. */
  image(known: KnownImage): void;
  /** A CSI driver registers, as by its registrar; `undefined` takes it back. The socket is a path of the node. */
  driver(name: string, socket: string | undefined): Promise<void>;
  /** Where a path of the node lies on this machine: what a hostPath volume leads to. */
  host(path: string): string;
  /** Runs a command in a container, as `kubectl exec` would. Throws where it does not run. */
  exec(namespace: string, pod: string, container: string, command: readonly string[]): ReturnType<typeof run>;
}

const agents = new WeakMap<Lab, Promise<NodeAgent>>();

/** Brings the node up, once for a lab. */
export function startNodeAgent(lab: Lab): Promise<NodeAgent> {
  const known = agents.get(lab) ?? begin(lab);
  agents.set(lab, known);
  return known;
}

/** Of the node, and the tunnel's end in AKS: an address of the nodes' network. */
const ADDRESS = '10.224.0.4';

async function begin(lab: Lab): Promise<NodeAgent> {
  const { plane, sandbox } = lab;
  const { name } = plane.node;
  const ca = sandbox.parts.access.ca;
  const { server, address: at } = plane;
  const admin = apiOf({ server, address: at, ca, token: plane.token });
  const api = apiOf({ server, address: at, ca, token: plane.node.token });
  const folder = join(lab.folder, 'node');
  mkdirSync(folder);
  mkdirSync(join(lab.folder, 'root'));
  // In memory, and gone with the lab: Secrets are in it. What a driver mounts in its own namespace is seen in all.
  for (const words of [`-t tmpfs -o mode=0755 node ${folder}`, `--make-shared ${folder}`])
    execFileSync('/usr/bin/mount', words.split(' '));
  const address = (ip: string) => execFileSync('/usr/sbin/ip', ['address', 'add', `${ip}/32`, 'dev', 'lo']);
  address(ADDRESS);
  for (const each of [CLUSTER_DNS, AZURE_DNS]) address(each);
  await startDns(lab.folder);
  const addresses = new Map<string, string>();
  const host = (path: string) => join(folder, path);
  mkdirSync(host(KUBELET), { recursive: true });

  const images: KnownImage[] = [nodeImage(lab.ca)];
  const drivers = new Map<string, string>();
  const workers = new Map<string, PodWorker>();
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.azure.com/agentpool': 'nodepool1',
    'topology.kubernetes.io/region': lab.cluster().location,
  };

  const node: Node = {
    name,
    ip: ADDRESS,
    api,
    apiHost: new URL(plane.server).hostname,
    host,
    logs: join(lab.folder, 'pods'),
    root: join(lab.folder, 'root'),
    drivers,
    imageOf: ({ image = '' }) => images.find(({ matches }) => matches.test(image))?.is,
    addressOf({ metadata: { uid = '' }, spec: { hostNetwork } }) {
      const known = addresses.get(uid);
      if (known) return known;
      if (hostNetwork) return ADDRESS;
      const fresh = `10.244.${Math.floor(addresses.size / 250)}.${(addresses.size % 250) + 4}`;
      addresses.set(uid, fresh);
      address(fresh);
      return fresh;
    },
    token: tokensOf(api),
    record: recorder(api, 'kubelet'),
    complain: (text) => appendFileSync(join(lab.folder, 'node-agent.log'), `${now()} ${text}\n`),
    async forget({ metadata }) {
      workers.delete(metadata.uid ?? '');
    },
  };

  const { gitVersion: version } = await api.get<{ gitVersion: string }>('/version');
  await register(api, name, labels, version);
  // The node's own controllers, that would take it away once the node reports, do not run in the lab.
  await admin.patch(`/api/v1/nodes/${name}`, { spec: { taints: null } });

  const tls = dirname(lab.ca);
  const find = (namespace: string, pod: string) =>
    [...workers.values()].find((each) => {
      const { metadata } = each.pod();
      return metadata.namespace === namespace && metadata.name === pod;
    });
  await serve({
    ...{ node, find },
    certificate: readFileSync(join(tls, 'server.pem'), 'utf8'),
    key: readFileSync(join(tls, 'server-key.pem'), 'utf8'),
  });
  api.follow<Pod>(`/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`, {
    seen(pod) {
      const { uid = '', deletionTimestamp } = pod.metadata;
      const known = workers.get(uid);
      if (!known) workers.set(uid, workOn(node, pod));
      if (known || deletionTimestamp) workers.get(uid)?.update(pod);
    },
    gone({ metadata: { uid = '' } }) {
      workers.get(uid)?.gone();
    },
  });
  const runs = ({ spec }: Pod) =>
    [...(spec.initContainers ?? []), ...spec.containers].every((each) => node.imageOf(each) !== undefined);
  let scheduler = schedule({ api: admin, node: name, labels, runs, record: recorder(admin, 'default-scheduler') });

  return {
    name,
    host,
    image(known) {
      images.unshift(known);
      // Pods that waited for it.
      scheduler.stop();
      scheduler = schedule({ api: admin, node: name, labels, runs, record: recorder(admin, 'default-scheduler') });
    },
    async driver(driver, socket) {
      if (socket) drivers.set(driver, socket);
      else drivers.delete(driver);
      const all = [...drivers.keys()].map((each) => ({ name: each, nodeID: name, topologyKeys: [] }));
      await api.patch(`/apis/storage.k8s.io/v1/csinodes/${name}`, { spec: { drivers: all } });
    },
    async exec(namespace, pod, container, command) {
      const living = find(namespace, pod)?.containers.find(
        (each: { container: Container }) => each.container.name === container,
      );
      if (!living?.running) throw new Error(`${namespace}/${pod} (${container}) does not run`);
      return living.running.exec(command);
    },
  };
}

async function register(
  api: ReturnType<typeof apiOf>,
  name: string,
  labels: Readonly<Record<string, string>>,
  version: string,
): Promise<void> {
  const condition = (type: string, status: string, reason: string, message: string) => ({
    ...{ type, status, reason, message, lastHeartbeatTime: now(), lastTransitionTime: now() },
  });
  const resources = { cpu: '4', memory: '16Gi', 'ephemeral-storage': '128Gi', pods: '250' };
  await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
  const { metadata } = await api.get(`/api/v1/nodes/${name}`);
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: {
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
      addresses: [
        { type: 'InternalIP', address: ADDRESS },
        { type: 'Hostname', address: name },
      ],
      capacity: resources,
      allocatable: resources,
      daemonEndpoints: { kubeletEndpoint: { Port: PORT } },
      nodeInfo: {
        ...{ kubeletVersion: version, operatingSystem: 'linux', architecture: 'amd64', osImage: 'aks-secrets lab' },
        ...{ containerRuntimeVersion: 'lab://1', kernelVersion: '', machineID: '', systemUUID: '', bootID: '' },
        kubeProxyVersion: '',
      },
    },
  });
  const owner = { apiVersion: 'v1', kind: 'Node', name, uid: metadata.uid };
  const csiNode = { metadata: { name, ownerReferences: [owner] }, spec: { drivers: [] } };
  await until('the node authorizer knows the node', async () => {
    await api.create('/apis/storage.k8s.io/v1/csinodes', csiNode);
    return true;
  });
}

/** Tokens as the kubelet keeps them: one for each pod, account and audience, until a fifth of its life is left. */
function tokensOf(api: ReturnType<typeof apiOf>): Node['token'] {
  const held = new Map<string, { readonly token: Token; readonly until: number }>();
  return async ({ metadata, spec }, audience, seconds) => {
    const account = spec.serviceAccountName ?? 'default';
    const key = JSON.stringify([metadata.uid, account, audience, seconds]);
    const known = held.get(key);
    if (known && Date.now() < known.until) return known.token;
    const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`;
    const asked = {
      spec: {
        ...(audience !== undefined && { audiences: [audience] }),
        ...(seconds !== undefined && { expirationSeconds: seconds }),
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
      },
    };
    const { status } = await api.create<{ status: Token }>(path, asked).catch((error: Error) => {
      throw new MountError(`failed to fetch token: ${error.message}`);
    });
    const { token, expirationTimestamp } = status;
    const life = Date.parse(expirationTimestamp) - Date.now();
    held.set(key, { token: { token, expirationTimestamp }, until: Date.now() + life * 0.8 });
    return { token, expirationTimestamp };
  };
}

/** Events; the same one again counts up, as client-go's correlator has it. */
function recorder(api: ReturnType<typeof apiOf>, component: string): Node['record'] {
  interface Recorded {
    readonly metadata: { readonly name: string };
    readonly count: number;
  }
  const known = new Map<string, Promise<Recorded>>();
  return ({ metadata }, type, reason, message) => {
    const { namespace, name, uid } = metadata;
    const key = JSON.stringify([uid, type, reason, message]);
    const path = `/api/v1/namespaces/${namespace}/events`;
    const before = known.get(key);
    const made = before
      ? before.then(({ metadata: { name: event }, count }) =>
          api.patch<Recorded>(`${path}/${event}`, { count: count + 1, lastTimestamp: now() }),
        )
      : api.create<Recorded>(path, {
          metadata: { name: `${name}.${process.hrtime.bigint().toString(16)}`, namespace },
          involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
          ...{ type, reason, message, count: 1, firstTimestamp: now(), lastTimestamp: now() },
          source: { component },
          reportingComponent: component,
          reportingInstance: '',
        });
    known.set(key, made);
    made.catch((error: unknown) => {
      known.delete(key);
      // The pod or its namespace has gone.
      if (!(error instanceof ApiError)) throw error;
    });
  };
}
