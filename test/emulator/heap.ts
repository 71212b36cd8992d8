import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of objects and buffers in use, garbage not counted. */
export function liveHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  // What one collection frees may have kept other things alive: finalizers, code, weak maps.
  for (let round = 0; round < 4; round++) {
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
