import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { DESTROY } from './scenarios.ts';

it('every fault at every request, or at every nth: destroy', async () => {
  expect(await endure(DESTROY, 3)).toEqual([]);
});
