import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { rowOf } from '../../src/failures/index.ts';
import { methods } from '../../src/methods/index.ts';
import { breaks } from '../../src/sandbox/break/index.ts';
import type { VerifyReport } from '../../src/verify/report.ts';
import { begin, type Story } from '../stories/harness.ts';
import { tally } from './tally.ts';

const KINDS = new Set([
  ...['Deployment', 'CronJob', 'Job', 'ServiceAccount', 'Service'],
  ...['SecretProviderClass', 'SecretStore', 'ClusterSecretStore', 'ExternalSecret', 'Component', 'Configuration'],
]);
interface Stored {
  readonly kind: string;
  readonly metadata: Record<string, unknown> & { readonly namespace?: string; readonly annotations?: object };
}

/** What lies in the workload's namespace, as somebody's files would say it. */
function manifestsOf({ sandbox }: Story): string {
  const clusters = Object.values(sandbox.parts.state.kubernetes) as { objects: Record<string, Stored> }[];
  const objects = clusters.flatMap(({ objects: all }) => Object.values(all));
  return objects
    .filter(({ kind, metadata }) => KINDS.has(kind) && metadata.namespace === 'demo')
    .map(({ metadata, ...rest }) => {
      const {
        managedFields: _1,
        uid: _2,
        resourceVersion: _3,
        creationTimestamp: _4,
        generation: _5,
        ...own
      } = metadata;
      return stringify({ ...rest, status: undefined, metadata: own });
    })
    .join('---\n');
}

/** Which versions a cluster serves stands in no manifest. */
const NOT_IN_FILES = new Set(['F112']);
/** The cluster keeps its objects in the version that it serves; a file says the one that it was written in. */
const WRITTEN: Readonly<Record<string, (text: string) => string>> = {
  F111: (text) => text.replaceAll('external-secrets.io/v1\n', 'external-secrets.io/v1beta1\n'),
};

const seen = (method: string) =>
  breaks.filter(
    ({ id, methods: some }) =>
      !NOT_IN_FILES.has(id) &&
      rowOf(id)?.seenBy.includes('lint') &&
      (some === undefined || some.some((one) => one === method)),
  );

describe.each(methods.map(({ name }) => name))('manifests of a workload by %s', (method) => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    expect((await story.run(`init --method ${method} --yes`)).code).toBe(0);
  }, 60_000);
  afterAll(() => story.close());

  const lint = async (name: string): Promise<VerifyReport> => {
    const folder = join(story.folder, name);
    mkdirSync(folder);
    const text = manifestsOf(story);
    writeFileSync(join(folder, 'all.yaml'), WRITTEN[name]?.(text) ?? text);
    return JSON.parse((await story.run(`verify --manifests ${name} -o json`, { bare: true })).out);
  };
  const said = ({ checks }: VerifyReport): string[] =>
    checks.flatMap(({ verdict, failure, id }) => (verdict === 'fail' || verdict === 'warn' ? [failure ?? id] : []));

  it('that are as init made them are well', async () => {
    const flaws = said(await lint('untouched'));
    tally('false alarms', flaws.length === 0, `manifests of ${method}: ${flaws.join(', ')}`);
    expect(flaws).toEqual([]);
  });

  it.each(seen(method).map(({ id, says }) => [id, says] as const))(
    '%s: %s',
    async (id) => {
      await story.sandbox.break(id);
      const flaws = said(await lint(id));
      await story.sandbox.mend();
      const right = [id, ...(rowOf(id)?.sameWorldAs ?? [])];
      tally('verify --manifests names it', right.includes(flaws[0] ?? ''), `${id} by ${method}: ${flaws.join(', ')}`);
      expect(right).toContain(flaws[0]);
    },
    60_000,
  );
});
