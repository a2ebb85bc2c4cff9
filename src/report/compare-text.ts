import { API_VERSION } from '../api-version.ts';
import type { Recommendation } from '../methods/choose.ts';
import type { Method, Traits } from '../methods/method.ts';
import type { Line, Page, Span } from './text.ts';
import { BLANK, columns, command, line, listed, pad, paragraph, span, wrap } from './text.ts';

const yesOrNo = (is: boolean): string => (is ? 'yes' : 'no');

/** The rows of the table; its columns are the methods. */
const ROWS: readonly { readonly label: string; says(method: Method): string }[] = [
  { label: 'Is', says: ({ title }) => title },
  { label: 'The app gets', says: ({ traits }) => traits.takes },
  { label: 'Code changes', says: ({ traits }) => yesOrNo(traits.codeChange) },
  { label: 'Variables', says: ({ traits }) => yesOrNo(traits.variables) },
  { label: 'Carries', says: ({ carries }) => listed(carries.map((kind) => `${kind}s`)) },
  { label: 'New version', says: ({ traits }) => traits.rotation },
  { label: 'Runs', says: ({ traits }) => traits.runs },
  { label: 'Value in etcd', says: ({ traits }) => yesOrNo(traits.valueInCluster) },
  { label: 'Other stores', says: ({ traits }) => yesOrNo(traits.otherStores) },
];
const GAP = 2;

/** The methods side by side. */
export function compareText(methods: readonly Method[], page: Page): Line[] {
  const first = Math.max(...ROWS.map(({ label }) => columns(label)));
  const width = Math.floor((page.width - first) / methods.length) - GAP;
  const row = (label: string, cells: readonly (readonly string[])[], tone?: Span['tone']): Line[] =>
    Array.from({ length: Math.max(...cells.map(({ length }) => length)) }, (_, index) =>
      line(
        span(pad(index === 0 ? label : '', first), 'dim'),
        ...cells.map((cell) => span(' '.repeat(GAP) + pad(cell[index] ?? '', width), tone)),
      ),
    );
  return [
    ...row(
      '',
      methods.map(({ name }) => broken(name, width)),
      'strong',
    ),
    ...ROWS.flatMap(({ label, says }) => [
      BLANK,
      ...row(
        label,
        methods.map((method) => wrap(says(method), width)),
      ),
    ]),
  ];
}

/** A name of two words goes over two lines where its column is too narrow. */
const broken = (name: string, width: number): readonly string[] =>
  name.length <= width ? [name] : name.split(/(?<=-)/);

/** When to take which, where nobody has said what they want. */
export const chooseText = (methods: readonly Method[], page: Page): Line[] =>
  methods.flatMap(({ name, choose }) => [line(span(name, 'strong')), ...paragraph(choose, page)]);

/** One method, why it, and why not the others. */
export function recommendationText({ method, because, instead }: Recommendation, page: Page): Line[] {
  const longest = Math.max(...instead.map((other) => other.method.name.length));
  return [
    line('Take ', span(method.name, 'strong'), `: ${method.title}.`),
    ...paragraph(because, page),
    BLANK,
    line('Rather than'),
    ...instead.flatMap(({ method: other, whyNot }) => {
      const [head = '', ...rest] = wrap(whyNot, page.width - longest - 4);
      const indent = ' '.repeat(longest + 4);
      return [line('  ', pad(other.name, longest), '  ', head), ...rest.map((words) => line(indent, words))];
    }),
    BLANK,
    line('Next:'),
    command(`aks-secrets init --method ${method.name}`),
  ];
}

/** The same as data. */
export interface Comparison {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Comparison';
  readonly methods: readonly ({
    readonly name: string;
    readonly title: string;
    readonly choose: string;
    readonly carries: readonly string[];
  } & Traits)[];
  readonly recommendation?: {
    readonly method: string;
    readonly because: string;
    readonly instead: readonly { readonly method: string; readonly whyNot: string }[];
  };
}

export const comparison = (methods: readonly Method[], recommended: Recommendation | undefined): Comparison => ({
  apiVersion: API_VERSION,
  kind: 'Comparison',
  methods: methods.map(({ name, title, choose, carries, traits }) => ({ name, title, choose, carries, ...traits })),
  ...(recommended && {
    recommendation: {
      method: recommended.method.name,
      because: recommended.because,
      instead: recommended.instead.map(({ method, whyNot }) => ({ method: method.name, whyNot })),
    },
  }),
});
