import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInRepository } from '../support/find.ts';

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

/**
 * Compiles lass-check.c with gcc and returns a function that runs it with the given arguments, or
 * undefined where there is no gcc.
 */
export function buildNative():
  | { run(args: readonly number[]): NativeFigures; remove(): void }
  | undefined {
  const source = findInRepository('bench/lass/lass-check.c');
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
