import type { Check, Ref, Step, StepId } from '../step.ts';

export interface Node {
  readonly id: string;
  /** What it comes after and builds on. */
  readonly after: readonly string[];
  /** What it comes after whatever became of it. */
  readonly behind: readonly string[];
}

/** A step or a check in its place. */
export type Place = Node & ({ readonly step: Step } | { readonly check: Check });

/**
 * The graph that references make; a fact that is `known` already makes no edge.
 * Only a step that `rests` on its proofs (one that has something to change) comes after them. The same step listed twice (workloads share their cluster) is one node.
 * Throws on two steps of one id, on a reference to a step that does not exist or to a fact that its step does not
 * yield, and on a cycle: all of them our bugs, found before anything is touched.
 */
export function graphOf(
  steps: readonly Step[],
  checks: readonly Check[] = [],
  known: (ref: Ref) => boolean = () => false,
  rests: (step: Step) => boolean = () => true,
): Place[] {
  const byId = new Map<StepId, Step>();
  for (const step of steps) {
    const other = byId.get(step.id);
    if (other && other !== step) throw new Error(`two steps are called ${step.id}`);
    byId.set(step.id, step);
  }
  const needed = (of: string, needs: Step['needs']) =>
    Object.values(needs).flatMap((ref) => {
      const { step, fact } = ref;
      if (byId.get(step) && !byId.get(step)?.yields.includes(fact)) {
        throw new Error(`${of} needs ${fact} of ${step}, which does not yield it`);
      }
      return known(ref) ? [] : [step];
    });
  const byCheck = Map.groupBy(checks, ({ id }) => id);
  const places: Place[] = [...byId.values()].map((step) => ({
    id: step.id,
    after: unique(needed(step.id, step.needs)),
    behind: [
      ...(step.behind ?? []),
      ...(rests(step) ? (step.proven ?? []).flatMap((id) => byCheck.get(id) ?? []) : []).map(placeOf),
    ],
    step,
  }));
  for (const check of checks) {
    const id = placeOf(check);
    places.push({ id, after: unique([...needed(id, check.needs), ...check.after]), behind: [], check });
  }
  return inOrder(places);
}

/** Where a check stands in the graph. */
export const placeOf = (check: Check): string => `check ${check.id} of ${check.workload}`;

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

const edges = (node: Node): readonly string[] => [...node.after, ...node.behind];

/** The nodes, each after all it comes after. Throws on a cycle, an edge to nowhere, or two nodes of one id. */
export function inOrder<T extends Node>(nodes: readonly T[]): T[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  if (byId.size !== nodes.length) {
    throw new Error(`two nodes are called ${nodes.find((node) => byId.get(node.id) !== node)?.id}`);
  }
  const placed = new Set<T>();
  const path = new Set<string>();
  const place = (node: T): void => {
    if (placed.has(node)) return;
    if (path.has(node.id)) {
      const ids = [...path];
      throw new Error(`cycle: ${[...ids.slice(ids.indexOf(node.id)), node.id].join(' > ')}`);
    }
    path.add(node.id);
    for (const id of edges(node)) {
      const before = byId.get(id);
      if (!before) throw new Error(`${node.id} comes after ${id}, which does not exist`);
      place(before);
    }
    path.delete(node.id);
    placed.add(node);
  };
  nodes.forEach(place);
  return [...placed];
}

/**
 * Visits every node exactly once, after all that it comes after or behind has been visited; nodes that do not wait for
 * each other run together, but not more than `atOnce`: hundreds of workloads make ten thousands of nodes, and each visit
 * that has begun holds memory. What became of those before is for `visit` to ask; it must not throw.
 */
export async function walk<T extends Node>(
  nodes: readonly T[],
  visit: (node: T) => Promise<void>,
  atOnce = Number.POSITIVE_INFINITY,
): Promise<void> {
  const ordered = inOrder(nodes);
  const followers = new Map<string, T[]>(ordered.map(({ id }) => [id, []]));
  const open = new Map<T, number>();
  for (const node of ordered) {
    const before = unique(edges(node));
    open.set(node, before.length);
    for (const id of before) followers.get(id)?.push(node);
  }
  const ready = ordered.filter((node) => open.get(node) === 0);
  const free = (node: T): void => {
    const left = (open.get(node) ?? 0) - 1;
    open.set(node, left);
    if (left === 0) ready.push(node);
  };
  let [begun, ended] = [0, 0];
  await new Promise<void>((resolve, reject) => {
    const visitReady = (): void => {
      if (ended === ordered.length) resolve();
      while (begun - ended < atOnce && begun < ready.length) {
        const node = ready[begun++] as T;
        visit(node).then(() => {
          ended += 1;
          followers.get(node.id)?.forEach(free);
          visitReady();
        }, reject);
      }
    };
    visitReady();
  });
}

/** Everything that a node builds on, directly or through others. */
export function foundations(nodes: readonly Node[]): (id: string) => ReadonlySet<string> {
  const below = new Map<string, Set<string>>();
  for (const node of inOrder(nodes)) {
    below.set(node.id, new Set(node.after.flatMap((id) => [id, ...(below.get(id) ?? [])])));
  }
  return (id) => below.get(id) ?? new Set();
}

/** Turns: work of one lane never overlaps and comes in the order of asking; without a lane it starts at once. */
export function lanes(): <T>(lane: string | undefined, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (lane, work) => {
    if (lane === undefined) return work();
    const turn = (last.get(lane) ?? Promise.resolve()).then(work);
    last.set(
      lane,
      turn.catch(() => undefined),
    );
    return turn;
  };
}
