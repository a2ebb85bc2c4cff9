import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { binary, programNamed } from '../build/programs.ts';
import type { Lab } from './lab.ts';
import { programImage } from './node-agent/images.ts';
import { startNodeAgent } from './node-agent/index.ts';
import { adminOf } from './system-pods.ts';

/*
 * daprd runs standalone: it reads its components from files, where Dapr's operator would send them, and asks no sentry who
 * it is. What gives pods that sidecar is a stand-in for the injector, behind the webhook that the API server really calls;
 * so what the webhook of workload identity does with the sidecar, it does.
 */
export const VERSION = programNamed('daprd').version;
const SIDECAR = 'daprd';
const IMAGE = `mcr.microsoft.com/daprio/daprd:${VERSION}`;
/** Of the injector, as its Service has it. */
const PORT = 4000;

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string }[];
}
interface Pod {
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly containers: readonly Container[]; readonly volumes?: readonly object[] };
}
interface Review {
  readonly request: { readonly uid: string; readonly namespace: string; readonly object: Pod };
}

/** All pods share one network, so that each sidecar has ports of its own; `first` is that of its HTTP API. */
const FIRST_PORT = 20_000; // below those that connections are made from
let sidecars = 0;

/** Answers the webhook from now on; the certificate by which the API server knows it, PEM. */
export async function startInjector(lab: Lab, namespace: string): Promise<string> {
  const agent = await startNodeAgent(lab);
  agent.image(programImage(/\/daprd:/, binary('daprd'), lab.ca, { entrypoint: ['/daprd'], user: 65_532 }));
  const host = `dapr-sidecar-injector.${namespace}.svc`;
  const [key, certificate] = [join(lab.folder, 'injector.key'), join(lab.folder, 'injector.pem')];
  const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${host} -addext subjectAltName=DNS:${host} -keyout ${key} -out ${certificate}`;
  execFileSync('/usr/bin/openssl', made.split(' '), { stdio: 'ignore' });
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(certificate, 'utf8') };
  const server = createServer(tls, async (incoming, outgoing) => {
    let text = '';
    for await (const part of incoming.setEncoding('utf8')) text += part;
    const { request } = JSON.parse(text) as Review;
    const response = await admitted(lab, agent.host, request).catch((error: Error) => ({
      ...{ uid: request.uid, allowed: false, status: { message: error.message, code: 400 } },
    }));
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(PORT, '0.0.0.0', resolve));
  return tls.cert;
}

async function admitted(lab: Lab, host: (path: string) => string, { uid, namespace, object }: Review['request']) {
  const { annotations = {}, labels = {} } = object.metadata;
  const wanted = annotations['dapr.io/enabled'] === 'true';
  if (!wanted || object.spec.containers.some(({ name }) => name === SIDECAR)) return { uid, allowed: true };
  const appId = annotations['dapr.io/app-id'] ?? object.metadata.name ?? '';
  const port = FIRST_PORT + 10 * sidecars++;
  const folder = `/var/lib/dapr/${port}`;
  const configuration = await layOut(lab, host(folder), namespace, annotations['dapr.io/config']);
  const told = [
    { name: 'DAPR_HTTP_PORT', value: String(port) },
    { name: 'DAPR_GRPC_PORT', value: String(port + 1) },
  ];
  const disabled = annotations['dapr.io/disable-builtin-k8s-secret-store'] === 'true';
  const sidecar = {
    ...{ name: SIDECAR, image: IMAGE, imagePullPolicy: 'IfNotPresent' },
    args: [
      ...['--mode', 'standalone', '--app-id', appId, '--resources-path', `${folder}/components`],
      ...['--dapr-http-port', `${port}`, '--dapr-grpc-port', `${port + 1}`, '--dapr-internal-grpc-port', `${port + 2}`],
      ...['--dapr-public-port', `${port + 3}`, '--metrics-port', `${port + 4}`, '--dapr-listen-addresses', '127.0.0.1'],
      ...['--log-level', annotations['dapr.io/log-level'] ?? 'info'],
      ...(configuration ? ['--config', `${folder}/${configuration}`] : []),
      ...(disabled ? ['--disable-builtin-k8s-secret-store'] : []),
    ],
    env: [{ name: 'NAMESPACE', value: namespace }],
    ports: [{ containerPort: port, name: 'dapr-http' }],
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
    readinessProbe: { httpGet: { path: '/v1.0/healthz', port: port + 3 }, periodSeconds: 1, failureThreshold: 3 },
    volumeMounts: [{ name: 'dapr-resources', mountPath: folder, readOnly: true }],
  };
  const spec = {
    ...object.spec,
    containers: [
      ...object.spec.containers.map((each) => ({ ...each, env: [...(each.env ?? []), ...told] })),
      ...[sidecar],
    ],
    volumes: [...(object.spec.volumes ?? []), { name: 'dapr-resources', hostPath: { path: folder } }],
  };
  const marks = { 'dapr.io/sidecar-injected': 'true', 'dapr.io/app-id': appId };
  const patch = [
    { op: 'add', path: '/spec', value: spec },
    { op: 'add', path: '/metadata/labels', value: { ...labels, ...marks } },
  ];
  return {
    ...{ uid, allowed: true, patchType: 'JSONPatch' },
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
  };
}

/** What the operator does when components change: the sidecar with this port gets them as they are now. */
export async function resend(lab: Lab, namespace: string, port: number): Promise<void> {
  const { host } = await startNodeAgent(lab);
  await writeComponents(lab, host(`/var/lib/dapr/${port}`), namespace);
}

/** The namespace's components as files, just as the API server has them. */
async function writeComponents(lab: Lab, folder: string, namespace: string): Promise<void> {
  const path = `/apis/dapr.io/v1alpha1/namespaces/${namespace}/components`;
  const { items } = await adminOf(lab).get<{ items: readonly { metadata: { name: string } }[] }>(path);
  const kinds = { apiVersion: 'dapr.io/v1alpha1', kind: 'Component' };
  for (const each of items) {
    writeFileSync(join(folder, 'components', `${each.metadata.name}.yaml`), JSON.stringify({ ...kinds, ...each }));
  }
}

/** The components, and the file of the Configuration, if one is meant. */
async function layOut(lab: Lab, folder: string, namespace: string, configuration: string | undefined) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'components'), { recursive: true });
  await writeComponents(lab, folder, namespace);
  if (!configuration) return undefined;
  const path = `/apis/dapr.io/v1alpha1/namespaces/${namespace}/configurations/${configuration}`;
  const found = await adminOf(lab).get<object>(path);
  writeFileSync(join(folder, 'configuration.yaml'), JSON.stringify(found));
  return 'configuration.yaml';
}
