import { API_VERSION } from '../api-version.ts';
import {
  docsOf,
  type Found,
  filled,
  type Layer,
  type Names,
  namesAround,
  quote,
  type Risk,
} from '../failures/index.ts';
import { pasteable } from './complaint-text.ts';
import type { Line, Page } from './text.ts';
import { BLANK, count, line, listed, pad, span, wrap } from './text.ts';

/** What a text shows, as data: the root cause first. */
export interface Explanation {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Explanation';
  readonly matches: readonly Match[];
}
interface Match {
  /** Id in the catalogue. */
  readonly failure: string;
  readonly title: string;
  /** `high`: a stable code or its own words. `low`: it sounds like it, or it only reports another one. */
  readonly confidence: 'high' | 'low';
  readonly cause: string;
  readonly fix: { readonly say: string; readonly run?: string; readonly risk: Risk };
  /** What of the text shows it, credentials taken out. */
  readonly evidence: string;
  /** The line that looks at the world itself. */
  readonly check: string;
  readonly docs: string;
  /** It only reports what another match explains. */
  readonly wraps?: true;
}

/** Puts together what is said of each failure found in a text: its sentence, and its lines with the names of the text. */
export function explanation(text: string, found: readonly Found[]): Explanation {
  const matches = found.map(({ row, strength, from, to }): Match => {
    const names = namesAround(text, { from, to });
    const { say, run } = row.fix;
    return {
      failure: row.id,
      title: row.title,
      confidence: strength === 'vague' || row.wraps ? 'low' : 'high',
      cause: row.cause,
      fix: { say: filled(say, names), ...(run !== undefined && { run: filled(run, names) }), risk: row.risk },
      evidence: quote(text, { from, to }),
      check: checkFor(row.layer, names),
      docs: docsOf(row),
      ...(row.wraps && { wraps: true }),
    };
  });
  return { apiVersion: API_VERSION, kind: 'Explanation', matches };
}

/** What lies in Azure shows in a plan; the rest where it is used. */
const checkFor = (layer: Layer, names: Names): string =>
  layer === 'azure' ? 'aks-secrets plan' : filled('aks-secrets verify --pod <namespace>/<pod>', names);

const RISK: Readonly<Record<Risk, string | undefined>> = {
  none: undefined,
  restarts: 'It restarts pods.',
  widens: 'It lets somebody do more than before, or reaches beyond this workload.',
  destroys: 'It takes something away.',
};
const INDENT = 10;

/** One block for each failure; those that only report another one are named in the last line. */
export function explanationText({ matches }: Explanation, page: Page): Line[] {
  const roots = matches.filter(({ wraps }) => !wraps);
  const shown = roots.length > 0 ? roots : matches;
  const others = matches.filter((match) => !shown.includes(match));
  return [
    ...(shown.length > 1 ? [line(`${count(shown.length, 'failure')} in this text, the root cause first.`), BLANK] : []),
    ...shown.flatMap((match, index) => [...(index === 0 ? [] : [BLANK]), ...block(match, page)]),
    ...(others.length === 0
      ? []
      : [
          BLANK,
          ...wrap(
            `${listed(others.map(({ failure }) => failure))} in this text only ${others.length === 1 ? 'reports' : 'report'} it.`,
            page.width,
          ).map((row) => line(span(row, 'dim'))),
        ]),
  ];
}

function block({ failure, title, confidence, evidence, cause, fix, check }: Match, page: Page): Line[] {
  const [head = '', ...more] = wrap(title, page.width - 6);
  return [
    line(span(failure, 'strong'), '  ', span(head, 'strong')),
    ...more.map((row) => line(' '.repeat(6), span(row, 'strong'))),
    BLANK,
    ...entry(confidence === 'high' ? 'From' : 'Maybe', `"${evidence}"`, page),
    ...entry('Cause', cause, page),
    ...entry('Fix', fix.say, page),
    ...(fix.run === undefined ? [] : [line(' '.repeat(INDENT), span(pasteable(fix.run), 'strong'))]),
    ...(RISK[fix.risk] === undefined ? [] : entry('Risk', RISK[fix.risk]!, page)),
    ...(fix.run === check ? [] : [line(`  ${pad('Check', INDENT - 2)}`, span(pasteable(check), 'strong'))]),
  ];
}

const entry = (label: string, text: string, page: Page): Line[] =>
  wrap(text, Math.max(20, page.width - INDENT)).map((row, index) =>
    line(index === 0 ? `  ${pad(label, INDENT - 2)}` : ' '.repeat(INDENT), row),
  );

/** What to do where nothing is known. */
export const nothingKnown = (page: Page): Line[] => [
  line('Nothing known in this text.'),
  BLANK,
  ...wrap(
    'It may be cut off: kubectl describe of the pod, its ReplicaSet, ExternalSecret or SecretStore shows more. Or let the world itself be looked at:',
    page.width,
  ).map((row) => line(row)),
  line('    ', span('aks-secrets verify --pod NAMESPACE/POD', 'strong')),
];
