import type { Category } from '../step.ts';
import type { Spec } from '../workload.ts';

/** The headings under which findings stand, from names that the Spec gives. */
export interface Places {
  of(category: Category, workloads: readonly string[]): string;
}

export function placesOf({ cluster, workloads }: Spec): Places {
  const byName = new Map(workloads.map((workload) => [workload.name, workload]));
  return {
    of(category, names) {
      const whose = names.flatMap((name) => byName.get(name) ?? []);
      const [first] = whose;
      switch (category) {
        case 'rights':
          return 'Rights';
        case 'cluster':
          return `Cluster ${cluster.name}`;
        case 'identity':
          return `Identity ${first?.identity.name ?? ''}`.trim();
        case 'vault':
          return `Vault ${first?.vault.name ?? ''}`.trim();
        case 'objects':
          return `Objects of ${accounts(whose)}`;
        case 'exchange':
          return `Token of ${first ? `${first.accountNamespace ?? first.namespace}/${first.serviceAccount}` : accounts(whose)}`;
        case 'pod':
          return `Pods of ${accounts(whose)}`;
        case 'freshness':
          return `Freshness of ${accounts(whose)}`;
      }
    },
  };
}

const accounts = (whose: readonly { readonly namespace: string; readonly name: string }[]): string =>
  whose.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
