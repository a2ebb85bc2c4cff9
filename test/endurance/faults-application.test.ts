import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { APPLICATION } from './scenarios.ts';

it('every fault at every request, or at every nth: application', async () => {
  expect(await endure(APPLICATION, 3)).toEqual([]);
});
