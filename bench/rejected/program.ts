/*
 * The little program that the ways of executing instructions are compared on: arithmetic on 64-bit
 * registers as pairs of int32, in blocks, with lazy flags. It stands apart from src/, so that the
 * comparisons stay what they are when src/ changes.
 */

/** The operations, by number. */
export const OPERATIONS = ['add', 'sub', 'xor', 'and', 'or', 'adc', 'sbb', 'mov'] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** What an instruction does. Slots are word indices of registers. */
export interface Step {
  readonly operation: OperationName;
  readonly destination: number;
  readonly source: number;
}

export const REGISTERS = 16;
/** Word indices: the lazy flags, and what a loop does once a block. */
export const RESULT = 36;
export const CARRIES = 38;
export const RIP = 40;
export const PENDING = 42;
export const HIGH = 43;

const BLOCK = 6;
const STEPS = 96;
/** Runs of the program in one sample. */
export const TIMES = 20_000;
export const INSTRUCTIONS = STEPS * TIMES;

/** A repeatable random number from 0 to `below` - 1. */
export function randomNumbers(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** The program: random operations on random registers. */
export function program(): readonly Step[] {
  const random = randomNumbers(0x1234567);
  return Array.from({ length: STEPS }, () => ({
    operation: OPERATIONS[random(OPERATIONS.length)],
    destination: 2 * random(REGISTERS),
    source: 2 * random(REGISTERS),
  }));
}

/** A state to run it on. */
export function freshState(): Int32Array {
  const s = new Int32Array(128);
  for (let word = 0; word < 2 * REGISTERS; word++) {
    s[word] = Math.imul(word + 1, 0x9e3779b9);
  }
  return s;
}

/** What it leaves behind. */
export function checksum(s: Int32Array): number {
  return s.subarray(0, 2 * REGISTERS).reduce((sum, word) => (Math.imul(sum, 31) + word) | 0, 0);
}

/** A variant's run: the program TIMES times on a fresh state. */
export function repeated(once: (s: Int32Array) => void): () => number {
  return () => {
    const s = freshState();
    for (let time = 0; time < TIMES; time++) {
      once(s);
    }
    return checksum(s);
  };
}

/** Parts of BLOCK elements. */
export function inBlocks<T>(items: readonly T[]): T[][] {
  const blocks: T[][] = [];
  for (let at = 0; at < items.length; at += BLOCK) {
    blocks.push(items.slice(at, at + BLOCK));
  }
  return blocks;
}
