import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { BACK, type Row } from '../../prompt.ts';
import { byName, firstOf, listing, typedName, wrongName } from './listing.ts';
import type { Sheet, WizardQuestion } from './question.ts';

/** What a cluster brings, and where nobody's own workload is. */
const OF_THE_SYSTEM = /^(kube-|gatekeeper-|aks-|azure-|calico-|tigera-|dapr-system$|external-secrets$)/;
const NEW = 'new, will be made';

/** A cluster that is to be made holds nothing yet. */
const inCluster = <T>({ spec }: Sheet, read: () => Promise<readonly T[]>): Promise<readonly T[]> =>
  spec.cluster.create ? Promise.resolve([]) : read();

const namespace: WizardQuestion = {
  id: 'namespace',
  label: 'Namespace',
  flags: ['namespace'],
  async put(sheet) {
    const { lists, prompter, spec, workload, back, before } = sheet;
    const meant = before?.shown ?? workload?.namespace;
    const rank = (name: string): number => (OF_THE_SYSTEM.test(name) ? 2 : name === 'default' ? 1 : 0);
    const rows = inCluster(sheet, () => lists.namespaces(spec.subscription, spec.cluster)).then((names) => {
      const sorted = names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
      return firstOf(
        sorted.map((name): Row<string> => ({ name, value: name })),
        meant ?? '',
      );
    });
    const chosen = await prompter.choose<string>({
      ask: 'Namespace',
      back,
      load: listing(rows, {
        what: 'namespaces',
        instead: 'type a name',
        ...(meant && { first: [{ name: meant, facts: NEW, value: meant }] }),
      }),
      typed: typedName('namespace', (text) => ({ name: text, facts: NEW, value: text })),
    });
    if (chosen === BACK) return BACK;
    return { shown: chosen.name, facts: chosen.facts ?? '', answers: { namespace: chosen.value } };
  },
};

/** The service account that a Deployment's pods have. */
const accountOf = (deployment: KubernetesObject | undefined): string | undefined => {
  const spec = deployment?.spec as { template?: { spec?: { serviceAccountName?: string } } } | undefined;
  const name = spec?.template?.spec?.serviceAccountName;
  return name === 'default' ? undefined : name;
};

const name: WizardQuestion = {
  id: 'workload',
  label: 'Workload',
  flags: ['workload'],
  async put(sheet) {
    const { lists, prompter, spec, workload, gaps, back, before } = sheet;
    const meant = before?.shown ?? (gaps.has('workload') ? undefined : workload?.name);
    const namespace = workload?.namespace ?? '';
    const rows = inCluster(sheet, () => lists.deployments(spec.subscription, spec.cluster, namespace)).then((found) =>
      firstOf(
        found.map(({ metadata }): Row<string> => ({ name: metadata.name, facts: 'Deployment', value: metadata.name })),
        meant ?? '',
      ),
    );
    const chosen = await prompter.choose<string>({
      ask: 'Workload',
      back,
      load: listing(rows, {
        what: 'Deployments',
        instead: 'type a name for the workload',
        ...(meant && { first: [{ name: meant, value: meant }] }),
      }),
      typed: typedName('workload', (text) => ({ name: text, value: text })),
    });
    return chosen === BACK ? BACK : { shown: chosen.name, answers: { workload: [chosen.value] } };
  },
};

const account: WizardQuestion = {
  id: 'service-account',
  label: 'Service account',
  flags: ['service-account'],
  when: 'somebody describes',
  async put(sheet) {
    const { lists, prompter, spec, workload, back, before } = sheet;
    const { namespace, name: own } = workload!;
    const there = [spec.subscription, spec.cluster, namespace] as const;
    const rows = Promise.all([
      inCluster(sheet, () => lists.accounts(...there)),
      inCluster(sheet, () => lists.deployments(...there)).catch(() => []),
    ]).then(([names, deployments]) => {
      const used = accountOf(deployments.find(({ metadata }) => metadata.name === own));
      // Every pod that names none has the account `default`: it is nobody's own.
      const listed = names
        .filter((one) => one !== 'default')
        .map((one): Row<string> => ({ name: one, facts: one === used ? `${own} has it` : 'exists', value: one }))
        .toSorted(byName);
      return firstOf(firstOf(withOwn(listed), used ?? own), before?.shown ?? '');
    });
    const withOwn = (listed: readonly Row<string>[]): readonly Row<string>[] =>
      listed.some((row) => row.name === own) ? listed : [{ name: own, facts: NEW, value: own }, ...listed];
    const chosen = await prompter.choose<string>({
      ask: 'Service account',
      back,
      load: listing(rows, {
        what: 'service accounts',
        instead: 'type a name, or take that of the workload',
        first: [before?.shown ?? own].map((one) => ({ name: one, value: one })),
      }),
      typed: {
        check: (text) =>
          text === 'default'
            ? 'Every pod that names none has it; take one of its own.'
            : wrongName('serviceAccount')(text),
        row: (text) => ({ name: text, facts: NEW, value: text }),
      },
    });
    if (chosen === BACK) return BACK;
    return { shown: chosen.name, facts: chosen.facts ?? '', answers: { 'service-account': chosen.value } };
  },
};

/** Whose secrets: namespace, name and service account. */
export const workloadQuestions: readonly WizardQuestion[] = [namespace, name, account];
