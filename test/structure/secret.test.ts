import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, Secret } from '../../src/secret.ts';

const value = 'p&ss/w0rd+é ?=planted';
const forms = [
  value,
  encodeURIComponent(value),
  Buffer.from(value).toString('base64'),
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
];

describe('a secret', () => {
  const secret = new Secret(value);
  it.each<[string, () => string]>([
    ['String()', () => String(secret)],
    ['a template', () => `${secret}`],
    ['concatenation', () => `x${secret}`],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect(secret, { depth: 9, showHidden: true, getters: true })],
    [
      'inspect of what holds it',
      () => inspect({ deep: { er: [secret] }, map: new Map([['k', secret]]) }, { depth: 9 }),
    ],
    ['format', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error that names it', () => inspect(new Error(`could not write ${secret}`))],
    ['an error that carries it', () => inspect(Object.assign(new Error('x', { cause: secret }), { secret }))],
    ['its own keys', () => JSON.stringify([Object.keys(secret), Object.values(secret), Object.entries({ ...secret })])],
    ['a structured clone', () => inspect(structuredClone(secret))],
  ])('does not show in %s', (_where, print) => {
    for (const form of forms) expect(print()).not.toContain(form);
  });

  it('is given back by reveal alone', () => {
    expect(secret.reveal()).toBe(value);
  });
});

describe('the last net', () => {
  const keep: Secret[] = [];

  it.each(forms)('takes %s out of a text', (form) => {
    keep.push(new Secret(value));
    expect(redact(`before ${form} after, ${form}`)).toMatch(/^before \[secret\]=* after, \[secret\]=*$/);
  });

  it('takes any value out, in every form that it is sent in', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme-ascii' }), fc.string(), (planted, around) => {
        fc.pre(!'[secret]'.includes(planted) && !around.includes(planted));
        const secret = new Secret(planted);
        for (const form of [planted, Buffer.from(planted).toString('base64'), encodeURIComponent(planted)]) {
          expect(secret.redact(`"${form}"`)).not.toContain(form);
        }
        return secret.reveal() === planted;
      }),
    );
  });

  it('leaves other text as it is', () => {
    keep.push(new Secret(value));
    expect(redact('nothing of it here')).toBe('nothing of it here');
  });

  it('does not tear texts apart for a value too short to be one', () => {
    keep.push(new Secret('abc'));
    expect(redact('the abc of it')).toBe('the abc of it');
  });
});
