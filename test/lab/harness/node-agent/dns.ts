import { join } from 'node:path';
import { start } from '../processes.ts';

/** Of the cluster's DNS service, and of Azure's, that nodes ask. */
export const CLUSTER_DNS = '10.0.0.10';
export const AZURE_DNS = '168.63.129.16';

/** From now on both say of every name that there is none. They must be addresses of this machine. */
export async function startDns(folder: string): Promise<void> {
  const servers = [CLUSTER_DNS, AZURE_DNS];
  await start(folder, {
    name: 'dns',
    file: process.execPath,
    args: [join(import.meta.dirname, 'dns-server.ts'), ...servers],
    ready: ({ log }) => servers.every((each) => log().includes(`answers at ${each}`)),
  });
}

/** What a pod finds in `/etc/resolv.conf`: on the node's network, that of the node. */
export const resolvConf = (namespace: string, hostNetwork: boolean): string =>
  hostNetwork
    ? `nameserver ${AZURE_DNS}\n`
    : `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver ${CLUSTER_DNS}\noptions ndots:5\n`;
