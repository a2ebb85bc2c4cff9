import { graphOf } from '../engine/graph.ts';
import type { Observations } from '../engine/observe.ts';
import { knownTo } from '../engine/plan.ts';
import { FACTS, type Facts } from '../facts.ts';
import type { Step, StepId } from '../step.ts';
import { KNOWN_AFTER_APPLY, type Manifest } from '../step.ts';

/** A filled manifest of one object. */
export interface Filled {
  readonly step: Step;
  readonly manifest: Manifest;
  readonly text: string;
}

/** A fact that a manifest needs and that does not exist yet. */
export interface Lacking {
  /** The step that makes it. */
  readonly step: StepId;
  readonly fact: keyof typeof FACTS;
}

/** The manifests of all steps in an order that applies, each with its comments; and what they lack, each once. */
export function manifests(
  steps: readonly Step[],
  observations: Observations,
): { readonly filled: readonly Filled[]; readonly lacking: readonly Lacking[] } {
  const facts = new Map<StepId, Facts>();
  const filled: Filled[] = [];
  const lacking = new Map<string, Lacking>();
  for (const place of graphOf(steps)) {
    if (!('step' in place)) continue;
    const { step } = place;
    const observed = observations.get(step.id);
    const seen = observed && 'seen' in observed ? observed.seen : undefined;
    const known = knownTo(step, (id) => facts.get(id));
    const judged = observed && 'seen' in observed ? step.judge(seen, known) : undefined;
    // A name that is taken stays blocked; what could not be looked at, or is not installed yet, is as it usually is.
    const assumed = judged?.state === 'blocked' ? {} : step.assumes;
    facts.set(step.id, { ...assumed, ...judged?.facts });
    const { manifest } = step;
    if (!manifest) continue;
    for (const hole of manifest.holes) {
      const need = step.needs[hole];
      if (need && known[hole] === KNOWN_AFTER_APPLY) lacking.set(`${need.step} ${need.fact}`, need);
    }
    const text = manifest.text(seen, known);
    if (text !== undefined) filled.push({ step, manifest, text });
  }
  return { filled, lacking: [...lacking.values()] };
}

/** One stream for `kubectl apply -f -`. */
export const streamOf = (filled: readonly Filled[]): string => filled.map(({ text }) => text).join('---\n');

/** As a person names what is lacking: `client id that the pod presents to Entra`. */
export const described = ({ fact }: Lacking): string => FACTS[fact];
