import type { Cloud } from '../azure/azure.ts';
import { type Node, placeOf, walk } from '../engine/graph.ts';
import { type Observation, observe, problemOf } from '../engine/observe.ts';
import { knownTo } from '../engine/plan.ts';
import type { Facts } from '../facts.ts';
import type { Check, Finding, Known, Needs, Step } from '../step.ts';
import type { Problem } from '../trouble.ts';
import type { Spec } from '../workload.ts';
import type { World } from '../world.ts';
import { besideRegistered } from './exchange.ts';
import { isLink, type Linked, linkRows, type Making, rowOf, verdictOfCheck } from './links.ts';
import { type Row, rootsOf, stops } from './row.ts';

/** What is looked at. */
export interface Chain {
  readonly spec: Spec;
  readonly cloud: Cloud;
  /** Those with a category are links; the others only give them facts. */
  readonly steps: readonly Step[];
  /** What running things show, and what the methods ask of the cluster. */
  readonly checks: readonly Check[];
  /** Those of the checks that ask for a token as the workload; they come last, since a token is asked for at once. */
  readonly proofs: readonly Check[];
  /** Those that make something to see it run: only once nothing that they come after is broken. */
  readonly acting?: readonly Check[];
  /** `false`: nobody asks for a token as the workload. */
  readonly impersonate: boolean;
}

/** Checks that are asked at the same time: far more than requests are under way, far fewer than 500 workloads have. */
const AT_ONCE = 2000;

/**
 * Looks at the whole chain once, all roots at the same time: each link is judged as soon as it was seen, each check that
 * only reads is asked as soon as the facts that it needs are there, and what follows from something broken is not told.
 * What others would hear of (a sign-in, a pod) is not even asked then. Never writes anything but a TokenRequest.
 */
