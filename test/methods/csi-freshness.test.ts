import { describe, expect, it } from 'vitest';
import { deployment, type Json, madeBy, unwell } from './cluster-of.ts';
import {
  around,
  failing,
  listed,
  mounted,
  own,
  PASSWORD,
  providerClass,
  ROTATING,
  status,
  template,
  V,
  version,
} from './csi-made.ts';

describe('a version in a pod', () => {
  const two = (minutes: number) => ({ 'secrets/db-password': [version(V.a, 1000), version(V.b, minutes)] });
  it.each<[string, number, Json, string, string | undefined]>([
    ['is older than one that is new', 1, ROTATING, 'unknown', undefined],
    ['is older than one that is long there', 60, ROTATING, 'fail', 'F107'],
    [
      'is older, and nobody looks',
      60,
      {
        id: 'c',
        name: 'c',
        properties: { addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: null } } },
      },
      'fail',
      'F106',
    ],
  ])('%s', async (_what, minutes, cluster, verdict, failure) => {
    const found = await unwell(own, around([providerClass(), ...mounted()], { versions: two(minutes), cluster }));
    expect(found).toMatchObject([{ check: 'AKS-CSI-FRESH', verdict, ...(failure && { failure }) }]);
    expect(found[0]!.observed).toContain(V.a);
  });

  it('is one that is asked for, and stays', async () => {
    const pinned = providerClass({ objects: listed({ ...PASSWORD, objectVersion: V.a }) });
    expect(await failing(around([pinned, ...mounted()], { versions: two(60) }))).toEqual([]);
  });

  it('cannot be told from another of the same second', async () => {
    expect(
      await failing(
        around([providerClass(), ...mounted()], {
          versions: { 'secrets/db-password': [version(V.a, 60), version(V.b, 60)] },
        }),
      ),
    ).toEqual([]);
  });

  it.each<[string, Json, string | undefined]>([
    ['a file of the whole mount', {}, undefined],
    ['a file by subPath', { volumeMounts: [{ name: 'secrets', mountPath: '/etc/x', subPath: 'db-password' }] }, 'F106'],
    [
      'a variable of the Secret',
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'orders-env', key: 'x' } } }] },
      'F106',
    ],
    ['all variables of the Secret', { envFrom: [{ secretRef: { name: 'orders-env' } }] }, 'F106'],
  ])('is current in the volume, and the container has %s', async (_what, container, failure) => {
    const secretObjects = [
      { secretName: 'orders-env', type: 'Opaque', data: [{ objectName: 'db-password', key: 'x' }] },
    ];
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'orders-env', namespace: 'shop', labels: { 'secrets-store.csi.k8s.io/managed': 'true' } },
    };
    const objects = [
      providerClass({}, { spec: { secretObjects } }),
      ...madeBy(deployment(template({}, container))),
      status({ 'secret/db-password': V.b }),
      secret,
    ];
    const found = await unwell(own, around(objects, { versions: two(30) }));
    expect(found.map((each) => each.failure)).toEqual(failure ? [failure] : []);
    if (failure) expect(found[0]!.fix?.run).toBe('kubectl rollout restart deployment/orders --namespace shop');
  });
});
