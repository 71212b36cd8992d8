import { counted } from '../format.ts';
import type { FileResult, SliceProgress, Tally, VectorFile } from './slice.ts';
import { replayAll } from './slices.ts';
import { readHeader, type VectorHeader } from './vector.ts';
import { atLine, readLines, VectorFileError } from './vector-file.ts';

/** What `bit63 conform` can be asked for. */
export interface ConformOptions {
  /** Threads at most. */
  readonly jobs: number;
  /** Matches code name or disassembly of the vectors to replay; undefined for all. Not global. */
  readonly only: RegExp | undefined;
  /** Compares flags that the manual leaves undefined. */
  readonly strict: boolean;
  /** Compares CR2 after a page fault. */
  readonly faultAddress: boolean;
  /** Compares vectors whose result the manual leaves undefined. */
  readonly includeUndefined: boolean;
  /** Compares vectors that show the behaviour of one vendor's processors. */
  readonly includeVendor: boolean;
  /** Mismatches to keep in full. */
  readonly maxFailures: number;
  /** Whether instructions that the machine does not know leave it conformant. */
  readonly allowUnimplemented: boolean;
}

/** A file, and what came of it. */
export interface FileReport extends FileResult, VectorFile {
  readonly totals: Tally;
}

/** What came of all files. */
export interface ConformReport {
  readonly files: readonly FileReport[];
  readonly totals: Tally;
  readonly conformant: boolean;
  readonly milliseconds: number;
}

/** Called while vectors are replayed, with totals so far. */
export type ConformProgress = (done: number, of: number, failed: number) => void;

/**
 * Replays vectors of real processors and compares.
 *
 * @throws UsageError when a file cannot be read, VectorFileError when it is not in the format.
 */
export async function conform(
  paths: readonly string[],
  options: ConformOptions,
  onProgress: ConformProgress = () => {},
): Promise<ConformReport> {
  const start = performance.now();
  const files: VectorFile[] = [];
  for (const path of paths) {
    files.push({ path, header: await firstLine(path) });
  }
  const { jobs, strict, faultAddress, includeUndefined, includeVendor, maxFailures } = options;
  const results = await replayAll(
    {
      files,
      only: options.only,
      includeUndefined,
      includeVendor,
      tolerance: { strict, faultAddress },
      maxFailures,
    },
    jobs,
    progressTotals(files, onProgress),
  );
  const reports = files.map((file, n) => fileReport(file, results[n]));
  const totals = addTallies(reports.map((report) => report.totals));
  return {
    files: reports,
    totals,
    conformant: isConformant(totals, options),
    milliseconds: performance.now() - start,
  };
}

/** Conformance needs vectors that passed, and none that failed or could not be run. */
function isConformant(
  { passed, failed, unimplemented }: Tally,
  { allowUnimplemented }: ConformOptions,
): boolean {
  return passed > 0 && failed === 0 && (unimplemented === 0 || allowUnimplemented);
}

async function firstLine(path: string): Promise<VectorHeader> {
  for await (const line of readLines(path)) {
    return atLine(path, 1, () => readHeader(line));
  }
  throw new VectorFileError(path, undefined, 'is empty; expected vectors in the format hwvec-1');
}

function progressTotals(
  files: readonly VectorFile[],
  onProgress: ConformProgress,
): (progress: SliceProgress) => void {
  const of = files.reduce((sum, { header }) => sum + header.count, 0);
  let done = 0;
  let failed = 0;
  return (progress) => {
    done += progress.vectors;
    failed += progress.failed;
    onProgress(done, of, failed);
  };
}

/** @throws VectorFileError when the file has not as many vectors as it says. */
function fileReport(file: VectorFile, result: FileResult): FileReport {
  const { path, header } = file;
  if (result.vectors !== header.count) {
    const problem = `has ${counted(result.vectors, 'vector')}, but its header says ${header.count}`;
    throw new VectorFileError(path, undefined, problem);
  }
  return { ...file, ...result, totals: addTallies([...result.codes.values()]) };
}

function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  return {
    passed: sum((tally) => tally.passed),
    failed: sum((tally) => tally.failed),
    unimplemented: sum((tally) => tally.unimplemented),
    skipped: sum((tally) => tally.skipped),
  };
}
