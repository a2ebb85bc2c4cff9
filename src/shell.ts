/**
 * Lines of bash from data. A value may hold a variable (`variable('client_id')`) wherever it holds text; every value is
 * quoted here and nowhere else, so a name from a file can never become a command.
 */

/** Characters that no name, address or manifest has: Unicode leaves them to whoever wants them. */
const [OPEN, CLOSE] = ['\u{E000}', '\u{E001}'];
const VARIABLE = new RegExp(`${OPEN}([a-z][a-z0-9_]*)${CLOSE}`, 'g');

/** Stands in a text for what the script will know by this name: lower case letters, digits and `_`. */
export const variable = (name: string): string => `${OPEN}${name}${CLOSE}`;

export const isVariable = (text: string): boolean => text.startsWith(OPEN) && text.endsWith(CLOSE);

/** Bare where bash reads it as it stands; else quoted, with its variables open. */
export function word(text: string): string {
  if (text.includes(OPEN)) {
    const escaped = text.replace(/[\\$"`]/g, '\\$&');
    return `"${escaped.replace(VARIABLE, isVariable(text) ? '$$$1' : '$${$1}')}"`;
  }
  if (/^[\w@%+:,./=-]+$/.test(text)) return text;
  if (text.includes("'") && !/[\\$"`]/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A flag's value: `true` for a switch, several words for a list, `undefined` to leave it out. */
export type Options = Readonly<Record<string, string | true | undefined | readonly string[]>>;

/** `az group create --name shop-rg`: a program's words as they are, and its flags with their values quoted. */
export const command = (program: string, options: Options = {}): string =>
  [
    program,
    ...Object.entries(options).flatMap(([flag, value]) => {
      if (value === undefined) return [];
      return [`--${flag}`, ...(value === true ? [] : [value].flat().map(word))];
    }),
  ].join(' ');

/** The lines inside hold where a look finds nothing. A look that fails ends the script: it is not "absent". */
export const unlessFound = (look: string, lines: readonly string[]): string =>
  [`found="$(${look})"`, 'if [ -z "$found" ]; then', ...lines.map((line) => `  ${line}`), 'fi'].join('\n');

/** A query of `az` that answers the names equal to this one. Quoted for JMESPath: Azure's names hold no quote. */
export const named = (name: string): string => `[?name=='${name}'].name`;

/** A line that takes the text by standard input, as it is but for its variables. */
export function heredoc(line: string, text: string): string {
  const rows = text.trimEnd().split('\n');
  let end = 'YAML';
  while (rows.includes(end)) end += '_';
  const open = text.includes(OPEN);
  const body = rows.join('\n');
  return open
    ? `${line} <<${end}\n${body.replace(/[\\$`]/g, '\\$&').replace(VARIABLE, '$${$1}')}\n${end}`
    : `${line} <<'${end}'\n${body}\n${end}`;
}
