import type { Kind, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { World } from '../../world.ts';
import { orHidden } from './live.ts';
import { list, record, text } from './shape.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
const CLUSTER_WIDE: Kind = { apiVersion: RBAC, kind: 'ClusterRoleBinding' };
const OF_NAMESPACE: Kind = { apiVersion: RBAC, kind: 'RoleBinding' };

/** A service account. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** One thing in the core API group. */
export interface Act {
  readonly verb: string;
  /** `secrets`, `serviceaccounts/token`. */
  readonly resource: string;
  readonly name?: string;
}

/** The bindings that decide what somebody may do in a namespace. */
export const bindingsFor = (
  { kubernetes }: World,
  namespace: string,
): readonly Promise<readonly KubernetesObject[]>[] => [
  kubernetes.list(CLUSTER_WIDE, undefined),
  kubernetes.list(OF_NAMESPACE, namespace),
];

/**
 * Whether a service account may do that in a namespace, by the roles that are bound to it; `unknown` where not all of them
 * can be seen, since a role that is not seen may allow it.
 */
export async function mayDo(world: World, account: Account, namespace: string, act: Act): Promise<boolean | 'unknown'> {
  const bound = await Promise.all(bindingsFor(world, namespace).map((read) => orHidden(read)));
  const own = bound.flatMap((each) => each ?? []).filter((binding) => binds(binding, account));
  const roles = await Promise.all(own.map((binding) => roleOf(world, binding)));
  if (roles.some((role) => role !== 'hidden' && role && allows(role, act))) return true;
  return bound.includes(undefined) || roles.includes('hidden') ? 'unknown' : false;
}

function binds(binding: KubernetesObject, account: Account): boolean {
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  return list(binding.subjects)
    .map(record)
    .some(({ kind, name, namespace }) => {
      if (kind === 'User') return name === user;
      if (kind === 'Group') return groups.includes(text(name) ?? '');
      return name === account.name && (namespace ?? binding.metadata.namespace) === account.namespace;
    });
}

/** `undefined`: the role is gone, and the binding binds to nothing. */
async function roleOf({ kubernetes }: World, { metadata, roleRef }: KubernetesObject) {
  const { kind, name } = record(roleRef);
  const { namespace } = metadata;
  const read = kubernetes.get({
    apiVersion: RBAC,
    kind: kind === 'Role' ? 'Role' : 'ClusterRole',
    name: text(name) ?? '',
    ...(kind === 'Role' && namespace && { namespace }),
  });
  const found = await orHidden(read.then((each) => each ?? null));
  return found === undefined ? ('hidden' as const) : (found ?? undefined);
}

const allows = (role: KubernetesObject, { verb, resource, name }: Act): boolean =>
  list(role.rules)
    .map(record)
    .some(({ apiGroups, resources, verbs, resourceNames }) => {
      const has = (values: unknown, value: string) => list(values).some((each) => each === '*' || each === value);
      const [, part] = resource.split('/');
      const isResource = has(resources, resource) || (part !== undefined && list(resources).includes(`*/${part}`));
      const names = list(resourceNames);
      return has(apiGroups, '') && isResource && has(verbs, verb) && (names.length === 0 || names.includes(name));
    });
