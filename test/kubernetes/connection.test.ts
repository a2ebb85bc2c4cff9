import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKubernetes } from '../../src/kubernetes/index.ts';
import { Secret } from '../../src/secret.ts';
import { Problem } from '../../src/trouble.ts';
import { jumpingClock, problem, servers } from '../azure/server.ts';
import { account, clusterOn, kubeconfigOf, status } from './cluster.ts';

const start = servers();

describe('the right cluster', () => {
  const elsewhere = {
    fqdns: ['demo-aks.hcp.westeurope.azmk8s.io'],
    issuer: 'https://westeurope.oic.prod-aks.azure.com/t/u/',
  };
  const named = async () => elsewhere;

  it('is the one whose host Azure names: no request more', async () => {
    const server = await start(() => ({ body: { metadata: { name: 'orders' } } }));
    await clusterOn(server).get(account);
    expect(server.asked).toHaveLength(1);
    expect(await clusterOn(server).server()).toBe(server.url);
  });

  it.each([
    ['the issuer of Azure', { body: { issuer: elsewhere.issuer } }],
    ['its API server as issuer', { body: { issuer: 'https://demo-aks.hcp.westeurope.azmk8s.io' } }],
  ])('may have another address when it bears %s', async (_, answer) => {
    const server = await start(({ path }) =>
      path.includes('openid') ? answer : { body: { metadata: { name: 'orders' } } },
    );
    const cluster = clusterOn(server, { named });
    await cluster.apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n');
    await cluster.get(account);
    expect(server.calls().filter((call) => call.includes('openid'))).toHaveLength(1);
    expect(server.asked).toHaveLength(3);
  });

  it.each([
    ['another issuer', { body: { issuer: 'https://westeurope.oic.prod-aks.azure.com/t/other/' } }],
    ['the issuer without its slash', { body: { issuer: elsewhere.issuer.slice(0, -1) } }],
    ['no issuer', { body: {} }],
    ['a refusal', status(403, 'Forbidden', 'forbidden')],
    ['nothing there', { status: 404, body: '' }],
  ])('is refused with %s, and nothing is sent to it', async (_, answer) => {
    const server = await start(() => answer);
    const cluster = clusterOn(server, { named });
    for (const work of [
      () => cluster.get(account),
      () => cluster.apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n'),
      () => cluster.token('a', 'b', 'c'),
    ]) {
      const error = await problem(work());
      expect(error.trouble).toBe('refused');
      expect(error.message).toContain('another cluster');
    }
    expect(server.calls().every((call) => call.endsWith('/.well-known/openid-configuration'))).toBe(true);
  });

  it('never gets our own Entra token elsewhere', async () => {
    const server = await start(() => ({ body: { issuer: elsewhere.issuer, metadata: { name: 'orders' } } }));
    let asked = 0;
    const entraToken = async () => {
      asked += 1;
      return new Secret('entra-token');
    };
    const user = {
      exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: '/usr/bin/kubelogin', args: ['get-token'] },
    };
    const kubeconfig = async () => ({ text: kubeconfigOf(server, user), entraToken });
    expect((await problem(clusterOn(server, { named, kubeconfig }).get(account))).message).toContain('another cluster');
    expect([asked, server.asked.length]).toEqual([0, 0]);
    const right = clusterOn(server, { kubeconfig });
    await right.get(account);
    expect(server.asked[0]!.headers.authorization).toBe('Bearer entra-token');
  });

  it('tries again after a failure to connect', async () => {
    const server = await start(() => ({ body: { metadata: { name: 'orders' } } }));
    let tries = 0;
    const kubeconfig = async () => {
      tries += 1;
      if (tries === 1) throw new Problem('missing', 'cluster demo-aks', 'cluster demo-aks does not exist.');
      return { text: kubeconfigOf(server) };
    };
    const cluster = clusterOn(server, { kubeconfig });
    expect((await problem(cluster.get(account))).trouble).toBe('missing');
    expect(await cluster.fresh().get(account)).toBeDefined();
  });
});

