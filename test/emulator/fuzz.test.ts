import { describe, expect, test } from 'vitest';
import { type Failure, Fuzzer } from './fuzz/fuzz.ts';
import { liveHeap } from './heap.ts';

/** `node scripts/fuzz.js` runs other seeds for longer. */
const SEED = 63;
const CASES = 1_000;

const fuzzer = new Fuzzer(SEED);

/** What went wrong with `CASES` cases. */
function runCases(first: number): Failure[] {
  const failures: Failure[] = [];
  for (let number = first; number < first + CASES; number++) {
    const failure = fuzzer.run(number);
    if (failure !== undefined) {
      failures.push(failure);
    }
  }
  return failures;
}

describe('random programs in all modes, at CPL 0 and 3, with and without LASS', () => {
  test.each([0, 1, 2])(
    'end within their limit, without an error of the host, and the same when watched (part %i)',
    (part) => {
      expect(runCases(part * CASES)).toEqual([]);
    },
  );

  test('leave no memory in use behind them', () => {
    const heaps = [liveHeap()];
    for (const part of [3, 4]) {
      expect(runCases(part * CASES)).toEqual([]);
      heaps.push(liveHeap());
    }
    // A leak shows in every part; what V8 keeps for itself (code, caches) comes once.
    const [first, second, third] = heaps as [number, number, number];
    expect(Math.min(second - first, third - second)).toBeLessThan(2 << 20);
  });

  test('reach far enough to mean something', () => {
    expect(fuzzer.instructions).toBeGreaterThan(40_000);
    const reached = '#PF #GP #SS #UD #BP until limit io syscall interrupt halt unimplemented';
    for (const ending of reached.split(' ')) {
      expect(fuzzer.endings.get(ending), ending).toBeGreaterThan(0);
    }
  });
});
