import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { command, heredoc, isVariable, named, variable, word } from '../../src/shell.ts';
import { wordsOf } from './words.ts';

const bash = (script: string): string => execFileSync('bash', ['-c', script], { encoding: 'utf8' });
/** What a text may hold: anything but NUL, which no argument can, with bash's own characters often. */
const text = fc
  .array(fc.oneof(fc.constantFrom(...'\'"`$\\!*?~#&|;<>(){}[] \n\t-='), fc.string({ minLength: 1, maxLength: 3 })))
  .map((parts) => parts.join('').replaceAll('\0', ''));

describe('a word', () => {
  it('is what bash reads it as, whatever it holds', () => {
    const all = fc.sample(text, 300);
    const script = all.map((one) => `printf '%s\\0' ${word(one)}`).join('\n');
    expect(bash(script).split('\0').slice(0, -1)).toEqual(all);
  });

  it('may hold a variable anywhere, which is not split and not read again', () => {
    const all = fc.sample(text, 100);
    const script = all
      .map((one) => `printf '%s\\0' ${word(`${one}${variable('client_id')}${one}`)} ${word(variable('client_id'))}`)
      .join('\n');
    const value = 'a  $(echo b) "c" * ';
    const said = bash(`client_id='${value}'\n${script}`).split('\0').slice(0, -1);
    expect(said).toEqual(all.flatMap((one) => [one + value + one, value]));
  });

  it.each([
    ['orders-id', 'orders-id'],
    ['', "''"],
    ['Key Vault Reader', "'Key Vault Reader'"],
    [named('shop-kv'), `"[?name=='shop-kv'].name"`],
    [variable('client_id'), '"$client_id"'],
    [`a/${variable('client_id')}`, `"a/$${'{client_id}'}"`],
  ])('%j is written %s', (one, written) => expect(word(one)).toBe(written));
});

describe('a heredoc', () => {
  it('gives the text as it is, with its variables', () => {
    const all = fc
      .sample(text, 100)
      .map((one) => one.trimEnd())
      .filter((one) => !one.includes('\r'));
    const script = all.map(
      (one) => `${heredoc('cat', one)}\nprintf '\\0'\n${heredoc('cat', `${variable('id')}${one}`)}\nprintf '\\0'`,
    );
    const said = bash(`id=7\n${script.join('\n')}`)
      .split('\0')
      .slice(0, -1);
    expect(said).toEqual(all.flatMap((one) => [`${one}\n`, `7${one}\n`]));
  });

  it('ends where the text ends, also when the text says so before', () => {
    expect(bash(heredoc('cat', 'a\nYAML\nb\nYAML_\n'))).toBe('a\nYAML\nb\nYAML_\n');
  });
});

it('a command has its flags in order, without those that are not there', () => {
  const line = command('az x', { name: 'a b', wait: true, tags: ['a=1', 'b=2'], none: undefined });
  expect(line).toBe("az x --name 'a b' --wait --tags a=1 b=2");
  expect(wordsOf(line)).toEqual(['az', 'x', '--name', 'a b', '--wait', '--tags', 'a=1', 'b=2']);
});

it('a variable is known for one', () => {
  expect([isVariable(variable('x')), isVariable('x')]).toEqual([true, false]);
});
