import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));

describe('what is installed', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { hasInstallScript?: true; resolved?: string; integrity?: string }>;
  };

  it('runs no script but the allowed ones', () => {
    const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript && path !== '' ? [path.replace(/^.*node_modules\//, '')] : [],
    );
    expect(scripted).toEqual(Object.keys(json('package.json').allowScripts));
  });

  it('comes from no registry by name, and from nowhere else', () => {
    const resolved = Object.values(packages).flatMap((each) => each.resolved ?? []);
    expect(resolved).toEqual([]);
  });

  it('cannot be published by accident: the package is the folder that `npm run pack` lays out', () => {
    expect(json('package.json').private).toBe(true);
  });
});

describe.each(globSync('.github/workflows/*.yml', { cwd: root }))('%s', (file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const workflow = parse(text) as {
    permissions: unknown;
    jobs: Record<string, { permissions?: unknown; steps: { uses?: string }[] }>;
  };

  it('uses actions of others as they were looked at: by commit', () => {
    const used = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/^[\w./-]+@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  it('may read the repository, and nothing else without a word', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const more = Object.entries(workflow.jobs).flatMap(([name, { permissions }]) => (permissions ? [name] : []));
    expect(more).toEqual(file.endsWith('release.yml') ? ['publish'] : []);
  });
});
