import type { Resource } from '../azure/azure.ts';
import { command } from '../shell.ts';
import type { Difference, Judged } from '../step.ts';
import type { ClusterWish } from '../workload.ts';
import { calledDapr, type DaprParts, daprOf, remainsOf } from './dapr.ts';

export const TYPE = 'microsoft.dapr';
/** Of the extension that we make, and with it of its Helm release. */
export const NAME = 'dapr';
export const NAMESPACE = 'dapr-system';

export interface Seen {
  readonly cluster: Resource | undefined;
  readonly extension: Resource | undefined;
  /** Asked only where no extension answers for it. */
  readonly parts?: DaprParts;
}

interface ExtensionProperties {
  readonly extensionType?: string;
  readonly provisioningState?: string;
  readonly currentVersion?: string;
  readonly version?: string | null;
  readonly configurationProtectedSettings?: object | null;
  readonly errorInfo?: { readonly code?: string; readonly message?: string } | null;
  readonly statuses?: readonly { readonly level?: string; readonly message?: string }[] | null;
}

const propertiesOf = (extension: Resource | undefined): ExtensionProperties => (extension?.properties ?? {}) as object;
export const stateOf = (extension: Resource | undefined): string | undefined =>
  propertiesOf(extension).provisioningState;

export const typeOf = (extension: Resource): string | undefined => propertiesOf(extension).extensionType?.toLowerCase();

/** How `az k8s-extension` names the cluster. */
export const clusterOf = ({ name, resourceGroup }: ClusterWish) => ({
  'cluster-type': 'managedClusters',
  'cluster-name': name,
  'resource-group': resourceGroup,
});

const BASE = { owner: 'theirs', facts: {}, differences: [] } as const;

/** What there is of Dapr, and what is to be done about it. */
export function judge(seen: Seen, wish: ClusterWish): Judged {
  const { extension, parts } = seen;
  const state = stateOf(extension);
  if (extension && state === 'Succeeded') {
    const { currentVersion, version } = propertiesOf(extension);
    const running = currentVersion ?? version;
    return {
      ...BASE,
      state: 'as wanted',
      facts: { deliverer: `extension ${extension.name}` },
      note: [`by the extension ${extension.name}`, running && `Dapr ${running}`].filter(Boolean).join(', '),
    };
  }
  if (extension && state === 'Deleting')
    return { ...BASE, state: 'blocked', note: `the extension ${extension.name} is being deleted` };
  if (extension && state !== 'Failed' && state !== 'Canceled')
    return {
      ...BASE,
      state: 'settling',
      failure: 'F024',
      note: [`the extension is ${state}`, gistOf(extension)].filter(Boolean).join(': '),
    };

  const found = parts && daprOf(parts);
  if (found && found !== 'hidden' && found.available > 0) {
    const but = extension ? `; its extension ${extension.name} ended as ${state}` : '';
    const by = calledDapr(found);
    return { ...BASE, state: 'good enough', facts: { deliverer: by }, note: `by ${by}${but}` };
  }
  const barred = barrier(seen.cluster, wish);
  if (barred) return { ...BASE, state: 'blocked', ...barred };
  if (extension) return failed(extension, wish);
  if (found === 'hidden')
    return {
      ...BASE,
      state: 'good enough',
      facts: { deliverer: found },
      unseen: 'list deployments.apps in all namespaces, get customresourcedefinitions',
      note: 'there is no extension; another Dapr is taken for granted: you may not look for it',
    };
  if (found) {
    const note = `${calledDapr(found)} has no operator that runs (${found.available} of ${found.wanted})`;
    if (found.wanted > 0) return { ...BASE, state: 'settling', note };
    const run = `kubectl scale deployment --selector app=dapr-operator --namespace ${found.namespace} --replicas 1`;
    return { ...BASE, state: 'blocked', note, run };
  }
  const remains = parts && remainsOf(parts, NAME, NAMESPACE);
  if (remains) return clash(remains);
  return {
    ...BASE,
    state: 'absent',
    differences: [{ path: 'Dapr', is: '-', want: 'stable, highly available', ...INSTALLS }],
    note: 'pods that run already get no sidecar until they are restarted',
  };
}

