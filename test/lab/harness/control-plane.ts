import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { kubeconfigOf } from './kubeconfig.ts';
import { start, until } from './processes.ts';

export interface ControlPlane {
  /** Of the API server; the sandbox has 127.0.0.1, and each is called by its production name, at port 443. */
  readonly address: string;
  /** `https://demo-aks-….hcp.westeurope.azmk8s.io:443` */
  readonly server: string;
  /** Kubeconfig of the administrator, as `listClusterUserCredential` gives it. */
  readonly kubeconfig: string;
  /** The administrator's bearer token. */
  readonly token: string;
  /** The one node that the node agent is, and the token by which the API server takes it for that node. */
  readonly node: { readonly name: string; readonly token: string };
  /** GET with the administrator's token; the body as text. */
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
}

/** Named as AKS names the nodes of a pool. */
const NODE = 'aks-nodepool1-18273645-vmss000000';

/** The one etcd of all clusters. */
export const startEtcd = (folder: string, file: string) =>
  start(folder, {
    name: 'etcd',
    file,
    args: [
      ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
      ...['--listen-client-urls', 'http://127.0.0.1:2379', '--advertise-client-urls', 'http://127.0.0.1:2379'],
      ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
    ],
    ready: ({ log }) => log().includes('ready to serve client requests'),
  });

/**
 * kube-apiserver and kube-controller-manager, whose service account tokens bear the issuer of an AKS cluster.
 * There is no scheduler and no kubelet: that is the node agent.
 */
export async function startControlPlane(of: {
  readonly folder: string;
  /** Of the cluster: its part of etcd, and the folder of its files. */
  readonly name: string;
  readonly address: string;
  /** Which no other cluster of the lab has. */
  readonly controllersPort: number;
  readonly bin: { readonly apiserver: string; readonly controllers: string };
  readonly fqdn: string;
  /** With a slash at the end, as AKS has it. */
  readonly issuer: string;
  /** Certificate and key with the server's name, and whoever signed them. Files and PEM. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly ca: string };
}): Promise<ControlPlane> {
  const { address, bin, fqdn, issuer, tls } = of;
  const folder = join(of.folder, of.name);
  mkdirSync(folder);
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const signing = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const [admin = '', controllers = '', node = ''] = [1, 2, 3].map(() => randomBytes(24).toString('hex'));
  const key = file('service-account.key', signing.privateKey);
  const tokens = file(
    'tokens.csv',
    [
      `${admin},masterclient,admin,"system:masters"`,
      `${controllers},system:kube-controller-manager,controllers`,
      `${node},system:node:${NODE},node,"system:nodes"\n`,
    ].join('\n'),
  );
  const server = `https://${fqdn}:443`;
  const kubeconfig = (token: string) => kubeconfigOf({ server, ca: tls.ca, token });
  const ca = file('cluster-ca.pem', tls.ca);

  const get = (path: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${admin}`, host: fqdn };
      const call = request({ host: address, port: 443, servername: fqdn, ca: tls.ca, path, headers }, (reply) => {
        const parts: string[] = [];
        reply.setEncoding('utf8').on('data', (text: string) => parts.push(text));
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, body: parts.join('') }));
      });
      call.once('error', reject);
      call.end();
    });

  await start(folder, {
    name: 'kube-apiserver',
    file: bin.apiserver,
    args: [
      ...['--etcd-servers=http://127.0.0.1:2379', `--etcd-prefix=/${of.name}`],
      ...[`--bind-address=${address}`, '--secure-port=443', `--advertise-address=${address}`],
      ...['--endpoint-reconciler-type=none', '--allow-privileged=true', '--authorization-mode=Node,RBAC'],
      // As in AKS: a node does what its own pods need, and no more.
      '--enable-admission-plugins=NodeRestriction',
      // There is no kube-proxy: who asks a webhook's Service is led to its pods by the server itself.
      '--enable-aggregator-routing=true',
      ...['--service-cluster-ip-range=10.0.0.0/16', `--tls-cert-file=${tls.certificate}`],
      ...[`--tls-private-key-file=${tls.key}`, `--token-auth-file=${tokens}`],
      ...[`--service-account-issuer=${issuer}`, `--service-account-jwks-uri=${issuer}openid/v1/jwks`],
      ...[`--service-account-key-file=${file('service-account.pub', signing.publicKey)}`],
      ...[`--service-account-signing-key-file=${key}`, '--kubelet-preferred-address-types=InternalIP'],
    ],
    ready: async () => (await get('/readyz')).status === 200,
  });
  await start(folder, {
    name: 'kube-controller-manager',
    file: bin.controllers,
    args: [
      `--kubeconfig=${file('controllers.kubeconfig', kubeconfig(controllers))}`,
      ...[`--service-account-private-key-file=${key}`, `--root-ca-file=${ca}`, '--use-service-account-credentials'],
      // Nobody reports for nodes that are a process of the lab.
      ...[`--secure-port=${of.controllersPort}`, '--leader-elect=false'],
      '--controllers=*,-node-lifecycle-controller,-taint-eviction-controller',
    ],
  });
  await until('the default namespace has its service account', async () => {
    const { status } = await get('/api/v1/namespaces/default/serviceaccounts/default');
    return status === 200;
  });
  return { address, server, kubeconfig: kubeconfig(admin), token: admin, node: { name: NODE, token: node }, get };
}
