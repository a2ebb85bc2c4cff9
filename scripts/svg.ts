/** A terminal's screen as an SVG picture: text stays text, every run of characters stands in its own column. */

/** Characters of one colour and weight. */
export interface Run {
  readonly column: number;
  /** Width in columns. */
  readonly width: number;
  readonly text: string;
  readonly color: string;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly underlined: boolean;
}

const CELL = { width: 8.4, height: 20, font: 14 };
const EDGE = 18;
const BAR = 38;
const FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/** The sixteen colours, readable on the window's dark ground; 8 to 15 are the bright ones. */
const COLORS = [
  ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
  ['#8b949e', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#f0f6fc'],
].flat();
export const FOREGROUND = '#e6edf3';
const GROUND = '#0d1117';

/** The colour of a number of the palette of 256 (16 named ones, a cube of six levels, greys). */
export function paletteColor(index: number): string {
  if (index < 16) return COLORS[index]!;
  if (index >= 232) return rgb([0, 0, 0].map(() => 8 + (index - 232) * 10));
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const place = index - 16;
  return rgb([Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(level));
}

const rgb = (parts: readonly number[]) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/** A window with a title bar around the lines, `columns` wide. */
export function picture(lines: readonly (readonly Run[])[], columns: number, title: string): string {
  const width = Math.round(columns * CELL.width + 2 * EDGE);
  const height = BAR + lines.length * CELL.height + EDGE + 8;
  const texts = lines.flatMap((runs, row) => {
    const y = BAR + (row + 1) * CELL.height;
    return runs.map((run) => textOf(run, y));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="${GROUND}"/>
<path d="M0 ${BAR - 4}V10A10 10 0 0 1 10 0H${width - 10}A10 10 0 0 1 ${width} 10V${BAR - 4}Z" fill="#161b22"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/><circle cx="60" cy="17" r="6" fill="#28c840"/>
<text x="${width / 2}" y="22" text-anchor="middle" font-family="system-ui, sans-serif" font-size="13" fill="#8b949e">${escaped(title)}</text>
<g font-family="${FONTS}" font-size="${CELL.font}" xml:space="preserve">
${texts.join('\n')}
</g>
</svg>
`;
}

function textOf({ column, width, text, color, bold, dim, underlined }: Run, y: number): string {
  const style = [
    `fill="${color}"`,
    bold && 'font-weight="bold"',
    dim && 'opacity="0.65"',
    underlined && 'text-decoration="underline"',
  ];
  // The length holds the column whatever monospaced font the reader has.
  const length = (width * CELL.width).toFixed(1);
  const place = `x="${(EDGE + column * CELL.width).toFixed(1)}" y="${y}" textLength="${length}"`;
  return `<text ${place} ${style.filter(Boolean).join(' ')}>${escaped(text)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
