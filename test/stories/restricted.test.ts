import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { methods } from '../../src/methods/index.ts';
import { begin, type Story } from './harness.ts';
import { kubectl } from './others.ts';

let story: Story;
afterEach(() => story.close());

const shipped = readFileSync(new URL('../../templates/namespace.yaml', import.meta.url), 'utf8');

/** A template of the user's own, and it makes a namespace that enforces the restricted profile of Pod Security. */
const restricted = (): string => {
  mkdirSync(`${story.folder}/mine`);
  const enforced = `${shipped.trimEnd()}\n    pod-security.kubernetes.io/enforce: restricted\n`;
  writeFileSync(`${story.folder}/mine/namespace.yaml`, enforced);
  return '--templates mine';
};

describe('in a namespace that enforces the restricted profile of Pod Security', () => {
  it.each(methods.map(({ name }) => name))('the sample of %s is admitted, and reads its secrets', async (method) => {
    story = await begin();
    const ran = await story.run(`init --method ${method} --yes ${restricted()}`);
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(ran.out).toMatch(/read db-password, \d+ bytes/);
    // It is enforced: a pod that says nothing of its rights is turned away.
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bare' },
      spec: { containers: [{ name: 'a', image: 'b' }] },
    };
    const refused = await kubectl(story, 'POST', '/api/v1/namespaces/demo/pods', pod);
    expect(JSON.stringify(refused)).toMatch(/violates PodSecurity/);
  });
});
