import { Worker } from 'node:worker_threads';
import {
  emptyResult,
  emptyTally,
  type FileResult,
  replaySlice,
  type SliceProgress,
  type SliceTask,
} from './slice.ts';
import { VectorFileError } from './vector-file.ts';
import type { WorkerMessage } from './worker-message.ts';

/** Vectors for which it pays to start one more thread. */
const VECTORS_PER_THREAD = 5000;

/**
 * Replays all vectors of the files, on several threads where there are enough vectors; one result
 * a file.
 *
 * @throws VectorFileError for the first line, by file and number, that does not follow the format.
 */
export async function replayAll(
  task: Omit<SliceTask, 'slice'>,
  jobs: number,
  onProgress: (progress: SliceProgress) => void,
): Promise<FileResult[]> {
  const vectors = task.files.reduce((sum, { header }) => sum + header.count, 0);
  const count = Math.max(1, Math.min(jobs, Math.ceil(vectors / VECTORS_PER_THREAD)));
  if (count === 1) {
    return replaySlice({ ...task, slice: { index: 0, count } }, onProgress);
  }
  const slices = await Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      replayOnThread({ ...task, slice: { index, count } }, onProgress),
    ),
  );
  const errors = slices.flatMap((slice) => (slice.status === 'rejected' ? [slice.reason] : []));
  if (errors.length > 0) {
    throw firstError(task, errors);
  }
  return mergeSlices(
    slices.flatMap((slice) => (slice.status === 'fulfilled' ? [slice.value] : [])),
  );
}

function replayOnThread(
  task: SliceTask,
  onProgress: (progress: SliceProgress) => void,
): Promise<FileResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('a worker thread ended without a result')));
    worker.on('message', (message: WorkerMessage) => {
      switch (message.kind) {
        case 'progress':
          onProgress(message.progress);
          break;
        case 'done':
          resolve(message.results);
          break;
        case 'bad-file':
          reject(new VectorFileError(message.file, message.line, message.problem));
          break;
        default:
          message satisfies never;
      }
    });
  });
}

/** The error to report when each slice stopped at its own: that of the first line of them. */
function firstError({ files }: Pick<SliceTask, 'files'>, errors: readonly unknown[]): unknown {
  const order = (error: unknown): [number, number] =>
    error instanceof VectorFileError
      ? [files.findIndex(({ path }) => path === error.file), error.line ?? 0]
      : [-1, 0];
  return errors.toSorted((a, b) => {
    const [fileA, lineA] = order(a);
    const [fileB, lineB] = order(b);
    return fileA - fileB || lineA - lineB;
  })[0];
}

/** Makes one result a file out of the slices' results. */
export function mergeSlices(slices: readonly (readonly FileResult[])[]): FileResult[] {
  const [first = []] = slices;
  return first.map((_, file) => {
    const merged = emptyResult();
    for (const slice of slices) {
      addResult(merged, slice[file]);
    }
    merged.failures.sort((a, b) => a.line - b.line);
    return merged;
  });
}

function addResult(sum: FileResult, result: FileResult): void {
  sum.vectors += result.vectors;
  for (const [code, { passed, failed, unimplemented, skipped }] of result.codes) {
    const tally = sum.codes.get(code) ?? emptyTally();
    sum.codes.set(code, tally);
    tally.passed += passed;
    tally.failed += failed;
    tally.unimplemented += unimplemented;
    tally.skipped += skipped;
  }
  sum.skipped.undefined += result.skipped.undefined;
  sum.skipped.vendor += result.skipped.vendor;
  sum.skipped['known-bad'] += result.skipped['known-bad'];
  for (const bad of result.knownBad) {
    sum.knownBad.add(bad);
  }
  for (const [key, vectors] of result.notCompared) {
    sum.notCompared.set(key, (sum.notCompared.get(key) ?? 0) + vectors);
  }
  sum.failures.push(...result.failures);
}
