import type { FederatedCredential } from '../azure/azure.ts';
import { LAG } from '../engine/patience.ts';
import type { Check, Step } from '../step.ts';
import { comparedWith, nearestOf } from '../steps/federation-findings.ts';
import type { Problem } from '../trouble.ts';
import type { Linked } from './links.ts';
import type { Row } from './row.ts';

/** Refusals that a role, an identity or a credential explains that is not known everywhere yet. */
const FOUNDATION: readonly { readonly code: RegExp; readonly kinds: readonly string[]; readonly what: string }[] = [
  { code: /^(ForbiddenByRbac|Forbidden|AccessDenied)$/, kinds: ['access'], what: 'the role' },
  {
    code: /^AADSTS(700016|7000229|70021|700211|700212|700213|7002138)$/,
    kinds: ['identity', 'application', 'service principal', 'credential'],
    what: 'the identity',
  },
];

/**
 * A refusal of Entra or the vault beside what is registered: byte for byte where they differ, and "not yet" where what it
 * rests on is younger than such a change takes.
 */
export function besideRegistered(
  row: Row,
  problem: Problem,
  check: Check,
  links: ReadonlyMap<string, Linked>,
  steps: readonly Step[],
  now: Date,
): Row {
  const compared = comparison(problem, check, links, steps);
  const young = youngest(problem, check, links, steps, now);
  const whole = { ...row, ...(compared.length > 0 && { compared }) };
  if (!young) return whole;
  const { what, seconds } = young;
  const observed = `${what} is ${ageOf(seconds)} old, and Azure may take ten minutes; until then ${problem.said?.by ?? 'Azure'} refuses`;
  return {
    ...whole,
    ...{ verdict: 'unknown', young: true, observed },
    fix: { say: 'Wait, and run the same again (or with --wait 10m).' },
  };
}

function comparison({ presented }: Problem, check: Check, links: ReadonlyMap<string, Linked>, steps: readonly Step[]) {
  if (!presented) return [];
  const registered = steps
    .filter(({ kind, workloads }) => kind === 'credential' && workloads.includes(check.workload))
    .flatMap(({ id }) => (links.get(id)?.seen ?? []) as readonly FederatedCredential[]);
  const near = nearestOf(registered, presented);
  return near ? comparedWith(near, presented) : [];
}

function youngest(
  { said }: Problem,
  check: Check,
  links: ReadonlyMap<string, Linked>,
  steps: readonly Step[],
  now: Date,
): { readonly what: string; readonly seconds: number } | undefined {
  const found = FOUNDATION.find(({ code }) => code.test(said?.code ?? ''));
  if (!found) return undefined;
  const dates = steps
    .filter(({ kind, workloads }) => found.kinds.includes(kind) && workloads.includes(check.workload))
    .flatMap(({ id }) => links.get(id)?.since ?? []);
  const latest = Math.max(...dates.map((date) => date.getTime()));
  const seconds = Math.max(0, Math.round((now.getTime() - latest) / 1000));
  return Number.isFinite(latest) && seconds * 1000 < LAG.minutes ? { what: found.what, seconds } : undefined;
}

const ageOf = (seconds: number): string => (seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
