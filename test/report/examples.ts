import type { Change, Plan, Proof, Result } from '../../src/engine/events.ts';
import type { Header } from '../../src/report/plan-text.ts';
import { ASCII, UNICODE } from '../../src/report/text.ts';
import { Problem } from '../../src/trouble.ts';

export const page = (width: number, symbols = UNICODE) => ({ width, symbols });
export const asciiPage = page(80, ASCII);

export const change = (id: string, more: Partial<Change> = {}): Change => {
  const [kind = '', ...rest] = id.split('/');
  const subject = rest.join('/');
  return {
    ...{ id, kind, subject, title: `${kind} ${subject}`, side: 'Azure', workloads: ['orders'], action: 'create' },
    ...{ differences: [], missing: [], consents: [] },
    ...more,
  };
};

export const header: Header = {
  workloads: [{ name: 'orders', namespace: 'shop', method: 'the CSI driver' }],
  caller: 'ana@contoso.com',
  subscription: { id: '3f2a91c0-0000-4000-8000-000000000000', name: 'Contoso Dev' },
  tenant: 'contoso.com',
};

export const cluster = change('cluster/shop-aks', {
  action: 'update',
  settles: 'long operation',
  consents: ['cluster', 'irreversible'],
  differences: [
    {
      ...{ path: 'OIDC issuer', is: 'off', want: 'on', irreversible: true, consent: ['cluster', 'irreversible'] },
      warning: 'cannot be undone, restarts the API server; pods may need a restart',
    },
    { path: 'workload identity', is: 'off', want: 'on', consent: ['cluster'] },
    { path: 'Key Vault add-on', is: 'off', want: 'on, rotation 2m', consent: ['cluster'] },
  ],
});

const rest: readonly Change[] = [
  change('vault/shop-kv', { action: 'keep', note: 'RBAC' }),
  change('secret/shop-kv/db-password', { action: 'keep', subject: 'db-password' }),
  change('secret/shop-kv/api-key', { action: 'keep', subject: 'api-key' }),
  change('identity/orders-id', { settles: 'minutes' }),
  change('credential/orders-id/shop:orders', { subject: 'shop/orders at orders-id', settles: 'minutes' }),
  change('role/orders-id/shop-kv', {
    subject: 'Key Vault Secrets User for orders-id on shop-kv',
    note: 'also opens 10 other secrets; --role-scope secret narrows it',
    settles: 'minutes',
  }),
  change('ServiceAccount/shop/orders', { side: 'Kubernetes' }),
  change('SecretProviderClass/shop/orders', { side: 'Kubernetes' }),
];

export const fresh: Plan = { changes: [cluster, ...rest] };
export const again: Plan = {
  changes: fresh.changes.map((one) => ({ ...one, action: 'keep', differences: [], consents: [] })),
};

const unreachable = new Problem(
  'broken',
  'cluster shop-aks',
  'the API server of shop-aks does not answer (ECONNREFUSED)',
);
export const blocked: Plan = {
  changes: [
    {
      ...cluster,
      action: 'blocked',
      missing: ['cluster', 'irreversible'],
      run: 'az aks update --resource-group shop-rg --name shop-aks --enable-oidc-issuer --enable-workload-identity',
    },
    change('vault/shop-kv', {
      action: 'blocked',
      problem: new Problem('denied', 'vault shop-kv', 'You may not read the vault', {
        right: 'Microsoft.KeyVault/vaults/read',
      }),
    }),
    change('role/x', {
      subject: 'Key Vault Secrets User',
      action: 'blocked',
      follows: ['cluster/shop-aks'],
      note: 'follows from cluster shop-aks',
    }),
    change('namespace/shop', { side: 'Kubernetes', action: 'blocked', problem: unreachable }),
    change('ServiceAccount/shop/orders', { side: 'Kubernetes', action: 'blocked', problem: unreachable }),
    change('SecretProviderClass/shop/orders', {
      side: 'Kubernetes',
      action: 'later',
      problem: new Problem('missing', 'cluster shop-aks', 'there is no cluster shop-aks'),
    }),
  ],
};

export const result = (of: Change, outcome: Result['outcome'], more: Partial<Result> = {}): Result => ({
  ...{ change: of, outcome, seconds: 2.1, tries: 1, facts: {} },
  ...more,
});

export const proof: Proof = {
  ...{ id: 'proof', workload: 'orders', title: 'shop/orders can read from shop-kv' },
  ...{ findings: [], outcome: 'proven', seconds: 3.4 },
};

export const denied = new Problem(
  'denied',
  'vault shop-kv',
  'You may not assign roles there: Microsoft.Authorization/roleAssignments/write on shop-kv is missing',
  {
    right: 'Microsoft.Authorization/roleAssignments/write',
    said: {
      ...{ by: 'Azure', status: 403, code: 'AuthorizationFailed', requestId: '5f0c1f6e-9a3b-4d27-8c55-0e6d4c1c2b10' },
      message: 'The client does not have authorization',
    },
  },
);
