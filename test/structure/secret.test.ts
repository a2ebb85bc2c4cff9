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

  it('takes each of many out, wherever they stand, as each would itself', () => {
    const values = fc.uniqueArray(fc.string({ minLength: 4, maxLength: 8, unit: fc.constantFrom(...'ab/é') }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(values, fc.string({ unit: fc.constantFrom(...'ab/é '), maxLength: 60 }), (planted, around) => {
        const many = planted.map((each) => new Secret(each));
        keep.push(...many);
        const clean = redact(`${around} ${planted.join(' - ')} ${around}`);
        for (const each of many) expect(each.redact(clean)).toBe(clean);
        for (const each of planted) expect(clean).not.toContain(encodeURIComponent(each));
      }),
    );
  });

  it('takes as long for thousands as for one', () => {
    const text = 'a line as any other, of a report that has many '.repeat(20);
    const timed = () => {
      const before = performance.now();
      for (let n = 0; n < 200; n += 1) redact(text);
      return performance.now() - before;
    };
    timed();
    const few = Math.min(timed(), timed(), timed());
    keep.push(...Array.from({ length: 5000 }, (_, n) => new Secret(`Zq${n}#Xv${n}`)));
    expect(Math.min(timed(), timed(), timed())).toBeLessThan(few * 20 + 20);
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