describe('an answer', () => {
  const never = () => new Promise<never>(() => undefined);

  it.each([
    ['that does not come', never],
    ['that does not go on', () => ({ stalled: true }) as const],
    ['that comes by half', () => ({ body: '{"metadata":{"na' })],
  ])('%s is asked for again', async (_, no) => {
    const clock = jumpingClock();
    const server = await start((_, nth) => (nth < 2 ? no() : { body: { metadata: { name: 'orders' } } }));
    const found = await clusterOn(server, { clock, answerWithin: 250 }).get(account);
    expect(found?.metadata.name).toBe('orders');
    // A busy machine may need as long for its first connection.
    expect(clock.slept.slice(0, 2)).toEqual([500, 2000]);
  });

  it.each([
    ['of its store is asked again', 'Internal error occurred: etcdserver: request timed out', [500]],
    ['of a webhook is its answer', 'Internal error occurred: failed calling webhook "a.example": no endpoints', []],
    ['of the schema is its answer', 'failed to create typed patch object: .spec.x: field not declared in schema', []],
  ])('500 %s', async (_, message, slept) => {
    const clock = jumpingClock();
    const server = await start((_, nth) =>
      nth === 0 ? status(500, 'InternalError', message) : { body: { metadata: { name: 'orders' } } },
    );
    const applying = clusterOn(server, { clock }).apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n');
    if (slept.length > 0) expect((await applying).metadata.name).toBe('orders');
    else expect((await problem(applying)).said?.message).toBe(message);
    expect(clock.slept).toEqual(slept);
  });

  it('that never comes is not waited for for ever', async () => {
    const clock = jumpingClock();
    const server = await start(never);
    const error = await problem(clusterOn(server, { clock, answerWithin: 250 }).get(account));
    expect(error).toMatchObject({ trouble: 'broken' });
    expect(error.message).toMatch(/cannot be reached: no answer within 0.25 seconds/);
    expect(clock.slept).toEqual([500, 2000, 5000]);
  });
});

describe('the kubeconfig', () => {
  it.each([
    ['{', 'cannot be read'],
    ['apiVersion: v1', 'no current context'],
    ['apiVersion: v1\ncurrent-context: x\ncontexts: []', 'no context "x"'],
  ])('%s is refused', async (text, words) => {
    const cluster = createKubernetes({
      kubeconfig: async () => ({ text }),
      named: async () => ({ fqdns: [] }),
      env: {},
      clock: jumpingClock(),
      signal: new AbortController().signal,
    });
    const error = await problem(cluster.server());
    expect(error).toMatchObject({ trouble: 'refused', resource: 'kubeconfig' });
    expect(error.message).toContain(words);
  });

  it('may name another context', async () => {
    const server = await start(() => ({}));
    const cluster = clusterOn(server, { kubeconfig: async () => ({ text: kubeconfigOf(server), context: 'nowhere' }) });
    expect((await problem(cluster.server())).message).toContain(
      'no context "nowhere" with a cluster: it has demo, empty',
    );
  });

  it('runs a sign-in plugin once, with the environment given and no other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plugin-'));
    try {
      const plugin = join(folder, 'plugin.mjs');
      writeFileSync(
        plugin,
        `const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
         const token = [process.env.GIVEN, process.env.DECLARED, process.env.HOME ?? 'no-home', spec.interactive].join('/');
         console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }));`,
      );
      const server = await start(() => ({ body: { metadata: { name: 'orders' } } }));
      const user = {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: process.execPath,
          args: [plugin],
          env: [{ name: 'DECLARED', value: 'declared' }],
        },
      };
      const cluster = clusterOn(server, { env: { GIVEN: 'given' } }, user);
      await cluster.get(account);
      await cluster.fresh().get(account);
      expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(
        Array(2).fill('Bearer given/declared/no-home/false'),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says why a plugin failed', async () => {
    const server = await start(() => ({}));
    const user = {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-e', 'console.error("no account"); process.exit(3)'],
      },
    };
    const error = await problem(clusterOn(server, {}, user).get(account));
    expect(error).toMatchObject({ trouble: 'unsigned' });
    expect(error.message).toContain('no account');
  });
});
