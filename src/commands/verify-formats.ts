import { appendFile } from 'node:fs/promises';
import { Document, visit } from 'yaml';
import type { Io } from '../io.ts';
import { cleared, inert } from '../report/document.ts';
import type { Reporter } from '../report/reporter.ts';
import { type Answers, textOf } from '../spec/answers.ts';
import type { VerifyReport } from '../verify/report.ts';

const AT_ENDS = /^\s|\s$|[ \t]\n/;
/** What a build system obeys at the beginning of a line, also behind blanks. */
const COMMAND = /^[ \t]*::/m;

/** A document as YAML: no value known to this process, and nothing that a terminal obeys when somebody looks at it. */
export function asYaml(document: unknown): string {
  const tree = new Document(cleared(document), { aliasDuplicateObjects: false });
  visit(tree, {
    Scalar(_, node) {
      // Only in quotes can it be written otherwise than it is, and blanks at the ends of lines stay.
      if (
        typeof node.value === 'string' &&
        (inert(node.value) !== node.value || AT_ENDS.test(node.value) || COMMAND.test(node.value))
      )
        node.type = 'QUOTE_DOUBLE';
    },
  });
  return inert(tree.toString({ lineWidth: 0 }), 'yaml');
}

/** Formats that are a text of their own; the others are the document, or lines for a person. */
const TEXTS: Readonly<Record<string, () => Promise<(report: VerifyReport) => string>>> = {
  junit: async () => (await import('../report/verify-junit.ts')).verifyJunit,
  github: async () => (await import('../report/verify-github.ts')).verifyGithub,
  sarif: async () => (await import('../report/verify-sarif.ts')).verifySarif,
};

/** Says what was found, in the format that was asked for. */
export async function sayVerified(report: VerifyReport, answers: Answers, io: Io, reporter: Reporter): Promise<void> {
  const format = textOf(answers, 'output') ?? 'text';
  const { verifyText, shortText } = await import('../report/verify-text.ts');
  const text = (await TEXTS[format]?.())?.(cleared(report));
  reporter.verified({
    document: report,
    lines: (page) => (format === 'short' ? shortText : verifyText)(report, page),
    ...(text !== undefined && { text }),
  });
  if (format === 'github') await summarise(report, io, reporter);
}

/** The page of the run, where GitHub Actions says that there is one. */
async function summarise(report: VerifyReport, { env }: Io, reporter: Reporter): Promise<void> {
  const path = env.GITHUB_STEP_SUMMARY;
  if (path === undefined || path === '') return;
  const { githubSummary } = await import('../report/verify-github.ts');
  try {
    await appendFile(path, githubSummary(cleared(report)));
  } catch (error) {
    reporter.note(
      `The step summary could not be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`,
    );
  }
}
