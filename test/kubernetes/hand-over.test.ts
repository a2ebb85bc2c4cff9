import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { redact, Secret } from '../../src/secret.ts';
import { servers } from '../azure/server.ts';
import { clusterOn, kubeconfigOf } from './cluster.ts';

const start = servers();
const read = async (secret: Promise<Secret>) => JSON.parse((await secret).reveal());

describe('a kubeconfig for a program that is run', () => {
  it('holds the cluster named and its sign-in, and nothing else of the user’s own', async () => {
    const server = await start(() => ({ body: {} }));
    const cluster = clusterOn(server, {
      kubeconfig: async () => {
        const config = JSON.parse(kubeconfigOf(server));
        config.clusters[0].cluster['proxy-url'] = undefined;
        config.users.push({ name: 'other', user: { token: 'token-of-another' } });
        return { text: JSON.stringify(config) };
      },
    });
    const handed = await read(cluster.kubeconfig());
    expect(handed).toMatchObject({
      'current-context': 'cluster',
      contexts: [{ name: 'cluster', context: { cluster: 'cluster', user: 'user' } }],
      clusters: [{ cluster: { server: server.url, 'certificate-authority-data': expect.any(String) } }],
      users: [{ name: 'user', user: { token: 'user-token' } }],
    });
    expect(JSON.stringify(handed)).not.toContain('token-of-another');
    expect(redact('helm said user-token')).toBe('helm said [secret]');
  });

  it('keeps the program that signs in, and puts in certificates that lie in files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-'));
    const server = await start(() => ({ body: {} }));
    const key = join(folder, 'key.pem');
    writeFileSync(key, 'PRIVATE');
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sign-in', args: ['x'] };
    const cluster = clusterOn(server, {}, { exec, 'client-key': key });
    const { users } = await read(cluster.kubeconfig());
    rmSync(folder, { recursive: true });
    expect(users[0].user).toMatchObject({ exec, 'client-key-data': Buffer.from('PRIVATE').toString('base64') });
  });

  it('has our own token instead of kubelogin', async () => {
    const server = await start(() => ({ body: {} }));
    const user = { exec: { command: '/usr/bin/kubelogin', args: ['get-token'] } };
    const cluster = clusterOn(server, {
      kubeconfig: async () => ({ text: kubeconfigOf(server, user), entraToken: async () => new Secret('entra-token') }),
    });
    const { users } = await read(cluster.kubeconfig());
    expect(users[0].user).toEqual({ token: 'entra-token' });
  });

  it('is not made of a kubeconfig that leads elsewhere', async () => {
    const server = await start(() => ({ status: 404, body: {} }));
    const cluster = clusterOn(server, { named: async () => ({ fqdns: ['shop-aks.example'] }) });
    await expect(cluster.kubeconfig()).rejects.toThrow('another cluster');
  });
});
