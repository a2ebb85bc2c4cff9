import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../../src/sandbox/index.ts';
import { begin, type Story } from '../stories/harness.ts';
import { KEY, sit } from './terminal.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const MARKER = 'planted-Marker-7f3a9';
const SUBSCRIPTION = { subscription: '5ab5c000-0000-4000-8000-000000000001' };
const GIVEN =
  '--cluster demo-aks --resource-group demo-rg --workload orders --namespace shop --method workload-identity';
const seat = { defaults: SUBSCRIPTION };
const denied = {
  status: 403,
  body: { error: { code: 'AuthorizationFailed', message: 'The client does not have authorization.' } },
};

describe('what may not be listed is typed', () => {
  it.each<[what: string, path: RegExp, flags: string, question: string | RegExp, name: string]>([
    ['clusters', /managedClusters$/, '', /\? Cluster\n +You may not list here; type a name\./, 'demo-aks'],
    ['vaults', /KeyVault\/vaults$/, GIVEN, /\? Key Vault\n +You may not list here; type a name\./, 'demo-kv'],
  ])('%s', async (_what, path, flags, question, name) => {
    story.sandbox.faults.failAt({ method: 'GET', path }, denied);
    const terminal = sit(story, `plan ${flags}`, seat);
    await terminal.answer(question, `${name}${KEY.enter}`);
    // Of a name that was typed nobody knows where it lies.
    await terminal.answer(/Resource group of demo-/, KEY.ctrlC);
    expect(await terminal.ended).toBe(130);
  });

  it('secrets, one after the other, until an empty line', async () => {
    story.sandbox.world.noDataRights();
    const terminal = sit(story, `plan --vault demo-kv ${GIVEN}`, seat);
    await terminal.answer(
      /\? Secrets of demo-kv\n +You may not list here; type names, an empty line ends\./,
      KEY.enter,
    );
    await terminal.sees('! Type a name.');
    terminal.type(`db_password${KEY.enter}`);
    await terminal.sees('is not the name of a secret in Key Vault');
    terminal.type(`${KEY.backspace.repeat(11)}db-password${KEY.enter}`);
    await terminal.sees('[x] db-password');
    terminal.type(`api-key${KEY.enter}`);
    await terminal.sees('[x] api-key');
    terminal.type(KEY.enter);
    await terminal.answer('? Are all of them in the vault already? (Y/n)', KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(6);
    expect(terminal.screen()).toContain('? Secrets          db-password, api-key');
  });

  it('namespaces, when the cluster cannot be reached', async () => {
    story.sandbox.faults.failAt({ method: 'POST', path: /listClusterUserCredential$/ }, denied);
    const terminal = sit(story, 'plan --cluster demo-aks --resource-group demo-rg --vault demo-kv', seat);
    await terminal.answer(/\? Namespace\n +You may not list here; type a name\./, `shop${KEY.enter}`);
    await terminal.answer(/\? Workload\n +You may not list here; type a name for the workload\./, KEY.ctrlC);
    await terminal.ended;
  });
});

it('of sixty vaults one is found by typing, those beside the cluster first', async () => {
  const vaults = Array.from({ length: 60 }, (_, index) => ({
    resourceGroup: index === 30 ? 'demo-rg' : 'other-rg',
    name: `a-kv-${String(index).padStart(2, '0')}`,
  }));
  await openSandbox({ dir: join(story.folder, 'sandbox'), existing: { vaults } });
  const mark = story.sandbox.log.mark();
  const terminal = sit(story, `plan ${GIVEN}`, seat);
  await terminal.sees(/> a-kv-30 .*\n {2}demo-kv .*\n {2}a-kv-00 +RBAC.*, in other-rg\n/);
  expect(terminal.screen()).toContain('55 more');
  terminal.type('kv-59');
  await terminal.answer(/> a-kv-59 /, KEY.ctrlC);
  expect(await terminal.ended).toBe(130);
  // One list in two pages, and a look into no more vaults than one can see.
  const asked = story.sandbox.log.since(mark);
  expect(asked.filter(({ path }) => path.endsWith('/Microsoft.KeyVault/vaults'))).toHaveLength(2);
  expect(asked.filter(({ path }) => path === '/secrets').length).toBeLessThanOrEqual(7);
});

describe('what is not there yet', () => {
  it('no vault: a new one, by name', async () => {
    story.sandbox.place.slice.vaults = {};
    const terminal = sit(story, `init -v ${GIVEN}`, seat);
    await terminal.answer(/\? Key Vault\n +There are no vaults yet; .*\n> Make a new vault/, KEY.enter);
    await terminal.answer('? Name of the new vault', `shop_kv${KEY.enter}`);
    await terminal.answer('! "shop_kv" is not the name of a Key Vault', KEY.backspace.repeat(7));
    await terminal.answer(/all of Azure has it$/, `shop-kv-2${KEY.enter}`);
    await terminal.answer('? Protect the vault from being purged?', KEY.enter);
    await terminal.answer(/Secrets of shop-kv-2\n +There are no secrets yet/, `token${KEY.enter}`);
    await terminal.answer('[x] token', KEY.enter);
    await terminal.answer('? Value of token', MARKER);
    await terminal.answer('*'.repeat(MARKER.length), KEY.enter);
    await terminal.answer('? Give yourself the right to write them, for this run only? (Y/n)', KEY.enter);
    await terminal.answer('Apply?', `y${KEY.enter}`);
    await terminal.answer('Save your answers', `y${KEY.enter}`);
    expect({ code: await terminal.ended, screen: terminal.screen() }).toMatchObject({ code: 0 });
    expect(terminal.screen().replaceAll('\n', '')).toMatch(
      /aks-secrets init .*--create-vault .*--secret-value token=env:TOKEN .*--grant-self --yes/,
    );
    // The value is where it belongs, and nowhere else.
    expect(JSON.stringify(story.sandbox.parts.state.vaults)).toContain(MARKER);
    expect(terminal.raw()).not.toContain(MARKER);
    expect(readFileSync(join(story.folder, 'aks-secrets.yaml'), 'utf8')).not.toContain(MARKER);
  });

  it('no cluster: a new one, with what it costs said', async () => {
    story.sandbox.place.slice.clusters = {};
    const terminal = sit(story, 'plan --vault demo-kv --workload orders --namespace shop --secret api-key', seat);
    await terminal.answer(/> Make a new cluster +its nodes cost money/, KEY.enter);
    await terminal.answer('? Name of the new cluster', `shop-aks${KEY.enter}`);
    await terminal.answer(/Resource group of the new cluster\n> demo-rg +westeurope/, KEY.enter);
    await terminal.answer('? Region (westeurope)', KEY.enter);
    await terminal.answer('? How many nodes? Each costs money while it runs (1)', `x${KEY.enter}`);
    await terminal.answer('! A number from 1 to 1000.', `${KEY.backspace}2${KEY.enter}`);
    await terminal.answer('? Size of a node; a larger one costs more (Standard_D2s_v5)', KEY.enter);
    await terminal.answer('? How should the pod get them?', KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toMatch(/\+ cluster shop-aks/);
  });

  it('a secret that the vault lacks: its value is asked for, and masked; without one it is left to somebody else', async () => {
    const terminal = sit(story, `plan --vault demo-kv ${GIVEN}`, seat);
    await terminal.answer('> [ ] api-key', `smtp${KEY.enter}`);
    await terminal.answer('[x] smtp', `ftp${KEY.enter}`);
    await terminal.answer('[x] ftp', KEY.enter);
    await terminal.answer('? Value of smtp (the vault lacks it; empty: later)', `${MARKER}${KEY.enter}`);
    await terminal.answer('? Value of ftp', KEY.escape);
    await terminal.answer('? Value of smtp', `${MARKER}${KEY.enter}`);
    await terminal.answer('? Value of ftp', KEY.enter);
    await terminal.answer('Save your answers', KEY.enter);
    expect(await terminal.ended).toBe(0);
    const screen = terminal.screen();
    expect(screen).toMatch(/\? Value +smtp: typed, not shown\n\? Value +ftp: none/);
    // Whoever has the right is not asked to take it.
    expect(screen).toMatch(/\? Right to write +you have it/);
    expect(screen).not.toContain(MARKER);
    expect(terminal.raw()).not.toContain(MARKER);
  });

  it('the account of every pod is not offered, and not taken', async () => {
    await story.run('init --method workload-identity --yes', { noSample: true });
    const terminal = sit(
      story,
      'plan --cluster demo-aks --resource-group demo-rg --vault demo-kv --secret api-key',
      seat,
    );
    await terminal.answer(/\? Namespace\n> demo/, KEY.enter);
    await terminal.answer(/\? Workload\n +There are no/, `orders${KEY.enter}`);
    const screen = await terminal.sees(/\? Service account\n> orders +new.*\n +demo +exists/);
    expect(screen).not.toContain('default');
    terminal.type(`default${KEY.enter}`);
    await terminal.sees('Every pod that names none has it');
    terminal.type(KEY.ctrlC);
    await terminal.ended;
  });
});
