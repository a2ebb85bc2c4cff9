import { cpSync, existsSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runningIn } from '../../src/sandbox/running.ts';
import { sandbox, temporaryFolder } from './harness.ts';

it('a server that is slow to answer, or was paused, keeps its folder', async () => {
  const dir = temporaryFolder();
  const one = await sandbox();
  cpSync(one.caFile, join(dir, 'ca.pem'));
  // It takes the connection and says nothing, as the system does for a process that is stopped.
  const silent = net.createServer().listen(0, '127.0.0.1');
  await new Promise((done) => silent.once('listening', done));
  const { port } = silent.address() as net.AddressInfo;
  const file = join(dir, 'server.json');
  writeFileSync(file, JSON.stringify({ pid: process.pid, port, proxyPort: 1, started: '', key: '' }));
  await expect(runningIn(dir, 50)).rejects.toThrow('does not answer');
  expect(existsSync(file)).toBe(true);
  silent.close();
  // Nobody listens there any more: the number is another process's by now.
  expect(await runningIn(dir, 50)).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});
