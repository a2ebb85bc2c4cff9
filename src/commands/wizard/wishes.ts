import { nextQuestion, type Wish, type Wishes, type WishOption, withAnswer } from '../../methods/choose.ts';
import { BACK, type Back } from '../../prompt.ts';
import type { Sheet } from './question.ts';

/** What matters to somebody who chooses a method, by as few questions as decide. */
export async function wishesOf({ prompter, methods }: Pick<Sheet, 'prompter' | 'methods'>): Promise<Wishes | Back> {
  /** Each answer with the wishes before it, to go back to. */
  const trail: { readonly wish: Wish; readonly before: Wishes }[] = [];
  let wishes: Wishes = {};
  for (;;) {
    const question = nextQuestion(
      wishes,
      trail.map(({ wish }) => wish),
      methods,
    );
    if (!question) {
      prompter.erase(trail.length);
      return wishes;
    }
    const { wish, ask, label, options } = question;
    const rows = options.map((option) => ({ name: option.says, value: option }));
    const chosen = await prompter.choose<WishOption>({ ask, back: true, load: (show) => show({ rows }) });
    if (chosen === BACK) {
      const last = trail.pop();
      if (!last) return BACK;
      prompter.erase(1);
      wishes = last.before;
    } else {
      trail.push({ wish, before: wishes });
      prompter.answered(label, chosen.name);
      wishes = withAnswer(wishes, wish, chosen.value);
    }
  }
}
