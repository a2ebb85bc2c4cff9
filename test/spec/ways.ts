import { Complaints, sentence } from '../../src/complaint.ts';
import { defineMethod, type Method } from '../../src/methods/method.ts';
import type { Answer } from '../../src/spec/answers.ts';
import { readSpec, type Sources } from '../../src/spec/read.ts';
import { only } from '../../src/spec/subscription.ts';

export const SUBSCRIPTION = '3f2a91c0-0000-4000-8000-00000000abcd';

const none = {
  traits: {
    delivers: 'files',
    takes: 'files',
    codeChange: false,
    variables: false,
    rotation: 'at once',
    freshWithoutRestart: true,
    runs: 'nothing',
    valueInCluster: false,
    otherStores: false,
  },
  carries: ['secret', 'key', 'certificate'],
  clusterFeatures: () => [],
  steps: () => [],
  checks: () => [],
  afterwards: () => [],
} as const satisfies Partial<Method>;

/** Two ways of delivery that only answer for their questions. */
export const methods: readonly Method[] = [
  defineMethod<Record<string, never>>({
    ...none,
    name: 'workload-identity',
    title: 'Workload ID',
    choose: 'The code reads Key Vault.',
    questions: [],
    options: () => ({}),
  }),
  defineMethod<{ syncSecret?: string; rotationInterval?: string }>({
    ...none,
    name: 'csi',
    title: 'CSI driver',
    choose: 'Files.',
    questions: [
      { flag: 'sync-secret', value: 'NAME', ask: 'Also a Kubernetes Secret' },
      { flag: 'rotation-interval', value: '2m', ask: 'How often to look', wholeCluster: true },
    ],
    options(answers) {
      const { 'sync-secret': syncSecret, 'rotation-interval': rotationInterval } = answers;
      if (rotationInterval && !/^\d+[smh]$/.test(rotationInterval)) throw new Error('rotation-interval takes 2m');
      if (syncSecret && /\s/.test(syncSecret)) throw new Error('--sync-secret takes a name');
      return { ...(syncSecret && { syncSecret }), ...(rotationInterval && { rotationInterval }) };
    },
  }),
];

/** Answers as if they had been given by flags. */
export const flags = (given: Readonly<Record<string, Answer['value']>>): Map<string, Answer> =>
  new Map(Object.entries(given).map(([flag, value]) => [flag, { value, said: `--${flag}` }]));

export const sources = (
  text: string | undefined,
  given: Readonly<Record<string, Answer['value']>> = {},
  more: Partial<Sources> = {},
): Sources => ({
  answers: flags(given),
  ...(text !== undefined && { file: { path: 'aks-secrets.yaml', text } }),
  defaults: new Map(),
  methods,
  subscriptions: only(SUBSCRIPTION),
  allow: new Set(),
  describe: (flag) => `--${flag}`,
  ...more,
});

export const read = (...given: Parameters<typeof sources>) => readSpec(sources(...given));

/** Everything that is complained of, as `file:line: message`. */
export async function complaintsOf(...given: Parameters<typeof sources>): Promise<string[]> {
  try {
    await read(...given);
    return [];
  } catch (error) {
    if (!(error instanceof Complaints)) throw error;
    return error.complaints.map((complaint) => [sentence(complaint), complaint.fix?.say].filter(Boolean).join(' '));
  }
}
