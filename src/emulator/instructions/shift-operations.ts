import { carryFlag, setCarryAndOverflow, setFlags32, setFlags64 } from '../state/flags.ts';
import { Word } from '../state/layout.ts';

const { HIGH } = Word;

/** AF in `Word.CARRIES`: shifts leave it set. */
const AUXILIARY = 8;
const BIT_30 = 1 << 30;

/**
 * Shifts and rotates as pure functions of the flags and their operands.
 *
 * They mask the count as the instruction does, and change nothing if that leaves 0. `narrow` works
 * on `bits` of 8, 16 or 32; 8- and 16-bit values come zero-extended, and the result may have any
 * bits above its size. `wide` works on 64 bits, returns the low half and leaves the high half in
 * `Word.HIGH`.
 *
 * What the manual leaves undefined (AF of shifts, OF for counts above 1, CF for counts above the
 * operand size) comes out as if the same circuit served every count.
 */
export interface ShiftOperation {
  narrow(s: Int32Array, value: number, count: number, bits: number): number;
  wide(s: Int32Array, lo: number, hi: number, count: number): number;
}

/** The same for the double shifts, which fill with the bits of `fill`. */
export interface DoubleShiftOperation {
  narrow(s: Int32Array, value: number, fill: number, count: number, bits: number): number;
  wide(
    s: Int32Array,
    lo: number,
    hi: number,
    fillLo: number,
    fillHi: number,
    count: number,
  ): number;
}

/** Bit `n` of a 64-bit number. */
function bitOf(lo: number, hi: number, n: number): number {
  return ((n < 32 ? lo : hi) >>> n) & 1;
}

/** Bit 31 of a word, moved to bit 30: that bit of `Word.CARRIES` is CF xor OF. */
function signToBit30(word: number): number {
  return (word >>> 1) & BIT_30;
}

/** Bits 63 and 62 (or 31 and 30) of a result differ: OF of right shifts and rotates. */
function topBitsDiffer(top: number): number {
  return (top ^ (top << 1)) >>> 31;
}

export function shlNarrow(s: Int32Array, value: number, count: number, bits: number): number {
  const n = count & 31;
  if (n === 0) {
    return value;
  }
  const shift = 32 - bits;
  const result = ((value << n) << shift) >> shift;
  // For counts above `bits` this looks at a bit above the value, which is 0.
  const cf = value >>> (bits - n);
  setFlags32(s, result, (cf << 31) | signToBit30(result) | AUXILIARY);
  return result;
}

export function shlWide(s: Int32Array, lo: number, hi: number, count: number): number {
  const n = count & 63;
  if (n === 0) {
    s[HIGH] = hi;
    return lo;
  }
  const cf = bitOf(lo, hi, 64 - n);
  const resultLo = n < 32 ? lo << n : 0;
  const resultHi = n < 32 ? (hi << n) | (lo >>> (32 - n)) : lo << n;
  setFlags64(s, resultLo, resultHi, (cf << 31) | signToBit30(resultHi) | AUXILIARY);
  s[HIGH] = resultHi;
  return resultLo;
}

export function shrNarrow(s: Int32Array, value: number, count: number, bits: number): number {
  const n = count & 31;
  if (n === 0) {
    return value;
  }
  const result = value >>> n;
  const cf = (value >>> (n - 1)) & 1;
  // Only a shift by one leaves a one below the top bit that came from the top: OF.
  const of = (result >>> (bits - 2)) & 1;
  setFlags32(s, result, (cf << 31) | ((cf ^ of) << 30) | AUXILIARY);
  return result;
}

export function shrWide(s: Int32Array, lo: number, hi: number, count: number): number {
  const n = count & 63;
  if (n === 0) {
    s[HIGH] = hi;
    return lo;
  }
  const cf = bitOf(lo, hi, n - 1);
  const resultLo = n < 32 ? (lo >>> n) | (hi << (32 - n)) : hi >>> n;
  const resultHi = n < 32 ? hi >>> n : 0;
  const of = topBitsDiffer(resultHi);
  setFlags64(s, resultLo, resultHi, (cf << 31) | ((cf ^ of) << 30) | AUXILIARY);
  s[HIGH] = resultHi;
  return resultLo;
}

