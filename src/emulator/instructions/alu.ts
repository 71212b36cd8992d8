import { carryFlag, setFlags32, setFlags64 } from '../state/flags.ts';
import { Word } from '../state/layout.ts';

const { CARRIES, HIGH } = Word;

/**
 * The arithmetic and logical operations as pure functions of the state's flags and their operands.
 *
 * `narrow` works on 8, 16 and 32 bits: `shift` is 32 less the operand size, operands may have any
 * bits above their size, the result is sign-extended. `wide` works on 64 bits, returns the low half
 * and leaves the high half in `HIGH`.
 */
export interface BinaryOperation {
  narrow(s: Int32Array, a: number, b: number, shift: number): number;
  wide(s: Int32Array, aLo: number, aHi: number, bLo: number, bHi: number): number;
}

/** The same for operations with one operand. */
export interface UnaryOperation {
  narrow(s: Int32Array, a: number, shift: number): number;
  wide(s: Int32Array, aLo: number, aHi: number): number;
}

/** Carries out of each bit of an addition with result `sum`, whatever was carried in. */
function carries(a: number, b: number, sum: number): number {
  return (a & b) | ((a | b) & ~sum);
}

/** Borrows into each bit above of a subtraction with result `difference`. */
function borrows(a: number, b: number, difference: number): number {
  return (~a & b) | (~(a ^ b) & difference);
}

export function addNarrow(
  s: Int32Array,
  a: number,
  b: number,
  carryIn: number,
  shift: number,
): number {
  const sum = a + b + carryIn;
  const result = (sum << shift) >> shift;
  const out = carries(a, b, sum);
  setFlags32(s, result, ((out << shift) & 0xc0000000) | (out & 8));
  return result;
}

export function addWide(
  s: Int32Array,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
  carryIn: number,
): number {
  const lo = (aLo + bLo + carryIn) | 0;
  const outLo = carries(aLo, bLo, lo);
  const hi = (aHi + bHi + (outLo >>> 31)) | 0;
  setFlags64(s, lo, hi, (carries(aHi, bHi, hi) & 0xc0000000) | (outLo & 8));
  s[HIGH] = hi;
  return lo;
}

export function subtractNarrow(
  s: Int32Array,
  a: number,
  b: number,
  borrowIn: number,
  shift: number,
): number {
  const difference = a - b - borrowIn;
  const result = (difference << shift) >> shift;
  const out = borrows(a, b, difference);
  setFlags32(s, result, ((out << shift) & 0xc0000000) | (out & 8));
  return result;
}

export function subtractWide(
  s: Int32Array,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
  borrowIn: number,
): number {
  const lo = (aLo - bLo - borrowIn) | 0;
  const outLo = borrows(aLo, bLo, lo);
  const hi = (aHi - bHi - (outLo >>> 31)) | 0;
  setFlags64(s, lo, hi, (borrows(aHi, bHi, hi) & 0xc0000000) | (outLo & 8));
  s[HIGH] = hi;
  return lo;
}

/** Flags and result of a logical operation: CF and OF are cleared, and so is AF. */
function logicalNarrow(s: Int32Array, value: number, shift: number): number {
  const result = (value << shift) >> shift;
  setFlags32(s, result, 0);
  return result;
}

function logicalWide(s: Int32Array, lo: number, hi: number): number {
  setFlags64(s, lo, hi, 0);
  s[HIGH] = hi;
  return lo;
}

export const add: BinaryOperation = {
  narrow: (s, a, b, shift) => addNarrow(s, a, b, 0, shift),
  wide: (s, aLo, aHi, bLo, bHi) => addWide(s, aLo, aHi, bLo, bHi, 0),
};

export const adc: BinaryOperation = {
  narrow: (s, a, b, shift) => addNarrow(s, a, b, carryFlag(s), shift),
  wide: (s, aLo, aHi, bLo, bHi) => addWide(s, aLo, aHi, bLo, bHi, carryFlag(s)),
};

export const sub: BinaryOperation = {
  narrow: (s, a, b, shift) => subtractNarrow(s, a, b, 0, shift),
  wide: (s, aLo, aHi, bLo, bHi) => subtractWide(s, aLo, aHi, bLo, bHi, 0),
};

export const sbb: BinaryOperation = {
  narrow: (s, a, b, shift) => subtractNarrow(s, a, b, carryFlag(s), shift),
  wide: (s, aLo, aHi, bLo, bHi) => subtractWide(s, aLo, aHi, bLo, bHi, carryFlag(s)),
};

export const and: BinaryOperation = {
  narrow: (s, a, b, shift) => logicalNarrow(s, a & b, shift),
  wide: (s, aLo, aHi, bLo, bHi) => logicalWide(s, aLo & bLo, aHi & bHi),
};

export const or: BinaryOperation = {
  narrow: (s, a, b, shift) => logicalNarrow(s, a | b, shift),
  wide: (s, aLo, aHi, bLo, bHi) => logicalWide(s, aLo | bLo, aHi | bHi),
};

export const xor: BinaryOperation = {
  narrow: (s, a, b, shift) => logicalNarrow(s, a ^ b, shift),
  wide: (s, aLo, aHi, bLo, bHi) => logicalWide(s, aLo ^ bLo, aHi ^ bHi),
};

/** CARRIES with OF and AF from `out` but CF as it was. */
function keepCarry(s: Int32Array, before: number): void {
  const after = s[CARRIES];
  const toggle = (before ^ after) & (1 << 31);
  s[CARRIES] = after ^ (toggle | (toggle >>> 1));
}

export const inc: UnaryOperation = {
  narrow: (s, a, shift) => {
    const before = s[CARRIES];
    const result = addNarrow(s, a, 1, 0, shift);
    keepCarry(s, before);
    return result;
  },
  wide: (s, aLo, aHi) => {
    const before = s[CARRIES];
    const lo = addWide(s, aLo, aHi, 1, 0, 0);
    keepCarry(s, before);
    return lo;
  },
};

export const dec: UnaryOperation = {
  narrow: (s, a, shift) => {
    const before = s[CARRIES];
    const result = subtractNarrow(s, a, 1, 0, shift);
    keepCarry(s, before);
    return result;
  },
  wide: (s, aLo, aHi) => {
    const before = s[CARRIES];
    const lo = subtractWide(s, aLo, aHi, 1, 0, 0);
    keepCarry(s, before);
    return lo;
  },
};

export const neg: UnaryOperation = {
  narrow: (s, a, shift) => subtractNarrow(s, 0, a, 0, shift),
  wide: (s, aLo, aHi) => subtractWide(s, 0, 0, aLo, aHi, 0),
};

/** NOT changes no flag. */
export const not: UnaryOperation = {
  narrow: (_s, a) => ~a,
  wide: (s, aLo, aHi) => {
    s[HIGH] = ~aHi;
    return ~aLo;
  },
};
