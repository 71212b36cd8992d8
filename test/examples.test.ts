import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
/** The examples import the package as its users do, so it must be built; `npm ci` does that. */
const isBuilt = existsSync(new URL('dist/index.js', root));

const output = (example: string): string =>
  execFileSync(process.execPath, [fileURLToPath(new URL(example, root))], { encoding: 'utf8' });

describe.skipIf(!isBuilt)('the examples', () => {
  test('embed-machine prints for its guest and explains what stopped it', () => {
    const text = output('examples/embed-machine/embed.mjs');
    expect(text).toMatch(/^hello\n#GP at 0x40001f: Read of 8 bytes at 0xffffffff80000000/);
    expect(text).toContain('6 instructions, 0 data reads completed');
  });

  test('embed-lass refuses what LASS refuses, and nothing else', () => {
    const lines = output('examples/embed-lass/embed.mjs').split('\n');
    expect(lines).toContain('kernel stores its secret: done');
    expect(lines).toContain('user reads the secret: vector 13, error code 0, by R1');
    expect(lines).toContain('kernel reads the user buffer: vector 13, error code 0, by R4');
    expect(lines).toContain('kernel reads it after STAC: 7');
  });
});