export function sarNarrow(s: Int32Array, value: number, count: number, bits: number): number {
  const n = count & 31;
  if (n === 0) {
    return value;
  }
  const shift = 32 - bits;
  const extended = (value << shift) >> shift;
  const result = extended >> n;
  const cf = (extended >> (n - 1)) << 31;
  setFlags32(s, result, cf | signToBit30(cf) | AUXILIARY);
  return result;
}

export function sarWide(s: Int32Array, lo: number, hi: number, count: number): number {
  const n = count & 63;
  if (n === 0) {
    s[HIGH] = hi;
    return lo;
  }
  const cf = bitOf(lo, hi, n - 1) << 31;
  const resultLo = n < 32 ? (lo >>> n) | (hi << (32 - n)) : hi >> n;
  const resultHi = n < 32 ? hi >> n : hi >> 31;
  setFlags64(s, resultLo, resultHi, cf | signToBit30(cf) | AUXILIARY);
  s[HIGH] = resultHi;
  return resultLo;
}

export function rolNarrow(s: Int32Array, value: number, count: number, bits: number): number {
  if ((count & 31) === 0) {
    return value;
  }
  const n = count & (bits - 1);
  const result = (value << n) | (value >>> (bits - n));
  const cf = result & 1;
  setCarryAndOverflow(s, cf, ((result >>> (bits - 1)) & 1) ^ cf);
  return result;
}

export function rolWide(s: Int32Array, lo: number, hi: number, count: number): number {
  const n = count & 63;
  if (n === 0) {
    s[HIGH] = hi;
    return lo;
  }
  const low = n < 32 ? lo : hi;
  const high = n < 32 ? hi : lo;
  // Two shifts, as the second must shift out everything when n is 32.
  const resultLo = (low << n) | ((high >>> 1) >>> ~n);
  const resultHi = (high << n) | ((low >>> 1) >>> ~n);
  const cf = resultLo & 1;
  setCarryAndOverflow(s, cf, (resultHi >>> 31) ^ cf);
  s[HIGH] = resultHi;
  return resultLo;
}

export function rorNarrow(s: Int32Array, value: number, count: number, bits: number): number {
  if ((count & 31) === 0) {
    return value;
  }
  const n = count & (bits - 1);
  const result = (value >>> n) | (value << (bits - n));
  const top = result << (32 - bits);
  setCarryAndOverflow(s, top >>> 31, topBitsDiffer(top));
  return result;
}

export function rorWide(s: Int32Array, lo: number, hi: number, count: number): number {
  const n = count & 63;
  if (n === 0) {
    s[HIGH] = hi;
    return lo;
  }
  const low = n < 32 ? lo : hi;
  const high = n < 32 ? hi : lo;
  const resultLo = (low >>> n) | ((high << 1) << ~n);
  const resultHi = (high >>> n) | ((low << 1) << ~n);
  setCarryAndOverflow(s, resultHi >>> 31, topBitsDiffer(resultHi));
  s[HIGH] = resultHi;
  return resultLo;
}

export const shl: ShiftOperation = { narrow: shlNarrow, wide: shlWide };
export const shr: ShiftOperation = { narrow: shrNarrow, wide: shrWide };
export const sar: ShiftOperation = { narrow: sarNarrow, wide: sarWide };
export const rol: ShiftOperation = { narrow: rolNarrow, wide: rolWide };
export const ror: ShiftOperation = { narrow: rorNarrow, wide: rorWide };

/** Rotates through CF go bit by bit: no program uses them for long ways. */
export const rcl: ShiftOperation = {
  narrow: (s, value, count, bits) => {
    if ((count & 31) === 0) {
      return value;
    }
    let result = value;
    let cf = carryFlag(s);
    for (let n = (count & 31) % (bits + 1); n > 0; n--) {
      const out = (result >>> (bits - 1)) & 1;
      result = (result << 1) | cf;
      cf = out;
    }
    setCarryAndOverflow(s, cf, ((result >>> (bits - 1)) & 1) ^ cf);
    return result;
  },
  wide: (s, lo, hi, count) => {
    let resultLo = lo;
    let resultHi = hi;
    let cf = carryFlag(s);
    for (let n = count & 63; n > 0; n--) {
      const out = resultHi >>> 31;
      resultHi = (resultHi << 1) | (resultLo >>> 31);
      resultLo = (resultLo << 1) | cf;
      cf = out;
    }
    if ((count & 63) !== 0) {
      setCarryAndOverflow(s, cf, (resultHi >>> 31) ^ cf);
    }
    s[HIGH] = resultHi;
    return resultLo;
  },
};

