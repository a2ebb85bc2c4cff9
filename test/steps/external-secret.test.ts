import { describe, expect, it } from 'vitest';
import { filled, inShort } from '../../src/steps/external-secret.ts';
import { matching, patternOf } from '../../src/steps/external-secret-find.ts';
import { operatorFor, syncedSecret } from '../../src/steps/synced-secret.ts';
import { Problem } from '../../src/trouble.ts';
import type { Workload } from '../../src/workload.ts';
import { upstream } from './made.ts';

const workload = { name: 'orders', namespace: 'shop' } as Workload;
const step = filled({
  workload,
  secretName: 'orders-env',
  externalSecret: upstream('manifest/shop/orders/ExternalSecret'),
  basis: [{ kind: 'SecretStore', namespace: 'shop', name: 'orders', apiVersions: ['external-secrets.io/v1'] }],
  after: [],
});

const NOW = Date.parse('2026-01-05T12:00:00Z');
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();
const applied = (seconds: number) => [{ manager: 'aks-secrets', operation: 'Apply', time: at(seconds) }];
const externalSecret = (status: object | undefined, more: object = {}) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name: 'orders', namespace: 'shop', generation: 2, managedFields: applied(-100), ...more },
  spec: { target: { name: 'orders-env' } },
  ...(status && { status }),
});
const ready = (status: string, reason: string, since = -90) => ({
  conditions: [{ type: 'Ready', status, reason, message: 'from the condition', lastTransitionTime: at(since) }],
});
const synced = { ...ready('True', 'SecretSynced'), syncedResourceVersion: '2-abc', refreshTime: at(-90) };

/** What the step makes of a cluster that holds these. */
async function judged(object: object | undefined, more: { store?: object; events?: object[] } = {}) {
  const kubernetes = {
    get: async ({ kind, apiVersion }: { kind: string; apiVersion: string }) => {
      if (apiVersion !== 'external-secrets.io/v1') return undefined;
      return kind === 'ExternalSecret' ? object : more.store;
    },
    list: async () => more.events ?? [],
    serves: () => true,
  };
  const seen = await step.observe({ kubernetes, clock: { now: () => new Date(NOW) } } as never);
  return step.judge(seen, {});
}
const warning = (message: string, seconds: number, kind = 'ExternalSecret') => ({
  ...{ type: 'Warning', message, lastTimestamp: at(seconds), metadata: {} },
  involvedObject: { kind, name: 'orders' },
});

