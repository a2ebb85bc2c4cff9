import manifest from '../../package.json' with { type: 'json' };
import { docsOf, ROWS } from '../failures/index.ts';
import type { Checked, VerifyReport } from '../verify/report.ts';
import { documentText } from './document.ts';
import { clean } from './text.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** Static Analysis Results Interchange Format 2.1.0 (OASIS): rules from the catalogue, a result for all that is not well. */
export function verifySarif({ checks, exitCode }: VerifyReport): string {
  const told = checks.filter(({ verdict }) => verdict !== 'pass' && verdict !== 'skipped');
  const ids = [...new Set(told.map(ruleOf))];
  const document = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: manifest.name, version: manifest.version, rules: ids.map((id) => rule(id, told)) } },
        columnKind: 'utf16CodeUnits',
        invocations: [{ executionSuccessful: exitCode === 0 || exitCode === 3, exitCode }],
        results: told.map((check) => result(check, ids)),
      },
    ],
  };
  return documentText(document);
}

const ruleOf = ({ failure, id }: Checked): string => failure ?? id;

function rule(id: string, told: readonly Checked[]) {
  const known = ROWS.find((row) => row.id === id);
  if (!known) return { id, shortDescription: { text: clean(told.find((one) => ruleOf(one) === id)?.title ?? id) } };
  return {
    id,
    shortDescription: { text: known.title },
    fullDescription: { text: known.cause },
    help: { text: known.fix.say },
    properties: { docs: docsOf(known) },
  };
}

const LEVEL = { fail: 'error', unknown: 'warning', warn: 'warning', pass: 'none', skipped: 'none' } as const;

function result(check: Checked, ids: readonly string[]) {
  const { id, subject, title, verdict, observed, expected, cause, fix, file, line, column, suppressed, workloads } =
    check;
  const text = [
    title,
    observed && `observed: ${observed}`,
    expected && `expected: ${expected}`,
    cause,
    fix.say,
    fix.run,
  ]
    .filter(Boolean)
    .map((row) => clean(row as string))
    .join('\n');
  const region =
    line === undefined ? {} : { region: { startLine: line, ...(column !== undefined && { startColumn: column }) } };
  return {
    ruleId: ruleOf(check),
    ruleIndex: ids.indexOf(ruleOf(check)),
    level: LEVEL[verdict],
    message: { text },
    locations: [
      {
        ...(file !== undefined && { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } }),
        logicalLocations: [
          { name: clean(subject), fullyQualifiedName: clean([...workloads, subject].join('/')), kind: 'resource' },
        ],
      },
    ],
    partialFingerprints: { 'aksSecrets/v1': [id, subject, title].map(clean).join('|') },
    properties: { check: id, verdict, workloads },
    ...(suppressed && { suppressions: [{ kind: 'external', status: 'accepted' }] }),
  };
}

/** A path as a relative URI. */
const uriOf = (path: string): string =>
  path
    .replaceAll('\\', '/')
    .split('/')
    .map((part) => encodeURIComponent(part.toWellFormed()))
    .join('/');
