import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';

/**
 * Made once for a look at the world and a workload: twenty checks ask the same of each of hundreds, all of them before the
 * first has its answer.
 */
export function inOneLook<Rest extends readonly unknown[], T>(
  make: (world: World, workload: Workload, ...rest: Rest) => Promise<T>,
): (world: World, workload: Workload, ...rest: Rest) => Promise<T> {
  const looks = new WeakMap<World, WeakMap<Workload, Map<string, Promise<T>>>>();
  return (world, workload, ...rest) => {
    const workloads = looks.get(world) ?? new WeakMap<Workload, Map<string, Promise<T>>>();
    looks.set(world, workloads);
    const made = workloads.get(workload) ?? new Map<string, Promise<T>>();
    workloads.set(workload, made);
    const key = JSON.stringify(rest);
    const known = made.get(key) ?? make(world, workload, ...rest);
    made.set(key, known);
    return known;
  };
}