describe('the sync of an ExternalSecret', () => {
  it.each<[string, object | undefined, string]>([
    ['is not there', undefined, 'settling'],
    ['was not read yet', externalSecret(undefined), 'settling'],
    ['was read', externalSecret(synced), 'as wanted'],
    ['was read in an older form', externalSecret({ ...synced, syncedResourceVersion: '1-abc' }), 'settling'],
    ['fills another Secret', { ...externalSecret(synced), spec: { target: { name: 'other' } } }, 'settling'],
    ['fills the one of its own name', { ...externalSecret(synced), spec: {} }, 'settling'],
    ['is going', externalSecret(synced, { deletionTimestamp: at(0) }), 'settling'],
    [
      'failed just now: the operator tries again soon',
      externalSecret(ready('False', 'SecretSyncedError', -5)),
      'settling',
    ],
    ['failed a while ago', externalSecret(ready('False', 'SecretSyncedError')), 'differs'],
    ['has no Secret, by its policy', externalSecret(ready('True', 'SecretDeleted')), 'settling'],
  ])('%s', async (_name, object, state) => {
    expect((await judged(object)).state).toBe(state);
  });

  it('is outdated when what it reads by was changed since, and the operator is asked to read again', async () => {
    const store = (seconds: number) => ({ metadata: { name: 'orders', managedFields: applied(seconds) } });
    expect((await judged(externalSecret(synced), { store: store(-95) })).state).toBe('as wanted');
    expect((await judged(externalSecret(synced), { store: store(-10) })).state).toBe('differs');
    const foreign = {
      metadata: { name: 'orders', managedFields: [{ manager: 'kubectl', operation: 'Update', time: at(0) }] },
    };
    expect((await judged(externalSecret(synced), { store: foreign })).state).toBe('as wanted');
  });

  it('says what the operator says last, else what the condition does', async () => {
    const failed = externalSecret(ready('False', 'SecretSyncedError', -5));
    expect((await judged(failed)).note).toBe('the operator says: from the condition');
    const events = [
      warning('the second', -5),
      warning('the first', -50),
      { ...warning('another', -1), involvedObject: { kind: 'Pod', name: 'orders' } },
    ];
    expect((await judged(failed, { events })).note).toBe('the operator says: the second');
  });

  it('takes the one that was written last, of those of one second', async () => {
    const failed = externalSecret(ready('False', 'SecretSyncedError', -5));
    const events = [
      { ...warning('Secret does not exist', -5), metadata: { name: 'b', resourceVersion: '1001' } },
      { ...warning('not this one', -5), metadata: { name: 'a', resourceVersion: '999' } },
    ];
    expect((await judged(failed, { events })).note).toBe('the operator says: Secret does not exist');
    expect((await judged(failed, { events: [...events].reverse() })).note).toBe(
      'the operator says: Secret does not exist',
    );
  });

  it('says the store’s reason where the store is not ready', async () => {
    const events = [
      warning('error processing spec.data[0]: SecretStore "orders" is not ready', -1),
      warning('AADSTS700213: No matching federated identity record', -20, 'SecretStore'),
    ];
    const { note } = await judged(externalSecret(ready('False', 'SecretSyncedError', -5)), { events });
    expect(note).toBe('the operator says: AADSTS700213: No matching federated identity record');
  });

  it('is asked for by an annotation that belongs to no apply', async () => {
    const written: unknown[] = [];
    const kubernetes = { annotate: async (...all: unknown[]) => void written.push(all) };
    const seen = {
      object: { ...externalSecret(undefined), apiVersion: 'external-secrets.io/v1beta1' },
      outdated: false,
    };
    await step.converge({ kubernetes, clock: { now: () => new Date(NOW) } } as never, seen, {});
    expect(written).toEqual([
      [
        { apiVersion: 'external-secrets.io/v1beta1', kind: 'ExternalSecret', namespace: 'shop', name: 'orders' },
        { 'force-sync': String(NOW / 1000) },
      ],
    ]);
  });
});

describe('a message of the operator in short', () => {
  it.each<[string, string, string]>([
    ['plain', 'Secret does not exist', 'Secret does not exist'],
    [
      'Entra’s, without ids that differ from try to try',
      'http call(https://login.microsoftonline.com/t/oauth2/v2.0/token)(POST) error: reply status code was 401:\n{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject \'system:serviceaccount:shop:orders\'. Trace ID: 1b4e28ba Correlation ID: 6fa459ea Timestamp: 2026-01-05 12:00:00Z","error_codes":[700213]}',
      "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:shop:orders'.",
    ],
    [
      'Key Vault’s, with the inner code',
      'keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message="Caller is not authorized to perform action on resource.\\r\\nIf role assignments changed, please observe propagation time.\\r\\nCaller: appid=1" InnerError={"code":"ForbiddenByRbac"}',
      'Caller is not authorized to perform action on resource (ForbiddenByRbac)',
    ],
    [
      'Key Vault’s, quoted by the newer library',
      'error processing spec.data[0] (key: a), err: GET https://shop-kv.vault.azure.net/secrets/a/\n----\nRESPONSE 403: 403 Forbidden\nERROR CODE: Forbidden\n----\n{\n  "error": {\n    "code": "Forbidden",\n    "message": "Operation get is not allowed on a disabled secret.",\n    "innererror": {\n      "code": "SecretDisabled"\n    }\n  }\n}\n----\n',
      'Operation get is not allowed on a disabled secret (SecretDisabled)',
    ],
    ['long', 'x'.repeat(300), `${'x'.repeat(197)}...`],
  ])('%s', (_name, message, short) => {
    expect(inShort(message)).toBe(short);
  });
});

