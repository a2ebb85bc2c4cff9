import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { SETTINGS } from '../src/sparing.ts';

it.each(SETTINGS)('V8 knows %s, or it would complain to whoever runs the program', (setting) => {
  const program = `require('node:v8').setFlagsFromString(${JSON.stringify(setting)})`;
  expect(String(spawnSync(process.execPath, ['-e', program]).stderr)).toBe('');
});

it('what it does not know it would name', () => {
  const program = `require('node:v8').setFlagsFromString('--no-such-setting=1')`;
  expect(String(spawnSync(process.execPath, ['-e', program]).stderr)).toContain('unrecognized flag');
});
