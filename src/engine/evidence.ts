import { API_VERSION } from '../api-version.ts';
import type { Complaint } from '../complaint.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import type { Fact, Facts } from '../facts.ts';
import type { Problem } from '../trouble.ts';
import type { Outcome, Plan, Proof, Result } from './events.ts';

/** The documents of `-o json`. Data only: no secret value is in any of their sources. */

interface Subscription {
  readonly id: string;
  readonly name?: string;
}

export interface PlanDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Plan';
  readonly simulated?: true;
  readonly caller?: string;
  readonly subscription?: Subscription;
  /** Entra tenant. */
  readonly tenant?: string;
  readonly changes: readonly unknown[];
}

export interface Evidence {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Evidence';
  readonly simulated?: true;
  readonly outcome: (typeof OUTCOME)[ExitCode];
  readonly exitCode: ExitCode;
  readonly startedAt: string;
  readonly workloads: readonly { readonly name: string; readonly facts: Facts }[];
  readonly steps: readonly unknown[];
  readonly proofs: readonly unknown[];
}

export interface FailureDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Failure';
  readonly exitCode: number;
  readonly complaints: readonly Complaint[];
}

const OUTCOME = {
  [EXIT.done]: 'done',
  [EXIT.failed]: 'failed',
  [EXIT.usage]: 'usage',
  [EXIT.broken]: 'broken',
  [EXIT.pending]: 'pending',
  [EXIT.signInNeeded]: 'sign-in needed',
  [EXIT.notAllowed]: 'not allowed',
  [EXIT.timedOut]: 'timed out',
  [EXIT.interrupted]: 'interrupted',
} as const satisfies Record<ExitCode, string>;

/** Id of a problem in the catalogue of failures, for whoever has the catalogue. */
export type FailureOf = (problem: Problem) => string | undefined;

export function planDocument(
  plan: Plan,
  about: Pick<PlanDocument, 'caller' | 'subscription' | 'tenant'> & {
    readonly simulated?: boolean;
    readonly failureOf?: FailureOf;
  } = {},
): PlanDocument {
  return {
    apiVersion: API_VERSION,
    kind: 'Plan',
    ...(about.simulated && { simulated: true as const }),
    ...(about.caller !== undefined && { caller: about.caller }),
    ...(about.subscription && { subscription: about.subscription }),
    ...(about.tenant !== undefined && { tenant: about.tenant }),
    changes: plan.changes.map((change) => {
      const {
        id,
        kind,
        subject,
        workloads,
        title,
        action,
        differences,
        consents,
        missing,
        note,
        run,
        follows,
        failure,
      } = change;
      return {
        ...{ id, kind, subject, workloads, title, action },
        ...(differences.some((difference) => difference.irreversible) && { irreversible: true }),
        ...(differences.some((difference) => difference.costs) && { costs: true }),
        ...(consents.length > 0 && { consent: consents }),
        ...(missing.length > 0 && { missing }),
        differences,
        ...(note !== undefined && { note }),
        ...(run !== undefined && { run }),
        ...(failure !== undefined && { failure }),
        ...(follows && { follows }),
        ...troubleOf(change.problem, about.failureOf),
      };
    }),
  };
}

export function evidence(from: {
  readonly exit: ExitCode;
  readonly startedAt: Date;
  readonly results: readonly Result[];
  readonly proofs: readonly Proof[];
  readonly simulated?: boolean;
  readonly failureOf?: FailureOf;
  /** Whom the run is about. Absent: all whom its steps serve. */
  readonly about?: readonly string[];
}): Evidence {
  const { results, proofs, failureOf } = from;
  const names = from.about ?? [...new Set(results.flatMap(({ change }) => change.workloads))];
  return {
    apiVersion: API_VERSION,
    kind: 'Evidence',
    ...(from.simulated && { simulated: true as const }),
    outcome: OUTCOME[from.exit],
    exitCode: from.exit,
    startedAt: from.startedAt.toISOString(),
    workloads: names.map((name) => ({ name, facts: factsOf(name, results) })),
    steps: results.map(({ change, outcome, seconds, tries, note, run, missing, follows, problem }) => ({
      ...{ id: change.id, workloads: change.workloads, title: change.title },
      ...recorded(outcome),
      ...{ seconds, tries },
      ...(missing && { missing }),
      ...(note !== undefined && { note }),
      ...(run !== undefined && { run }),
      ...(follows && { follows }),
      ...(outcome === 'blocked' && change.failure !== undefined && { failure: change.failure }),
      ...troubleOf(problem, failureOf),
    })),
    proofs: proofs.map(({ id, workload, title, outcome, seconds, findings, follows, problem }) => ({
      ...{ id, workload, title, outcome, seconds, findings },
      ...(follows && { follows }),
      ...troubleOf(problem, failureOf),
    })),
  };
}

/** The contract's six outcomes; what is finer than they are stands in `because`. */
function recorded(outcome: Outcome): { readonly outcome: string; readonly because?: string } {
  switch (outcome) {
    case 'timed out':
      return { outcome: 'failed', because: outcome };
    case 'blocked':
    case 'interrupted':
      // Never "failed": whether a write that was under way took effect is not known.
      return { outcome: 'not reached', because: outcome };
    default:
      return { outcome };
  }
}

/** The facts of a workload: those on which all of its steps agree (the versions of its objects, say, are many). */
function factsOf(workload: string, results: readonly Result[]): Facts {
  const found = new Map<Fact, Set<string>>();
  for (const { change, facts } of results) {
    if (!change.workloads.includes(workload)) continue;
    for (const [fact, value] of Object.entries(facts) as [Fact, string][]) {
      found.set(fact, (found.get(fact) ?? new Set()).add(value));
    }
  }
  const agreed = [...found].filter(([, values]) => values.size === 1);
  return Object.fromEntries(agreed.map(([fact, values]) => [fact, [...values][0]]));
}

function troubleOf(problem: Problem | undefined, failureOf: FailureOf | undefined) {
  if (!problem) return {};
  const { trouble, resource, message, right, said } = problem;
  const failure = failureOf?.(problem);
  return {
    ...(failure !== undefined && { failure }),
    problem: {
      ...{ trouble, resource, message },
      ...(right !== undefined && { right }),
      ...(said && {
        azure: {
          by: said.by,
          ...(said.code !== undefined && { code: said.code }),
          ...(said.requestId !== undefined && { requestId: said.requestId }),
        },
      }),
    },
  };
}

export const failureDocument = (complaints: readonly Complaint[], exitCode: number): FailureDocument => ({
  apiVersion: API_VERSION,
  kind: 'Failure',
  exitCode,
  complaints,
});
