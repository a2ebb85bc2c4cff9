import type { Resource, SubscriptionItem } from '../../azure/azure.ts';
import { BACK, type Row } from '../../prompt.ts';
import { isGuid, isNodeResourceGroup } from '../../spec/names.ts';
import { byName, firstOf, groupOf, listing, MAKE, type Place, typedName, wrongName } from './listing.ts';
import type { WizardQuestion } from './question.ts';

const short = (id: string): string => id.slice(0, 8);

const subscription: WizardQuestion = {
  id: 'subscription',
  label: 'Subscription',
  flags: ['subscription'],
  async put({ lists, prompter, spec, back, before }) {
    const rowOf = ({ id, name }: SubscriptionItem): Row<string> => ({ name, facts: short(id), value: id });
    // The default of the Azure CLI is known without asking.
    const meant = before?.answers.subscription ?? spec.subscription;
    const rows = lists.subscriptions().then((all) => {
      const usual = all.filter(({ id }) => id === meant);
      return [...usual, ...all.filter((one) => !usual.includes(one)).toSorted(byName)].map(rowOf);
    });
    const chosen = await prompter.choose<string>({
      ask: 'Subscription',
      back,
      load: listing(rows, { what: 'subscriptions', instead: 'type an id' }),
      typed: {
        check: (text) => (isGuid(text) ? undefined : 'There is none of that name; its id works as well.'),
        row: (text) => ({ name: text, facts: 'by its id', value: text }),
      },
    });
    if (chosen === BACK) return BACK;
    return { shown: chosen.name, facts: chosen.facts ?? '', answers: { subscription: chosen.value } };
  },
};

/** Region, version, and what the methods will have to switch on. */
function clusterFacts({ location, properties }: Resource): string {
  const { currentKubernetesVersion, kubernetesVersion, oidcIssuerProfile, powerState } = properties as {
    currentKubernetesVersion?: string;
    kubernetesVersion?: string;
    oidcIssuerProfile?: { enabled?: boolean };
    powerState?: { code?: string };
  };
  const version = (currentKubernetesVersion ?? kubernetesVersion ?? '').split('.').slice(0, 2).join('.');
  return [
    location,
    version,
    powerState?.code === 'Stopped' && 'stopped',
    oidcIssuerProfile?.enabled !== true && 'OIDC issuer off',
  ]
    .filter(Boolean)
    .join(', ');
}

const cluster: WizardQuestion = {
  id: 'cluster',
  label: 'Cluster',
  flags: ['cluster'],
  applies: ({ spec }) => !spec.cluster.create,
  async put({ lists, prompter, spec, back, before }) {
    const rows = lists.clusters(spec.subscription).then((all) => {
      const twice = (name: string): boolean => all.filter((other) => other.name === name).length > 1;
      const listed = all.toSorted(byName).map(
        (one): Row<Place> => ({
          name: one.name,
          facts: [...(twice(one.name) ? [groupOf(one)] : []), clusterFacts(one)].join(', '),
          value: { name: one.name, group: groupOf(one) },
        }),
      );
      return firstOf(listed, before?.shown ?? spec.cluster.name);
    });
    const chosen = await prompter.choose<Place>({
      ask: 'Cluster',
      back,
      load: listing(rows, {
        what: 'clusters',
        instead: 'type a name',
        last: [{ name: 'Make a new cluster', facts: 'its nodes cost money while they run', value: MAKE }],
      }),
      typed: typedName('cluster', (text) => ({
        name: text,
        facts: 'not in this list',
        value: { name: text, group: undefined },
      })),
    });
    if (chosen === BACK) return BACK;
    if (chosen.value === MAKE) return { shown: 'a new one', answers: { 'create-cluster': true } };
    const { name, group } = chosen.value;
    return {
      shown: name,
      facts: group === undefined ? '' : (chosen.facts ?? ''),
      answers: { cluster: name, ...(group !== undefined && { 'resource-group': group }) },
    };
  },
};

