import { Complaints } from '../complaint.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import type { Wishes } from '../methods/choose.ts';
import type { Method } from '../methods/method.ts';
import { documentText } from '../report/document.ts';
import { BLANK } from '../report/text.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';

export const command: CommandModule = {
  flags: async () => {
    const [{ questionsFor }, { methods }] = await Promise.all([
      import('../methods/choose.ts'),
      import('../methods/index.ts'),
    ]);
    return questionsFor(methods).map(({ flag, ask, options }) => {
      const choices = options.flatMap(({ word }) => word ?? []);
      return { flag, value: choices.join('|'), choices, group: 'Wishes', help: ask };
    });
  },
  examples: [
    ['The methods side by side', 'aks-secrets compare'],
    ['One of them, with the reason', 'aks-secrets compare --app-can-change no --needs env'],
    ['For a program', 'aks-secrets compare --needs files --output json'],
  ],
  async run(answers, io) {
    const [{ recommend }, { methods }, text, { sheetOn }] = await Promise.all([
      import('../methods/choose.ts'),
      import('../methods/index.ts'),
      import('../report/compare-text.ts'),
      import('../report/sheet.ts'),
    ]);
    const said = await saidIn(answers, methods);
    if (textOf(answers, 'output') === 'json') {
      const document = text.comparison(methods, said && recommend(said, methods));
      io.stdout.write(documentText(document));
      return EXIT.done;
    }
    const sheet = sheetOn(io.stdout, io.env, isOn(answers, 'no-color'));
    if (!said || !isOn(answers, 'quiet')) sheet.write([...text.compareText(methods, sheet.page), BLANK]);
    const wishes = said ?? (await asked(answers, io, methods));
    sheet.write(
      wishes ? text.recommendationText(recommend(wishes, methods), sheet.page) : text.chooseText(methods, sheet.page),
    );
    return EXIT.done;
  },
};

/** The wishes that flags and variables say; nothing where they say none. */
async function saidIn(answers: Answers, methods: readonly Method[]): Promise<Wishes | undefined> {
  const { questionsFor, withAnswer } = await import('../methods/choose.ts');
  return questionsFor(methods).reduce<Wishes | undefined>((wishes, { wish, flag, options }) => {
    const option = options.find(({ word }) => word !== undefined && word === textOf(answers, flag));
    return option ? withAnswer(wishes ?? {}, wish, option) : wishes;
  }, undefined);
}

/** What somebody at a terminal answers; nothing where nobody is there, or who goes back. */
async function asked(answers: Answers, io: Io, methods: readonly Method[]): Promise<Wishes | undefined> {
  const { someoneThere } = await import('./running.ts');
  if (isOn(answers, 'no-input') || !(await someoneThere(io))) return undefined;
  const [{ createPrompter }, { wishesOf }] = await Promise.all([import('../prompt.ts'), import('./wizard/wishes.ts')]);
  const interrupted = () => new Complaints([{ message: 'Interrupted.' }], EXIT.interrupted);
  const prompter = createPrompter(io, { noColor: isOn(answers, 'no-color'), interrupted });
  const wishes = await wishesOf({ prompter, methods });
  return typeof wishes === 'symbol' ? undefined : wishes;
}
