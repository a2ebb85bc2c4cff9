import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect, it } from 'vitest';
import { logFile, makeFolder, removeFolder } from '../../src/sandbox/kubernetes/pod-folder.ts';
import { run } from '../../src/sandbox/kubernetes/runner.ts';

it('what a process says after its pod was removed goes nowhere, and harms nobody', async () => {
  const base = mkdtempSync(join(tmpdir(), 'aks-secrets-runner-'));
  const folder = join(base, 'pod');
  makeFolder(folder);
  const [script, caFile] = [join(folder, 'script.mjs'), join(base, 'ca.pem')];
  writeFileSync(script, "console.log('first'); setTimeout(() => console.log('last'), 100);");
  writeFileSync(caFile, rootCertificates[0]!);
  const { heard, ended } = run({
    ...{ folder, pod: 'shop/orders', args: [script], env: {}, log: logFile(folder, 'reader') },
    access: { proxyUrl: 'http://127.0.0.1:1', caFile, ca: '', env: {} },
  });
  await heard;
  removeFolder(folder);
  expect(await ended).toEqual({ code: 0, output: 'first\nlast\n' });
  removeFolder(base);
});
