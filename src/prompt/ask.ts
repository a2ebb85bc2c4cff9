import { emitKeypressEvents, type Interface } from 'node:readline';
import type { Io } from '../io.ts';

/** The answer of whoever wants to go back a question. */
export const BACK = Symbol('back');
export type Back = typeof BACK;

export interface Context {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  /** Takes the question away once it is answered: the answer is shown in our own words. */
  readonly clearPromptOnDone?: boolean;
}

/** An escape key is one when nothing follows it for this long, milliseconds; arrows and their like begin with it too. */
const ESCAPE_ALONE = 50;

/**
 * Asks on standard error, so that standard output holds results only. `undefined`: the question was broken off, by Ctrl-C,
 * Ctrl-D or from outside; `BACK`, where that is possible: by the escape key.
 */
export async function ask<T>(
  io: Io,
  question: (context: Context) => Promise<T>,
  back = false,
): Promise<T | Back | undefined> {
  const { stdin, stderr } = io;
  // Before inquirer does it, whose escape key would take half a second.
  emitKeypressEvents(stdin, { escapeCodeTimeout: ESCAPE_ALONE } as unknown as Interface);
  const left = new AbortController();
  let goesBack = false;
  const onKey = (_text: string | undefined, key: { name?: string; ctrl?: boolean } | undefined): void => {
    if (key?.ctrl && key.name === 'd') left.abort();
    if (!back || key?.name !== 'escape') return;
    goesBack = true;
    left.abort();
  };
  const onEnd = (): void => left.abort();
  stdin.on('keypress', onKey);
  stdin.once('end', onEnd);
  try {
    return await question({
      input: stdin,
      output: stderr as unknown as NodeJS.WritableStream,
      signal: AbortSignal.any([io.signal, left.signal]),
    });
  } catch (error) {
    if (!(error instanceof Error && /^(ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(error.name))) throw error;
    return goesBack && !io.signal.aborted ? BACK : undefined;
  } finally {
    stdin.off('keypress', onKey);
    stdin.off('end', onEnd);
  }
}
