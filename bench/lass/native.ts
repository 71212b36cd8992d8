import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One function of lass-check.c. */
export interface NativeFigure {
  /** Nanoseconds a check, best round. */
  readonly ns: number;
  /** Violations found in one round, to compare with ours. */
  readonly count: number;
}

/** What lass-check.c prints. */
export interface NativeFigures {
  readonly isLassViolationSized: NativeFigure;
  readonly checkLinear: NativeFigure;
}

const FLAGS = ['-O2', '-fno-tree-vectorize', '-Wall'];

/** lass-check.c, looked for upwards because this file also runs compiled from elsewhere. */
function findSource(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    const candidate = join(folder, 'bench/lass/lass-check.c');
    if (existsSync(candidate)) {
      return candidate;
    }
    folder = dirname(folder);
  }
  return undefined;
}

/**
 * Compiles lass-check.c with gcc and returns a function that runs it with the given arguments, or
 * undefined where there is no gcc.
 */
export function buildNative():
  | { run(args: readonly number[]): NativeFigures; remove(): void }
  | undefined {
  const source = findSource();
  if (source === undefined) {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'bit63-lass-'));
  const program = join(folder, 'lass-check');
  try {
    execFileSync('gcc', [...FLAGS, '-o', program, source], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  return {
    run: (args) => JSON.parse(execFileSync(program, args.map(String), { encoding: 'utf8' })),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
