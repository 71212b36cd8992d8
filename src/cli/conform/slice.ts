import { toHex } from '../hex.ts';
import { knownBad } from './known-bad.ts';
import { type Difference, Replayer, vendorOf } from './replay.ts';
import type { Tolerance } from './state-parts.ts';
import { readVector, type Vector, type VectorHeader } from './vector.ts';
import { atLine, readLines } from './vector-file.ts';

/** A file and what its first line says. */
export interface VectorFile {
  readonly path: string;
  readonly header: VectorHeader;
}

/** Which vectors to replay and how; plain data, for worker threads. */
export interface SliceTask {
  readonly files: readonly VectorFile[];
  /** Vector n of a file belongs to slice n modulo `count`. */
  readonly slice: { readonly index: number; readonly count: number };
  /** Matches the code name or the disassembly; undefined for all. */
  readonly only: RegExp | undefined;
  readonly includeUndefined: boolean;
  readonly includeVendor: boolean;
  readonly tolerance: Tolerance;
  /** Mismatches to keep in full. */
  readonly maxFailures: number;
}

/** Numbers of vectors. */
export interface Tally {
  passed: number;
  failed: number;
  /** The machine does not know the instruction. */
  unimplemented: number;
  skipped: number;
}

/** Why a vector is not compared. */
export type SkipReason = 'undefined' | 'vendor' | 'known-bad';

/** A vector that did not come out as recorded. */
export interface Failure {
  readonly file: string;
  readonly line: number;
  readonly bytes: string;
  readonly code: string;
  readonly disassembly: string;
  /** Initial state as the file has it: what differs from the defaults. */
  readonly initial: Readonly<Record<string, string | readonly (readonly [string, string])[]>>;
  readonly differences: readonly Difference[];
}

/** What came of a file, or of a slice of it. */
export interface FileResult {
  /** Vectors in it, selected or not. */
  vectors: number;
  /** By code name. */
  readonly codes: Map<string, Tally>;
  readonly skipped: Record<SkipReason, number>;
  /** Which vectors were skipped as known to be bad, and why. */
  readonly knownBad: Set<string>;
  /** Keys of state that the machine does not have, with the number of compared vectors. */
  readonly notCompared: Map<string, number>;
  /** In the order of the file. */
  readonly failures: Failure[];
}

/** How far a slice has come since it told the last time. */
export interface SliceProgress {
  readonly vectors: number;
  readonly failed: number;
}

/** Vectors between two reports of progress. */
const REPORT_EVERY = 500;

/**
 * Replays a slice of the files' vectors; one result a file.
 *
 * @throws VectorFileError at the first line that does not follow the format.
 */
export async function replaySlice(
  task: SliceTask,
  onProgress: (progress: SliceProgress) => void,
): Promise<FileResult[]> {
  const replayers = new Map<string, Replayer>();
  const results: FileResult[] = [];
  for (const file of task.files) {
    const { mode, cpu } = file.header;
    const vendor = vendorOf(cpu);
    const key = `${mode} ${vendor}`;
    const replayer = replayers.get(key) ?? new Replayer(mode, vendor, task.tolerance);
    replayers.set(key, replayer);
    results.push(await new FileReplay(task, file, replayer, onProgress).run());
  }
  return results;
}

/** Results of a file nothing of which has been replayed. */
export function emptyResult(): FileResult {
  return {
    vectors: 0,
    codes: new Map(),
    skipped: { undefined: 0, vendor: 0, 'known-bad': 0 },
    knownBad: new Set(),
    notCompared: new Map(),
    failures: [],
  };
}

/** All zero. */
export function emptyTally(): Tally {
  return { passed: 0, failed: 0, unimplemented: 0, skipped: 0 };
}

class FileReplay {
  readonly #task: SliceTask;
  readonly #file: VectorFile;
  readonly #replayer: Replayer;
  readonly #onProgress: (progress: SliceProgress) => void;
  readonly #result = emptyResult();
  #sinceReport = { vectors: 0, failed: 0 };

  constructor(
    task: SliceTask,
    file: VectorFile,
    replayer: Replayer,
    onProgress: (progress: SliceProgress) => void,
  ) {
    this.#task = task;
    this.#file = file;
    this.#replayer = replayer;
    this.#onProgress = onProgress;
  }

  async run(): Promise<FileResult> {
    const { path, header } = this.#file;
    const { index, count } = this.#task.slice;
    let line = 0;
    for await (const text of readLines(path)) {
      line++;
      if (line === 1 || (line - 2) % count !== index) {
        continue;
      }
      this.#vector(
        line,
        atLine(path, line, () => readVector(text, header.mode)),
      );
      this.#report(REPORT_EVERY);
    }
    this.#report(1);
    return this.#result;
  }

  #report(atLeast: number): void {
    if (this.#sinceReport.vectors >= atLeast) {
      this.#onProgress(this.#sinceReport);
      this.#sinceReport = { vectors: 0, failed: 0 };
    }
  }

  #vector(line: number, vector: Vector): void {
    const result = this.#result;
    result.vectors++;
    this.#sinceReport.vectors++;
    const { code, disassembly } = vector;
    const { only } = this.#task;
    if (only !== undefined && !only.test(code) && !only.test(disassembly)) {
      return;
    }
    let tally = result.codes.get(code);
    if (tally === undefined) {
      tally = emptyTally();
      result.codes.set(code, tally);
    }
    const skip = this.#skipReason(vector);
    if (skip !== undefined) {
      result.skipped[skip]++;
      tally.skipped++;
      return;
    }
    const verdict = this.#replayer.replay(vector);
    tally[verdict.kind]++;
    if (verdict.kind !== 'unimplemented') {
      this.#noteNotCompared(vector);
    }
    if (verdict.kind === 'failed') {
      this.#sinceReport.failed++;
      if (result.failures.length < this.#task.maxFailures) {
        result.failures.push(this.#failure(line, vector, verdict.differences));
      }
    }
  }

  #skipReason(vector: Vector): SkipReason | undefined {
    const { includeUndefined, includeVendor } = this.#task;
    const bad = knownBad(this.#file.header.group, vector);
    if (bad !== undefined) {
      this.#result.knownBad.add(`${bad.group} ${bad.hex}: ${bad.reason}`);
      return 'known-bad';
    }
    if (vector.tags.includes('undef') && !includeUndefined) {
      return 'undefined';
    }
    return vector.tags.includes('vendor') && !includeVendor ? 'vendor' : undefined;
  }

  #noteNotCompared({ initial, final }: Vector): void {
    const { notCompared } = this.#result;
    for (const key of new Set([...initial.values.keys(), ...final.values.keys()])) {
      if (!this.#replayer.models(key)) {
        notCompared.set(key, (notCompared.get(key) ?? 0) + 1);
      }
    }
  }

  #failure(line: number, vector: Vector, differences: readonly Difference[]): Failure {
    const { values, memory } = vector.initial;
    const runs = memory.map(({ address, bytes }) => [address.toString(16), toHex(bytes)] as const);
    return {
      file: this.#file.path,
      line,
      bytes: vector.hex,
      code: vector.code,
      disassembly: vector.disassembly,
      initial: { ...Object.fromEntries(values), ...(runs.length > 0 ? { mem: runs } : {}) },
      differences,
    };
  }
}
