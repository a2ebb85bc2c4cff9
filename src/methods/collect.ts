import type { Step } from '../step.ts';

/** The steps of a file, one per id, however many workloads ask for it. */
export interface Collection {
  /** The step of that id, serving the workloads of all who asked. */
  once(step: Step): Step;
  all(): readonly Step[];
}

export function collect(): Collection {
  const made = new Map<string, Step>();
  return {
    once(step) {
      const known = made.get(step.id);
      const workloads = [...new Set([...(known?.workloads ?? []), ...step.workloads])];
      // Two methods may want one object; the one that says more of it serves both.
      const best = known && Object.keys(known.needs).length >= Object.keys(step.needs).length ? known : step;
      const merged = { ...best, workloads };
      made.set(step.id, merged);
      return merged;
    },
    all: () => [...made.values()],
  };
}
