import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asGoWrites, milliseconds } from '../../src/steps/go-duration.ts';

it.each([
  ['1h', '1h0m0s'],
  ['90m', '1h30m0s'],
  ['5m', '5m0s'],
  ['90s', '1m30s'],
  ['30s', '30s'],
  ['48h', '48h0m0s'],
  ['1h0m0s', '1h0m0s'],
  ['0', '0s'],
])('%s is %s to Go', (span, written) => {
  expect(asGoWrites(span)).toBe(written);
});

it('means the same, and is written only once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e7 }), fc.constantFrom('h', 'm', 's'), (count, unit) => {
      const span = `${count}${unit}`;
      expect(milliseconds(asGoWrites(span))).toBe(milliseconds(span));
      expect(asGoWrites(asGoWrites(span))).toBe(asGoWrites(span));
    }),
  );
});
