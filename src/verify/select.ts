import { type Complaint, Complaints } from '../complaint.ts';
import { ROWS } from '../failures/index.ts';
import { nearest } from '../nearest.ts';
import { type Answers, listOf } from '../spec/answers.ts';
import { CATEGORIES } from '../step.ts';
import type { Workload } from '../workload.ts';
import { type Row, rootsOf } from './row.ts';

/** Which findings are told, and which are accepted as they are. */
export interface Selection {
  /** Ids of checks, or categories; empty: all. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly suppress: readonly Suppression[];
}

/** One thing that is known of one workload. */
export interface Suppression {
  /** Of a failure or a check. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
}

/** Ids that every chain has, whatever is seen of it. */
const ALWAYS = [
  ...['AKS-SIGN-IN', 'AKS-RIGHTS-AZURE', 'AKS-RIGHTS-CLUSTER'],
  ...['AKS-CLUSTER', 'AKS-OIDC-ISSUER', 'AKS-WORKLOAD-IDENTITY', 'AKS-KEYVAULT-ADDON', 'AKS-ROTATION'],
  ...['AKS-PROVIDER', 'AKS-EXTENSION', 'AKS-DAPR', 'AKS-OPERATOR'],
  ...['AKS-IDENTITY', 'AKS-APPLICATION', 'AKS-SERVICE-PRINCIPAL', 'AKS-FIC-TRUST'],
  ...['AKS-VAULT', 'AKS-VAULT-REACHABLE', 'AKS-ACCESS', 'AKS-SEARCH', 'AKS-PROOF'],
  ...['SECRET', 'KEY', 'CERTIFICATE'].flatMap((kind) => [`AKS-${kind}`, `AKS-${kind}-DATES`]),
];

/** `ID=namespace/name`. */
export function suppressionOf(text: string): Suppression | undefined {
  const [, id, namespace, name] = /^([A-Za-z][\w-]*)=([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  return id && namespace && name ? { id: id.toUpperCase(), namespace, name } : undefined;
}

/** @throws {Complaints} for what is no id */
export function selectionOf(answers: Answers): Selection {
  const complaints: Complaint[] = [];
  const suppress = listOf(answers, 'suppress').flatMap((text) => {
    const read = suppressionOf(text);
    if (!read) complaints.push({ message: `--suppress ${text}: expected an id and a workload, as F080=shop/orders.` });
    return read ?? [];
  });
  if (complaints.length > 0) throw new Complaints(complaints);
  return { only: listOf(answers, 'only'), skip: listOf(answers, 'skip'), suppress };
}

/** What is asked for and does not exist, with the nearest that does. `ids` are those of the checks of this chain. */
export function unknownIds({ only, skip, suppress }: Selection, ids: Iterable<string>): readonly Complaint[] {
  const checks = [...new Set([...ALWAYS, ...ids])];
  const complain = (flag: string, id: string, known: readonly string[], what: string): Complaint[] => {
    if (known.includes(id)) return [];
    const like = nearest(id, known);
    return [{ message: `${flag}: there is no ${what} ${id}.${like ? ` Did you mean ${like}?` : ''}` }];
  };
  const selectable = [...CATEGORIES, ...checks];
  const failures = ROWS.map(({ id }) => id);
  return [
    ...only.flatMap((id) => complain('--only', id, selectable, 'check or category')),
    ...skip.flatMap((id) => complain('--skip', id, selectable, 'check or category')),
    ...suppress.flatMap(({ id }) => complain('--suppress', id, [...failures, ...checks], 'failure or check')),
  ];
}

const names = (row: Pick<Row, 'id' | 'category'>, ids: readonly string[]): boolean =>
  ids.includes(row.id) || ids.includes(row.category);

/** `namespace/name` of a workload that a row names. */
export type AccountOf = (workload: string) => string | undefined;

/** Of the workloads of a Spec, by their names. */
export const accountsOf = (workloads: readonly Pick<Workload, 'namespace' | 'name'>[]): AccountOf => {
  const known = new Map(workloads.map(({ namespace, name }) => [name, `${namespace}/${name}`]));
  return (workload) => known.get(workload);
};

/** What was asked for, with what that follows from, however it is called. */
export function select(rows: readonly Row[], selection: Selection, accountOf: AccountOf): readonly Row[] {
  const { only, skip, suppress } = selection;
  const wanted = rows.filter((row) => (only.length === 0 || names(row, only)) && !names(row, skip));
  const roots = new Set(wanted.flatMap(({ because }) => because ?? []));
  const isRoot = (row: Row): boolean => row.verdict !== 'skipped' && rootsOf(row).some((id) => roots.has(id));
  const kept = rows.filter((row) => wanted.includes(row) || (isRoot(row) && row.verdict !== 'pass'));
  return kept.map((row) => (isAccepted(row, suppress, accountOf) ? { ...row, suppressed: true as const } : row));
}

/** A link that several share is accepted when it is for each of them. */
function isAccepted(row: Row, suppress: readonly Suppression[], accountOf: AccountOf): boolean {
  if (row.verdict === 'pass' || row.verdict === 'skipped' || row.workloads.length === 0) return false;
  return row.workloads.every((one) =>
    suppress.some(
      ({ id, namespace, name }) => (id === row.failure || id === row.id) && accountOf(one) === `${namespace}/${name}`,
    ),
  );
}
