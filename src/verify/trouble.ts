import { entryOf } from '../entry.ts';
import type { Row as Failure } from '../failures/index.ts';
import { command } from '../shell.ts';
import type { Problem } from '../trouble.ts';
import type { Row } from './row.ts';

/** The catalogue's answer to a problem. */
export type Explain = (problem: Problem) => Pick<Failure, 'id'> | undefined;

/** Who asks, for the lines by which somebody else gives him what he lacks. */
export interface Asker {
  readonly name: string;
  readonly objectId: string;
  readonly kind: 'User' | 'ServicePrincipal';
}

type Verdict = Pick<
  Row,
  'verdict' | 'failure' | 'observed' | 'expected' | 'fix' | 'right' | 'young' | 'unsigned' | 'lost' | 'said'
>;

const NETWORK: Readonly<Record<string, string>> = { ForbiddenByFirewall: 'F073', ForbiddenByConnection: 'F074' };

/** The failure of a vault that does not let this machine's network in; that of the cluster may be let in. */
export const keptOut = ({ said }: Problem): string | undefined => entryOf(NETWORK, said?.code ?? '');

/**
 * What it means that the caller's own look failed: nothing of the workload, unless the thing is not there or the service
 * itself says what is wrong with it.
 */
export function verdictOfLook(problem: Problem, asker: Asker | undefined, explain: Explain): Verdict {
  const { trouble, said, message } = problem;
  const base = { observed: message, ...(said && { said }) };
  const failure = keptOut(problem);
  if (failure !== undefined)
    return {
      ...base,
      ...{ verdict: 'unknown', failure },
      observed: `it does not let the network of this machine in (${said?.code}); that of the cluster may be let in`,
      fix: {
        say: 'Look from a network that the vault lets in (a runner in its network, a VPN); pods are asked for what they see themselves.',
      },
    };
  if (said?.code === 'AKV10032')
    return {
      ...base,
      ...{ verdict: 'unknown', failure: 'F084', right: 'a sign-in in the tenant of the vault' },
      fix: { say: 'Sign in to the tenant of the vault.', run: 'az login --tenant TENANT' },
    };
  switch (trouble) {
    case 'denied':
      return { ...base, ...denied(problem, asker) };
    case 'unsigned':
      return { ...base, verdict: 'unknown', unsigned: true, fix: { say: 'Sign in.', run: 'az login' } };
    case 'busy':
    case 'not yet':
      return { ...base, verdict: 'unknown', young: true };
    case 'broken':
      return { ...base, verdict: 'unknown', lost: `${said?.by ?? ''} ${said?.code ?? message}` };
    default:
      return { ...base, verdict: 'fail', ...explained(problem, explain) };
  }
}

export const explained = (problem: Problem, explain: Explain): { readonly failure?: string } => {
  const id = explain(problem)?.id;
  return id === undefined ? {} : { failure: id };
};

/** Could not look: the right that is missing, and how somebody who may gives it. */
function denied(problem: Problem, asker: Asker | undefined): Verdict {
  const { said, message } = problem;
  const right = problem.right ?? message;
  const run = asker && grantLine(problem, asker);
  return {
    verdict: 'unknown',
    right,
    ...(said?.by === 'Key Vault' && { failure: 'F086' }),
    observed: `you may not look: ${right} is missing`,
    expected: `${right}, for ${asker?.name ?? 'whoever runs this'}`,
    fix: {
      say: 'Somebody who may gives you that right, or runs the same himself.',
      ...(run !== undefined && { run }),
    },
  };
}

/** Reading alone: nobody is given a right to write, or to see a value. */
function grantLine({ said, right }: Problem, { name, objectId, kind }: Asker): string | undefined {
  if (said?.by === 'Kubernetes') return kubernetesLine(right, name);
  const scope =
    /over scope '([^']+)'/.exec(said?.message ?? '')?.[1] ?? /Resource: '([^']+)'/.exec(said?.message ?? '')?.[1];
  if (scope === undefined) return undefined;
  return command('az role assignment create', {
    ...{ 'assignee-object-id': objectId, 'assignee-principal-type': kind },
    role: said?.by === 'Key Vault' ? 'Key Vault Reader' : 'Reader',
    scope,
  });
}

function kubernetesLine(right: string | undefined, user: string): string | undefined {
  const [, verb, resource, namespace] = /^(\w+) ([\w./-]+)(?: in namespace ([\w-]+))?$/.exec(right ?? '') ?? [];
  if (verb === undefined || resource === undefined) return undefined;
  const what = namespace === undefined ? 'clusterrole' : 'role';
  const within = namespace === undefined ? {} : { namespace };
  const called = `aks-secrets-${verb}-${resource.replace(/[^a-z]+/g, '-')}`;
  return [
    command(`kubectl create ${what} ${called}`, { verb, resource, ...within }),
    command(`kubectl create ${what}binding ${called}`, { [what]: called, user, ...within }),
  ].join('; ');
}
