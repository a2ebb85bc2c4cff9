import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { WORKLOAD_IDENTITY } from './scenarios.ts';

it('every fault at every request, or at every nth: workload-identity', async () => {
  expect(await endure(WORKLOAD_IDENTITY, 3)).toEqual([]);
});