const clusterName: WizardQuestion = {
  id: 'cluster-name',
  label: 'Its name',
  flags: ['cluster'],
  applies: ({ spec }) => spec.cluster.create !== undefined,
  async put({ prompter, back, before, spec }) {
    const name = await prompter.text({
      ask: 'Name of the new cluster',
      back,
      default: before?.shown ?? spec.cluster.name,
      check: wrongName('cluster'),
    });
    return name === BACK ? BACK : { shown: name, answers: { cluster: name } };
  },
};

const group: WizardQuestion = {
  id: 'resource-group',
  label: 'Resource group',
  flags: ['resource-group'],
  // That of a cluster in the list is known.
  applies: ({ gaps }) => gaps.has('resource-group'),
  async put({ lists, prompter, spec, back }) {
    const makes = spec.cluster.create !== undefined;
    const [groups, clusters] = [lists.groups(spec.subscription), lists.clusters(spec.subscription).catch(() => [])];
    const rows = Promise.all([groups, clusters]).then(([all, known]) => {
      const holding = known.filter(({ name }) => name === spec.cluster.name).map(groupOf);
      // The groups of clusters' nodes are theirs alone.
      const own = all.filter(({ name }) => !isNodeResourceGroup(name));
      const listed = own.toSorted(byName).map(({ name, location }): Row<string> => {
        const holds = !makes && holding.includes(name);
        return { name, facts: holds ? `holds ${spec.cluster.name}` : (location ?? ''), value: location ?? '' };
      });
      return [
        ...listed.filter(({ name }) => holding.includes(name)),
        ...listed.filter(({ name }) => !holding.includes(name)),
      ];
    });
    const chosen = await prompter.choose<string>({
      ask: makes ? 'Resource group of the new cluster' : `Resource group of ${spec.cluster.name}`,
      back,
      load: listing(rows, { what: 'resource groups', instead: 'type a name' }),
      typed: typedName('resourceGroup', (text) => ({
        name: text,
        facts: makes ? 'new, will be made' : 'not in this list',
        value: '',
      })),
    });
    if (chosen === BACK) return BACK;
    return { shown: chosen.name, answers: { 'resource-group': chosen.name }, memo: { region: chosen.value } };
  },
};

const location: WizardQuestion = {
  id: 'location',
  label: 'Region',
  flags: ['location'],
  async put({ prompter, back, before, said }) {
    const name = await prompter.text({
      ask: 'Region',
      back,
      default: before?.shown ?? said('resource-group')?.memo?.region ?? '',
      check: wrongName('location'),
    });
    return name === BACK ? BACK : { shown: name, answers: { location: name } };
  },
};

const nodeCount: WizardQuestion = {
  id: 'node-count',
  label: 'Nodes',
  flags: ['node-count'],
  when: 'it follows',
  applies: ({ said }) => said('cluster')?.answers['create-cluster'] === true,
  async put({ prompter, back, before }) {
    const count = await prompter.text({
      ask: 'How many nodes? Each costs money while it runs',
      back,
      default: before?.shown ?? '1',
      check: (text) => (/^[1-9]\d{0,2}$|^1000$/.test(text) ? undefined : 'A number from 1 to 1000.'),
    });
    return count === BACK ? BACK : { shown: count, answers: { 'node-count': count } };
  },
};

const nodeSize: WizardQuestion = {
  id: 'node-size',
  label: 'Size of a node',
  flags: ['node-size'],
  when: 'it follows',
  applies: ({ said }) => said('cluster')?.answers['create-cluster'] === true,
  async put({ prompter, back, before }) {
    const size = await prompter.text({
      ask: 'Size of a node; a larger one costs more',
      back,
      default: before?.shown ?? 'Standard_D2s_v5',
      check: wrongName('nodeSize'),
    });
    return size === BACK ? BACK : { shown: size, answers: { 'node-size': size } };
  },
};

/** Where: the subscription, and a cluster that is there or a new one. */
export const clusterQuestions: readonly WizardQuestion[] = [
  subscription,
  cluster,
  clusterName,
  group,
  location,
  nodeCount,
  nodeSize,
];
