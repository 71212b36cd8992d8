import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { conform } from '../../src/cli/conform/conform.ts';

const options = {
  jobs: 1,
  only: undefined,
  strict: true,
  faultAddress: true,
  includeUndefined: true,
  includeVendor: true,
  maxFailures: 3,
  allowUnimplemented: false,
};

/** Made by scripts/sample-vectors.js from the recordings of a whole group. */
test.each([
  ['int', 670, 5360],
  ['int32', 574, 4592],
])(
  '%s instructions do what a real processor did, undefined results included',
  async (group, codes, vectors) => {
    const file = fileURLToPath(new URL(`vectors/${group}.jsonl.gz`, import.meta.url));
    const report = await conform([file], options);
    const [{ failures, codes: tallies }] = report.files;
    expect(failures).toEqual([]);
    expect(tallies.size).toBe(codes);
    expect(report.totals).toEqual({ passed: vectors, failed: 0, unimplemented: 0, skipped: 0 });
    expect(report.conformant).toBe(true);
  },
);
