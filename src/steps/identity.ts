import type { Resource } from '../azure/azure.ts';
import { TAG } from '../ownership.ts';
import type { Ref, Step, StepId } from '../step.ts';
import { defineStep } from '../step.ts';
import type { IdentityWish } from '../workload.ts';

interface IdentityProperties {
  readonly clientId?: string;
  readonly principalId?: string;
  readonly tenantId?: string;
}

export const isTagged = (identity: Resource | undefined, mark: string): boolean => identity?.tags?.[TAG] === mark;

const PREFIX = 'identity/';
const identityStepId = (called: string): StepId => `${PREFIX}${called}`;
/** How a file tells the identity of that step from its others. */
export const calledBy = ({ id }: Pick<Step, 'id'>): string => id.slice(PREFIX.length);

/** The user-assigned managed identity that the workload becomes at Entra. */
export const identity = (options: {
  wish: IdentityWish;
  id: string;
  /** Its name, with its group where the file has two of one name. */
  called: string;
  mark: string;
  workloads: readonly string[];
  location: Ref;
  after: Readonly<Record<string, Ref>>;
}) => {
  const { wish, id, mark } = options;
  return defineStep({
    id: identityStepId(options.called),
    kind: 'identity',
    subject: wish.name,
    title: `identity ${wish.name} exists`,
    side: 'Azure',
    workloads: options.workloads,
    needs: { ...options.after, location: options.location } as Readonly<Record<string, Ref>>,
    yields: ['identityId', 'clientId', 'principalId', 'tenantId'],
    settles: 'minutes',
    observe: ({ azure }) => azure.identities.get(id),
    judge(seen) {
      if (!seen) return { state: 'absent', owner: 'ours', facts: { identityId: id }, differences: [] };
      const { clientId, principalId, tenantId } = seen.properties as IdentityProperties;
      const created = (seen.systemData as { createdAt?: string } | undefined)?.createdAt;
      return {
        // An identity without its ids is one that Azure is still making.
        state: clientId && principalId ? 'as wanted' : 'settling',
        owner: isTagged(seen, mark) ? 'ours' : 'theirs',
        ...(created && { since: new Date(created) }),
        facts: {
          identityId: seen.id,
          ...(clientId && { clientId }),
          ...(principalId && { principalId }),
          ...(tenantId && { tenantId }),
        },
        differences: [],
      };
    },
    converge: ({ azure }, _seen, { location }) => azure.identities.create(id, location ?? '', { [TAG]: mark }),
    async remove(world, seen) {
      const { principalId } = (seen?.properties ?? {}) as IdentityProperties;
      if (!isTagged(seen, mark) || !principalId) return;
      // Read anew: the workload's own credential and assignments were removed before.
      const { azure } = world.fresh();
      const [credentials, assignments] = await Promise.all([
        azure.federation.list(id),
        azure.roles.heldBy(`/subscriptions/${azure.subscription}`, principalId),
      ]);
      if (credentials?.length === 0 && assignments.length === 0) await azure.identities.delete(id);
    },
    byHand: () => `az identity create --resource-group ${wish.resourceGroup} --name ${wish.name}`,
  });
};
