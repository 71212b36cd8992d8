import { defineConfig } from 'vitest/config';

/** Where to write the results as JSON as well; .ci/run counts them from there. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // No test replaces a module or a global, so files can share a worker: its start costs 0.3 s.
    pool: 'threads',
    isolate: false,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/lass/**/*.ts', 'src/decoder/**/*.ts', 'src/emulator/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: {
        'src/lass/**': { lines: 90 },
        'src/decoder/**': { lines: 90 },
        'src/emulator/**': { lines: 90 },
      },
    },
  },
});
