import type { Io } from '../io.ts';
import type { Reporter } from '../report/reporter.ts';
import { clean } from '../report/text.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import type { Clock } from '../world.ts';

/** Nothing but one document is written then; every other format has its progress beside it. */
const isDocument = (answers: Answers): boolean => ['json', 'yaml'].includes(textOf(answers, 'output') ?? '');

/** The reporter that flags and streams ask for. */
export async function reporterOf(answers: Answers, io: Io, clock: Clock): Promise<Reporter> {
  const { reporterFor } = await import('../report/reporter.ts');
  return reporterFor({
    output: isDocument(answers) ? 'json' : 'text',
    print: textOf(answers, 'output') === 'yaml' ? (await import('./verify-formats.ts')).asYaml : undefined,
    stdout: io.stdout,
    stderr: io.stderr,
    env: io.env,
    clock,
    quiet: isOn(answers, 'quiet'),
    verbose: isOn(answers, 'verbose'),
    noColor: isOn(answers, 'no-color'),
  });
}

/** `-v`: one line per request, beside whatever is shown. */
export function tracer(answers: Answers, io: Io, reporter: Reporter): ((line: string) => void) | undefined {
  if (!isOn(answers, 'verbose')) return undefined;
  const alone = isDocument(answers) || !io.stderr.isTTY;
  // On a terminal the reporter must first take its live lines away.
  // What a service said of itself stands in it.
  return (line) => (alone ? void io.stderr.write(`${clean(line)}\n`) : reporter.note(line));
}
