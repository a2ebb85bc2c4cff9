import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROWS, rowOf } from '../../src/failures/index.ts';
import { methods } from '../../src/methods/index.ts';
import { breaks } from '../../src/sandbox/break/index.ts';
import type { VerifyReport } from '../../src/verify/report.ts';
import { begin, type Story } from '../stories/harness.ts';
import { linesIn, printedLines, shapeOf } from './lines.ts';
import { tally } from './tally.ts';

/** What managed identities are not asked for: there the workload signs in as an application. */
const OF_APPLICATIONS = new Set(['F064']);

/** The failures of the catalogue that a world can show to `verify`, and the sandbox can make, for a method. */
const shownTo = (method: string) =>
  breaks.filter(
    ({ id, methods: some, meets }) =>
      meets !== 'init' &&
      !OF_APPLICATIONS.has(id) &&
      (some === undefined || some.some((one) => one === method)) &&
      rowOf(id)?.seenBy.includes('verify'),
  );

/** A workload that was moved is what it was no more: it is looked for as somebody does who never ran `init`. */
const MOVED: Readonly<Record<string, string>> = {
  F040: 'verify --namespace kube-system --cluster demo-aks --resource-group demo-rg',
};

const reportOf = async (story: Story, method: string, moved?: string, more = ''): Promise<VerifyReport> => {
  const words = moved ?? `verify --method ${method} ${more}`;
  const { out } = await story.run(`${words} -o json`, { bare: moved !== undefined });
  return JSON.parse(out);
};
const unwell = ({ checks }: VerifyReport) =>
  checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'warn' || verdict === 'unknown');
const said = (report: VerifyReport): string =>
  unwell(report)
    .map(({ id, verdict, failure, observed }) => `${id} ${verdict} ${failure ?? ''} ${observed}`)
    .join('\n');

/** What the lab gives to the programs that lines are for: `test/lab/printed-lines.txt`, and the catalogue's own. */
const PRINTED = new Set([...printedLines(), ...ROWS.flatMap(({ fix }) => fix.run ?? [])].map(shapeOf));
const unseen = (report: VerifyReport): string[] => linesIn(report).filter((line) => !PRINTED.has(shapeOf(line)));

describe.each(methods.map(({ name }) => name))('a workload by %s', (method) => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    expect((await story.run(`init --method ${method} --yes`)).code).toBe(0);
  }, 60_000);
  afterAll(() => story.close());

  it('that nobody has touched: no fail, no warn', async () => {
    const report = await reportOf(story, method);
    tally('false alarms', report.summary.fail + report.summary.warn === 0, `untouched ${method}: ${said(report)}`);
    expect(said(report)).toBe('');
  });

  it.each(shownTo(method).map(({ id, says }) => [id, says] as const))(
    '%s: %s',
    (id) => isNamed(story, method, id),
    60_000,
  );

  it.each([...OF_APPLICATIONS])(
    '%s, as an application',
    async (id) => {
      const other = await begin();
      expect((await other.run(`init --method ${method} --app-registration orders --yes`)).code).toBe(0);
      await isNamed(other, method, id, '--app-registration orders');
      await other.close();
    },
    60_000,
  );
});

/** Breaks it, and mends it: `verify` names it first and nothing else, and then nothing. */
async function isNamed(story: Story, method: string, id: string, more?: string): Promise<void> {
  await story.sandbox.break(id);
  const report = await reportOf(story, method, MOVED[id], more);
  await story.sandbox.mend();
  const mended = await reportOf(story, method, undefined, more);

  const right = [id, ...(rowOf(id)?.sameWorldAs ?? [])];
  const first = report.checks[report.first ?? -1];
  const named = right.includes(first?.failure ?? '');
  const alone = report.checks.every(
    ({ verdict, failure, suppressed }) => verdict !== 'fail' || suppressed || right.includes(failure ?? ''),
  );
  tally('verify names it first, and nothing else fails', named && alone, `${id} by ${method}: ${said(report)}`);
  tally('verify is clean once it is mended', said(mended) === '', `${id} by ${method}: ${said(mended)}`);
  expect({ id, said: said(report), named, alone }).toMatchObject({ named: true, alone: true });
  expect({ id, mended: said(mended) }).toEqual({ id, mended: '' });
  expect({ id, unseen: unseen(report) }).toEqual({ id, unseen: [] });
}

it('every failure that verify can see is made, or named with its reason', async () => {
  const { notMade } = await import('../../src/sandbox/break/index.ts');
  const made = new Set(breaks.map(({ id }) => id));
  const left = ROWS.filter(({ id, seenBy }) => seenBy.includes('verify') && !made.has(id) && !(id in notMade));
  expect(left.map(({ id }) => id)).toEqual([]);
});
