import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ConformFlags, runConform } from '../../src/cli/conform/run.ts';
import type { CliIo, TextSink } from '../../src/cli/io.ts';

/** A line of a file in the format hwvec-1. */
export type Line = Readonly<Record<string, unknown>>;

/** `add al,bl` with a carry out of bit 3, as a real processor does it. */
export const ADD: Line = {
  b: '00d8',
  c: 'Add_rm8_r8',
  m: 'add al,bl',
  i: { rax: '18', rbx: '8', fl: '203' },
  f: { rax: '20', fl: '212' },
};

/** `mov [rdi],eax`. */
export const STORE: Line = {
  b: '8907',
  c: 'Mov_rm32_r32',
  m: 'mov [rdi],eax',
  i: { rax: '44332211', rdi: '10001100', mem: [['10001100', '00000000aa']] },
  f: { mem: [['10001100', '11223344']] },
};

/** `mov eax,[rdi]` on the guard page. */
export const FAULT: Line = {
  b: '8b07',
  c: 'Mov_r32_rm32',
  m: 'mov eax,[rdi]',
  i: { rdi: '10003000' },
  f: {},
  x: '#PF',
  xa: '10003000',
  t: ['pf'],
};

/** `fld1`, which is not there yet. */
export const UNKNOWN: Line = { b: 'd9e8', c: 'Fld1', m: 'fld1', i: {}, f: { ftw: '80' } };

export function header(lines: readonly unknown[], mode = 64): Line {
  const group = mode === 64 ? 'int' : 'int32';
  return { format: 'hwvec-1', group, mode, count: lines.length, cpu: 'a test processor' };
}

let files = 0;
let folder: string | undefined;

/** Writes a file and returns its path; its name ends in `.gz` if it is to be packed. */
export function fileOf(text: string, suffix = '.jsonl'): string {
  folder ??= mkdtempSync(join(tmpdir(), 'bit63-conform-'));
  const path = join(folder, `${files++}${suffix}`);
  writeFileSync(path, suffix.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

/** Removes what `fileOf` wrote; for `afterAll`. */
export function removeFiles(): void {
  if (folder !== undefined) {
    rmSync(folder, { recursive: true });
    folder = undefined;
  }
}

/** A file of vectors with the header that fits. */
export function fileOfVectors(vectors: readonly Line[], mode = 64): string {
  const lines = [header(vectors, mode), ...vectors];
  return fileOf(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
}

/** What a run of the command left. */
export interface Ran {
  readonly status: number;
  readonly output: string;
  readonly progress: string;
}

/** Runs `bit63 conform` on files, in this thread. */
export async function conformFiles(
  paths: readonly string[],
  flags: ConformFlags = {},
): Promise<Ran> {
  let output = '';
  let progress = '';
  const io: CliIo = {
    stdout: sink((text) => {
      output += text;
    }),
    stderr: sink((text) => {
      progress += text;
    }),
    stdin: (async function* () {})(),
    environment: {},
    onInterrupt: () => () => {},
  };
  const status = await runConform(paths, { jobs: '1', ...flags }, io);
  return { status, output, progress };
}

/** Runs `bit63 conform` on vectors. */
export function conformVectors(
  vectors: readonly Line[],
  flags: ConformFlags = {},
  mode = 64,
): Promise<Ran> {
  return conformFiles([fileOfVectors(vectors, mode)], flags);
}

function sink(write: (text: string) => void): TextSink {
  return { write, isTerminal: false, columns: 100, drain: async () => {} };
}
