import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { CERTIFIED } from '../../src/sandbox/names.ts';
import { identityOf, makeIdentity } from '../../src/sandbox/tls.ts';
import { arm, ask, CLUSTER, IDENTITY, sandbox, temporaryFolder, VAULT } from './harness.ts';

const location = 'westeurope';

describe('the folder', () => {
  it('is for its owner alone, and not for git', async () => {
    const dir = join(temporaryFolder(), 'sandbox');
    await sandbox({ dir });
    const mode = (file: string) => (statSync(join(dir, file)).mode & 0o777).toString(8);
    expect(mode('.')).toBe('700');
    for (const file of ['state.json', 'server-key.pem', 'server.json', 'kubeconfig']) expect(mode(file)).toBe('600');
    expect(readFileSync(join(dir, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('holds the world between two openings', async () => {
    const dir = temporaryFolder();
    const first = await openSandbox({ dir });
    const { body } = await arm(first, 'PUT', IDENTITY, { location });
    first.advance(3_600_000);
    const then = first.surroundings.clock.now();
    await first.close();
    const second = await sandbox({ dir });
    expect((await arm(second, 'GET', IDENTITY)).body).toEqual(body);
    expect(second.surroundings.clock.now().getTime()).toBeGreaterThanOrEqual(then.getTime());
  });

  it('has every accepted write in its file before the answer', async () => {
    const dir = temporaryFolder();
    const one = await sandbox({ dir });
    const { body } = await arm(one, 'PUT', IDENTITY, { location });
    expect(readFileSync(join(dir, 'state.json'), 'utf8')).toContain(body.properties.clientId);
  });

  it('whose state is damaged is refused with what helps', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'state.json'), '{"version":1,');
    await expect(openSandbox({ dir })).rejects.toThrow('sandbox reset');
    expect(existsSync(join(dir, 'server.json'))).toBe(false);
    const anew = await sandbox({ dir, anew: true });
    expect((await arm(anew, 'GET', CLUSTER)).status).toBe(200);
  });

  it('has one server: a second opening in the process shares it, and one is taken over from a process that is gone', async () => {
    const dir = temporaryFolder();
    writeFileSync(
      join(dir, 'server.json'),
      JSON.stringify({ pid: 2 ** 22 + 1, port: 1, proxyPort: 1, started: '', key: '' }),
    );
    const first = await sandbox({ dir });
    expect(JSON.parse(readFileSync(join(dir, 'server.json'), 'utf8')).pid).toBe(process.pid);
    const second = await openSandbox({ dir });
    expect(second.port).toBe(first.port);
    await second.close();
    expect((await arm(first, 'GET', CLUSTER)).status).toBe(200);
    await expect(openSandbox({ dir, join: false })).rejects.toThrow('runs already');
  });

  it('is written no more once it is closed, whoever still has something to say', async () => {
    const dir = temporaryFolder();
    const one = await openSandbox({ dir });
    const { parts } = one;
    await one.close();
    rmSync(dir, { recursive: true });
    expect(() => parts.save()).not.toThrow();
    expect(existsSync(dir)).toBe(false);
  });

  it('is joined while another process serves it', async () => {
    const dir = temporaryFolder();
    const script = `
      const { openSandbox } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/sandbox/index.ts'))});
      await openSandbox({ dir: ${JSON.stringify(dir)}, realClock: true });
      process.stdout.write('ready');
      process.stdin.resume();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await new Promise((done) => child.stdout.once('data', done));
      const joined = await sandbox({
        dir,
        existing: { vaults: [{ resourceGroup: 'more-rg', name: 'more-kv', secrets: ['one'] }] },
      });
      expect(joined.joined).toBe(true);
      expect((await arm(joined, 'GET', CLUSTER)).status).toBe(200);
      const more = VAULT.replace('demo-rg', 'more-rg').replace('demo-kv', 'more-kv');
      expect((await arm(joined, 'GET', more)).status).toBe(200);
      await expect(ask(joined, 'GET', 'https://none-kv.vault.azure.net/')).rejects.toMatchObject({ code: 'ENOTFOUND' });
      expect(() => joined.log).toThrow('another process');
      await joined.reset();
      expect((await arm(joined, 'GET', more)).status).toBe(404);
    } finally {
      child.kill('SIGKILL');
      await new Promise((done) => child.once('exit', done));
    }
    const after = await sandbox({ dir });
    expect(after.joined).toBe(false); // the killed server's file is taken over, its state read
    expect((await arm(after, 'GET', CLUSTER)).status).toBe(200);
  });

  it('made without a part stays without it, for clusters that come later too', async () => {
    const first = await sandbox({ without: ['external-secrets'] });
    const dir = dirname(first.caFile);
    await first.close();
    expect((await sandbox({ dir })).parts.without).toEqual(['external-secrets']);
  });

  it('is given what a file calls existing later too; what is there stays, and what was deleted stays deleted', async () => {
    const first = await sandbox();
    const vault = { resourceGroup: 'demo-rg', name: 'demo-kv' };
    const held = () =>
      first.parts.state.vaults['demo-kv'] as Record<string, Record<string, { versions: unknown[]; deleted?: object }>>;
    held().secrets!['api-key']!.deleted = { at: 0, purgeAt: Number.MAX_SAFE_INTEGER };
    const existing = {
      ...vault,
      secrets: ['db-password', 'api-key', 'late'],
      keys: ['signing'],
      certificates: ['tls'],
    };
    await sandbox({ dir: dirname(first.caFile), existing: { vaults: [existing] } });
    await sandbox({ dir: dirname(first.caFile), existing: { vaults: [existing] } });
    const { secrets, keys, certificates } = held();
    expect(Object.keys(secrets!).sort()).toEqual(['api-key', 'db-password', 'late', 'tls']);
    expect(Object.values(secrets!).map(({ versions }) => versions.length)).toEqual([1, 1, 1, 1]);
    expect(secrets!['api-key']!.deleted).toBeDefined();
    expect([Object.keys(keys!).sort(), Object.keys(certificates!)]).toEqual([['signing', 'tls'], ['tls']]);
  });

  it('ends only when those who joined it have left', async () => {
    const first = await sandbox();
    const script = `
      const { openSandbox } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/sandbox/index.ts'))});
      const joined = await openSandbox({ dir: ${JSON.stringify(dirname(first.caFile))} });
      process.stdout.write(String(joined.joined));
      process.stdin.once('data', () => joined.close());
      process.stdin.unref();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', `${script}setInterval(() => {}, 1000);`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const [said] = await once(child.stdout, 'data');
      expect(String(said)).toBe('true');
      let closed = false;
      const closing = first.close().then(() => {
        closed = true;
      });
      await new Promise((done) => setTimeout(done, 30));
      expect(closed).toBe(false);
      child.stdin.write('leave');
      await closing;
    } finally {
      child.kill('SIGKILL');
    }
  });

  it.each([
    ['the file of the server', 'server.json'],
    ['the state', 'state.json'],
    ['the certificate', 'ca.pem'],
    ['the key', 'server-key.pem'],
    ['the kubeconfig', 'kubeconfig'],
  ])('starts anew whatever has become of %s', async (_title, file) => {
    const first = await sandbox();
    const dir = dirname(first.caFile);
    await first.close();
    for (const damage of ['garbage', '{}', '']) {
      writeFileSync(join(dir, file), damage);
      const again = await sandbox({ dir, anew: true });
      expect((await arm(again, 'GET', CLUSTER)).status).toBe(200);
      await again.close();
    }
  });
});

describe('the certificates', () => {
  it('are kept, and made anew with less than a day left', () => {
    const dir = temporaryFolder();
    const first = identityOf(dir);
    expect(identityOf(dir).certificate).toBe(first.certificate);
    const soon = new Date(Date.now() + 6.5 * 86_400_000);
    const renewed = identityOf(dir, soon);
    expect(renewed.ca).not.toBe(first.ca);
    expect(new X509Certificate(renewed.certificate).validToDate.getTime() - soon.getTime()).toBeLessThanOrEqual(
      7 * 86_400_000,
    );
  });

  const handshake = (names: readonly string[], servername: string) => {
    const { ca, certificate, key } = makeIdentity(new Date(), names);
    const server = tls.createServer({ cert: certificate, key }, (socket) => socket.end()).listen(0, '127.0.0.1');
    return new Promise<string>((resolve) => {
      server.once('listening', () => {
        const { port } = server.address() as { port: number };
        const client = tls.connect({ host: '127.0.0.1', port, ca, servername });
        const end = (result: string) => {
          client.destroy();
          server.close();
          resolve(result);
        };
        client.once('secureConnect', () => end('trusted'));
        client.once('error', (error: NodeJS.ErrnoException) => end(error.message));
      });
    });
  };

  it.each(['management.azure.com', 'demo-kv.vault.azure.net', 'a-1.hcp.westeurope.azmk8s.io', 'localhost'])(
    'vouch for %s',
    async (name) => {
      expect(await handshake(CERTIFIED, name)).toBe('trusted');
    },
  );

  it.each(['example.com', 'azure.com', 'portal.azure.com', 'azmk8s.io'])(
    'cannot vouch for %s, whatever the authority signs',
    async (name) => {
      expect(await handshake([name], name)).toBe('permitted subtree violation');
    },
  );
});

describe('names', () => {
  it.each(['example.com', 'none-kv.vault.azure.net', 'management.azure.com.example'])(
    '%s does not exist for the agent',
    async (host) => {
      const one = await sandbox();
      await expect(ask(one, 'GET', `https://${host}/`)).rejects.toMatchObject({ code: 'ENOTFOUND', hostname: host });
    },
  );

  it('lead through the proxy, and no others do', async () => {
    const one = await sandbox();
    const connect = (target: string) =>
      new Promise<number | undefined>((resolve) => {
        http
          .request({ host: '127.0.0.1', port: one.proxyPort, method: 'CONNECT', path: target })
          .once('connect', (response, socket) => {
            socket.destroy();
            resolve(response.statusCode);
          })
          .end();
      });
    expect(await connect('management.azure.com:443')).toBe(200);
    expect(await connect('demo-kv.vault.azure.net:443')).toBe(200);
    expect(await connect('example.com:443')).toBe(502);
    expect(await connect('none-kv.vault.azure.net:443')).toBe(502);
    expect(await connect('management.azure.com:22')).toBe(502);
  });

  it('hold for another program that goes through the proxy', async () => {
    const one = await sandbox();
    const script =
      "console.log((await fetch('https://management.azure.com/metadata/endpoints?api-version=2023-01-01')).status)";
    const child = spawn(process.execPath, ['-e', script, '--input-type=module'], { env: one.surroundings.env });
    const out = await new Promise<string>((done) => child.stdout.once('data', (data) => done(String(data))));
    expect(out.trim()).toBe('200');
    expect(one.log.entries.at(-1)).toMatchObject({ via: 'proxy', path: '/metadata/endpoints' });
  });

  it('are all that a child process gets of the environment, besides PATH', async () => {
    const one = await sandbox();
    process.env.AZURE_CLIENT_SECRET = 'real';
    try {
      expect(one.surroundings.env).not.toHaveProperty('AZURE_CLIENT_SECRET');
      expect(one.surroundings.env.KUBECONFIG).toBe(join(one.surroundings.env.HOME ?? '', 'kubeconfig'));
    } finally {
      delete process.env.AZURE_CLIENT_SECRET;
    }
  });
});

describe('the log', () => {
  it('tells writes from reads and tokens', async () => {
    const one = await sandbox();
    const mark = one.log.mark();
    await arm(one, 'GET', CLUSTER);
    await arm(one, 'POST', `${CLUSTER}/listClusterUserCredential`);
    await arm(one, 'POST', 'providers/Microsoft.KeyVault/checkNameAvailability', { name: 'x-kv' });
    await arm(one, 'PUT', IDENTITY, { location });
    expect(one.log.since(mark).map(({ kind }) => kind)).toEqual(['read', 'token', 'read', 'write']);
  });
});

describe('settings', () => {
  it('keep to the published rates, on simulated time', async () => {
    const one = await sandbox({ settings: { throttle: true } });
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await arm(one, 'PUT', IDENTITY, { location })).status);
    expect(statuses).toEqual([201, 429, 429]);
    await one.surroundings.clock.sleep(5_000);
    expect((await arm(one, 'PUT', IDENTITY, { location })).status).toBe(200);
  });

  it('delay every answer by the latency, in real time', async () => {
    const one = await sandbox();
    await arm(one, 'GET', CLUSTER);
    Object.assign(one.settings, { latency: 60 });
    const before = performance.now();
    await Promise.all([arm(one, 'GET', CLUSTER), arm(one, 'GET', VAULT)]);
    expect(performance.now() - before).toBeGreaterThan(55);
  });
});

