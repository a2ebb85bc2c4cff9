/** A part of docs/figures.md, and what of it is not as promised. */
export interface Section {
  readonly name: string;
  readonly markdown: string;
  /** One sentence for each target that was missed. */
  readonly missed: readonly string[];
}

/** A measured number beside its target. */
export interface Figure {
  readonly what: string;
  /** As it is to be read: with its unit, and what it is a ratio of. */
  readonly is: string;
  readonly value?: number;
  /** At most. */
  readonly target?: number;
  readonly note?: string;
}

export const figures = (list: readonly Figure[]): string =>
  table(
    ['', 'measured', 'target', '', ''],
    list.map((figure) => [figure.what, figure.is, bound(figure), verdict(figure), figure.note ?? '']),
  );

const bound = ({ target }: Figure): string => (target === undefined ? '' : `at most ${target}`);
const isMissed = ({ value, target }: Figure): boolean => target !== undefined && !((value ?? Number.NaN) <= target);
const verdict = (figure: Figure): string =>
  figure.target === undefined ? '' : isMissed(figure) ? '**missed**' : 'met';

export const missedOf = (list: readonly Figure[]): readonly string[] =>
  list.filter(isMissed).map(({ what, is, target }) => `${what}: ${is}, target at most ${target}`);

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

export const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
export const times = (value: number): string => `${value.toFixed(2)} x`;
