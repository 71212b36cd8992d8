import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, kernelPath } from './kernel.ts';

/** Runs kernels on this machine's own processor. */
export interface NativeKernels {
  /** Milliseconds of a call, the fastest of `runs`. @throws Error when the result is wrong */
  time(kernel: Kernel, runs: number): number;
  remove(): void;
}

/** Compiles bench/kernels/native.c; undefined where gcc or an x86-64 Linux is missing. */
export function buildNativeKernels(): NativeKernels | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'bit63-kernels-'));
  const program = join(folder, 'native');
  const remove = () => rmSync(folder, { recursive: true });
  try {
    execFileSync('gcc', ['-std=gnu11', '-O2', '-o', program, kernelPath('native.c')], {
      stdio: 'ignore',
    });
  } catch {
    remove();
    return undefined;
  }
  const time = (kernel: Kernel, runs: number): number => {
    const args = [kernelPath(kernel.file), kernel.bss, kernel.argument].map(String);
    const line = execFileSync(program, ['-r', String(runs), ...args], { encoding: 'utf8' });
    const [, , result, nanoseconds] = line.trim().split(' ');
    if (result !== kernel.result) {
      throw new Error(`${kernel.name} gave ${result} natively instead of ${kernel.result}`);
    }
    return Number(nanoseconds) / 1e6;
  };
  return { time, remove };
}
