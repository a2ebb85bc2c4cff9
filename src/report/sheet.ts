import type { Output } from '../io.ts';
import { painter, symbolsFor, wantsColour, widthOf } from './style.ts';
import type { Line, Page } from './text.ts';

/** A stream that lines are written to. */
export interface Sheet {
  readonly page: Page;
  write(lines: readonly Line[]): void;
}

/** Lays out for the stream as it is: its width, its symbols, coloured or not. */
export function sheetOn(
  stream: Output,
  env: Readonly<Record<string, string | undefined>>,
  noColor: boolean | undefined,
): Sheet {
  const paint = painter(wantsColour(stream, env, noColor));
  return {
    page: { width: widthOf(stream), symbols: symbolsFor(env) },
    write: (lines) => void (lines.length > 0 && stream.write(`${lines.map(paint).join('\n')}\n`)),
  };
}
