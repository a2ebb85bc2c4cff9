import type { Checked, VerifyReport } from '../verify/report.ts';
import { clean } from './text.ts';

/** As test runners write it: a suite for each thing, a case for each check. */
export function verifyJunit({ checks }: VerifyReport): string {
  const suites = [...Map.groupBy(checks, ({ subject }) => subject)];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="aks-secrets verify" ${countsOf(checks)}>`,
    ...suites.flatMap(([subject, own]) => [
      `  <testsuite name=${quoted(subject)} ${countsOf(own)}>`,
      ...own.flatMap(caseOf),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}

function countsOf(checks: readonly Checked[]): string {
  const number = (verdict: Checked['verdict']): number =>
    checks.filter((check) => check.verdict === verdict && !check.suppressed).length;
  const left = checks.filter(({ suppressed, verdict }) => suppressed || verdict === 'skipped').length;
  const seconds = checks.reduce((sum, check) => sum + check.seconds, 0);
  return `tests="${checks.length}" failures="${number('fail')}" errors="${number('unknown')}" skipped="${left}" time="${seconds.toFixed(3)}"`;
}

function caseOf(check: Checked): string[] {
  const { id, category, title, seconds } = check;
  const head = `    <testcase classname=${quoted(`${category}.${id}`)} name=${quoted(title)} time="${seconds.toFixed(3)}"`;
  const inside = insideOf(check);
  return inside === undefined ? [`${head}/>`] : [`${head}>`, `      ${inside}`, '    </testcase>'];
}

function insideOf(check: Checked): string | undefined {
  const { verdict, suppressed, failure, id, observed } = check;
  if (verdict === 'pass') return undefined;
  if (suppressed) return `<skipped message=${quoted(`accepted: ${failure ?? id}`)}/>`;
  if (verdict === 'skipped') return `<skipped message=${quoted(observed)}/>`;
  const text = escaped(detail(check));
  if (verdict === 'warn') return `<system-out>${text}</system-out>`;
  const tag = verdict === 'fail' ? 'failure' : 'error';
  return `<${tag} type=${quoted(failure ?? id)} message=${quoted(observed)}>${text}</${tag}>`;
}

const detail = ({ observed, expected, cause, fix, docs }: Checked): string =>
  [
    ...[observed && `observed: ${observed}`, expected && `expected: ${expected}`, cause && `cause: ${cause}`],
    ...[fix.say && `fix: ${fix.say}`, fix.run && `run: ${fix.run}`, fix.byHand && `by hand: ${fix.byHand}`],
    docs && `see: ${docs}`,
  ]
    .filter(Boolean)
    .map((text) => clean(text as string))
    .join('\n');

/** XML 1.0 has no control characters, escaped or not; `clean` has taken them out of every line. */
const escaped = (text: string): string =>
  text
    .replace(/[<>&]/g, (character) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[character]!)
    .replace(/[\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '');
const quoted = (text: string): string => `"${escaped(clean(text)).replaceAll('"', '&quot;')}"`;
