import { expect, test } from 'vitest';
import { resultText, type Summary, troublesText } from '../../src/report/result-text.ts';
import { painter } from '../../src/report/style.ts';
import { clip, columns, type Line } from '../../src/report/text.ts';
import { named, plainly, shortName, withConsent } from '../../src/report/words.ts';
import { Problem } from '../../src/trouble.ts';
import { change, cluster, page, proof, result } from './examples.ts';

const plain = (lines: readonly Line[]) => lines.map(painter(false)).join('\n');
const SUBSCRIPTION = '/subscriptions/3f2a91c0-0000-4000-8000-000000000000';

test.each([
  [`x on ${SUBSCRIPTION} is missing.`, 'x on the subscription is missing.'],
  [`x on ${SUBSCRIPTION}/resourceGroups/shop-rg is missing.`, 'x on resource group shop-rg is missing.'],
  [`on ${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/shop-kv.`, 'on vault shop-kv.'],
  [`on '${SUBSCRIPTION}/resourcegroups/rg/providers/microsoft.keyvault/vaults/kv'`, "on 'vault kv'"],
  ['/subscriptions/mine', '/subscriptions/mine'],
])('a name in place of an id: %s', (text, expected) => {
  expect(named(text)).toBe(expected);
});

test.each([
  ['the cluster is stopped', 'cluster shop-aks', 'The cluster is stopped.'],
  ['Namespace shop: the cluster is stopped', 'Namespace shop', 'The cluster is stopped.'],
  ['orders is not in shop-kv', 'secret shop-kv/orders', 'orders is not in shop-kv.'],
  ['db-password is disabled.', 'secret shop-kv/db-password', 'db-password is disabled.'],
  ['', 'x y', ''],
])('words as a sentence: %s', (text, about, expected) => {
  expect(plainly(text, about)).toBe(expected);
});

test('a name that is too long loses where it lies, and no more than it must', () => {
  const name = 'access Key Vault Secrets User for orders-id on shop-kv';
  expect(shortName(name, 80)).toBe(name);
  expect(shortName(name, 50)).toBe('access Key Vault Secrets User for orders-id');
  expect(shortName(name, 30)).toBe('access Key Vault Secrets User');
  expect(shortName('proof: a', 3)).toBe('proof: a');
});

test('consents are added to the same line, each once, so that it pastes in PowerShell too', () => {
  const again = 'aks-secrets init -f a.yaml --yes';
  expect(withConsent(again, [])).toBe(again);
  expect(withConsent(again, ['cluster'])).toBe('aks-secrets init -f a.yaml --allow cluster --yes');
  expect(withConsent('aks-secrets init --allow cluster --yes', ['cluster', 'irreversible'])).toBe(
    "aks-secrets init --allow 'cluster,irreversible' --yes",
  );
});

test('columns are those of a terminal', () => {
  expect(['abc', '中国', 'e\u0301', '🔑', 'ａ'].map(columns)).toEqual([3, 4, 1, 2, 2]);
  expect(clip('中国电信', 7)).toBe('中国...');
  expect(columns(clip('x'.repeat(50), 20))).toBe(20);
});

const summary: Summary = {
  ...{ exit: 1, results: [], proofs: [], workloads: [], at: new Date(0), again: 'aks-secrets init -f a.yaml --yes' },
};

test('a cluster that is stopped is said once, and not again by each of its objects', () => {
  const silent = new Problem('broken', 'Namespace shop', 'Namespace shop: the cluster shop-aks is stopped');
  const blocked = { action: 'blocked' as const };
  const results = [
    result(change('cluster/shop-aks', blocked), 'blocked', { note: 'the cluster is stopped', run: 'az aks start' }),
    result(change('Namespace/shop', { ...blocked, side: 'Kubernetes' }), 'blocked', { problem: silent }),
    result(change('ServiceAccount/shop/orders', { side: 'Kubernetes' }), 'not reached', {
      follows: ['Namespace/shop'],
    }),
  ];
  const text = plain(troublesText({ ...summary, results }, page(80)));
  expect(text.match(/^✗/gm)).toHaveLength(1);
  expect(text).toContain('The cluster is stopped. 2 more follow from it.');
  expect(text).toMatch(/Next:\n {4}az aks start\n {2}Then:\n {4}aks-secrets init -f a.yaml --yes\n/);
});

