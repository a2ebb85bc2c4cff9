import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { begin, type Story } from '../stories/harness.ts';
import { type Against, judged, type Known, undisturbed } from './judge.ts';
import { launch } from './process.ts';
import type { Scenario } from './scenarios.ts';
import { ALL } from './tally.ts';
import { furnished, prepared } from './world.ts';

const TIMES = ALL ? 40 : 10;

/** Two workloads, of two methods each time, on one cluster and one vault: both runs want to change all of it. */
const fileOf = (first: string, second: string) => `apiVersion: aks-secrets/v1
cluster: { resourceGroup: demo-rg, name: demo-aks }
vault: { resourceGroup: demo-rg, name: demo-kv }
workloads:
  - { name: demo, namespace: demo, method: ${first}, secrets: [db-password, api-key] }
  - { name: other, namespace: other, method: ${second}, identity: { name: shop-id }, secrets: [api-key] }
`;

/** Where nobody jumps ahead, registering a provider would be most of the time. */
const registered = prepared(async ({ sandbox }) => {
  sandbox.place.slice.providers['microsoft.kubernetesconfiguration'] = 0;
}, furnished);

const scenario: Scenario = {
  name: 'a file of two workloads',
  words: 'init -f aks-secrets.yaml --yes --allow cluster,install,irreversible',
  more: { bare: true },
  from: registered,
};

it('two runs at once on one file both end, and make one world', async () => {
  const against = new Map<string, Against>();
  const wrong: string[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const [one, other] = [methods[time % methods.length]!.name, methods[(time + 1) % methods.length]!.name];
    const prepare = (story: Story) => writeFileSync(join(story.folder, 'aks-secrets.yaml'), fileOf(one, other));
    if (!against.has(one)) against.set(one, await undisturbed(scenario, prepare));
    // One is a little behind the other, each time a little more.
    const story = await begin({ settings: { replication: 0, operation: 300, latency: 4 } }, await registered());
    prepare(story);
    const first = launch(scenario.words, story.folder);
    await new Promise((done) => setTimeout(done, 40 * time));
    const second = launch(scenario.words, story.folder);
    const [a, b] = await Promise.all([first.ended, second.ended]);
    const known: Known = { part: 'together', run: `${one}, ${other}`, what: 'two at once' };
    const both = { out: a.out + b.out, err: a.err + b.err, commandLines: [...a.commandLines, ...b.commandLines] };
    const found = await judged(story, scenario, against.get(one)!, { ...both, code: a.code || b.code }, known);
    if (a.code !== 0) found.push(`one ended with ${a.code}: ${a.err}`);
    if (b.code !== 0) found.push(`the other ended with ${b.code}: ${b.err}`);
    wrong.push(...found.map((said) => `${one}, ${other}: ${said}`));
    await story.close();
  }
  expect(wrong).toEqual([]);
});