export async function look(chain: Chain, world: World, making: Making): Promise<readonly Row[]> {
  const steps = neededOf(chain);
  const looks = new Map(steps.map((step) => [step.id, observe([step], world)]));
  const proving = tokensAhead(chain, world);
  const proofs = new Set(chain.proofs);
  const acting = new Set(chain.acting ?? []);
  const checks = [...chain.checks, ...(chain.impersonate ? chain.proofs : []), ...acting];
  const links = new Map<string, Linked>();
  const asked = new Map<string, readonly Row[]>();
  const factsOf = (id: string): Facts | undefined => links.get(id)?.facts;
  const rowsOf = (id: string): readonly Row[] => links.get(id)?.rows ?? asked.get(id) ?? [];

  const rootsOfNeeds = (needs: Needs): readonly string[] =>
    unique(
      Object.values(needs)
        // Where a thing is made says nothing of one that is there.
        .filter(({ step, fact }) => fact !== 'location' && factsOf(step)?.[fact] === undefined)
        .flatMap(({ step }) => rowsOf(step).filter(({ verdict }) => verdict !== 'pass' && verdict !== 'warn'))
        .flatMap(rootsOf),
    );

  const visitStep = async (step: Step): Promise<void> => {
    const observation = (await looks.get(step.id))?.get(step.id) as Observation;
    const known = knownTo(step, factsOf);
    if (!isLink(step)) {
      links.set(step.id, { rows: [], facts: factsIn(step, observation, known) });
      return;
    }
    const linked = await linkRows(step, observation, known, world, making);
    const because = rootsOfNeeds(step.needs);
    // What is on its way never comes while that is broken.
    const isTold = ({ verdict, lost, young }: Row) => verdict === 'fail' || lost !== undefined || young === true;
    const follows = because.length > 0 && linked.rows.some(isTold);
    const [first] = linked.rows;
    links.set(step.id, follows && first ? { ...linked, rows: [skipped(first, step.title, because)] } : linked);
  };

  const answers = new Map<Check, Answer>();
  /** Asks; what comes of it is told when it is known that nothing before it is broken. */
  const ask = async (check: Check): Promise<void> => {
    const started = world.clock.now().getTime();
    const known = knownTo(check, factsOf);
    const answer = await check.run(proving, known).then(
      (findings) => ({ findings }),
      (error: unknown) => ({ problem: problemOf(error, check.title) }),
    );
    answers.set(check, { ...answer, seconds: (world.clock.now().getTime() - started) / 1000 });
  };
  const askAhead = async (check: Check): Promise<void> => {
    if (rootsOfNeeds(check.needs).length === 0) await ask(check);
  };

  const tell = async (check: Check, after: readonly After[]): Promise<void> => {
    const category = check.category ?? 'exchange';
    const workloads = [check.workload];
    const base = { category, workloads, place: making.places.of(category, workloads), title: check.title };
    const stopped = after.flatMap(({ node, finding }) =>
      rowsOf(node).filter(
        (row) => stops(row) && (finding === undefined ? row.category === nodeCategory(node) : row.id === finding),
      ),
    );
    const because = unique([...stopped.flatMap(rootsOf), ...rootsOfNeeds(check.needs)]);
    const id = nameOf(check);
    if (because.length > 0) {
      asked.set(placeOf(check), [{ ...base, id, verdict: 'skipped', because, seconds: 0 }]);
      return;
    }
    if (!answers.has(check)) await ask(check);
    const { findings = [], problem, seconds } = answers.get(check) as Answer;
    if (!problem) {
      asked.set(
        placeOf(check),
        findings.map((finding) => rowOfCheck(finding, base, seconds, making)),
      );
      return;
    }
    const as = proofs.has(check) ? 'as the workload' : 'as the caller';
    const row: Row = { ...base, id, ...verdictOfCheck(problem, as, making), seconds };
    const now = world.clock.now();
    const told = row.verdict === 'fail' ? besideRegistered(row, problem, check, links, steps, now) : row;
    asked.set(placeOf(check), [told]);
  };
  const nodeCategory = (node: string): string | undefined =>
    steps.find(({ id }) => id === node)?.category ?? rowsOf(node)[0]?.category;

  const resolve = resolver(steps, checks);
  const ids = new Set(steps.map(({ id }) => id));
  const nodes: (Node & { visit(): Promise<void> })[] = [
    ...steps.map((step) => ({
      id: step.id,
      after: unique(Object.values(step.needs).map((need) => need.step)).filter((id) => ids.has(id)),
      behind: [],
      visit: () => visitStep(step),
    })),
    ...checks.flatMap((check) => {
      const after = resolve(check);
      const needed = unique(Object.values(check.needs).map((need) => need.step)).filter((id) => ids.has(id));
      const place = placeOf(check);
      const ahead = `ask ${place}`;
      const isAhead = !proofs.has(check) && !acting.has(check);
      return [
        ...(isAhead ? [{ id: ahead, after: needed, behind: [], visit: () => askAhead(check) }] : []),
        {
          id: place,
          after: unique([...(isAhead ? [ahead] : needed), ...after.map(({ node }) => node)]),
          behind: [],
          visit: () => tell(check, after),
        },
      ];
    }),
  ];
  await walk(nodes, ({ visit }) => visit(), AT_ONCE);
  return [
    ...steps.flatMap(({ id }) => rowsOf(id)),
    ...checks.flatMap((check) => rowsOf(placeOf(check))),
    ...(chain.impersonate ? [] : chain.proofs.map((check) => notAsked(check, making))),
  ];
}

interface Answer {
  readonly findings?: readonly Finding[];
  readonly problem?: Problem;
  readonly seconds: number;
}

/** What a check comes after: a step or check, or one thing that it finds. */
interface After {
  readonly node: string;
  readonly finding?: string;
}

/**
 * Names that a check comes after: ids of steps, of checks of its workload or of all, or of single findings of the steps
 * (`AKS-OIDC-ISSUER`). What is not part of this chain is no reason to wait.
 */
