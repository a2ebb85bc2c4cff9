import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Complaint, Complaints } from '../complaint.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { type Answers, itemOf, listOf, textOf } from '../spec/answers.ts';
import { quote } from '../spec/line.ts';
import type { Sources } from '../spec/read.ts';
import type { Surroundings } from '../surroundings.ts';
import { Problem } from '../trouble.ts';
import type { Given, Target } from '../verify/discover/index.ts';
import type { SecretRef, Spec } from '../workload.ts';
import { usualKubeconfigOf } from './surroundings.ts';

/** Whether everything is to be taken from what runs: nothing describes the workload, neither a file nor flags. */
export function isPointed(answers: Answers, defaults: Answers, { cwd }: Pick<Io, 'cwd'>, usualFile: string): boolean {
  const has = (flag: string): boolean => answers.has(flag);
  if (has('file') || existsSync(join(cwd, usualFile))) return false;
  if (has('workload') && has('method')) return false;
  if (has('pod') || has('selector') || has('namespace')) return true;
  // The sandbox's own namespace, where nobody says how its workload gets its secrets.
  return !has('method') && defaults.has('namespace') && !defaults.has('method');
}

/**
 * What is pointed at.
 * @throws {Complaints} for a pod without its namespace
 */
export function targetOf(answers: Answers, defaults: Answers): Target {
  const said = textOf(answers, 'pod');
  const [, before, pod] = /^(?:([^/]+)\/)?([^/]+)$/.exec(said ?? '') ?? [];
  const selector = textOf(answers, 'selector');
  const namespace = before ?? textOf(answers, 'namespace') ?? textOf(defaults, 'namespace');
  const complaints: Complaint[] = [
    ...(said !== undefined && pod === undefined ? [{ message: '--pod: expected NAMESPACE/NAME.' }] : []),
    ...(namespace === undefined
      ? [{ message: 'In which namespace? Say it by --namespace NS, or by --pod NS/NAME.' }]
      : []),
    ...(pod !== undefined && selector !== undefined
      ? [{ message: '--pod and --selector both say which pods: give one.' }]
      : []),
  ];
  if (complaints.length > 0 || namespace === undefined) throw new Complaints(complaints);
  return { namespace, ...(pod !== undefined && { pod }), ...(selector !== undefined && { selector }) };
}

/** What flags say of the workload; it wins over what is found. */
export function givenIn(answers: Answers, clusterGroup: string): Given {
  const of = (flag: string): string | undefined => textOf(answers, flag);
  const secrets = (['secret', 'key', 'certificate'] as const).flatMap((kind) =>
    listOf(answers, kind).map((text): SecretRef => {
      const { name, as = name } = itemOf(text);
      return { kind, name, as };
    }),
  );
  const [vault, vaultGroup] = [of('vault'), of('vault-resource-group')];
  const [identity, application] = [of('identity'), of('app-registration')];
  const [method, serviceAccount] = [of('method'), of('service-account')];
  return {
    workloads: listOf(answers, 'workload'),
    ...(method && { method }),
    ...(serviceAccount && { serviceAccount }),
    ...(vault && { vault: { name: vault, ...(vaultGroup && { resourceGroup: vaultGroup }) } }),
    ...(!vault && vaultGroup && { vaultGroup }),
    ...(identity && { identity: { name: identity, resourceGroup: of('identity-resource-group') ?? clusterGroup } }),
    ...(application && { identity: { kind: 'app registration' as const, name: application } }),
    ...(secrets.length > 0 && { secrets }),
  };
}

/** Subscription and cluster of what is pointed at, with no workload yet; and the surroundings that lead there. */
export interface Base {
  readonly spec: Spec;
  readonly surroundings: Surroundings;
}

/**
 * Finds the cluster: by flags, else by the kubeconfig that is given or lies where kubectl looks, else by what the
 * surroundings offer.
 */
export async function baseOf(sources: Sources, usual: Surroundings, io: Io): Promise<Base> {
  const { answers, defaults } = sources;
  const [{ findCluster }, { signedInOnce }, { createWorld }] = await Promise.all([
    import('../verify/discover/cluster.ts'),
    import('./wizard/lists.ts'),
    import('./world.ts'),
  ]);
  const own = await subscriptionOf(sources);
  const signedIn = signedInOnce(usual);
  const named = nameIn(answers) ?? (usual.kubeconfig ? undefined : nameIn(defaults));
  const isTheirs = usual.label === undefined && io.surroundings === undefined;
  const kubeconfig = usual.kubeconfig ?? (named || !isTheirs ? undefined : await usualKubeconfigOf(io.env, io.cwd));
  const host = named || !kubeconfig ? undefined : await hostOf(kubeconfig);
  const azureOf = (id: string) => {
    const cluster = { name: '', resourceGroup: '' };
    return { id, azure: createWorld({ subscription: id, cluster, workloads: [] }, signedIn, io).azure };
  };
  const others = async () => {
    // A subscription that was named is the one that is meant.
    if (answers.has('subscription')) return [];
    const all = await azureOf(own).azure.lists.subscriptions();
    return all.filter(({ id }) => id !== own).map(({ id }) => azureOf(id));
  };
  const { subscription, cluster } = await findCluster({ ...named, host }, azureOf(own), others);
  return {
    spec: { subscription, cluster, workloads: [] },
    surroundings: kubeconfig && host ? { ...signedIn, kubeconfig } : signedIn,
  };
}

const nameIn = (answers: Answers) => {
  const [name, resourceGroup] = [textOf(answers, 'cluster'), textOf(answers, 'resource-group')];
  return name === undefined ? undefined : { name, resourceGroup };
};

async function subscriptionOf({ answers, defaults, subscriptions, describe }: Sources): Promise<string> {
  const complaints: Complaint[] = [];
  const said = textOf(answers, 'subscription') ?? textOf(defaults, 'subscription');
  const where = { said: answers.get('subscription')?.said ?? '--subscription' };
  const found = await subscriptions.choose(said, complaints, where);
  if (found !== undefined) return found;
  if (complaints.length > 0) throw new Complaints(complaints);
  const fix = { say: 'Or sign in: the default subscription of the Azure CLI is taken then.', run: 'az login' };
  const message = `Missing: the subscription. Give it by ${describe('subscription')}.`;
  throw new Complaints([{ message, fix }], EXIT.signInNeeded);
}

async function hostOf(kubeconfig: NonNullable<Surroundings['kubeconfig']>): Promise<string> {
  const { serverOf } = await import('../kubernetes/connection.ts');
  try {
    return new URL(await serverOf(kubeconfig.text, kubeconfig.context)).hostname;
  } catch (error) {
    if (error instanceof Problem) throw new Complaints([{ message: error.message, resource: 'kubeconfig' }]);
    throw error;
  }
}

/** The same run as one line. */
export function againFor(answers: Answers): string {
  const words = [...answers].flatMap(([flag, { value, said }]) => {
    if (!said.startsWith('--') || value === false) return [];
    if (value === true) return [`--${flag}`];
    return [value].flat().flatMap((one) => [`--${flag}`, quote(one as string)]);
  });
  return ['aks-secrets', 'verify', ...words].join(' ');
}
