import type { Stage } from './stage.ts';

/** Stands in for curl, as far as an exported script calls it. Answers what it prints. */
export async function curl(words: readonly string[], stage: Stage): Promise<string> {
  const form = new URLSearchParams();
  const headers: Record<string, string> = {};
  let url = '';
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--silent' || word === '--show-error') continue;
    if (word === '--data-urlencode') {
      const [, name = '', sign, text = ''] = /^([^=@]*)([=@])(.*)$/s.exec(words[++at] ?? '') ?? [];
      if (sign === '@' && text !== '-') throw new Error('curl: by standard input alone');
      form.append(name, sign === '@' ? stage.stdin : text);
    } else if (word === '--header' && words[++at] === '@-') {
      const [name = '', value = ''] = stage.stdin.split(/: (.*)/s);
      headers[name] = value;
    } else if (word.startsWith('-')) throw new Error(`curl takes no ${word} here`);
    else url = word;
  }
  const type = form.size > 0 ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  const method = form.size > 0 ? 'POST' : 'GET';
  const all = { ...headers, ...type, 'user-agent': 'curl/8' };
  return (await stage.ask(method, url, all, form.size > 0 ? form.toString() : undefined)).text;
}