function resolver(steps: readonly Step[], checks: readonly Check[]): (check: Check) => readonly After[] {
  const byId = Map.groupBy(checks, ({ id }) => id);
  const ofWorkload = Map.groupBy(checks, ({ id, workload }) => `${id} of ${workload}`);
  const links = new Map<string, string[]>();
  for (const { id, workloads } of steps.filter(isLink))
    for (const workload of workloads) links.set(workload, [...(links.get(workload) ?? []), id]);
  const ids = new Set(steps.map(({ id }) => id));
  return (check) =>
    check.after.flatMap((name): readonly After[] => {
      if (ids.has(name)) return [{ node: name }];
      const isOther = (other: Check): boolean => other !== check;
      const own = (ofWorkload.get(`${name} of ${check.workload}`) ?? []).filter(isOther);
      const named = own.length > 0 ? own : (byId.get(name) ?? []).filter(isOther);
      if (named.length > 0) return named.map((other) => ({ node: placeOf(other) }));
      if (!name.startsWith('AKS-')) return [];
      // Which step will say it is not known before it has been seen; all of them are seen at once.
      return (links.get(check.workload) ?? []).map((id) => ({ node: id, finding: name }));
    });
}

/** The links, and what they and the checks know by. */
function neededOf({ steps, checks, proofs, acting = [] }: Chain): readonly Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const needed = new Set<Step>();
  const add = (step: Step | undefined): void => {
    if (!step || needed.has(step)) return;
    needed.add(step);
    for (const need of Object.values(step.needs)) if (need.fact !== 'location') add(byId.get(need.step));
  };
  steps.filter(isLink).forEach(add);
  for (const { needs } of [...checks, ...proofs, ...acting])
    for (const need of Object.values(needs)) add(byId.get(need.step));
  return steps.filter((step) => needed.has(step));
}

/** Facts of what is no link; nothing where it could not be looked at: whoever needs them says so. */
function factsIn(step: Step, observation: Observation | undefined, known: Known<Needs>): Facts {
  if (!observation || 'problem' in observation) return {};
  try {
    return step.judge(observation.seen, known).facts;
  } catch {
    return {};
  }
}

/** A token is asked for beside the first looks, not behind them: a proof then takes two more answers and not three. */
function tokensAhead({ spec, cloud, impersonate }: Chain, world: World): World {
  if (!impersonate) return world;
  const { kubernetes } = world;
  const key = (...parts: readonly string[]): string => parts.join(' ');
  const asked = new Map(
    spec.workloads.map(({ serviceAccount, accountNamespace, namespace: own }) => {
      const namespace = accountNamespace ?? own;
      const token = kubernetes.token(namespace, serviceAccount, cloud.federationAudience);
      // Whoever takes it hears of what went wrong.
      token.catch(() => undefined);
      return [key(namespace, serviceAccount, cloud.federationAudience), token] as const;
    }),
  );
  const token: typeof kubernetes.token = (namespace, serviceAccount, audience) =>
    asked.get(key(namespace, serviceAccount, audience)) ?? kubernetes.token(namespace, serviceAccount, audience);
  return { ...world, kubernetes: { ...kubernetes, token } };
}

const PROOF = 'AKS-PROOF';
/** The proof's id names its workload, as its findings do not. */
const nameOf = ({ id }: Check): string => (id.startsWith('proof/') ? PROOF : id);

function rowOfCheck(
  finding: Finding,
  base: Pick<Row, 'category' | 'workloads' | 'place' | 'title'>,
  seconds: number,
  { places }: Making,
): Row {
  const category = finding.category ?? base.category;
  return { ...base, category, place: places.of(category, base.workloads), ...rowOf(finding), seconds } as Row;
}

const skipped = (row: Row, title: string, because: readonly string[]): Row => {
  const { id, category, workloads, place, seconds } = row;
  return { id, category, workloads, place, title, seconds, verdict: 'skipped', because };
};

const notAsked = (check: Check, { places }: Making): Row => ({
  ...{ id: nameOf(check), category: 'exchange', workloads: [check.workload], title: check.title, seconds: 0 },
  place: places.of('exchange', [check.workload]),
  verdict: 'unknown',
  observed: 'not asked: --no-impersonate leaves it out',
  expected: 'a token of the service account, exchanged at Entra, that the vault takes',
  fix: { say: 'Run it without --no-impersonate, or look at the log of the pod.' },
});

const unique = (items: readonly string[]): string[] => [...new Set(items)];
