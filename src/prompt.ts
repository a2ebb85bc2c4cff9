import type { Io } from './io.ts';

/** Whether somebody is there to answer: a terminal on both sides, and no CI or program that only looks like one. */
export function canAsk(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** Asks on standard error, so that standard output holds results only. `undefined`: the question was broken off. */
async function ask<T>(io: Io, question: (inquirer: Inquirer, context: Context) => Promise<T>): Promise<T | undefined> {
  const { default: inquirer } = await import('inquirer');
  try {
    return await question(inquirer, { input: io.stdin, output: io.stderr as never, signal: io.signal });
  } catch (error) {
    if (error instanceof Error && /^(ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(error.name)) return undefined;
    throw error;
  }
}

type Inquirer = typeof import('inquirer').default;
type Context = { input: NodeJS.ReadableStream; output: NodeJS.WritableStream; signal: AbortSignal };

/** One mark before and after: it stays a question, whatever was answered, and any terminal can show it. */
const THEME = { prefix: '?' };

/** A question with yes or no; no is what the return key says. */
export async function confirm(io: Io, message: string): Promise<boolean | undefined> {
  const answer = await ask(io, (inquirer, { input, output, signal }) =>
    inquirer.createPromptModule({ input, output, signal } as never)([
      { type: 'confirm', name: 'yes', message, default: false, theme: THEME } as never,
    ]),
  );
  // What follows stands apart. A stream that is no terminal may have been ended with the question.
  if (!(io.stderr as { writableEnded?: boolean }).writableEnded) io.stderr.write('\n');
  return answer?.yes as boolean | undefined;
}
