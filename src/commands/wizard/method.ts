import { recommend } from '../../methods/choose.ts';
import type { Method, Question } from '../../methods/method.ts';
import { BACK, type Row } from '../../prompt.ts';
import type { WizardQuestion } from './question.ts';
import { wishesOf } from './wishes.ts';

/** The end of the list: questions that end in a recommendation. */
const HELP = 'help';
type Choice = Method | typeof HELP;

/** What is told beyond the first clause is for who compares them. */
const takesOf = ({ traits }: Method): string => traits.takes.split(/[;:]/)[0]!;

const rowOf = (method: Method, explains = method.choose): Row<Choice> => {
  const takes = takesOf(method);
  return {
    name: method.title,
    facts: method.traits.codeChange ? takes : `${takes}, no code change`,
    explains,
    value: method,
  };
};

const method: WizardQuestion = {
  id: 'method',
  label: 'Method',
  flags: ['method'],
  async put(sheet) {
    const { prompter, methods, back, before, workload } = sheet;
    const usual = recommend({}, methods);
    let rows = [usual.method, ...usual.instead.map((other) => other.method)].map((one) => rowOf(one));
    let first = (before?.answers.method as string | undefined) ?? workload?.method;
    for (;;) {
      const sorted = rows.toSorted((a, b) => Number(isNamed(b, first)) - Number(isNamed(a, first)));
      const chosen = await prompter.choose<Choice>({
        ask: 'How should the pod get them?',
        back,
        load: (show) =>
          show({
            rows: [...sorted, { name: 'Help me choose', facts: 'three questions at most', value: HELP }],
          }),
      });
      if (chosen === BACK) return BACK;
      if (chosen.value !== HELP) {
        return { shown: chosen.name, facts: takesOf(chosen.value), answers: { method: chosen.value.name } };
      }
      const wishes = await wishesOf(sheet);
      if (wishes === BACK) continue;
      const { method: best, because, instead } = recommend(wishes, methods);
      rows = [
        rowOf(best, `Recommended. ${because}`),
        ...instead.map((other) => rowOf(other.method, `${other.method.choose} Not recommended: ${other.whyNot}.`)),
      ];
      first = best.name;
    }
  },
};

const isNamed = ({ value }: Row<Choice>, name: string | undefined): boolean => value !== HELP && value.name === name;

/** What only this method asks: a name, or yes and no. Nothing typed leaves it out. */
const optionOf = (question: Question, methods: readonly Method[]): WizardQuestion => ({
  id: question.flag,
  label: question.wizard?.label ?? question.flag,
  flags: [question.flag],
  when: 'somebody describes',
  applies: ({ workload }) =>
    methods.some(({ name, questions }) => name === workload?.method && questions.includes(question)),
  async put({ prompter, workload, back, before }) {
    const { ask = question.ask, otherwise = 'no' } = question.wizard ?? {};
    if (question.value === undefined) {
      const yes = await prompter.confirm({ ask, back, default: before?.shown === 'yes' });
      return yes === BACK ? BACK : { shown: yes ? 'yes' : 'no', answers: { [question.flag]: yes } };
    }
    const method = methods.find(({ name }) => name === workload?.method);
    const text = await prompter.text({
      ask: `${ask} (nothing: ${otherwise})`,
      back,
      ...(before && before.shown !== otherwise && { default: before.shown }),
      check: (value) => (value === '' ? undefined : complaintOf(method, question.flag, value)),
    });
    if (text === BACK) return BACK;
    return text === '' ? { shown: otherwise, answers: {} } : { shown: text, answers: { [question.flag]: text } };
  },
});

/** What the method finds wrong with an answer. */
function complaintOf(method: Method | undefined, flag: string, value: string): string | undefined {
  try {
    method?.options({ [flag]: value });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(`--${flag} `, '') : String(error);
  }
}

const sample: WizardQuestion = {
  id: 'sample',
  label: 'Sample',
  flags: ['sample'],
  when: 'somebody describes',
  async put({ prompter, back, before, shape }) {
    const yes = await prompter.confirm({
      ask: 'Also deploy a sample pod that reads them, to see it work?',
      back,
      default: (before?.shown ?? (shape?.sample ? 'yes' : 'no')) === 'yes',
    });
    return yes === BACK ? BACK : { shown: yes ? 'yes' : 'no', answers: { sample: yes } };
  },
};

/** How: the method, what only it asks, and the sample. */
export const methodQuestions = (methods: readonly Method[]): readonly WizardQuestion[] => [
  method,
  ...[...new Set(methods.flatMap(({ questions }) => questions.filter(({ wizard }) => wizard !== undefined)))].map(
    (one) => optionOf(one, methods),
  ),
  sample,
];
