import type { ArmCluster, Parts, Request } from '../parts.ts';
import { refuse } from './status.ts';
import type { ClusterState } from './store.ts';
import type { Tokens } from './tokens.ts';

/** The AKS server application of Entra, the audience of every Entra token for an AKS API server (public cloud). */
export const AKS_SERVER = '6dae42f8-4368-4678-94ff-3960e28e3630';

export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** Who asks. Local accounts have a token of their own, Entra clusters take Entra's, both take service accounts'. */
export async function authenticate(
  request: Request,
  cluster: ArmCluster,
  state: ClusterState,
  tokens: Tokens,
  parts: Parts,
): Promise<Caller> {
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token) {
    if (!cluster.entra && token === state.userToken) return { name: 'clusterUser', groups: ['system:masters'] };
    const account = tokens.accountOf(token);
    if (account) return { name: account, groups: ['system:serviceaccounts', 'system:authenticated'] };
    if (cluster.entra) {
      const principal = await parts.entra.verify(token);
      if (principal?.audience === AKS_SERVER) {
        return { name: principal.name ?? principal.objectId, groups: ['system:masters'] };
      }
    }
  }
  throw refuse(401, 'Unauthorized', 'Unauthorized');
}

export interface Attempt {
  readonly verb: string;
  readonly group: string;
  /** With subresource: `serviceaccounts/token`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Cluster users may do everything but what the state denies; service accounts nothing, since no role is evaluated. */
export function allowed(caller: Caller, attempt: Attempt, state: ClusterState): boolean {
  const fits = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  const denied = state.denied.some((rule) => fits(rule.verbs, attempt.verb) && fits(rule.resources, attempt.resource));
  return caller.groups.includes('system:masters') && !denied;
}

/** Throws what RBAC says, unless the caller may. */
export function authorize(caller: Caller, attempt: Attempt, state: ClusterState): void {
  if (allowed(caller, attempt, state)) return;
  const [resource, subresource] = attempt.resource.split('/') as [string, string?];
  const qualified = attempt.group ? `${resource}.${attempt.group}` : resource;
  const what = attempt.name ? `${qualified} "${attempt.name}"` : qualified;
  const scope = attempt.namespace ? `in the namespace "${attempt.namespace}"` : 'at the cluster scope';
  throw refuse(
    403,
    'Forbidden',
    `${what} is forbidden: User "${caller.name}" cannot ${attempt.verb} resource "${resource}${subresource ? `/${subresource}` : ''}" in API group "${attempt.group}" ${scope}`,
    {
      ...(attempt.name && { name: attempt.name }),
      ...(attempt.group && { group: attempt.group }),
      kind: resource,
    },
  );
}
