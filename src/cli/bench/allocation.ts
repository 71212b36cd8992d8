import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a run of a function left on the JavaScript heap. */
export interface Allocation {
  /** Bytes: the median of several rounds, less what measuring itself allocates. */
  readonly bytes: number;
  /** Garbage collections seen during the rounds; 0, or else `bytes` means nothing. */
  readonly collections: number;
}

const ROUNDS = 5;

/**
 * Measures the bytes that `run` allocates: growth of the used heap, which is exact as long as no
 * garbage collection happens in between, so those are counted too.
 */
export async function measureAllocation(run: () => void): Promise<Allocation> {
  const nothing = () => {};
  medianGrowth(nothing);
  medianGrowth(run);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();

  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  await setTimeout(50);
  collections = 0;
  const bytes = medianGrowth(run) - medianGrowth(nothing);
  await setTimeout(50);
  observer.disconnect();
  return { bytes, collections };
}

function medianGrowth(run: () => void): number {
  const growths = new Float64Array(ROUNDS);
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.memoryUsage().heapUsed;
    run();
    growths[round] = process.memoryUsage().heapUsed - before;
  }
  return growths.sort()[ROUNDS >> 1];
}
