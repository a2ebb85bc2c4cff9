import type { Checked, VerifyReport } from '../verify/report.ts';
import { clean } from './text.ts';

/** Annotations of GitHub Actions ("Workflow commands for GitHub Actions"): a line for each thing that is not well. */
export function verifyGithub({ checks, summary }: VerifyReport): string {
  const lines = checks.flatMap((check) => {
    const kind = kindOf(check);
    return kind === undefined ? [] : [annotation(kind, check)];
  });
  const counts = `${summary.fail} broken, ${summary.unknown} unknown, ${summary.warn} to look at, ${summary.skipped} skipped, ${summary.pass} well`;
  return `${[...lines, `aks-secrets verify: ${counts}`].join('\n')}\n`;
}

function kindOf({ verdict, suppressed }: Checked): 'error' | 'warning' | 'notice' | undefined {
  if (verdict === 'pass' || verdict === 'skipped') return undefined;
  if (suppressed) return 'notice';
  return verdict === 'fail' ? 'error' : 'warning';
}

function annotation(kind: string, check: Checked): string {
  const { failure, id, subject, title, file, line, column, suppressed } = check;
  const properties = Object.entries({
    file,
    line,
    col: column,
    title: `${failure ?? id}: ${subject}`,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${property(String(value))}`]));
  const { observed, expected, cause, fix } = check;
  const text = [
    `${title}${suppressed ? ' (accepted)' : ''}`,
    ...[observed && `observed: ${observed}`, expected && `expected: ${expected}`, cause && `cause: ${cause}`],
    ...[fix.say && `fix: ${fix.say}`, fix.run && `run: ${fix.run}`],
  ]
    .filter(Boolean)
    .map((row) => clean(row as string))
    .join('\n');
  return `::${kind} ${properties.join(',')}::${data(text)}`;
}

/** A line break or a percent sign would end the command, or be read as one of these. */
const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(clean(text)).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** What the page of a run shows: Markdown for `GITHUB_STEP_SUMMARY`. */
export function githubSummary({ checks, summary, first, simulated }: VerifyReport): string {
  const { fail, unknown, warn, skipped, pass } = summary;
  const told = checks.filter(({ verdict }) => verdict !== 'pass');
  const top = first === undefined ? undefined : checks[first];
  return [
    `### aks-secrets verify${simulated ? ' (simulated)' : ''}: ${fail > 0 ? 'broken' : unknown > 0 ? 'not proven' : 'well'}`,
    '',
    `${fail} broken, ${unknown} unknown, ${warn} to look at, ${skipped} skipped, ${pass} well.`,
    ...(told.length === 0
      ? []
      : [
          '',
          '| | about | check | observed | expected |',
          '| --- | --- | --- | --- | --- |',
          ...told.map(
            ({ verdict, failure, id, subject, title, observed, expected, suppressed }) =>
              `| ${[suppressed ? 'accepted' : verdict, failure ?? id].map(cell).join(' ')} | ${[subject, title, observed, expected].map(cell).join(' | ')} |`,
          ),
        ]),
    ...(top && top.cause !== '' ? ['', `**Cause** ${prose(top.cause)}`] : []),
    ...(top && top.fix.say !== '' ? ['', `**Fix** ${prose(top.fix.say)}`] : []),
    ...(top?.fix.run === undefined ? [] : ['', fence(top.fix.run)]),
    '',
  ].join('\n');
}

const prose = (text: string): string => clean(text).replace(/[\\`*_<>|[\]]/g, '\\$&');
const cell = (text: string): string => prose(text);
/** A fence that is longer than any in the line itself. */
function fence(text: string): string {
  const marks = '`'.repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map(({ length }) => length + 1)));
  return `${marks}\n${clean(text)}\n${marks}`;
}
