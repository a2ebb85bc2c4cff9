import { expect, test } from 'vitest';
import type { Change } from '../../src/engine/events.ts';
import { planDocument } from '../../src/engine/evidence.ts';
import { exitOfPlan } from '../../src/exit.ts';
import type { RemovalSummary } from '../../src/report/removal-text.ts';
import { removalPlanText, removalResultText, removalTroublesText } from '../../src/report/removal-text.ts';
import { painter } from '../../src/report/style.ts';
import type { Line } from '../../src/report/text.ts';
import { Problem } from '../../src/trouble.ts';
import { change, denied, header, page, result } from './examples.ts';

const plain = (lines: readonly Line[]) => `${lines.map(painter(false)).join('\n')}\n`;
const golden = (name: string) => `./goldens/removal-${name}.txt`;

const goes = (id: string, more: Partial<Change> = {}) => change(id, { action: 'remove', ...more });
const stays = (id: string, note: string, run?: string): Change =>
  change(id, { action: 'leave', note, ...(run !== undefined && { run }) });
const kubernetes = { side: 'Kubernetes' } as const;
const access = goes('access/x', { subject: 'Key Vault Secrets User for orders-id on shop-kv' });
const left = [
  stays('cluster/shop-aks', 'others may run in it', 'az aks delete --resource-group shop-rg --name shop-aks'),
  stays('feature/OIDC issuer of shop-aks', 'cannot be switched off again'),
  stays('vault/shop-kv', 'it may hold what others need', 'az keyvault delete --name shop-kv'),
  ...['db-password', 'api-key'].map((name) =>
    stays(
      `secret/shop-kv/${name}`,
      'a value is never deleted',
      `az keyvault secret delete --vault-name shop-kv --name ${name}`,
    ),
  ),
  stays('identity/orders-id', 'it trusts repo:shop/orders (credential by-hand)'),
];
const changes: readonly Change[] = [
  goes('Deployment/shop/orders-sample', kubernetes),
  goes('ServiceAccount/shop/orders', {
    ...kubernetes,
    note: 'only the annotations that aks-secrets wrote on it; the object stays',
  }),
  goes('credential/shop/orders at orders-id', {
    note: 'the cluster is gone, and no other has its issuer https://one/',
  }),
  access,
  ...left,
];
const unreachable = new Problem('broken', 'cluster shop-aks', 'the API server does not answer (ECONNREFUSED)');

test('what goes and what stays, at 80 columns', async () => {
  await expect(plain(removalPlanText(changes, header, page(80)))).toMatchFileSnapshot(golden('plan'));
});

test('what could not be looked at, and what hangs on it', async () => {
  const unseen = [
    change('ServiceAccount/shop/orders', { ...kubernetes, action: 'blocked', problem: unreachable }),
    change('ConfigMap/shop/orders-sample', { ...kubernetes, action: 'blocked', problem: unreachable }),
    change('identity/orders-id', { action: 'blocked', note: 'hangs on credential shop/orders', follows: ['x'] }),
    access,
  ];
  await expect(plain(removalPlanText(unseen, header, page(80)))).toMatchFileSnapshot(golden('unseen'));
  expect(exitOfPlan(unseen)).toBe(1);
});

test('nothing to remove', () => {
  expect(plain(removalPlanText(left, header, page(80)))).toContain('\nNothing to remove, 6 left in place.\n');
  expect(exitOfPlan(left)).toBe(0);
});

const at = new Date(2026, 0, 5, 14, 2, 11);
const summary: RemovalSummary = {
  ...{ exit: 0, at, again: 'aks-secrets destroy -f aks-secrets.yaml', workloads: header.workloads },
  results: changes.map((one) => result(one, one.action === 'leave' ? 'left' : 'removed')),
};

test('the end that went well, and the one with nothing to do', () => {
  expect(plain(removalResultText(summary, page(80)))).toBe(
    'shop/orders: what aks-secrets made for it alone is gone.\n4 removed, 6 left in place.\n',
  );
  expect(plain(removalResultText({ ...summary, issuer: 'https://one/' }, page(80)))).toContain(
    'shop/orders: the trust in https://one/ is gone.',
  );
  expect(removalTroublesText(summary, page(80))).toEqual([]);
  const nothing = { ...summary, results: left.map((one) => result(one, 'left')) };
  expect(plain(removalResultText(nothing, page(80)))).toBe('Nothing to remove, 6 left in place.\n');
});

test('the end without a right: which, and whoever has it runs the same, which asks again', async () => {
  const ended: RemovalSummary = {
    ...{ ...summary, exit: 6 },
    results: [
      result(goes('credential/shop/orders at orders-id'), 'removed'),
      result(access, 'failed', { problem: denied }),
      result(goes('identity/orders-id'), 'not reached', { follows: [access.id] }),
    ],
  };
  const text = plain([...removalResultText(ended, page(80)), ...removalTroublesText(ended, page(80))]);
  await expect(text).toMatchFileSnapshot(golden('denied'));
});

test('as one document', () => {
  const { changes: told } = planDocument({ changes });
  expect(told).toMatchObject([
    ...[{ action: 'remove' }, { action: 'remove' }, { action: 'remove' }, { action: 'remove' }],
    { action: 'leave', note: 'others may run in it', run: expect.stringMatching(/^az aks delete/) },
    ...left.slice(1).map(({ note }) => ({ action: 'leave', note })),
  ]);
});
