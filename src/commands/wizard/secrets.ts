import type { SecretProperties } from '../../azure/azure.ts';
import { BACK, type Row } from '../../prompt.ts';
import { itemOf } from '../../spec/answers.ts';
import { byName, listing, typedName } from './listing.ts';
import type { Sheet, WizardQuestion } from './question.ts';

/** Values that are asked for at most; who has more writes them another way. */
const VALUES = 20;

const factsOf = ({ enabled, managed, expires }: SecretProperties): string =>
  [!enabled && 'disabled', managed && 'of a certificate', expires && `expires ${expires.toISOString().slice(0, 10)}`]
    .filter(Boolean)
    .join(', ');

const secrets: WizardQuestion = {
  id: 'secrets',
  label: 'Secrets',
  flags: ['secret'],
  async put({ lists, prompter, spec, workload, back, before }) {
    const { vault, secrets: meant } = workload!;
    const chosenBefore = (before?.answers.secret as readonly string[] | undefined)?.map((text) => itemOf(text).name);
    const all = vault.create ? Promise.resolve([]) : lists.secrets(spec.subscription, vault.name);
    const rows = all.then((found) =>
      found.toSorted(byName).map((one): Row<string> => ({ name: one.name, facts: factsOf(one), value: one.name })),
    );
    const chosen = await prompter.several<string>({
      ask: `Secrets of ${vault.name}`,
      back,
      load: listing(rows, { what: 'secrets', instead: 'type names, an empty line ends' }),
      typed: typedName('secret', (text) => ({ name: text, facts: 'not in this list', value: text })),
      chosen: (chosenBefore ?? meant.filter(({ kind }) => kind === 'secret').map(({ name }) => name)).map((name) => ({
        name,
        value: name,
      })),
    });
    if (chosen === BACK) return BACK;
    const names = chosen.map(({ value }) => value);
    const known = await all.then(
      (found) => found.map(({ name }) => name.toLowerCase()),
      () => undefined,
    );
    const absent = names.filter((name) => known && !known.includes(name.toLowerCase()));
    return {
      shown: names.join(', '),
      // One that was given another name in the pod keeps it.
      answers: { secret: names.map((name) => aliased(name, meant)) },
      memo: known ? { absent } : { unlisted: true },
    };
  },
};

const aliased = (name: string, meant: readonly { readonly name: string; readonly as: string }[]): string => {
  const as = meant.find((one) => one.name === name)?.as ?? name;
  return as === name ? name : `${name}=${as}`;
};

const namesOf = ({ workload }: Sheet): readonly string[] =>
  (workload?.secrets ?? []).filter(({ kind }) => kind === 'secret').map(({ name }) => name);

/** Who may not list cannot be told what is missing. */
const present: WizardQuestion = {
  id: 'present',
  label: 'All there already',
  flags: [],
  when: 'it follows',
  applies: ({ said }) => said('secrets')?.memo?.unlisted === true,
  async put(sheet) {
    const names = namesOf(sheet);
    const yes = await sheet.prompter.confirm({
      ask: `${names.length === 1 ? `Is ${names[0]}` : 'Are all of them'} in the vault already?`,
      back: sheet.back,
      default: sheet.before?.shown !== 'no',
    });
    if (yes === BACK) return BACK;
    return { shown: yes ? 'yes' : 'no', answers: {}, memo: { absent: yes ? [] : names } };
  },
};

/** What the vault lacks and nobody has given a value for. */
const lacking = ({ said, workload }: Sheet): readonly string[] => {
  const absent = said('present')?.memo?.absent ?? said('secrets')?.memo?.absent ?? [];
  const typed = Array.from({ length: VALUES }, (_, slot) => said(valueId(slot))?.typed?.name);
  return absent.filter((name) => {
    const value = workload?.secrets.find((one) => one.name === name)?.value;
    return !value || typed.includes(name);
  });
};

const valueId = (slot: number): string => `value-${slot}`;

const valueAt = (slot: number): WizardQuestion => ({
  id: valueId(slot),
  label: 'Value',
  flags: [],
  when: 'it follows',
  applies: (sheet) => lacking(sheet)[slot] !== undefined,
  async put(sheet) {
    const name = lacking(sheet)[slot]!;
    const isNew = sheet.said('present') === undefined;
    const value = await sheet.prompter.secret({
      ask: `Value of ${name} (${isNew ? 'the vault lacks it; empty: later' : 'empty: it is there'})`,
      back: sheet.back,
    });
    if (value === BACK) return BACK;
    if (!value) return { shown: `${name}: none`, answers: {} };
    return { shown: `${name}: typed, not shown`, answers: {}, typed: { name, value } };
  },
});

const grantSelf: WizardQuestion = {
  id: 'grant-self',
  label: 'Right to write',
  flags: ['grant-self'],
  when: 'it follows',
  applies: (sheet) => lacking(sheet).some((name) => typedIn(sheet, name)),
  async put({ lists, prompter, spec, workload, back, before }) {
    const { vault } = workload!;
    const may = vault.create ? false : await lists.mayWrite(spec.subscription, vault);
    if (may) return { shown: 'you have it', answers: {} };
    const yes = await prompter.confirm({
      ask: `${may === undefined ? 'In case you lack it: give' : 'Give'} yourself the right to write them, for this run only?`,
      back,
      default: before?.shown !== 'no',
    });
    if (yes === BACK) return BACK;
    return { shown: yes ? 'for this run' : 'no', answers: { 'grant-self': yes } };
  },
};

const typedIn = ({ said }: Sheet, name: string): boolean =>
  Array.from({ length: VALUES }, (_, slot) => said(valueId(slot))).some((one) => one?.typed?.name === name);

/** What the pod gets, and the values of what the vault lacks. */
export const secretQuestions: readonly WizardQuestion[] = [
  secrets,
  present,
  ...Array.from({ length: VALUES }, (_, slot) => valueAt(slot)),
  grantSelf,
];
