import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { kubeconfigOf } from './kubeconfig.ts';
import type { Lab } from './lab.ts';
import { type Api, apiOf } from './node-agent/api.ts';
import { run, type Started, start } from './processes.ts';

/*
 * A kubelet for what the cluster itself runs: a webhook, an operator. The pods that real controllers make of their
 * Deployments become plain processes here, with the arguments, the variables, the account and the mounted Secrets of their
 * manifests. That they are ready is their own probe's answer; what follows of it (Deployments, EndpointSlices) is done by
 * the real controllers. They have a node of their own, which no DaemonSet selects.
 */
export const SYSTEM_NODE = 'lab-system';

/** A program that pods of an image are. */
export interface PodProgram {
  /** Fits the pod's image. */
  readonly image: RegExp;
  readonly file: string;
  /** Of its log and in the table of memory, by its arguments. */
  name(args: readonly string[]): string;
  /**
   * All programs share one network and one root: arguments with other ports where those of the manifest would collide,
   * and the folders where mounted Secrets lie. `at` leads a mount path there.
   */
  args?(args: readonly string[], at: (mountPath: string) => string): readonly string[];
  /** Where it says that it is ready. Absent: it is once it runs. */
  probe?(args: readonly string[]): string | undefined;
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  readonly envFrom?: readonly { configMapRef?: { name: string } }[];
  readonly volumeMounts?: readonly { name: string; mountPath: string }[];
}

interface SystemPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly serviceAccountName?: string;
    readonly containers: readonly Container[];
    readonly volumes?: readonly { name: string; secret?: { secretName: string } }[];
  };
}

interface Hosted {
  readonly gone: AbortController;
  readonly ended: Promise<void>;
}

/** Addresses of these pods, so that the API server reaches webhooks through their Services as in a cluster. */
let addresses = 0;
const hosted = new Map<string, Hosted>();
let node: Promise<unknown> | undefined;

/** From now on the pods of a namespace whose images are known run here. Errors lie in `system-pods.log`. */
export async function hostPods(lab: Lab, namespace: string, programs: readonly PodProgram[]): Promise<void> {
  const api = adminOf(lab);
  node ??= makeNode(api);
  await node;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const note = (error: unknown) => writeFileSync(join(lab.folder, 'system-pods.log'), `${error}\n`, { flag: 'a' });
  const look = async () => {
    const { items } = await api.get<{ items: readonly SystemPod[] }>(path);
    for (const pod of items) {
      const { uid, deletionTimestamp, name } = pod.metadata;
      const known = hosted.get(uid);
      const program = programs.find(({ image }) => image.test(pod.spec.containers[0]?.image ?? ''));
      if (deletionTimestamp && known) {
        known.gone.abort();
        await known.ended;
        hosted.delete(uid);
        await api.remove(`${path}/${name}`, { gracePeriodSeconds: 0, preconditions: { uid } });
      } else if (program && !known && !deletionTimestamp && !pod.spec.nodeName) {
        const gone = new AbortController();
        const ended = host({ lab, api, namespace, pod, program, gone: gone.signal }).catch(note);
        hosted.set(uid, { gone, ended });
      }
    }
  };
  const loop = async (): Promise<void> => {
    await look().catch(note);
    setTimeout(loop, 200).unref();
  };
  void loop();
}

/** The API server, asked as the cluster's administrator. */
export const adminOf = ({ plane, sandbox }: Lab): Api =>
  apiOf({ server: plane.server, address: plane.address, ca: sandbox.parts.access.ca, token: plane.token });

async function makeNode(api: Api): Promise<void> {
  await api.create('/api/v1/nodes', { metadata: { name: SYSTEM_NODE }, spec: {} });
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }];
  await api.patch(`/api/v1/nodes/${SYSTEM_NODE}/status`, { status: { conditions } });
}

interface Hosting {
  readonly lab: Lab;
  readonly api: Api;
  readonly namespace: string;
  readonly pod: SystemPod;
  readonly program: PodProgram;
  readonly gone: AbortSignal;
}

/** One pod's life, until it is deleted: a process that ends by itself is started again. */
async function host(of: Hosting): Promise<void> {
  const { lab, api, namespace, pod, program, gone } = of;
  const { name, uid } = pod.metadata;
  const [container] = pod.spec.containers as readonly [Container];
  const ip = `10.244.200.${++addresses}`;
  await run('/usr/sbin/ip', ['address', 'add', `${ip}/32`, 'dev', 'lo']);
  await api.create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    metadata: { name },
    target: { apiVersion: 'v1', kind: 'Node', name: SYSTEM_NODE },
  });
  const folder = join(lab.folder, 'system-pods', uid);
  mkdirSync(folder, { recursive: true });
  const mounts = mountsOf(pod, container, folder);
  const command = [...(container.args ?? [])].map((arg) =>
    mounts.reduce((text, { mountPath, at }) => text.replace(mountPath, at), arg),
  );
  const at = (path: string) => mounts.find(({ mountPath }) => mountPath === path)?.at ?? path;
  const args = program.args?.(command, at) ?? command;
  const env = {
    ...(await variablesOf(of, container)),
    KUBECONFIG: await accountOf(of, folder),
    SSL_CERT_FILE: lab.ca,
    HOME: folder,
  };
  const probe = program.probe?.(args);
  for (let restarts = 0; !gone.aborted; restarts += 1) {
    await mirror(of, mounts);
    await report(of, { ip, restarts, ready: false });
    const started = await start(folder, { name: program.name(args), file: program.file, args, env });
    await watched(of, { started, probe, mounts, ip, restarts });
    await started.stop();
  }
}

