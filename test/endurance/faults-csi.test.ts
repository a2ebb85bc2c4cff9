import { expect, it } from 'vitest';
import { endure } from './faults.ts';
import { CSI } from './scenarios.ts';

it('every fault at every request: csi', async () => {
  expect(await endure(CSI, 1)).toEqual([]);
});
