import { expect, it } from 'vitest';
import { fresh, wired } from './made-world.ts';

type Stands = readonly [id: string, exit: number, said: RegExp, words: string];

const ROWS: readonly Stands[] = [
  ['F003', 6, /AuthorizationFailed/, ''],
  ['F004', 6, /LinkedAuthorizationFailed/, ''],
  ['F005', 124, /PrincipalNotFound/, ''],
  ['F008', 1, /RoleAssignmentLimitExceeded/, ''],
  ['F009', 1, /ScopeLocked/, ''],
  ['F010', 1, /RequestDisallowedByPolicy/, ''],
  ['F011', 1, /demo-kv is taken/, '--create-vault'],
  ['F058', 5, /AADSTS50020/, ''],
  ['F154', 6, /AuthorizationFailed/, ''],
];
const AFTER: readonly Stands[] = [
  ['F007', 1, /RoleAssignmentUpdateNotPermitted|are not allowed to be updated/, ''],
  ['F013', 124, /ConcurrentFederatedIdentityCredentialsWrites/, ''],
  ['F015', 1, /Issuer and subject combination already exists/, ''],
  ['F016', 1, /Support for federated identity credentials not enabled/, ''],
];

it.each(ROWS)('%s stands in the way of init, in an untouched world', async (id, exit, said, words) => {
  const story = await fresh();
  await story.sandbox.break(id);
  const broken = await story.run(`init --method csi --yes ${words}`);
  expect(broken.code).toBe(exit);
  expect(broken.err).toMatch(said);
  await story.sandbox.mend();
  expect((await story.run('init --method csi --yes')).code).toBe(0);
});

it.each(AFTER)('%s stands in the way of a second init', async (id, exit, said) => {
  const story = await wired('csi');
  await story.sandbox.break(id);
  const broken = await story.run('init --method csi --yes');
  expect(broken.code).toBe(exit);
  expect(broken.err).toMatch(said);
  await story.sandbox.mend();
  expect((await story.run('init --method csi --yes')).out).toContain('Nothing to change');
});
