import { describe, expect, it } from 'vitest';
import { account, CLIENT, deployment, examined, type Json, madeBy, READY, TENANT } from './cluster-of.ts';
import {
  around,
  at,
  DELIVERY,
  daemons,
  failing,
  GROUP,
  listed,
  mounted,
  own,
  PASSWORD,
  providerClass,
  registered,
  status,
  template,
  V,
  version,
  volume,
} from './csi-made.ts';

describe('a cluster', () => {
  it('is well, and the account needs no annotation', async () => {
    const all = await examined(own, around([providerClass(), ...mounted()]));
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-CSI-FRESH')?.observed).toBe('db-password aaaaaaaa');
  });

  it('has another name for the class, found by what the pods mount, and says so', async () => {
    const named = providerClass({}, { metadata: { name: 'kv-prod', namespace: 'shop' } });
    const pods = madeBy(deployment(template({ volumeAttributes: { secretProviderClass: 'kv-prod' } })));
    const all = await examined(own, around([named, ...pods, status({ 'secret/db-password': V.a }, 'kv-prod')]));
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-CSI-CLASS')?.observed).toBe('by SecretProviderClass shop/kv-prod');
  });

  it('has no pod yet: the class is found by the identity that it names', async () => {
    const named = providerClass({}, { metadata: { name: 'kv-prod', namespace: 'shop' } });
    const all = await examined(own, around([named]));
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-CSI-MOUNT')?.observed).toBe('no pod uses it yet');
  });

  it('has a driver of its own in another namespace', async () => {
    const objects = [
      registered(),
      ...daemons('driver', { namespace: 'csi' }),
      ...daemons('provider', { namespace: 'csi' }),
    ];
    const all = await examined(own, { ...around([]), objects: [...objects, account(), providerClass(), ...mounted()] });
    expect(all.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(all.find(({ check }) => check === 'AKS-CSI-NODES')?.observed).toBe('in csi');
  });

  it('has pods with a second class of another vault, which is not this workload', async () => {
    const other = providerClass(
      { keyvaultName: 'mail-kv', clientID: TENANT },
      { metadata: { name: 'mail', namespace: 'shop' } },
    );
    const two = template();
    two.spec.volumes.push({ ...volume({ volumeAttributes: { secretProviderClass: 'mail' } }), name: 'mail' });
    const objects = [
      providerClass(),
      other,
      ...madeBy(deployment(two)),
      status({ 'secret/db-password': V.a }),
      status({}, 'mail'),
    ];
    expect(await failing(around(objects))).toEqual([]);
  });

  it.each<[string, Json[], string[], [string, string, string | undefined]]>([
    ['neither driver nor kinds', [], [], ['AKS-CSI-DRIVER', 'fail', 'F145']],
    [
      'no CSIDriver',
      [...daemons('driver'), ...daemons('provider')],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-DRIVER', 'fail', 'F088'],
    ],
    [
      'a CSIDriver for other volumes',
      [registered({ volumeLifecycleModes: ['Persistent'] })],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-DRIVER', 'fail', 'F088'],
    ],
    [
      'no driver on the node',
      [registered(), ...daemons('driver', { node: 'node-2' }), ...daemons('provider')],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-NODES', 'fail', 'F087'],
    ],
    [
      'no provider at all',
      [registered(), ...daemons('driver')],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-NODES', 'fail', 'F090'],
    ],
    ['no definitions', DELIVERY, [], ['AKS-CSI-KINDS', 'fail', 'F145']],
    [
      'no tokens',
      [registered({ tokenRequests: [] }), ...DELIVERY.slice(1)],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-TOKENS', 'fail', 'F092'],
    ],
    [
      'tokens for others',
      [registered({ tokenRequests: [{ audience: 'x' }] }), ...DELIVERY.slice(1)],
      [GROUP.slice(0, -3)],
      ['AKS-CSI-TOKENS', 'fail', 'F093'],
    ],
  ])('has %s', async (_what, delivery, groups, expected) => {
    const objects = [...delivery, account(), providerClass(), ...mounted()];
    const [first, ...others] = await failing({ ...around([]), objects, groups });
    expect(first).toEqual(expected);
    expect(others.filter(([, verdict]) => verdict === 'fail')).toEqual([]);
  });

  const crashing = (state: Json, more: Json = {}): Json => ({
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False' }],
    containerStatuses: [{ name: 'driver', ready: false, restartCount: 7, state, ...more }],
  });
  it.each<[string, Json, string]>([
    [
      'is ended for its memory',
      crashing(
        { waiting: { reason: 'CrashLoopBackOff' } },
        { lastState: { terminated: { reason: 'OOMKilled', finishedAt: at(2).toISOString() } } },
      ),
      'F148',
    ],
    ['crashes', crashing({ waiting: { reason: 'CrashLoopBackOff' } }), 'F149'],
    ['waits for its image', crashing({ waiting: { reason: 'ImagePullBackOff' } }), 'F087'],
  ])('has a driver that %s', async (_what, state, failure) => {
    const objects = [
      registered(),
      ...daemons('driver', { status: state }),
      ...daemons('provider'),
      account(),
      providerClass(),
      ...mounted(),
    ];
    expect(await failing({ ...around([]), objects })).toEqual([['AKS-CSI-NODES', 'fail', failure]]);
  });

  it('had a driver that was ended for its memory, yesterday', async () => {
    const past = {
      ...READY,
      containerStatuses: [
        {
          name: 'driver',
          ready: true,
          lastState: { terminated: { reason: 'OOMKilled', finishedAt: at(1500).toISOString() } },
        },
      ],
    };
    const objects = [
      registered(),
      ...daemons('driver', { status: past }),
      ...daemons('provider'),
      account(),
      providerClass(),
      ...mounted(),
    ];
    expect(await failing({ ...around([]), objects })).toEqual([]);
  });

  it('lacks the driver on its Windows nodes alone', async () => {
    const pods = madeBy(deployment(template()), {
      spec: { nodeName: 'akswin0', nodeSelector: { 'kubernetes.io/os': 'windows' } },
      status: { phase: 'Pending' },
    });
    expect(await failing(around([providerClass(), ...pods]))).toEqual([['AKS-CSI-NODES', 'fail', 'F109']]);
  });

  it.each<[string, Json, [string, string, string | undefined]]>([
    [
      'a class without identity',
      providerClass({ clientID: undefined, clientId: CLIENT }),
      ['AKS-CSI-PARAMETERS', 'fail', 'F091'],
    ],
    [
      'a class in another namespace',
      providerClass({}, { metadata: { name: 'orders', namespace: 'default' } }),
      ['AKS-CSI-CLASS', 'fail', 'F089'],
    ],
    ['the identity of before', providerClass({ clientID: TENANT }), ['AKS-CSI-IDENTITY', 'fail', 'F057']],
    ['the name of the identity', providerClass({ clientID: 'orders-id' }), ['AKS-CSI-IDENTITY', 'fail', 'F055']],
    [
      'AAD Pod Identity, which is gone',
      providerClass({ usePodIdentity: 'true' }),
      ['AKS-CSI-IDENTITY', 'fail', 'F048'],
    ],
    [
      'the resource of an identity of the nodes',
      providerClass({ clientID: '', useVMManagedIdentity: 'true', userAssignedIdentityID: '/subscriptions/s' }),
      ['AKS-CSI-IDENTITY', 'fail', 'F047'],
    ],
    ['another tenant', providerClass({ tenantID: CLIENT }), ['AKS-CSI-IDENTITY', 'fail', 'F056']],
    ['another vault', providerClass({ keyvaultName: 'other-kv' }), ['AKS-CSI-VAULT', 'fail', 'F075']],
    ['another cloud', providerClass({ cloudName: 'AzureChinaCloud' }), ['AKS-CSI-VAULT', 'fail', 'F143']],
    [
      'an object that the vault lacks',
      providerClass({ objects: listed(PASSWORD, { objectName: 'gone', objectType: 'secret' }) }),
      ['AKS-CSI-OBJECTS', 'fail', 'F077'],
    ],
    [
      'a key of the name of the secret',
      providerClass({ objects: listed({ ...PASSWORD, objectType: 'key' }) }),
      ['AKS-CSI-OBJECTS', 'fail', 'F078'],
    ],
    [
      'a version that there is not',
      providerClass({ objects: listed({ ...PASSWORD, objectVersion: V.b }) }),
      ['AKS-CSI-OBJECTS', 'fail', 'F082'],
    ],
    [
      'nothing of what the workload wants',
      providerClass({ objects: listed({ objectName: 'other', objectType: 'secret' }) }),
      ['AKS-CSI-OBJECTS', 'fail', 'F094'],
    ],
    [
      'two objects that are wrong in one way',
      providerClass({ objects: listed({ ...PASSWORD, objectType: 'x' }, { ...PASSWORD, objectType: 'y' }) }),
      ['AKS-CSI-OBJECTS', 'fail', 'F096'],
    ],
  ])('has %s', async (_what, found, expected) => {
    const versions = { 'secrets/db-password': [version(V.a, 1000)], 'secrets/other': [version(V.b, 1000)] };
    expect(await failing(around([found, ...mounted()], { versions }))).toEqual([expected]);
  });

  it.each<[string, Json, string | undefined]>([
    ['made by the driver', { labels: { 'secrets-store.csi.k8s.io/managed': 'true' } }, undefined],
    ['of somebody else', { labels: {} }, 'F155'],
    [
      'of somebody else, taken over',
      {
        labels: { 'secrets-store.csi.k8s.io/managed': 'true' },
        managedFields: [
          { manager: 'helm', fieldsV1: { 'f:type': {} } },
          { manager: 'secrets-store-csi', fieldsV1: { 'f:data': {} } },
        ],
      },
      'F155',
    ],
    [
      'made by the driver, and annotated by a person',
      {
        labels: { 'secrets-store.csi.k8s.io/managed': 'true' },
        managedFields: [
          { manager: 'kubectl', fieldsV1: { 'f:metadata': {} } },
          { manager: 'secrets-store-csi', fieldsV1: { 'f:type': {} } },
        ],
      },
      undefined,
    ],
  ])('has a Secret %s', async (_what, metadata, failure) => {
    const secretObjects = [
      { secretName: 'orders-env', type: 'Opaque', data: [{ objectName: 'db-password', key: 'x' }] },
    ];
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'orders-env', namespace: 'shop', ...metadata },
      type: 'Opaque',
    };
    expect(await failing(around([providerClass({}, { spec: { secretObjects } }), ...mounted(), secret]))).toEqual(
      failure ? [['AKS-CSI-SECRET', 'fail', failure]] : [],
    );
  });

  const waiting = {
    phase: 'Pending',
    conditions: [],
    containerStatuses: [{ name: 'app', ready: false, state: { waiting: { reason: 'ContainerCreating' } } }],
  };
  const warning = (message: string, minutes: number): Json => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `e${minutes}`, namespace: 'shop' },
    involvedObject: { kind: 'Pod', name: 'orders-7d4c-abcde', uid: 'uid-Pod-orders-7d4c-abcde' },
    ...{ type: 'Warning', reason: 'FailedMount', message, lastTimestamp: at(minutes).toISOString() },
  });
  it.each<[string, Json[], string, string | undefined]>([
    [
      'says its last event',
      [
        warning(
          'MountVolume.SetUp failed for volume "secrets" : rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)',
          1,
        ),
        warning('driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers', 9),
      ],
      'fail',
      'F108',
    ],
    ['says nothing that is known', [warning('the moon is full', 1)], 'unknown', undefined],
    ['says nothing any more', [], 'unknown', undefined],
  ])('has a pod that waits, and %s', async (_what, events, verdict, failure) => {
    const pods = madeBy(deployment(template()), { status: waiting });
    expect(await failing(around([providerClass(), ...pods, ...events]))).toEqual([['AKS-CSI-MOUNT', verdict, failure]]);
  });

  it.each<[string, Json, string]>([
    ['of the node, without saying which', { clientID: '', useVMManagedIdentity: 'true' }, 'F046'],
    ['of the node', { clientID: '', useVMManagedIdentity: 'true', userAssignedIdentityID: CLIENT }, 'F047'],
  ])('signs in by the identity %s, and nothing is mounted', async (_what, parameters, failure) => {
    const waits = madeBy(deployment(template()), { status: waiting });
    expect(await failing(around([providerClass(parameters), ...waits]))).toEqual([['AKS-CSI-MOUNT', 'fail', failure]]);
    expect(await failing(around([providerClass(parameters), ...mounted()]))).toEqual([]);
  });

  it('has a pod that reads the Secret and does not mount what brings it', async () => {
    const secretObjects = [
      { secretName: 'orders-env', type: 'Opaque', data: [{ objectName: 'db-password', key: 'x' }] },
    ];
    const bare = template(
      {},
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'orders-env', key: 'x' } } }], volumeMounts: [] },
    );
    bare.spec.volumes = [];
    const pods = madeBy(deployment(bare), {
      status: {
        ...waiting,
        containerStatuses: [
          {
            name: 'app',
            ready: false,
            state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "orders-env" not found' } },
          },
        ],
      },
    });
    expect(await failing(around([providerClass({}, { spec: { secretObjects } }), ...pods]))).toEqual([
      ['AKS-CSI-MOUNT', 'fail', 'F103'],
    ]);
  });

  it('has records of a pod that was there before, under the same name', async () => {
    const old = status({ 'secret/db-password': V.b });
    old.metadata.ownerReferences = [{ kind: 'Pod', name: 'orders-7d4c-abcde', uid: 'another' }];
    expect(
      await failing(around([providerClass(), ...madeBy(deployment(template()), { status: waiting }), old])),
    ).toEqual([['AKS-CSI-MOUNT', 'unknown', undefined]]);
  });
});
