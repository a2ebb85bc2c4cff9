import type { Resource } from '../../azure/azure.ts';
import { BACK, type Listing, type Row } from '../../prompt.ts';
import { count } from '../../report/text.ts';
import type { Spec } from '../../workload.ts';
import { byName, firstOf, groupOf, listing, MAKE, type Place, typedName, wrongName } from './listing.ts';
import type { Lists } from './lists.ts';
import type { WizardQuestion } from './question.ts';

const isRbac = ({ properties }: Resource): boolean => properties.enableRbacAuthorization === true;

/** Vaults that are looked into for the number of their secrets. */
const COUNTED = 7;

/** Vaults, those beside the cluster first; the number of secrets follows, where one may list. */
function vaultsToChoose(lists: Lists, { subscription, cluster }: Spec, first: string) {
  const make: Row<Place> = { name: 'Make a new vault', facts: 'in RBAC mode', value: MAKE };
  const counts = new Map<string, number>();
  const isNear = (one: Resource): boolean => groupOf(one).toLowerCase() === cluster.resourceGroup.toLowerCase();
  const sorted = lists
    .vaults(subscription)
    .then((all) => all.toSorted((a, b) => Number(isNear(b)) - Number(isNear(a)) || byName(a, b)));
  const rowsOf = (all: readonly Resource[]): readonly Row<Place>[] => {
    const listed = all.map((one): Row<Place> => {
      const number = counts.get(one.name);
      const facts = [
        isRbac(one) ? 'RBAC' : 'access policies',
        number !== undefined && count(number, 'secret'),
        !isNear(one) && `in ${groupOf(one)}`,
      ];
      return {
        name: one.name,
        facts: facts.filter(Boolean).join(', '),
        value: { name: one.name, group: groupOf(one) },
      };
    });
    return firstOf(listed, first);
  };
  return (show: (listing: Listing<Place>) => void): void => {
    listing(sorted.then(rowsOf), { what: 'vaults', instead: 'type a name', last: [make] })(show);
    const counted = sorted.then((all) =>
      all.slice(0, COUNTED).map(async ({ name }) => {
        counts.set(name, (await lists.secrets(subscription, name)).length);
        show({ rows: [...rowsOf(all), make] });
      }),
    );
    // Who may not list here sees no number.
    counted.then(Promise.allSettled.bind(Promise), () => undefined);
  };
}

const vault: WizardQuestion = {
  id: 'vault',
  label: 'Key Vault',
  flags: ['vault'],
  applies: ({ workload }) => !workload?.vault.create,
  async put({ lists, prompter, spec, workload, back, before }) {
    const chosen = await prompter.choose<Place>({
      ask: 'Key Vault',
      back,
      load: vaultsToChoose(lists, spec, before?.shown ?? workload?.vault.name ?? ''),
      typed: typedName('vault', (text) => ({
        name: text,
        facts: 'not in this list',
        value: { name: text, group: undefined },
      })),
    });
    if (chosen === BACK) return BACK;
    if (chosen.value === MAKE) return { shown: 'a new one', answers: { 'create-vault': true } };
    const { name, group } = chosen.value;
    return {
      shown: name,
      facts: group === undefined ? '' : (chosen.facts ?? ''),
      answers: { vault: name, ...(group !== undefined && { 'vault-resource-group': group }) },
      memo: { unlisted: group === undefined },
    };
  },
};

const vaultGroup: WizardQuestion = {
  id: 'vault-resource-group',
  label: 'Resource group',
  flags: ['vault-resource-group'],
  when: 'it follows',
  applies: ({ said }) => said('vault')?.memo?.unlisted === true,
  async put({ prompter, spec, workload, back, before }) {
    const name = await prompter.text({
      ask: `Resource group of ${workload?.vault.name}`,
      back,
      default: before?.shown ?? spec.cluster.resourceGroup,
      check: wrongName('resourceGroup'),
    });
    return name === BACK ? BACK : { shown: name, answers: { 'vault-resource-group': name } };
  },
};

const vaultName: WizardQuestion = {
  id: 'vault-name',
  label: 'Its name',
  flags: ['vault'],
  applies: ({ workload }) => workload?.vault.create !== undefined,
  async put({ lists, prompter, spec, back, before }) {
    const name = await prompter.text({
      ask: 'Name of the new vault; no other in all of Azure has it',
      back,
      ...(before && { default: before.shown }),
      async check(text) {
        const wrong = wrongName('vault')(text);
        // Who may not ask learns it when the vault is made.
        if (wrong !== undefined || (await lists.isFree(spec.subscription, text).catch(() => true))) return wrong;
        return `"${text}" is taken, by somebody's vault or by a deleted one.`;
      },
    });
    return name === BACK ? BACK : { shown: name, answers: { vault: name } };
  },
};

const purgeProtection: WizardQuestion = {
  id: 'purge-protection',
  label: 'Purge protection',
  flags: ['purge-protection'],
  when: 'it follows',
  applies: ({ said }) => said('vault')?.answers['create-vault'] === true,
  async put({ prompter, back, before }) {
    const yes = await prompter.confirm({
      ask: 'Protect the vault from being purged? That cannot be undone',
      back,
      default: before?.shown === 'yes',
    });
    if (yes === BACK) return BACK;
    const shown = yes ? 'yes' : 'no';
    return { shown, answers: { 'purge-protection': shown } };
  },
};

/** Which vault: one that is there, or a new one. */
export const vaultQuestions: readonly WizardQuestion[] = [vault, vaultName, vaultGroup, purgeProtection];
