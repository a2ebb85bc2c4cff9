/** The words of a simple command as bash splits them; a variable stays as it is written. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let open = false;
  for (const [, blank, single, double, plain] of line.matchAll(
    /(\s+)|'([^']*)'|"((?:\\.|[^"\\])*)"|((?:\\.|[^\s'"\\])+)/g,
  )) {
    if (blank !== undefined) {
      open = false;
      continue;
    }
    const text = single ?? (double ?? plain ?? '').replaceAll(/\\(.)/g, '$1');
    if (open) words.push(`${words.pop()}${text}`);
    else words.push(text);
    open = true;
  }
  return words;
}
