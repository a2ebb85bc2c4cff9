import type { Resource } from '../azure/azure.ts';
import { isForSameWorkload, TAG } from '../ownership.ts';
import { command, named, unlessFound } from '../shell.ts';
import type { Ref, Step, StepId } from '../step.ts';
import { defineStep } from '../step.ts';
import type { ManagedIdentityWish } from '../workload.ts';
import { type Holder, lookAt } from './holder.ts';
import { endOfIdentity, isAssignment, surveyIdentity } from './identity-end.ts';
import { ABSENT, NOT_OURS, staying } from './staying.ts';

interface IdentityProperties {
  readonly clientId?: string;
  readonly principalId?: string;
  readonly tenantId?: string;
}

export const isTagged = (identity: Resource | undefined, mark: string): boolean => identity?.tags?.[TAG] === mark;

const PREFIX = 'identity/';
export const identityStepId = (called: string): StepId => `${PREFIX}${called}`;
/** How a file tells the identity of that step from its others. */
export const calledBy = ({ id }: Pick<Step, 'id'>): string => id.slice(PREFIX.length);

/** The user-assigned managed identity that the workload becomes at Entra. */
export const identity = (options: {
  wish: ManagedIdentityWish;
  id: string;
  /** The file has others in its resource group: they are looked at together. */
  amongOthers?: boolean;
  /** Its name, with its group where the file has two of one name. */
  called: string;
  mark: string;
  /** What its tag may say: the marks of all who share it. */
  marks: readonly string[];
  workloads: readonly string[];
  location: Ref;
  after: Readonly<Record<string, Ref>>;
}) => {
  const { wish, id, mark, marks } = options;
  const holder: Holder = { wish, id, marks, ...(options.amongOthers && { amongOthers: true }) };
  const place = { 'resource-group': wish.resourceGroup, name: wish.name };
  return defineStep({
    id: identityStepId(options.called),
    kind: 'identity',
    subject: wish.name,
    title: `identity ${wish.name} exists`,
    side: 'Azure',
    category: 'identity',
    workloads: options.workloads,
    needs: { ...options.after, location: options.location } as Readonly<Record<string, Ref>>,
    yields: ['identityId', 'clientId', 'principalId', 'tenantId'],
    settles: 'minutes',
    observe: ({ azure }) => lookAt(azure, holder),
    judge(seen) {
      if (!seen) return { state: 'absent', owner: 'ours', facts: { identityId: id }, differences: [], failure: 'F055' };
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
    survey: ({ azure }) => surveyIdentity(azure, holder),
    removal(seen, _known, { going, surveyed }) {
      if (!seen) return ABSENT;
      const made = seen.tags?.[TAG];
      if (!marks.some((one) => isForSameWorkload(made, one))) return staying(NOT_OURS);
      return endOfIdentity(surveyed, id, marks, going);
    },
    // What it holds by us goes first: without the identity nobody would know whose it was.
    async remove({ azure }, _seen, _known, { takes = [] }) {
      await Promise.all(takes.filter(isAssignment).map((assignment) => azure.roles.remove(assignment)));
      await azure.identities.delete(id);
    },
    recipe: (_seen, { location }) => [
      unlessFound(
        command('az identity list', { 'resource-group': wish.resourceGroup, query: named(wish.name), output: 'tsv' }),
        [command('az identity create', { ...place, location, tags: `${TAG}=${mark}`, output: 'none' })],
      ),
    ],
    asks: {
      clientId: command('az identity show', { ...place, query: 'clientId', output: 'tsv' }),
      principalId: command('az identity show', { ...place, query: 'principalId', output: 'tsv' }),
      tenantId: command('az identity show', { ...place, query: 'tenantId', output: 'tsv' }),
    },
    byHand: () => `az identity create --resource-group ${wish.resourceGroup} --name ${wish.name}`,
  });
};