/** Until it ends or the pod goes: its Secrets are kept in step, and its readiness is told when it changes. */
async function watched(
  of: Hosting,
  at: {
    readonly started: Started;
    readonly probe: string | undefined;
    readonly mounts: readonly Mount[];
    readonly ip: string;
    readonly restarts: number;
  },
): Promise<void> {
  const { started, probe, mounts, ip, restarts } = at;
  let told = false;
  while (!of.gone.aborted && runs(started.pid)) {
    await mirror(of, mounts);
    const ready = probe === undefined || (await answers(probe));
    if (ready !== told) await report(of, { ip, restarts, ready });
    told = ready;
    await delay(200);
  }
}

interface Mount {
  readonly mountPath: string;
  readonly at: string;
  readonly secret: string;
}

const mountsOf = ({ spec }: SystemPod, { volumeMounts = [] }: Container, folder: string): readonly Mount[] =>
  (spec.volumes ?? []).flatMap(({ name, secret }) => {
    const mount = volumeMounts.find((each) => each.name === name);
    if (!secret || !mount) return [];
    const at = join(folder, name);
    mkdirSync(at, { recursive: true });
    return [{ mountPath: mount.mountPath, at, secret: secret.secretName }];
  });

const written = new Map<string, string>();

/** Files of mounted Secrets, as they are now. */
async function mirror({ api, namespace }: Hosting, mounts: readonly Mount[]): Promise<void> {
  for (const { secret, at } of mounts) {
    const { data = {} } = await api.get<{ data?: Record<string, string> }>(
      `/api/v1/namespaces/${namespace}/secrets/${secret}`,
    );
    for (const [key, value] of Object.entries(data)) {
      // Whoever watches the folder is busy with each file that is written there.
      if (written.get(join(at, key)) === value) continue;
      written.set(join(at, key), value);
      writeFileSync(join(at, `..${key}`), Buffer.from(value, 'base64'));
      renameSync(join(at, `..${key}`), join(at, key));
    }
  }
}

async function variablesOf({ api, namespace, pod }: Hosting, container: Container): Promise<Record<string, string>> {
  const fields: Readonly<Record<string, string>> = {
    'metadata.namespace': namespace,
    'metadata.name': pod.metadata.name,
  };
  const own = (container.env ?? []).map(({ name, value, valueFrom }) => [
    name,
    value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ''] ?? '',
  ]);
  const maps = (container.envFrom ?? []).flatMap(({ configMapRef }) => configMapRef?.name ?? []);
  const data = await Promise.all(
    maps.map((name) => api.get<{ data: object }>(`/api/v1/namespaces/${namespace}/configmaps/${name}`)),
  );
  return Object.assign({}, ...data.map((each) => each.data), Object.fromEntries(own));
}

/** A kubeconfig of the pod's own account, by a token that is bound to the pod. */
async function accountOf({ lab, api, namespace, pod }: Hosting, folder: string): Promise<string> {
  const account = pod.spec.serviceAccountName ?? 'default';
  const { status } = await api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    {
      spec: {
        expirationSeconds: 86_400,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
      },
    },
  );
  const path = join(folder, 'kubeconfig');
  const ca = lab.sandbox.parts.access.ca;
  writeFileSync(path, kubeconfigOf({ server: lab.plane.server, ca, token: status.token }), { mode: 0o600 });
  return path;
}

async function report(
  { api, namespace, pod, gone }: Hosting,
  { ip, restarts, ready }: { readonly ip: string; readonly restarts: number; readonly ready: boolean },
): Promise<void> {
  if (gone.aborted) return;
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string, holds: boolean) => ({
    ...{ type, status: holds ? 'True' : 'False', lastTransitionTime: now },
  });
  const [{ name, image }] = pod.spec.containers as readonly [Container];
  await api.patch(`/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`, {
    status: {
      ...{ phase: 'Running', podIP: ip, podIPs: [{ ip }], startTime: now },
      conditions: [
        ...[condition('PodScheduled', true), condition('Initialized', true)],
        ...[condition('ContainersReady', ready), condition('Ready', ready)],
      ],
      containerStatuses: [
        {
          ...{ name, image, imageID: '', ready, started: true, restartCount: restarts },
          state: { running: { startedAt: now } },
        },
      ],
    },
  });
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const answers = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const call = request(url, { timeout: 2000 }, (reply) => {
      reply.resume();
      resolve(reply.statusCode === 200);
    });
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(false));
    call.end();
  });
