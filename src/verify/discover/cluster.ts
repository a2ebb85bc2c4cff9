import { addressesOf } from '../../azure/addresses.ts';
import type { Azure, Resource } from '../../azure/azure.ts';
import { type Complaint, Complaints } from '../../complaint.ts';
import { nearest } from '../../nearest.ts';
import type { ClusterWish } from '../../workload.ts';

/** What is known of the cluster before it is looked for. */
export interface Clue {
  /** As flags name it. */
  readonly name?: string | undefined;
  readonly resourceGroup?: string | undefined;
  /** Host of the API server to which the kubeconfig leads. */
  readonly host?: string | undefined;
}

/** A subscription in which to look. */
export interface Where {
  readonly id: string;
  readonly azure: Pick<Azure, 'clusters'>;
}

/**
 * The cluster that is meant, by its name or by the host of its API server. It is never picked because it is the only one.
 * @param others asked only where it is not in the caller's own subscription
 * @throws {Complaints} with the flags that name it
 */
export async function findCluster(
  clue: Clue,
  own: Where,
  others: () => Promise<readonly Where[]>,
): Promise<{ readonly subscription: string; readonly cluster: ClusterWish }> {
  if (clue.name && clue.resourceGroup) {
    return { subscription: own.id, cluster: { name: clue.name, resourceGroup: clue.resourceGroup } };
  }
  if (!clue.name && !clue.host) throw unnamed();
  const near = await clustersIn(own);
  const found = chosen(near, clue);
  if (found) return found;
  const far = (await Promise.all((await others()).map(clustersIn))).flat();
  const elsewhere = chosen(far, clue);
  if (elsewhere) return elsewhere;
  throw absent(
    clue,
    [...near, ...far].map(({ cluster }) => cluster),
  );
}

interface Listed {
  readonly subscription: string;
  readonly cluster: Resource;
}
const clustersIn = async ({ id, azure }: Where): Promise<readonly Listed[]> =>
  (await azure.clusters.list()).map((cluster) => ({ subscription: id, cluster }));

function chosen(all: readonly Listed[], clue: Clue): { subscription: string; cluster: ClusterWish } | undefined {
  const fitting = all.filter(({ cluster }) => fits(cluster, clue));
  if (fitting.length > 1)
    throw several(
      clue.name ?? '',
      fitting.map(({ cluster }) => cluster),
    );
  const [found] = fitting;
  return (
    found && {
      subscription: found.subscription,
      cluster: { name: found.cluster.name, resourceGroup: groupOf(found.cluster.id) },
    }
  );
}

/** `shop-rg` of an ARM id. */
export const groupOf = (id: string): string => /\/resourceGroups\/([^/]+)/i.exec(id)?.[1] ?? '';

const fits = (cluster: Resource, { name, resourceGroup, host }: Clue): boolean => {
  if (!name) return addressesOf(cluster).fqdns.some((fqdn) => fqdn.toLowerCase() === host?.toLowerCase());
  const inGroup = !resourceGroup || groupOf(cluster.id).toLowerCase() === resourceGroup.toLowerCase();
  return cluster.name.toLowerCase() === name.toLowerCase() && inGroup;
};

const FLAGS = { say: 'Name it by --cluster NAME --resource-group RG.' };

const unnamed = () =>
  new Complaints([
    {
      message: 'Which cluster is meant cannot be told: there is no kubeconfig here, and no flag names it.',
      fix: { say: 'Name it by --cluster NAME --resource-group RG, or give a kubeconfig by --kubeconfig FILE.' },
    },
  ]);

function several(name: string, fitting: readonly Resource[]): Complaints {
  const groups = fitting.map(({ id }) => groupOf(id)).toSorted();
  const message = `${fitting.length} clusters are called ${name}: say which by --resource-group (${groups.join(', ')}).`;
  return new Complaints([{ message }]);
}

function absent({ name, host }: Clue, seen: readonly Resource[]): Complaints {
  if (!name) {
    const message = `The kubeconfig leads to ${host}, and no cluster that you may see in Azure has that address.`;
    return new Complaints([{ message, fix: { say: `${FLAGS.say} Its subscription is given by --subscription.` } }]);
  }
  const like = nearest(
    name,
    seen.map((each) => each.name),
  );
  const complaint: Complaint = {
    message: `There is no cluster ${name} that you may see.${like ? ` Did you mean "${like}"?` : ''}`,
    fix: FLAGS,
  };
  return new Complaints([complaint]);
}