test('what needs a consent says the line that gives it', () => {
  const results = [
    result({ ...cluster, action: 'blocked', missing: ['cluster'] }, 'blocked', {
      run: 'az aks update --name shop-aks',
    }),
  ];
  const text = plain(troublesText({ ...summary, exit: 6, results }, page(80)));
  expect(text).toContain('    aks-secrets init -f a.yaml --allow cluster --yes\n');
  expect(text).toContain('    az aks update --name shop-aks\n');
  expect(text).not.toContain('    aks-secrets init -f a.yaml --yes');
});

test('a connection that failed: once for each service, where to look, and no words put into its mouth', () => {
  const lost = (resource: string) =>
    new Problem('broken', resource, `${resource} cannot be reached`, {
      said: { by: 'Azure', code: 'ECONNRESET', message: 'socket hang up' },
    });
  const results = ['vault/kv', 'identity/id'].map((id) =>
    result(change(id), 'failed', { problem: lost(id), run: 'az x' }),
  );
  const text = plain(troublesText({ ...summary, results }, page(80)));
  expect(text.match(/^✗/gm)).toHaveLength(1);
  expect(text).toContain('proxy');
  expect(text).toContain('Connection: ECONNRESET');
  expect(text).not.toMatch(/Azure said|az x/);
});

test('a line to paste has no hole that a shell would read as a redirection', () => {
  const problem = new Problem('refused', 'provider x', 'not registered');
  const explain = () => ({ fix: { say: 'Register it.', run: 'az provider register --namespace <resource group>' } });
  const results = [result(change('provider/x'), 'failed', { problem })];
  const text = plain(troublesText({ ...summary, results, explain }, page(80)));
  expect(text).toContain('--namespace RESOURCE_GROUP');
});

test('of many workloads each is named, also where several share a service account; unproven ones are not said to be', () => {
  const names = ['orders', 'mailer', 'billing', 'carts'];
  const many = (outcome: 'proven' | 'not reached') =>
    plain(
      resultText(
        {
          ...{ ...summary, exit: 1, results: [result(cluster, 'failed')] },
          proofs: names.map((name) => ({ ...proof, workload: name, outcome })),
          workloads: names.map((name) => ({
            ...{ name, account: 'shop/orders', secrets: ['db-password'], vault: 'kv', afterwards: [] },
          })),
        },
        page(80),
      ),
    );
  expect(many('proven')).toContain('  ✓ shop/orders            db-password\n  ✓ shop/orders (mailer)   db-password');
  expect(many('not reached')).toContain('None of 4 workloads is proven to read its secrets.\n');
  expect(many('not reached')).not.toContain('Proven at');
});

test('many workloads are a list, and how to ask for one of them', () => {
  const names = ['orders', 'mailer', 'billing', 'carts'];
  const text = plain(
    resultText(
      {
        ...{ ...summary, exit: 0, results: [result(cluster, 'updated')] },
        proofs: names.map((name) => ({ ...proof, workload: name })),
        workloads: names.map((name) => ({
          ...{ name, account: `shop/${name}`, secrets: ['db-password'], vault: 'kv', afterwards: ['CODE'] },
        })),
      },
      page(80),
    ),
  );
  expect(text).toContain('4 of 4 workloads can read their secrets.');
  expect(text).toContain('  ✓ shop/billing  db-password');
  expect(text).toContain('aks-secrets init -f a.yaml --workload NAME --yes');
  expect(text).not.toContain('CODE');
});
