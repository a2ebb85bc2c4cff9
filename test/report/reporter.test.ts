import { expect, test } from 'vitest';
import type { Event } from '../../src/engine/events.ts';
import { evidence } from '../../src/engine/evidence.ts';
import type { ReportOptions } from '../../src/report/reporter.ts';
import { reporterFor } from '../../src/report/reporter.ts';
import type { Summary } from '../../src/report/result-text.ts';
import { Secret } from '../../src/secret.ts';
import { Problem } from '../../src/trouble.ts';
import { again, change, cluster, denied, fresh, header, proof, result } from './examples.ts';

const start = new Date(2026, 0, 5, 14, 2, 0).getTime();
const identity = change('identity/orders-id');
const role = change('role/r', { subject: 'Key Vault Secrets User for orders-id' });

/** A screen that understands the two sequences that we use, and that what is written goes over what was there. */
function screen(text: string): string[] {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences themselves
  for (const part of text.split(/(\u001b\[\d*[AK]|\n|\r)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences themselves
    const up = /^\u001b\[(\d+)A$/.exec(part);
    const old = rows[row] ?? '';
    if (up) row -= Number(up[1]);
    else if (part === '\u001b[K') rows[row] = old.slice(0, column);
    else if (part === '\r') column = 0;
    else if (part === '\n') {
      row++;
      column = 0;
      rows[row] ??= '';
    } else {
      rows[row] = old.slice(0, column).padEnd(column) + part + old.slice(column + part.length);
      column += part.length;
    }
  }
  return rows;
}

function reporting(more: Partial<ReportOptions> & { tty?: boolean } = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const ticks: (() => void)[] = [];
  let now = start;
  const stream = (lines: string[]) => ({
    write: (text: string) => lines.push(text),
    ...(more.tty && { isTTY: true, columns: 80 }),
  });
  const reporter = reporterFor({
    ...{ output: 'text', env: { NO_COLOR: '1' }, clock: { now: () => new Date(now) } },
    ...{ stdout: stream(out), stderr: stream(err) },
    ticker: (_, tick) => {
      ticks.push(tick);
      return () => ticks.splice(ticks.indexOf(tick), 1);
    },
    ...more,
  });
  const at = () => new Date(now);
  return {
    ...{ reporter, ticks, out: () => out.join(''), err: () => err.join('') },
    pass: (seconds: number) => {
      now += seconds * 1000;
      for (const tick of [...ticks]) tick();
    },
    tell: (event: Record<string, unknown>) => reporter.tell({ at: at(), ...event } as unknown as Event),
  };
}

const after = new Map([['ServiceAccount/shop/orders', ['cluster/shop-aks']]]);

/** A run as it goes, told to whoever listens; `look` is called at its moments. */
function story(run: ReturnType<typeof reporting>, look: (moment: string) => void = () => {}) {
  run.tell({ type: 'observing', steps: 9 });
  run.tell({ type: 'starting', plan: fresh, after });
  run.tell({ type: 'changing', change: identity });
  run.tell({ type: 'changing', change: cluster });
  run.pass(2);
  run.tell({ type: 'ended', result: result(identity, 'created', { seconds: 2.1 }) });
  run.tell({ type: 'changing', change: role });
  run.tell({ type: 'waiting', change: role, reason: 'Entra does not know orders-id yet' });
  run.pass(14);
  run.tell({ type: 'waiting', change: role, reason: 'Entra does not know orders-id yet' });
  look('waiting');
  run.pass(70);
  run.tell({ type: 'ended', result: result(role, 'failed', { problem: denied, seconds: 84 }) });
  run.tell({ type: 'ended', result: result(cluster, 'updated', { seconds: 86 }) });
  run.tell({ type: 'ended', result: result(change('vault/shop-kv', { action: 'keep' }), 'kept', { seconds: 0 }) });
  run.tell({ type: 'ended', result: result(change('SecretProviderClass/shop/orders'), 'not reached', { seconds: 0 }) });
  run.tell({ type: 'proving', id: 'proof', title: proof.title });
  run.pass(3.4);
  run.tell({ type: 'proved', proof });
  look('end');
}

const summary: Summary = {
  ...{ exit: 0, results: [result(identity, 'created')], proofs: [proof], at: new Date(start) },
  workloads: [{ name: 'orders', account: 'shop/orders', secrets: ['db-password'], vault: 'shop-kv', afterwards: [] }],
};
const document = evidence({ ...summary, startedAt: new Date(0) });

test('in a log: one line for each change of state, with the time, and nothing drawn over', async () => {
  const run = reporting();
  story(run);
  run.reporter.close();
  await expect(run.err()).toMatchFileSnapshot('./goldens/progress-plain.txt');
  expect(run.err()).not.toContain('\u001b');
  expect(run.out()).toBe('');
  expect(run.ticks).toEqual([]);
});

test('on a terminal: what runs is a block at the bottom, what is done stands above it', async () => {
  const run = reporting({ tty: true });
  const frames: string[] = [];
  story(run, (moment) => frames.push(`--- ${moment}`, ...screen(run.err())));
  run.reporter.close();
  frames.push('--- closed', ...screen(run.err()));
  await expect(`${frames.join('\n')}\n`).toMatchFileSnapshot('./goldens/progress-terminal.txt');
  for (const row of frames.slice(1, frames.indexOf('--- end'))) expect([...row].length).toBeLessThan(80);
  expect(run.ticks).toEqual([]);
});

test('the live block hides no cursor, clears no screen, and is one write each time', () => {
  const writes: string[] = [];
  const run = reporting({ tty: true, stderr: { write: (text) => writes.push(text), isTTY: true, columns: 40 } });
  story(run);
  run.reporter.close();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences themselves
  const sequences = new Set(writes.join('').match(/\u001b\[[^a-zA-Z]*[a-zA-Z]/g));
  expect([...sequences].filter((one) => !/\[\d+A$|\[K$/.test(one))).toEqual([]);
  expect(writes.filter((text) => !text.endsWith('\u001b[K'))).toEqual([]);
});

test('a reason in a log is one line of a sane length, each reason once', () => {
  const run = reporting();
  const id =
    '/subscriptions/3f2a91c0-0000-4000-8000-000000000000/resourceGroups/shop-rg/providers/Microsoft.KeyVault/vaults/shop-kv';
  run.tell({ type: 'changing', change: role });
  for (const reason of [`no right on ${id}.`, 'b '.repeat(300), `no right on ${id}.`, 'b '.repeat(300)])
    run.tell({ type: 'waiting', change: role, reason });
  const lines = run.err().trim().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/waiting: no right on vault shop-kv$/);
  expect(lines.filter((text) => text.length > 200)).toEqual([]);
});

test('a terminal in CI gets plain lines', () => {
  const run = reporting({ tty: true, env: { NO_COLOR: '1', CI: 'true' } });
  story(run);
  expect(run.err()).not.toContain('\u001b');
});

test('results go to standard output, all else to standard error', () => {
  const run = reporting();
  run.reporter.note('Signed in as ana');
  run.reporter.plan(fresh, header, 'preview');
  run.reporter.result(summary, document);
  run.reporter.close();
  expect(run.err()).toContain('Signed in as ana\nPlan for orders');
  expect(run.out()).toContain('shop/orders can read db-password.');
  expect(run.out()).not.toContain('Plan for');
  const asked = reporting();
  asked.reporter.plan(again, header, 'result');
  expect(asked.out()).toContain('Nothing to change, 9 as wanted.');
  expect(asked.err()).toBe('');
});

test('quiet says only the result and what is wrong', () => {
  const run = reporting({ quiet: true, tty: true });
  run.reporter.note('hello');
  run.reporter.plan(fresh, header, 'preview');
  story(run);
  run.reporter.result({ ...summary, exit: 6, results: [result(role, 'failed', { problem: denied })] }, document);
  run.reporter.close();
  expect(run.err()).toMatch(/^\n✗ role/);
  expect(run.err()).toContain('exit 6');
});

test('verbose also says what was kept', () => {
  const run = reporting({ verbose: true });
  story(run);
  expect(run.err()).toContain('✓ vault shop-kv  as wanted');
});

test('-o json is exactly one document at the end, whatever was said before', () => {
  const run = reporting({ output: 'json', tty: true });
  run.reporter.note('hello');
  run.reporter.plan(fresh, header, 'preview');
  story(run);
  run.reporter.result(summary, document);
  expect(run.out()).toBe('');
  run.reporter.close();
  run.reporter.close();
  expect(JSON.parse(run.out())).toMatchObject({ apiVersion: 'aks-secrets/v1', kind: 'Evidence', outcome: 'done' });
  expect(run.err()).toBe('');
});

test('-o json of a plan, and of a failure', async () => {
  const planned = reporting({ output: 'json' });
  planned.reporter.plan(fresh, { ...header, label: 'simulated' }, 'result');
  planned.reporter.close();
  await expect(planned.out()).toMatchFileSnapshot('./goldens/plan-json.txt');
  const failed = reporting({ output: 'json' });
  failed.reporter.plan(fresh, header, 'preview');
  failed.reporter.failure([{ message: 'unknown key', file: 'f.yaml', line: 3 }], 2);
  failed.reporter.close();
  expect(JSON.parse(failed.out())).toEqual({
    ...{ apiVersion: 'aks-secrets/v1', kind: 'Failure', exitCode: 2 },
    complaints: [{ message: 'unknown key', file: 'f.yaml', line: 3 }],
  });
});

test.each(['text', 'json'] as const)('a value in anything that is reported (%s) does not leave', (output) => {
  const value = new Secret('marker-9f8e7d6c');
  const leak = `said ${value.reveal()} and ${Buffer.from(value.reveal()).toString('base64')}`;
  const run = reporting({ output });
  const problem = new Problem('broken', leak, leak, {
    said: { by: 'Azure', message: leak, code: leak, requestId: leak },
  });
  const bad = result(change(`role/${leak}`, { note: leak, run: leak, problem }), 'failed', {
    problem,
    run: leak,
    note: leak,
  });
  run.reporter.note(leak);
  run.reporter.plan({ changes: [bad.change] }, { ...header, caller: leak }, 'preview');
  run.tell({ type: 'waiting', change: bad.change, reason: leak });
  run.tell({ type: 'ended', result: bad });
  const whole = { ...summary, exit: 1 as const, results: [bad], again: leak };
  run.reporter.result(whole, evidence({ ...whole, startedAt: new Date(0) }));
  run.reporter.close();
  const all = run.out() + run.err();
  expect(all).toContain('[secret]');
  expect(all).not.toContain(value.reveal());
  expect(all).not.toContain(Buffer.from(value.reveal()).toString('base64').replace(/=+$/, ''));
});
