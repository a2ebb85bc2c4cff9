import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/index.ts';
import { main } from '../../src/main.ts';

async function help(words: readonly string[]): Promise<string> {
  const out: string[] = [];
  const stream = { write: (text: string) => out.push(text) };
  const io = {
    stdin: Readable.from([]),
    stdout: stream,
    stderr: stream,
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
  };
  expect(await main([...words, '--help'], io)).toBe(0);
  return out.join('');
}

describe('help', () => {
  it.each([[''], ['sandbox'], ...COMMANDS.map(({ name }) => [name])])(
    'of "%s": examples first, 80 columns',
    async (name) => {
      const text = await help(name.split(' ').filter(Boolean));
      const [usage, , examples = ''] = text.split('\n\n');
      expect(usage).toMatch(/^Usage: aks-secrets/);
      expect(usage).not.toContain('|');
      expect(examples).toMatch(/^Examples:\n/);
      const lines = examples.split('\n').filter((line) => /^ {4}\S/.test(line));
      expect(lines.length).toBeGreaterThanOrEqual(3);
      expect(lines.length).toBeLessThanOrEqual(7);
      // A line to paste is never broken; every other one fits.
      const wide = text.split('\n').filter((line) => line.length > 80 && !lines.includes(line));
      expect(wide).toEqual([]);
      expect(text).not.toContain('\n\n\n');
      expect(text.endsWith('\n')).toBe(true);
    },
  );

  it('names the exit codes and the environment', async () => {
    const text = await help([]);
    for (const word of ['AKS_SECRETS_', '124', '130', 'sign-in']) expect(text).toContain(word);
  });
});
