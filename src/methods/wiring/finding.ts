import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Category, Check, Finding, Known, Needs } from '../../step.ts';
import { Problem } from '../../trouble.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Flaw } from '../method.ts';
import { called } from './carrier.ts';

/** What was found wrong, before it is said of which object. */
export interface Wrong {
  /** Id in the catalogue. Absent: it is no failure of the catalogue, and the observation says all. */
  readonly failure?: string;
  readonly observed: string;
  readonly expected?: string;
  readonly fix?: NonNullable<Finding['fix']>;
  /** Where in the object it stands. */
  readonly path?: string;
  readonly verdict?: 'warn' | 'fail' | 'unknown';
  /** What the caller may not do, where that is why it is unknown. */
  readonly right?: string;
  /** On its way: looking again may end otherwise. */
  readonly young?: true;
}

/** One question of one workload. `code` is what the check and its findings are called, stable over all methods. */
export interface Ask {
  readonly code: string;
  /** A statement that is true when all is well. */
  readonly title: string;
  readonly category: Category;
  readonly needs?: Needs;
  /** Ids of steps, codes of checks of the same workload, and single findings of steps (`AKS-OIDC-ISSUER`). */
  readonly after?: readonly string[];
  /** Nothing wrong: a string says by what it is well. */
  run(world: World, known: Known<Needs>): Promise<readonly Wrong[] | string>;
}

export function checkOf(workload: Workload, ask: Ask): Check {
  const { code, title, category } = ask;
  return {
    id: code,
    title,
    category,
    workload: workload.name,
    needs: ask.needs ?? {},
    after: ask.after ?? [],
    async run(world, known): Promise<readonly Finding[]> {
      const found = await ask.run(world, known);
      if (typeof found === 'string' || found.length === 0)
        return [
          { check: code, title, verdict: 'pass', ...(typeof found === 'string' && found && { observed: found }) },
        ];
      return found.map(({ path, verdict = 'fail', ...wrong }) => ({
        ...{ check: code, title, verdict },
        ...wrong,
        ...(path && { observed: `${wrong.observed} (${path})` }),
      }));
    },
  };
}

/** The same said of an object of a file. */
export const flawIn = (object: KubernetesObject, code: string, title: string, wrong: Wrong): Flaw => {
  const { verdict = 'fail', ...rest } = wrong;
  return { check: code, title: `${called(object)} ${title}`, verdict, ...rest, object };
};

/**
 * What the caller himself may not look at in the vault, as a finding: unknown, and no fault of the workload. Everything
 * else is thrown on.
 */
export function hiddenFrom(error: unknown, what: string): Wrong {
  const { trouble, said, right } = error instanceof Problem ? error : {};
  if (trouble !== 'denied' || /^ForbiddenBy(Firewall|Connection)$/.test(said?.code ?? '')) throw error;
  return {
    verdict: 'unknown',
    ...(right !== undefined && { right }),
    observed: `you may not look at ${what}${right ? `: ${right} is missing` : ''}`,
    expected: right ?? `the right to look at ${what}`,
  };
}
