import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { methods } from '../../src/methods/index.ts';
import { begin, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const FILES = [
  'demo.demo.secretproviderclass.yaml',
  'demo.demo.serviceaccount.yaml',
  'demo.namespace.yaml',
  'kustomization.yaml',
];
const words = 'init --method csi --write-manifests deploy/demo --yes';
const run = (line = words) => story.run(line, { noSample: true });
const at = (name: string): string => join(story.folder, 'deploy/demo', name);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const listed = (): string[] => readdirSync(join(story.folder, 'deploy/demo')).sort();
const applied = (paths: readonly { readonly method: string }[]) => paths.filter(({ method }) => method === 'PATCH');

describe('init --write-manifests', () => {
  it('converges Azure, writes the manifests with their comments, and applies nothing', async () => {
    const ran = await run();
    expect({ code: ran.code, applied: applied(ran.writes) }).toEqual({ code: 0, applied: [] });
    expect(Object.keys(story.sandbox.place.slice.identities)).toHaveLength(1);
    expect(listed()).toEqual(FILES);
    const { clientId } = Object.values(story.sandbox.place.slice.identities)[0]!.resource.properties;
    expect(parse(read('demo.demo.secretproviderclass.yaml')).spec.parameters.clientID).toBe(clientId);
    expect(read('demo.demo.secretproviderclass.yaml')).toContain('# The identity whose federated credential trusts');
    expect(parse(read('kustomization.yaml'))).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: FILES.slice(0, 3),
    });
  });

  it('says what was not proven and what proves it, and what the application has to do', async () => {
    const { out, err } = await run();
    expect(out).toContain('secretProviderClass: demo');
    expect(out).not.toContain('Proven');
    expect(err).toMatch(/not applied\. Once the cluster has\s+them, aks-secrets verify\s+proves the rest/);
    expect(out).toContain('init --method csi --write-manifests deploy/demo --yes');
  });

  it('asks nothing of the cluster that only one with these objects could answer', async () => {
    const { requests } = await run();
    expect(requests.filter(({ kind, path }) => kind === 'token' && /serviceaccounts/.test(path))).toEqual([]);
    expect(requests.filter(({ host }) => host === 'login.microsoftonline.com')).toEqual([]);
  });

  it('writes nothing the second time, in Azure nor here', async () => {
    await run();
    const before = FILES.map((name) => lstatSync(at(name)).ino);
    expect(await run()).toMatchObject({ code: 0, writes: [], out: expect.stringContaining('Nothing to change') });
    expect(FILES.map((name) => lstatSync(at(name)).ino)).toEqual(before);
  });

  it.each(['plan --method csi --write-manifests deploy/demo', `${words.replace('--yes', '--dry-run')}`])(
    '%s writes no file, and names each',
    async (line) => {
      const { out, code } = await run(line);
      expect(code).toBe(0);
      for (const name of FILES) expect(out).toContain(name);
      expect(existsSync(join(story.folder, 'deploy'))).toBe(false);
    },
  );

  it('needs no way to the API server', async () => {
    story.sandbox.faults.failAt({ host: /azmk8s\.io$/ }, 'reset', 1000);
    const ran = await run();
    expect({ code: ran.code, err: ran.code ? ran.err : '' }).toEqual({ code: 0, err: '' });
    expect(listed()).toEqual(FILES);
  });

  it.each(methods.map(({ name }) => [name]))(
    'writes those of %s, with and without a way to the cluster',
    async (method) => {
      const line = (folder: string) => `init --method ${method} --write-manifests ${folder} --yes`;
      const one = await run(line('one'));
      expect({ code: one.code, err: one.code ? one.err : '' }).toEqual({ code: 0, err: '' });
      story.sandbox.faults.failAt({ host: /azmk8s\.io$/ }, 'reset', 1000);
      expect(await run(line('other'))).toMatchObject({ code: 0 });
      const all = (folder: string) =>
        readdirSync(join(story.folder, folder)).map((name) => readFileSync(join(story.folder, folder, name), 'utf8'));
      expect(all('one')).toEqual(all('other'));
      expect(all('one').join('')).not.toContain('known after apply');
    },
  );

  it('the second workload of a folder is listed beside the first', async () => {
    await run();
    await run(`${words} --workload other --service-account other`);
    const { resources } = parse(read('kustomization.yaml'));
    expect(resources).toEqual([
      ...FILES.slice(0, 3),
      'demo.other.secretproviderclass.yaml',
      'demo.other.serviceaccount.yaml',
    ]);
  });
});

describe('what is in the folder already', () => {
  beforeEach(() => mkdirSync(join(story.folder, 'deploy/demo'), { recursive: true }));

  it('of ours is replaced when it differs', async () => {
    await run();
    writeFileSync(at('demo.namespace.yaml'), read('demo.namespace.yaml').replace('aks-secrets\n', 'else\n'));
    const { err } = await run();
    expect(err).toMatch(/demo\.namespace\.yaml\s+other text -> new text/);
    expect(parse(read('demo.namespace.yaml')).metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'aks-secrets',
    });
  });

  it('of ours in the list stays, with what somebody added to it', async () => {
    await run();
    writeFileSync(at('kustomization.yaml'), `${read('kustomization.yaml')}  - own.yaml\nnamePrefix: x- # why\n`);
    expect(await run()).toMatchObject({ code: 0, writes: [] });
    expect(read('kustomization.yaml')).toContain('namePrefix: x- # why');
  });

  it.each<[what: string, name: string, put: () => void]>([
    [
      'a file of somebody else',
      'demo.namespace.yaml',
      () => writeFileSync(at('demo.namespace.yaml'), 'kind: Namespace\n'),
    ],
    [
      'a list of somebody else',
      'kustomization.yaml',
      () => writeFileSync(at('kustomization.yaml'), 'resources: [a.yaml]\n'),
    ],
    ['a link', 'demo.namespace.yaml', () => symlinkSync('../../elsewhere', at('demo.namespace.yaml'))],
    ['a folder', 'demo.namespace.yaml', () => mkdirSync(at('demo.namespace.yaml'))],
  ])('%s stays, and no file is written', async (_what, name, put) => {
    put();
    const ran = await run();
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain(name);
    expect(listed()).toEqual([name]);
    expect(existsSync(join(story.folder, 'elsewhere'))).toBe(false);
    // The rest is done.
    expect(Object.keys(story.sandbox.place.slice.identities)).toHaveLength(1);
  });

  it('a list of somebody else that has them is well', async () => {
    const list = `resources: [${FILES.slice(0, 3).join(', ')}]\n`;
    writeFileSync(at('kustomization.yaml'), list);
    expect((await run()).code).toBe(0);
    expect(read('kustomization.yaml')).toBe(list);
  });

  it('nothing is written through a link to a folder', async () => {
    mkdirSync(join(story.folder, 'elsewhere'));
    symlinkSync('elsewhere', join(story.folder, 'link'));
    const ran = await run(words.replace('deploy/demo', 'link/demo'));
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('is a link') });
    expect(readdirSync(join(story.folder, 'elsewhere'))).toEqual([]);
  });
});
