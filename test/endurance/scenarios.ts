import type { Options } from '../stories/harness.ts';
import { furnished, MARKERS, prepared } from './world.ts';

/** A run of the program that is disturbed. */
export interface Scenario {
  readonly name: string;
  readonly words: string;
  readonly more?: Options;
  /** What every run does, also one that finds all done: who may not look gives himself the right, and takes it back. */
  readonly always?: RegExp;
  /** Folder of the sandbox that it begins with. */
  readonly from: () => Promise<string>;
}

const init = (method: string, words = '', more?: Options): Scenario => ({
  name: [method, words.split(' ')[0]].filter(Boolean).join(' '),
  words: `init --method ${method} ${words} --yes`,
  from: furnished,
  ...(more && { more }),
});

export const WORKLOAD_IDENTITY = init('workload-identity');
export const CSI = init('csi');
export const DAPR = init('dapr');
/** With an identity that another team made, and uses. */
export const EXTERNAL_SECRETS = init('external-secrets', '--identity shop-id --sync-secret demo-values');
/** With all that is made besides: a group, a vault, a value, a right that is given and taken back. */
export const NEW_VAULT: Scenario = {
  ...init(
    'workload-identity',
    '--create-vault --vault made-kv --vault-resource-group made-rg --secret fresh --secret-value fresh=env:GIVEN --grant-self',
    { env: { GIVEN: MARKERS.given }, noSample: true },
  ),
  always: /\/secrets\/fresh\/providers\/Microsoft.Authorization\/roleAssignments\//,
};
export const APPLICATION = init('workload-identity', '--app-registration orders-app', { noSample: true });
export const DESTROY: Scenario = {
  name: 'destroy, csi',
  words: 'destroy --method csi --yes',
  from: prepared(async (story) => {
    const ran = await story.run('init --method csi --yes');
    if (ran.code !== 0) throw new Error(ran.err);
  }, furnished),
};
