import { defineConfig } from 'vitest/config';

/** `.ci/run` asks for the results as JSON, to count them. */
const results = process.env.TEST_RESULTS;

/**
 * Runs of the whole program, which load every SDK: a worker does so once, not once for each file. What they import is
 * made once too, so their helpers have no hooks of their own (those of the sandbox's are in its setup file).
 */
const STORIES = ['test/stories/**/*.test.ts'];
const SANDBOX = ['test/sandbox/**/*.test.ts'];
/** Everything else: what one file has made known (a value to hide) another does not know, so our own modules are anew. */
const ANEW = ['test/anew.ts'];
/** Every failure of the catalogue in worlds of its own: minutes, so it is a run apart (`npm run test:exhaustive`). */
const CATALOGUE = ['test/catalogue/**/*.test.ts'];
/** Real programs, in namespaces of their own: `npm run test:lab`. */
const LAB = ['test/lab/**/*.test.ts'];
/** Faults at every request, killed processes, patience: minutes, so it is a run apart (`npm run test:endurance`). */
const ENDURANCE = ['test/endurance/**/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: 'test/folder.ts',
    // Stories wait for processes that they start, more than they compute.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    projects: [
      { extends: true, test: { name: 'stories', include: STORIES, isolate: false } },
      {
        extends: true,
        test: { name: 'sandbox', include: SANDBOX, isolate: false, setupFiles: ['test/sandbox/setup.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'parts',
          isolate: false,
          setupFiles: ANEW,
          include: ['test/**/*.test.ts'],
          exclude: [...STORIES, ...SANDBOX, ...CATALOGUE, ...LAB, ...ENDURANCE],
        },
      },
      { extends: true, test: { name: 'catalogue', include: CATALOGUE } },
      { extends: true, test: { name: 'endurance', include: ENDURANCE, testTimeout: 3_600_000 } },
      // One lab for all of its files, one case after the other.
      {
        extends: true,
        test: { name: 'lab', include: LAB, isolate: false, maxWorkers: 1, testTimeout: 180_000, hookTimeout: 180_000 },
      },
    ],
    ...(results && { reporters: ['default', ['json', { outputFile: results }]] }),
  },
});