const INSTALLS: Pick<Difference, 'consent' | 'warning'> = {
  consent: ['install'],
  warning: 'for the whole cluster; about ten pods, which take room on its nodes',
};

/** Clusters that take no extension of Dapr at all, with what helps. */
function barrier(
  cluster: Resource | undefined,
  wish: ClusterWish,
): Pick<Judged, 'note' | 'run' | 'failure'> | undefined {
  const { sku, identity } = (cluster ?? {}) as { sku?: { name?: string }; identity?: { type?: string } };
  if (sku?.name?.toLowerCase() === 'automatic')
    return {
      failure: 'F023',
      // Azure/AKS#5726: the admission policy aks-managed-protect-system-namespaces.
      note: 'AKS Automatic protects its system namespaces, and the installation of the Dapr extension fails on that; take another method (--method workload-identity, csi or external-secrets)',
    };
  const { servicePrincipalProfile } = (cluster?.properties ?? {}) as {
    servicePrincipalProfile?: { clientId?: string };
  };
  const { clientId = 'msi' } = servicePrincipalProfile ?? {};
  if (clientId.toLowerCase() !== 'msi' && !/assigned/i.test(identity?.type ?? ''))
    return {
      note: 'the cluster is one with a service principal, and extensions need one with a managed identity',
      run: `az aks update --resource-group ${wish.resourceGroup} --name ${wish.name} --enable-managed-identity`,
    };
  return undefined;
}

/** What the extension says last, of its error or of its way. */
export function saying(extension: Resource): string | undefined {
  const { errorInfo, statuses } = propertiesOf(extension);
  const status = statuses?.findLast(({ level }) => level === 'Error') ?? statuses?.at(-1);
  const said = errorInfo?.message ? `${errorInfo.code}: ${errorInfo.message}` : status?.message;
  return said?.replaceAll(/\s+/g, ' ').trim();
}

/** What every error of an extension begins with, and what its line can do without. */
const ANY = /^ExtensionOperationFailed: (The extension operation failed with the following error: )?/;

/** The same for a line. */
function gistOf(extension: Resource): string | undefined {
  const gist = saying(extension)?.replace(ANY, '');
  return gist && gist.length > 400 ? `${gist.slice(0, 397)}...` : gist;
}

/**
 * An installation that failed is begun again as it was, since most of what stops one passes (nodes, network, a provider
 * that was not registered). What would only fail again is for somebody to clear away.
 */
function failed(extension: Resource, wish: ClusterWish): Judged {
  const said = saying(extension) ?? '';
  const gist = gistOf(extension);
  const is = [stateOf(extension), gist].filter(Boolean).join(': ');
  if (/invalid ownership metadata|cannot be imported into the current release/i.test(said))
    return clash('what another Dapr left behind', gist);
  if (/aks-managed-protect-system-namespaces/i.test(said))
    return { ...BASE, state: 'blocked', failure: 'F023', note: `the cluster protects ${NAMESPACE}: ${gist}` };
  // They are never given back, and a PUT without them takes them away.
  if (Object.keys(propertiesOf(extension).configurationProtectedSettings ?? {}).length > 0)
    return {
      ...BASE,
      state: 'blocked',
      failure: failureIn(said),
      note: `the extension ${extension.name} has settings that nobody can read, so it cannot be begun again as it was; it ended as ${is}`,
      run: command('az k8s-extension update', { ...clusterOf(wish), name: extension.name }),
    };
  return {
    ...BASE,
    state: 'differs',
    failure: failureIn(said),
    differences: [{ path: `extension ${extension.name}`, is, want: 'Succeeded', ...INSTALLS }],
  };
}

/** The row of the catalogue for what an installation says that failed. */
function failureIn(said: string): string {
  if (/failed to resolve the extension version/i.test(said)) return 'F020';
  return /ExtensionTypeRegistrationGetFailed/i.test(said) ? 'F002' : 'F024';
}

const clash = (remains: string, said?: string): Judged => ({
  ...BASE,
  state: 'blocked',
  failure: 'F021',
  note: `${remains} would clash with the extension: take it away, or bring that Dapr back${said ? `; the extension says: ${said}` : ''}`,
  run: 'helm list --all-namespaces --deployed --failed --pending --filter dapr', // Helm 4 has no --all
});
