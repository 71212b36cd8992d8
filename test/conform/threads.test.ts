import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const program = path('../../dist/cli/main.js');
const recorded = ['int', 'int32'].map((group) => path(`vectors/${group}.jsonl.gz`));

/** Worker threads need JavaScript, which is there once the package has been built, as by npm ci. */
test.runIf(existsSync(path('../../dist/cli/conform/worker.js')))(
  'worker threads of the built program replay every vector once',
  async () => {
    const argv = [program, 'conform', '--jobs', '2', '--json', ...recorded];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 1 << 24 });
    const { conformant, passed, skipped } = JSON.parse(stdout);
    expect(conformant).toBe(true);
    expect(passed + skipped).toBe(5360 + 4592);
  },
);
