import type { Step } from '../step.ts';
import type { Workload } from '../workload.ts';

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

/** Made once for each workload, however often it is asked for: a file may hold hundreds. */
export function perWorkload<T>(make: (workload: Workload) => T): (workload: Workload) => T {
  const made = new Map<Workload, T>();
  return (workload) => {
    if (!made.has(workload)) made.set(workload, make(workload));
    return made.get(workload) as T;
  };
}