describe('--find', () => {
  const search = matching({
    vault: { wish: { resourceGroup: 'rg', name: 'kv' }, uri: 'u', step: upstream('vault/kv') },
    find: '^db-',
    workloads: ['orders'],
  });
  const names = (...all: string[]) => all.map((name) => ({ name, enabled: !name.endsWith('off') }));

  it.each<[string, unknown, string]>([
    ['matches', names('db-a', 'x'), 'as wanted'],
    ['matches only what is disabled', names('db-off'), 'blocked'],
    ['matches nothing', names('x-db-'), 'blocked'],
    ['a vault that does not exist yet', undefined, 'blocked'],
    ['a vault that may not be listed', 'hidden', 'good enough'],
  ])('%s', (_name, found, state) => {
    expect(search.judge(found, {}).state).toBe(state);
  });

  it('says what it brings now, and not a whole vault', () => {
    expect(search.judge(names('db-a', 'db-b'), {}).note).toBe('matches db-a, db-b now');
    expect(search.judge(names(...[1, 2, 3, 4, 5, 6].map((n) => `db-${n}`)), {}).note).toBe(
      'matches db-1, db-2, db-3, db-4 and 2 more now',
    );
  });

  it('is hidden only by a lack of rights', async () => {
    const list = (trouble: Problem['trouble']) => async () => {
      throw new Problem(trouble, 'vault kv', 'no');
    };
    expect(await search.observe({ azure: { secrets: { list: list('denied') } } } as never)).toBe('hidden');
    await expect(search.observe({ azure: { secrets: { list: list('broken') } } } as never)).rejects.toThrow('no');
  });

  it.each<[string, string, boolean]>([
    ['^db-', 'db-a', true],
    ['^db-$', 'db-a', false],
    ['(?i)^DB-', 'db-a', true],
    ['(?P<kind>db)-', 'db-a', true],
    ['', 'anything', true],
  ])('%s against %s', (find, name, matches) => {
    expect(patternOf(find).test(name)).toBe(matches);
  });

  it.each(['(', '(?=db)', '(?<!x)db', '(a)\\1'])('%s is no expression of Go', (find) => {
    expect(() => patternOf(find)).toThrow();
  });
});

// biome-ignore lint/suspicious/noExplicitAny: an object of the cluster
type Any = any;

describe('the name of a Secret', () => {
  const free = syncedSecret(workload, 'orders', operatorFor('orders'));
  const secret = (metadata: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'orders', ...metadata },
  });
  const owned = (kind: string, name: string) => secret({ ownerReferences: [{ kind, name, uid: 'u' }] });
  it.each<[string, object | undefined, string]>([
    ['free', undefined, 'as wanted'],
    ['its own ExternalSecret’s', owned('ExternalSecret', 'orders'), 'as wanted'],
    ['another ExternalSecret’s', owned('ExternalSecret', 'mailer'), 'blocked'],
    ['another owner’s of that name', owned('Certificate', 'orders'), 'blocked'],
    ['nobody’s', secret({}), 'blocked'],
    ['the CSI driver’s', secret({ labels: { 'secrets-store.csi.k8s.io/managed': 'true' } }), 'blocked'],
  ])('%s', (_name, found, state) => {
    expect(free.judge(found, {}).state).toBe(state);
  });

  it.each<[string, object, RegExp, string?]>([
    ['what made the pods', owned('ReplicaSet', 'orders-7d4c'), /goes with what made the pods/],
    // As the driver leaves it for some seconds after each of its writes.
    ['nobody', secret({}), /nothing owns it/, 'kubectl delete secret orders --namespace shop'],
  ])('the driver’s that belongs to %s stays, and that is said', (_name, { metadata }: Any, note, run) => {
    const labels = { 'secrets-store.csi.k8s.io/managed': 'true' };
    const found = secret({ ...metadata, namespace: 'shop', labels });
    const removal = syncedSecret(workload, 'orders').removal?.(
      found,
      {},
      { others: [], going: new Set(), surveyed: undefined },
    );
    expect(removal).toMatchObject({ state: 'leave', note: expect.stringMatching(note), ...(run && { run }) });
  });
});
