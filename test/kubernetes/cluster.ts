import type { ConnectionOptions } from '../../src/kubernetes/connection.ts';
import { createKubernetes } from '../../src/kubernetes/index.ts';
import { type Answer, jumpingClock, type serve } from '../azure/server.ts';

type Started = Awaited<ReturnType<typeof serve>>;
export const kubeconfigOf = ({ url, ca }: Started, user: object = { token: 'user-token' }) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'demo',
    contexts: [
      { name: 'demo', context: { cluster: 'demo', user: 'demo' } },
      { name: 'empty', context: { cluster: 'none', user: 'none' } },
    ],
    clusters: [
      { name: 'demo', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'demo', user }],
  });

export const clusterOn = (server: Started, more: Partial<ConnectionOptions> = {}, user?: object) =>
  createKubernetes({
    kubeconfig: async () => ({ text: kubeconfigOf(server, user) }),
    named: async () => ({ fqdns: ['127.0.0.1'] }),
    env: {},
    clock: jumpingClock(),
    signal: new AbortController().signal,
    ...more,
  });

export const status = (code: number, reason: string, message: string, details?: object): Answer => ({
  status: code,
  headers: { 'audit-id': 'audit-1' },
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code, details },
});

export const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: 'shop', name: 'orders' };
