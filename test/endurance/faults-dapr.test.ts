import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { DAPR } from './scenarios.ts';

it('every fault at every request, or at every nth: dapr', async () => {
  expect(await endure(DAPR, 5)).toEqual([]);
});
