import type { Cluster } from './cluster.ts';
import { kindNamed } from './kinds.ts';
import type { Resource } from './model.ts';

interface Rule {
  apiGroups?: string[];
  resources?: string[];
  verbs?: string[];
}
interface Binding extends Resource {
  roleRef: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
}

/** A service account, and what it would do in which namespace. */
interface Wish {
  readonly account: { readonly namespace: string; readonly name: string };
  readonly namespace: string;
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

/** Whether roles that are bound to the account allow it, in the whole cluster or in that namespace. */
export function isGranted(cluster: Cluster, { account, namespace, group, resource, verb }: Wish): boolean {
  const has = (list: string[] | undefined, value: string) =>
    (list ?? []).some((each) => each === '*' || each === value);
  const bindings = [
    ...cluster.store.list(kindNamed('ClusterRoleBinding')),
    ...cluster.store.list(kindNamed('RoleBinding'), namespace),
  ] as unknown as readonly Binding[];
  return bindings.some(({ roleRef, subjects, metadata }) => {
    const bound = subjects?.some(
      (each) =>
        each.kind === 'ServiceAccount' &&
        each.name === account.name &&
        (each.namespace ?? metadata.namespace) === account.namespace,
    );
    const kind = roleRef.kind === 'Role' ? 'Role' : 'ClusterRole';
    const role = bound && cluster.store.get(kindNamed(kind), metadata.namespace, roleRef.name);
    const rules = (role ? (role.rules as Rule[] | undefined) : undefined) ?? [];
    return rules.some((rule) => has(rule.apiGroups, group) && has(rule.resources, resource) && has(rule.verbs, verb));
  });
}
