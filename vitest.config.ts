import { defineConfig } from 'vitest/config';

/** `.ci/run` asks for the results as JSON, to count them. */
const results = process.env.TEST_RESULTS;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Stories wait for processes that they start, more than they compute.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    ...(results && { reporters: ['default', ['json', { outputFile: results }]] }),
  },
});
