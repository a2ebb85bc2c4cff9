import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { differencesOf, leftovers, otherManagerOf } from '../../src/steps/compare.ts';

const object = (fields: object, managedFields: object[] = []): KubernetesObject =>
  ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    ...fields,
    metadata: { name: 'a', ...(fields as { metadata?: object }).metadata, managedFields },
  }) as KubernetesObject;

describe('differences', () => {
  it.each([
    ['equal', { a: 1 }, { a: 1 }, []],
    ['what others add counts for nothing', { a: 1 }, { a: 1, b: 2 }, []],
    ['a number and its text are one', { a: 1 }, { a: '1' }, []],
    ['an empty string and an absent field are one', { cloudName: '' }, {}, []],
    ['a value', { a: 'x' }, { a: 'y' }, ['a']],
    ['missing', { a: { b: 'x' } }, {}, ['a.b']],
    ['a key with dots', { annotations: { 'x.y/z': '1' } }, { annotations: { 'x.y/z': '2' } }, ['annotations["x.y/z"]']],
    ['items by name, in any order', { c: [{ name: 'a', v: 1 }] }, { c: [{ name: 'b' }, { name: 'a', v: 1 }] }, []],
    ['an item of that name differs', { c: [{ name: 'a', v: 1 }] }, { c: [{ name: 'a', v: 2 }] }, ['c[a].v']],
    ['null asks for nothing, as kubectl writes it', { creationTimestamp: null }, { creationTimestamp: '2026' }, []],
    ['what the server leaves out when it is the default', { readOnly: false, minReadySeconds: 0 }, {}, []],
    [
      'what is something else when it is left out',
      { automountServiceAccountToken: false, securityContext: { runAsUser: 0 } },
      {},
      ['automountServiceAccountToken', 'securityContext.runAsUser'],
    ],
    [
      'quantities as the server writes them',
      { resources: { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { cpu: '1000m', memory: '1e9' } } },
      { resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '1G' } } },
      [],
    ],
    [
      'another quantity',
      { resources: { limits: { memory: '128Mi' } } },
      { resources: { limits: { memory: '128M' } } },
      ['resources.limits.memory'],
    ],
    ['spans as an operator writes them back', { refreshInterval: '1h' }, { refreshInterval: '1h0m0s' }, []],
    ['another span', { refreshInterval: '1h' }, { refreshInterval: '1m0s' }, ['refreshInterval']],
    ['equal amounts elsewhere are text', { data: { a: '1000m' } }, { data: { a: '1' } }, ['data.a']],
    [
      'one volume at two paths',
      {
        volumeMounts: [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/b' },
        ],
      },
      {
        volumeMounts: [
          { mountPath: '/b', name: 'v' },
          { mountPath: '/a', name: 'v' },
        ],
      },
      [],
    ],
    [
      'one object under two keys',
      {
        data: [
          { objectName: 'o', key: 'a' },
          { objectName: 'o', key: 'b' },
        ],
      },
      {
        data: [
          { objectName: 'o', key: 'a' },
          { objectName: 'o', key: 'b' },
        ],
      },
      [],
    ],
    ['items without a name by place', { c: ['x', 'y'] }, { c: ['x', 'z'] }, ['c[1]']],
  ])('%s', (_name, wanted, found, paths) => {
    expect(differencesOf(wanted, found).map(({ path }) => path)).toEqual(paths);
  });

  it('finds none between a thing and itself with additions', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.jsonValue()), (wanted) => {
        expect(differencesOf(wanted, { ...wanted, zzzzzzz: 'more' })).toEqual([]);
      }),
    );
  });
});

describe('leftovers', () => {
  const entry = {
    manager: 'aks-secrets',
    operation: 'Apply',
    fieldsV1: { 'f:spec': { 'f:a': {}, 'f:list': { 'k:{"name":"x"}': { '.': {}, 'f:v': {} } } } },
  };
  it('are fields that we set once and set no more', () => {
    const found = object({ spec: { a: 1, list: [{ name: 'x', v: 1 }] } }, [entry]);
    expect(leftovers({ spec: { a: 1, list: [{ name: 'x', v: 1 }] } }, found)).toEqual([]);
    expect(leftovers({ spec: { list: [{ name: 'x', v: 1 }] } }, found).map(({ path }) => path)).toEqual(['spec.a']);
    expect(leftovers({ spec: { a: 1, list: [] } }, found).map(({ path }) => path)).toEqual(['spec.list[x]']);
  });
});

describe('a list that we own whole', () => {
  const entry = { manager: 'aks-secrets', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:command': {} } } };
  const found = object({ spec: { command: ['node', '/x', '--old'] } }, [entry]);
  it('differs when it has more than is wanted', () => {
    expect(leftovers({ spec: { command: ['node', '/x', '--old'] } }, found)).toEqual([]);
    expect(leftovers({ spec: { command: ['node', '/x'] } }, found)).toEqual([
      { path: 'spec.command', is: '["node","/x","--old"]', want: '["node","/x"]' },
    ]);
  });
  it('and not when it is shared', () => {
    const shared = object({ spec: { command: ['a', 'b'] } }, [{ ...entry, fieldsV1: { 'f:spec': {} } }]);
    expect(leftovers({ spec: { command: ['a'] } }, shared)).toEqual([]);
  });
});

describe('who else sets a field', () => {
  const path = 'metadata.annotations["azure.workload.identity/client-id"]';
  const entry = (manager: string, operation = 'Update') => ({
    manager,
    operation,
    fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {}, 'f:azure.workload.identity/client-id': {} } } },
  });
  it('is read from the server’s record', () => {
    expect(otherManagerOf(object({}, [entry('kubectl-annotate')]), path)).toBe('kubectl-annotate');
    expect(otherManagerOf(object({}, [entry('aks-secrets', 'Apply')]), path)).toBeUndefined();
    expect(
      otherManagerOf(object({}, [entry('kubectl-annotate'), entry('aks-secrets', 'Apply')]), path),
    ).toBeUndefined();
    expect(otherManagerOf(object({}, [entry('kubectl')]), 'metadata.annotations["other"]')).toBeUndefined();
  });
});
