import type { Cloud } from '../../azure/azure.ts';
import type { Assembly } from '../../methods/assemble.ts';
import { vaultAddress } from '../../methods/subjects.ts';
import type { Check, Finding, Step } from '../../step.ts';
import { proof, proofId } from '../../steps/proof.ts';
import type { Workload } from '../../workload.ts';
import type { Discovered, Gap, Unknown } from './index.ts';

/** Of whom nobody knows anything, nothing can be granted, trusted or read. */
const OF_IDENTITY = ['credential'];
const OF_VAULT = ['secret', 'key', 'certificate', 'search'];

/**
 * The same steps and checks where something could not be found: its step says so in place of looking for it, and hands on
 * what is known all the same (a client id, the address of a vault), so that whatever rests on no more is still asked.
 */
export function withGaps(assembly: Assembly, { spec, gaps, unknown }: Discovered, cloud: Cloud): Assembly {
  const byName = new Map(spec.workloads.map((workload) => [workload.name, workload]));
  /** Whose gap it is; nobody's where one who shares the step has none. */
  const gapOf = <S extends 'identity' | 'vault'>({ workloads }: Step, side: S): Required<Gap>[S] | undefined => {
    const all = workloads.map((name) => gaps.get(name)?.[side]);
    return all.every((gap) => gap !== undefined) ? (all[0] as Required<Gap>[S] | undefined) : undefined;
  };
  const saidOf = ({ workloads }: Step, category: Unknown['category'], flags: readonly string[]): readonly Unknown[] =>
    unknown.filter((one) => one.category === category && workloads.includes(one.workload) && flags.includes(one.flag));

  const steps = assembly.steps.map((step): Step => {
    const identity = gapOf(step, 'identity');
    const vault = gapOf(step, 'vault');
    switch (step.kind) {
      case 'identity':
        return identity
          ? standIn(step, saidOf(step, 'identity', ['identity', 'service-account']), factsOf(identity))
          : step;
      case 'vault': {
        const named = byName.get(step.workloads[0] ?? '')?.vault.name ?? '';
        const facts = vault === 'named' ? { vaultUri: vaultAddress(cloud, named) } : {};
        return vault ? standIn(step, saidOf(step, 'vault', ['vault', 'vault-resource-group']), facts) : step;
      }
      case 'access':
        return vault || (identity && !identity.principalId) ? unasked(step) : step;
    }
    if (identity && OF_IDENTITY.includes(step.kind)) return unasked(step);
    if (vault === 'unknown' && OF_VAULT.includes(step.kind)) return unasked(step);
    // Whoever knows its address can look into it.
    return vault === 'named' && OF_VAULT.includes(step.kind) ? { ...step, needs: {} } : step;
  });
  // Who signs in otherwise has no part in the pod's account, and as nobody there is nothing to prove.
  const asked = assembly.proofs.filter(({ workload }) => {
    const { otherwise, identity } = gaps.get(workload) ?? {};
    return !otherwise && (identity === undefined || identity.clientId !== undefined);
  });
  const proofs = asked.map((check) => {
    const workload = byName.get(check.workload);
    const isOpen = workload !== undefined && gaps.get(workload.name)?.vault === 'unknown';
    return isOpen && check.id === proofId(workload) ? exchangeOf(workload, assembly.steps, check.after, cloud) : check;
  });
  const known = new Map(proofs.map((check) => [check.id, check]));
  return {
    ...{ ...assembly, steps, proofs },
    checks: assembly.checks.map((check) => known.get(check.id) ?? check),
    examine: (scope) => [...assembly.examine(scope), ...unknown.flatMap(nameless)],
  };
}

/** That there are no names to look for in the vault, which no step can say. */
const nameless = (said: Unknown): readonly Check[] =>
  said.flag !== 'secret'
    ? []
    : [
        {
          ...{ id: 'AKS-SECRETS-NAMED', title: titleOf(said), workload: said.workload, category: 'vault' },
          ...{ needs: {}, after: [] },
          run: async () => [{ check: 'AKS-SECRETS-NAMED', ...sayingWhy(said) }],
        },
      ];

const titleOf = ({ what }: Unknown): string => `it is known ${what}`;
const sayingWhy = (said: Unknown): Omit<Finding, 'check'> => ({
  ...{ title: titleOf(said), verdict: 'unknown', observed: said.why, expected: `--${said.flag}` },
  fix: { say: `Give it by --${said.flag}.` },
});

/** Whoever compares with an id that is not known finds that it is another one, or that there is none: what he asks. */
const factsOf = (identity: NonNullable<Gap['identity']>) => ({
  ...{ clientId: 'not known', principalId: 'not known' },
  ...identity,
});

const unasked = ({ category: _, ...step }: Step): Step => step;

function standIn(step: Step, said: readonly Unknown[], facts: Readonly<Record<string, string>>): Step {
  const findings = said.map((one): Finding => ({ check: `AKS-${step.kind.toUpperCase()}`, ...sayingWhy(one) }));
  return {
    ...step,
    needs: {},
    observe: async () => undefined,
    judge: () => ({ state: 'good enough', owner: 'theirs', facts, differences: [], findings }),
  };
}

/** Without a vault, that Entra takes the service account for its identity: where most chains break. */
function exchangeOf(workload: Workload, steps: readonly Step[], after: readonly string[], cloud: Cloud) {
  const identity = steps.find(
    ({ kind, workloads }) => ['identity', 'service principal'].includes(kind) && workloads.includes(workload.name),
  );
  const known = steps.filter(({ id }) => after.includes(id));
  return proof({ workload, cloud, vault: undefined, identity: identity!, after: known });
}
