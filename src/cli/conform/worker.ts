import { parentPort, workerData } from 'node:worker_threads';
import { replaySlice, type SliceTask } from './slice.ts';
import { VectorFileError } from './vector-file.ts';
import type { WorkerMessage } from './worker-message.ts';

const post = (message: WorkerMessage): void => parentPort?.postMessage(message);

try {
  const results = await replaySlice(workerData as SliceTask, (progress) =>
    post({ kind: 'progress', progress }),
  );
  post({ kind: 'done', results });
} catch (error) {
  // Structured clone keeps neither the class nor the fields of an error.
  if (!(error instanceof VectorFileError)) {
    throw error;
  }
  const { file, line, problem } = error;
  post({ kind: 'bad-file', file, line, problem });
}
