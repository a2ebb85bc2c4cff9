import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { EXTERNAL_SECRETS } from './scenarios.ts';

it('every fault at every request, or at every nth: external-secrets', async () => {
  expect(await endure(EXTERNAL_SECRETS, 3)).toEqual([]);
});