describe('answers in waves', () => {
  const ask = (one: Sandbox, path: string) => arm(one, 'GET', path);
  const wavesOf = (one: Sandbox) => one.log.entries.map(({ path, wave }) => [path.split('/').at(-1), wave]);
  const GROUP = CLUSTER.slice(0, CLUSTER.indexOf('/providers'));

  it('count how often one waits for an answer, and not how long', async () => {
    const one = await sandbox({ settings: { waves: true } });
    await Promise.all([
      ask(one, CLUSTER).then(() => ask(one, GROUP)),
      // Sent later, and waiting for nothing: the first wave too.
      new Promise((done) => setTimeout(done, 5)).then(() => ask(one, VAULT)),
    ]);
    await ask(one, GROUP);
    expect(wavesOf(one).toSorted()).toEqual([
      ['demo-aks', 1],
      ['demo-kv', 1],
      ['demo-rg', 2],
      ['demo-rg', 3],
    ]);
  });

  it('hold time still, so that nobody who sleeps overtakes who asks', async () => {
    const one = await sandbox({ settings: { waves: true } });
    const order: string[] = [];
    await Promise.all([
      ask(one, CLUSTER).then(() => order.push('asked')),
      one.surroundings.clock.sleep(60_000).then(() => order.push('slept')),
    ]);
    expect(order).toEqual(['asked', 'slept']);
  });
});

it('what a file calls existing is added, and what is there stays', async () => {
  const existing = {
    clusters: [{ resourceGroup: 'shop-rg', name: 'shop-aks' }],
    vaults: [{ resourceGroup: 'demo-rg', name: 'demo-kv', secrets: ['new'] }],
  };
  const one = await sandbox({ existing });
  expect((await arm(one, 'GET', CLUSTER.replace('demo-rg', 'shop-rg').replace('demo-aks', 'shop-aks'))).status).toBe(
    200,
  );
  expect(one.surroundings.defaults).not.toHaveProperty('workload');
  expect(one.surroundings.defaults.allow).toContain('cluster');
});

it('a reset starts anew behind the same ports', async () => {
  const one = await sandbox();
  await arm(one, 'PUT', IDENTITY, { location });
  await one.reset();
  expect((await arm(one, 'GET', IDENTITY)).status).toBe(404);
  expect((await arm(one, 'GET', CLUSTER)).status).toBe(200);
});
