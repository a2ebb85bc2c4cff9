import { EXIT, type ExitCode } from '../../exit.ts';
import { confirm } from '../../prompt.ts';
import { isOn, textOf } from '../../spec/answers.ts';
import { saved } from '../again.ts';
import { DEFAULT_FILE } from '../place.ts';
import type { Running } from '../running.ts';

/** Whoever answered questions may keep the answers as a file; once, and not when there is one. Answers the exit code. */
export async function offerToSave(run: Running, exit: ExitCode): Promise<ExitCode> {
  const { answers, io, file, methods, reporter, spec } = run;
  if (exit === EXIT.interrupted || io.signal.aborted || file !== undefined || textOf(answers, 'save') !== undefined)
    return exit;
  io.stderr.write('\n');
  const yes = await confirm(io, `Save your answers as ${DEFAULT_FILE}?`, {
    noColor: isOn(answers, 'no-color'),
    apart: false,
  });
  if (yes === undefined) return EXIT.interrupted;
  if (yes && (await saved(DEFAULT_FILE, spec, methods, answers, io))) reporter.note(`Saved to ${DEFAULT_FILE}.`);
  return exit;
}
