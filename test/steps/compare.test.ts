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
