import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matched } from '../../src/expression.ts';
import { useWrong } from '../../src/methods/external-secrets/store-rules.ts';
import type { Step } from '../../src/step.ts';
import { matching, patternOf } from '../../src/steps/external-secret-find.ts';
import { orAll } from '../stories/exhaustive.ts';
import './patience.ts';

const WORST = ['^(a+)+$', '^(a|a)*$', '^(.*a){20}$', '^([a-z-]+)*$', '(x+x+)+y', '^(?:a?){40}a{40}$'];
const NAME = `${'a'.repeat(60)}${'x'.repeat(60)}1`;

describe('an expression of somebody else', () => {
  it.each(orAll(WORST, (source) => source === WORST[2]))('%s ends, whatever it would take', (source) => {
    const started = performance.now();
    const found = matched(new RegExp(source), [NAME, 'a'.repeat(120), 'orders']);
    expect(found === undefined || Array.isArray(found)).toBe(true);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('is the same as JavaScript’s own where that ends', () => {
    const names = fc.array(fc.stringMatching(/^[a-z0-9-]{0,20}$/), { maxLength: 10 });
    fc.assert(
      fc.property(fc.constantFrom('^a', 'b$', '[0-9]+', '', 'a|b', '(?<x>a)b'), names, (source, all) => {
        expect(matched(new RegExp(source), all)).toEqual(all.filter((name) => new RegExp(source).test(name)));
      }),
      { numRuns: 50 },
    );
  });

  it('of a file blocks its workload and says why, and nobody waits', () => {
    const step = matching({
      vault: {
        wish: { resourceGroup: 'shop-rg', name: 'shop-kv' },
        uri: 'https://shop-kv.vault.azure.net',
        step: { id: 'vault' } as Step,
      },
      find: '^(a+)+$',
      workloads: ['orders'],
    });
    expect(step.judge([{ name: NAME, enabled: true }], {})).toMatchObject({
      state: 'blocked',
      note: expect.stringContaining('takes too long'),
    });
  });

  it('of any text is one, or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'(?P<a>)[]{}*+|\\1^$.ims:=!') })),
        (source) => {
          try {
            expect(patternOf(source)).toBeInstanceOf(RegExp);
          } catch (error) {
            expect((error as Error).message.length).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of a store in the cluster that takes too long may fit', () => {
    const store = { kind: 'ClusterSecretStore', name: 'kv', conditions: [{ namespaces: [], regexes: ['^(a+)+$'] }] };
    expect(useWrong(store as never, NAME, {})).toBeUndefined();
    expect(
      useWrong({ ...store, conditions: [{ namespaces: [], regexes: ['^shop$'] }] } as never, 'other', {}),
    ).toMatchObject({ failure: 'F123' });
  });
});
