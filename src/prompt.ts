import type { Io } from './io.ts';
import { ask, BACK } from './prompt/ask.ts';
import { themeOf } from './prompt/theme.ts';

export { BACK, type Back } from './prompt/ask.ts';
export { createPrompter, type Prompter } from './prompt/prompter.ts';
export type { Listing, Row, Typed } from './prompt/rows.ts';

/** Whether somebody is there to answer: a terminal on both sides, and no CI or program that only looks like one. */
export function canAsk(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** A question with yes or no; no is what the return key says. `apart`: a row is left empty behind it. */
export async function confirm(
  io: Io,
  message: string,
  { noColor = false, apart = true }: { readonly noColor?: boolean; readonly apart?: boolean } = {},
): Promise<boolean | undefined> {
  const answer = await ask(io, async (context) => {
    const { default: inquirer } = await import('inquirer');
    return inquirer.createPromptModule(context as never)([
      { type: 'confirm', name: 'yes', message, default: false, theme: themeOf(io, noColor) } as never,
    ]);
  });
  // A stream that is no terminal may have been ended with the question.
  if (apart && !(io.stderr as { writableEnded?: boolean }).writableEnded) io.stderr.write('\n');
  return answer === BACK ? undefined : (answer?.yes as boolean | undefined);
}
