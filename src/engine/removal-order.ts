import type { Step, StepId } from '../step.ts';
import type { Node } from './graph.ts';
import { foundations, graphOf, inOrder } from './graph.ts';

/**
 * The graph from behind: each step after all that builds on it, and after those that it is said to outlive. What lies in
 * the cluster goes before what lets it in: a pod that still runs keeps its access until it has ended.
 */
export function removalOrder(steps: readonly Step[]): Node[] {
  const places = graphOf(steps);
  const below = foundations(places);
  const after = new Map<StepId, Set<StepId>>(steps.map(({ id }) => [id, new Set()]));
  for (const { id, after: built, behind } of places) {
    for (const other of [...built, ...behind]) after.get(other)?.add(id);
  }
  const inCluster = Map.groupBy(
    steps.filter(({ side }) => side === 'Kubernetes').flatMap((step) => step.workloads.map((name) => ({ name, step }))),
    ({ name }) => name,
  );
  for (const step of steps) {
    const before = after.get(step.id)!;
    for (const id of step.outlives ?? []) if (after.has(id)) before.add(id);
    if (step.side === 'Kubernetes') continue;
    const own = step.workloads.flatMap((name) => inCluster.get(name) ?? []).map((one) => one.step.id);
    // Unless it builds on something in the cluster.
    for (const id of own) if (!below(step.id).has(id)) before.add(id);
  }
  return inOrder(steps.map(({ id }) => ({ id, after: [...after.get(id)!], behind: [] })));
}