export const rcr: ShiftOperation = {
  narrow: (s, value, count, bits) => {
    if ((count & 31) === 0) {
      return value;
    }
    let result = value;
    let cf = carryFlag(s);
    for (let n = (count & 31) % (bits + 1); n > 0; n--) {
      const out = result & 1;
      result = (result >>> 1) | (cf << (bits - 1));
      cf = out;
    }
    setCarryAndOverflow(s, cf, topBitsDiffer(result << (32 - bits)));
    return result;
  },
  wide: (s, lo, hi, count) => {
    let resultLo = lo;
    let resultHi = hi;
    let cf = carryFlag(s);
    for (let n = count & 63; n > 0; n--) {
      const out = resultLo & 1;
      resultLo = (resultLo >>> 1) | (resultHi << 31);
      resultHi = (resultHi >>> 1) | (cf << 31);
      cf = out;
    }
    if ((count & 63) !== 0) {
      setCarryAndOverflow(s, cf, topBitsDiffer(resultHi));
    }
    s[HIGH] = resultHi;
    return resultLo;
  },
};

/**
 * A 16-bit SHLD by more than 16, whose result is undefined, goes on with the bits of `fill` from
 * its top again: what is shifted is value:fill:fill.
 */
export const shld: DoubleShiftOperation = {
  narrow: (s, value, fill, count, bits) => {
    const n = count & 31;
    if (n === 0) {
      return value;
    }
    const shift = 32 - bits;
    const filled = bits === 32 ? value : (value << 16) | fill;
    const result = ((filled << n) | ((fill << shift) >>> (32 - n))) >> shift;
    const cf = value >>> (bits - n);
    setFlags32(s, result, (cf << 31) | signToBit30((value << n) << shift) | AUXILIARY);
    return result;
  },
  wide: (s, lo, hi, fillLo, fillHi, count) => {
    const n = count & 63;
    if (n === 0) {
      s[HIGH] = hi;
      return lo;
    }
    const cf = bitOf(lo, hi, 64 - n);
    const high = n < 32 ? hi : lo;
    const middle = n < 32 ? lo : fillHi;
    const low = n < 32 ? fillHi : fillLo;
    const resultHi = (high << n) | ((middle >>> 1) >>> ~n);
    const resultLo = (middle << n) | ((low >>> 1) >>> ~n);
    setFlags64(s, resultLo, resultHi, (cf << 31) | signToBit30(resultHi) | AUXILIARY);
    s[HIGH] = resultHi;
    return resultLo;
  },
};

/** Likewise a 16-bit SHRD shifts fill:fill:value. */
export const shrd: DoubleShiftOperation = {
  narrow: (s, value, fill, count, bits) => {
    const n = count & 31;
    if (n === 0) {
      return value;
    }
    const shift = 32 - bits;
    const filled = bits === 32 ? value : (fill << 16) | value;
    const result = (((filled >>> n) | (fill << (32 - n))) << shift) >> shift;
    const cf = (value >>> (n - 1)) & 1;
    const of = topBitsDiffer(result << shift);
    setFlags32(s, result, (cf << 31) | ((cf ^ of) << 30) | AUXILIARY);
    return result;
  },
  wide: (s, lo, hi, fillLo, fillHi, count) => {
    const n = count & 63;
    if (n === 0) {
      s[HIGH] = hi;
      return lo;
    }
    const cf = bitOf(lo, hi, n - 1);
    const low = n < 32 ? lo : hi;
    const middle = n < 32 ? hi : fillLo;
    const high = n < 32 ? fillLo : fillHi;
    const resultLo = (low >>> n) | ((middle << 1) << ~n);
    const resultHi = (middle >>> n) | ((high << 1) << ~n);
    const of = topBitsDiffer(resultHi);
    setFlags64(s, resultLo, resultHi, (cf << 31) | ((cf ^ of) << 30) | AUXILIARY);
    s[HIGH] = resultHi;
    return resultLo;
  },
};
