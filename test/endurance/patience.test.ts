import { describe, expect, it } from 'vitest';
import { begin } from '../stories/harness.ts';
import { judged, undisturbed } from './judge.ts';
import { launch } from './process.ts';
import { APPLICATION, CSI, DAPR, EXTERNAL_SECRETS, WORKLOAD_IDENTITY } from './scenarios.ts';
import { tally } from './tally.ts';

const MINUTE = 60_000;
const METHODS = [WORKLOAD_IDENTITY, CSI, DAPR, EXTERNAL_SECRETS, APPLICATION];
/** Every role assignment, also one that names its principal's type, waits for the identity. */
const slow = (replication: number) => ({ settings: { replication, operation: 3 * MINUTE, strictPrincipals: true } });

/** Why it waits, one entry for each line that says so, without what is chance. */
const reasonsIn = (err: string): string[] =>
  [...err.matchAll(/ (?:still )?waiting: (.*?)(?:\s\s.*)?$/gm)].map(([, reason]) =>
    reason!.replace(/[a-z0-9-]+-(?:[0-9a-f]{6}|[0-9a-z]{10}-[0-9a-z]{5})\b/g, 'NAME'),
  );

describe.each(METHODS)('$name where identities, roles and credentials arrive late', (scenario) => {
  it('by up to ten minutes: waits for it by evidence, and says what for', async () => {
    const against = await undisturbed(scenario);
    for (const minutes of [1, 5, 10]) {
      const story = await begin(slow(minutes * MINUTE), await scenario.from());
      const ran = await story.run(`${scenario.words} -v`, scenario.more);
      const reasons = reasonsIn(ran.err);
      const what = `everything arrives after ${minutes} min`;
      const wrong = await judged(story, scenario, against, ran, { part: 'patience', run: scenario.name, what });
      await story.close();
      expect({ minutes, code: ran.code, wrong, err: ran.code ? ran.err : '' }).toEqual({
        ...{ minutes, code: 0, wrong: [], err: '' },
      });
      expect(reasons.join('\n')).toMatch(/Entra does not (know|accept)/);
      expect(reasons.filter((reason) => reason.length < 15)).toEqual([]);
      for (const reason of new Set(reasons)) tally({ part: 'waits', run: scenario.name, reason });
    }
  });

  it('by an hour: gives up with 124 and the state so far, and the next run finishes', async () => {
    const against = await undisturbed(scenario);
    const story = await begin(slow(60 * MINUTE), await scenario.from());
    const ran = await story.run(`${scenario.words} -o json`, scenario.more);
    const { outcome, exitCode, steps } = JSON.parse(ran.out) as {
      outcome: string;
      exitCode: number;
      steps: { id: string; outcome: string }[];
    };
    expect({ code: ran.code, outcome, exitCode }).toEqual({ code: 124, outcome: 'timed out', exitCode: 124 });
    expect(steps.filter((step) => step.outcome === 'created').length).toBeGreaterThan(0);
    // All has arrived, and what is made from now on arrives at once.
    story.sandbox.advance(60 * MINUTE);
    Object.assign(story.sandbox.settings, { replication: 0 });
    const what = 'everything arrives after 60 min';
    const wrong = await judged(story, scenario, against, ran, { part: 'patience', run: scenario.name, what });
    await story.close();
    expect(wrong).toEqual([]);
  });
});

it.each([WORKLOAD_IDENTITY, CSI])('$name: --timeout ends it with 124, and the next run finishes', async (scenario) => {
  const against = await undisturbed(scenario);
  // In a process of its own time is real: ten minutes would be ten minutes.
  const settings = { replication: 10 * MINUTE, operation: 200, strictPrincipals: true };
  const story = await begin({ settings }, await scenario.from());
  const first = await launch(`${scenario.words} --timeout 4s -v`, story.folder).ended;
  expect({ code: first.code, err: first.code === 124 ? '' : first.err }).toEqual({ code: 124, err: '' });
  expect(first.err).toMatch(/aks-secrets init .*--method/);
  story.sandbox.advance(10 * MINUTE);
  Object.assign(story.sandbox.settings, { replication: 0 });
  const what = '--timeout 4s, everything arrives after 10 min';
  const wrong = await judged(story, scenario, against, first, { part: 'patience', run: scenario.name, what });
  await story.close();
  expect(wrong).toEqual([]);
});
