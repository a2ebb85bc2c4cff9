import { allowed, type Caller } from './access.ts';
import { isRecord, type Resource } from './model.ts';
import { badRequest } from './status.ts';
import type { ClusterState } from './store.ts';

/** Questions that a caller asks about itself: posted, answered, not stored. */
export const REVIEWS = [
  { groupVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews' },
  { groupVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews' },
] as const;

export const reviewAt = (path: string) =>
  REVIEWS.find(({ groupVersion, plural }) => path === `/apis/${groupVersion}/${plural}`);

/** The review with its answer. */
export function review(
  kind: (typeof REVIEWS)[number]['kind'],
  body: Record<string, unknown>,
  caller: Caller,
  state: ClusterState,
): Resource {
  const { groupVersion } = REVIEWS.find((each) => each.kind === kind)!;
  const answer = (status: object): Resource => ({
    ...body,
    kind,
    apiVersion: groupVersion,
    metadata: { name: '' },
    status,
  });
  if (kind === 'SelfSubjectReview') return answer({ userInfo: { username: caller.name, groups: caller.groups } });

  const { resourceAttributes: asked, nonResourceAttributes: path } = (body.spec ?? {}) as Record<string, unknown>;
  if (isRecord(asked) === isRecord(path)) {
    throw badRequest('spec: exactly one of resourceAttributes and nonResourceAttributes must be specified');
  }
  const text = (name: string) => (isRecord(asked) && typeof asked[name] === 'string' ? (asked[name] as string) : '');
  const resource = text('subresource') ? `${text('resource')}/${text('subresource')}` : text('resource');
  const may = isRecord(asked)
    ? allowed(
        caller,
        { verb: text('verb'), group: text('group'), resource, namespace: text('namespace'), name: text('name') },
        state,
      )
    : caller.groups.includes('system:masters');
  return answer({ allowed: may });
}
