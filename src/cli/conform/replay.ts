import { type Exit, Machine } from '../../index.ts';
import { CODE, CODE_PAGE, SCRATCH_REGIONS } from './machine-model.ts';
import { type MemoryDifference, Scratch } from './scratch.ts';
import { hex, STATE_PARTS, type StatePart, type Tolerance } from './state-parts.ts';
import type { Vector, VectorMode } from './vector.ts';

/** One thing that is not as recorded, in words. */
export interface Difference {
  /** A register, `exception`, `memory 0x10001000`, … */
  readonly part: string;
  readonly expected: string;
  readonly got: string;
}

/** What came of a vector. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'unimplemented' }
  | { readonly kind: 'failed'; readonly differences: readonly Difference[] };

const MIB = 1 << 20;
/** Follows the instruction, so that no block goes on behind it. */
const INT3 = 0xcc;
const PADDING = 16;
/** Runs that a REP instruction may take; scratch memory ends long before. */
const MAX_RUNS = 10_000;
const PASSED: Verdict = { kind: 'passed' };
const UNIMPLEMENTED: Verdict = { kind: 'unimplemented' };

/** Replays vectors of one mode on one machine. */
export class Replayer {
  readonly #mode: VectorMode;
  readonly #tolerance: Tolerance;
  readonly #parts: readonly StatePart[];
  #machine!: Machine;
  #scratch!: Scratch[];

  constructor(mode: VectorMode, tolerance: Tolerance) {
    this.#mode = mode;
    this.#tolerance = tolerance;
    this.#parts = STATE_PARTS[mode];
  }
}
