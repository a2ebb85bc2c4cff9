import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { NEW_VAULT } from './scenarios.ts';

it('every fault at every request, or at every nth: new-vault', async () => {
  expect(await endure(NEW_VAULT, 3)).toEqual([]);
});
