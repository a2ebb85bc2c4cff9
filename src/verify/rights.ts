import type { Row } from './row.ts';

/** Who looks, and where. */
export interface Looker {
  readonly caller: string;
  readonly subscription: string;
  readonly cluster: string;
}

/** The caller's own part, first of all: signed in, and allowed to look on both sides. What he may not is named, with the line. */
export function rightsRows(rows: readonly Row[], { caller, subscription, cluster }: Looker): readonly Row[] {
  const base = { category: 'rights', place: 'Rights', workloads: everybody(rows), seconds: 0 } as const;
  const lacking = rows.filter(({ right, verdict }) => right !== undefined && verdict === 'unknown');
  const inCluster = ({ said, right = '' }: Row): boolean =>
    said ? said.by === 'Kubernetes' : !right.startsWith('Microsoft.');
  const side = (id: string, title: string, own: readonly Row[]): Row => {
    const [first] = own;
    if (!first) return { ...base, id, title, verdict: 'pass' };
    const rights = [...new Set(own.map(({ right }) => right ?? ''))].join('; ');
    const { failure, fix } = first;
    return {
      ...{ ...base, id, title, verdict: 'unknown', right: rights },
      ...{ observed: `missing: ${rights}`, expected: `these rights, for ${caller}` },
      ...(failure !== undefined && { failure }),
      ...(fix && { fix }),
    };
  };
  return [
    { ...base, id: 'AKS-SIGN-IN', title: `signed in as ${caller} on ${subscription}`, verdict: 'pass' },
    side(
      'AKS-RIGHTS-AZURE',
      'may look in Azure',
      lacking.filter((row) => !inCluster(row)),
    ),
    side('AKS-RIGHTS-CLUSTER', `may look in ${cluster}`, lacking.filter(inCluster)),
  ];
}

const everybody = (rows: readonly Row[]): readonly string[] => [...new Set(rows.flatMap(({ workloads }) => workloads))];
