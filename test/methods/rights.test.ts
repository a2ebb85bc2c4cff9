import { describe, expect, it } from 'vitest';
import type { Kubernetes, KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { mayDo } from '../../src/methods/wiring/rights.ts';
import { Problem } from '../../src/trouble.ts';
import type { World } from '../../src/world.ts';

type Json = Record<string, unknown>;
const ACCOUNT = { namespace: 'ops', name: 'operator' };
const SUBJECT = { kind: 'ServiceAccount', ...ACCOUNT };
const RULE = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
const denied = new Problem('denied', 'roles', 'no');

/** A cluster with one binding in the namespace, and the role that it names. */
function world(binding: Json | undefined, rule: Json | 'hidden' | undefined, wide: 'seen' | 'hidden' = 'seen'): World {
  const kubernetes = {
    list: async ({ kind }: { kind: string }) => {
      if (kind === 'ClusterRoleBinding' && wide === 'hidden') throw denied;
      return kind === 'RoleBinding' && binding
        ? [{ metadata: { name: 'b', namespace: 'shop' }, roleRef: { kind: 'Role', name: 'r' }, ...binding }]
        : [];
    },
    get: async () => {
      if (rule === 'hidden') throw denied;
      return rule && ({ kind: 'Role', metadata: { name: 'r' }, rules: [rule] } as unknown as KubernetesObject);
    },
  } as unknown as Kubernetes;
  return { kubernetes } as World;
}

describe('what a service account may do, by the roles bound to it', () => {
  const by = (subject: Json) => ({ subjects: [subject] });
  it.each<[string, Json | undefined, Json | 'hidden' | undefined, boolean | 'unknown']>([
    ['what its role allows', by(SUBJECT), RULE, true],
    ['nothing without a role', undefined, RULE, false],
    ['nothing by a role of another one', by({ ...SUBJECT, namespace: 'shop' }), RULE, false],
    ['what all service accounts may', by({ kind: 'Group', name: 'system:serviceaccounts' }), RULE, true],
    ['what those of its namespace may', by({ kind: 'Group', name: 'system:serviceaccounts:ops' }), RULE, true],
    ['what a user of its name may', by({ kind: 'User', name: 'system:serviceaccount:ops:operator' }), RULE, true],
    ['nothing by another verb', by(SUBJECT), { ...RULE, verbs: ['list'] }, false],
    ['nothing in another group', by(SUBJECT), { ...RULE, apiGroups: ['apps'] }, false],
    ['everything by stars', by(SUBJECT), { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, true],
    ['nothing to another object', by(SUBJECT), { ...RULE, resourceNames: ['other'] }, false],
    ['what a role that is gone allowed: nothing', by(SUBJECT), undefined, false],
    ['what nobody can tell whose role cannot be seen', by(SUBJECT), 'hidden', 'unknown'],
  ])('%s', async (_title, binding, rule, expected) => {
    const act = { verb: 'get', resource: 'secrets', name: 'mine' };
    expect(await mayDo(world(binding, rule), ACCOUNT, 'shop', act)).toBe(expected);
  });

  it('a binding that cannot be seen may allow it', async () => {
    const act = { verb: 'get', resource: 'secrets' };
    expect(await mayDo(world(undefined, undefined, 'hidden'), ACCOUNT, 'shop', act)).toBe('unknown');
    expect(await mayDo(world(by(SUBJECT), RULE, 'hidden'), ACCOUNT, 'shop', act)).toBe(true);
  });

  it('a part of a resource has a name of its own', async () => {
    const act = { verb: 'create', resource: 'serviceaccounts/token' };
    const rule = { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['create'] };
    expect(await mayDo(world(by(SUBJECT), rule), ACCOUNT, 'shop', act)).toBe(false);
    expect(await mayDo(world(by(SUBJECT), { ...rule, resources: ['*/token'] }), ACCOUNT, 'shop', act)).toBe(true);
  });
});
