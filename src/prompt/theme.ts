import type { Io } from '../io.ts';
import { painter, wantsColour, widthOf } from '../report/style.ts';
import { line, span, type Tone, wrap } from '../report/text.ts';

/** Inquirer's own questions in our colours; one mark before and after the answer, which any terminal can show. */
export function themeOf(io: Pick<Io, 'stderr' | 'env'>, noColor: boolean) {
  const paint = painter(wantsColour(io.stderr, io.env, noColor));
  const tone =
    (name: Tone, before = '', after = '') =>
    (text: string) =>
      paint(line(span(before + text + after, name)));
  return {
    prefix: tone('asks')('?'),
    style: {
      ...{ message: tone('strong'), answer: tone('strong'), defaultAnswer: tone('dim', '(', ')') },
      // Broken between words, which inquirer does not.
      error: (text: string) =>
        wrap(`! ${text}`, widthOf(io.stderr) - 2)
          .map((row, index) => tone('warn', index === 0 ? '' : '  ')(row))
          .join('\n'),
      ...{ help: tone('dim'), highlight: tone('strong'), key: tone('strong') },
    },
  };
}
