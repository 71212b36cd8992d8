import { carriesFrom, setFlags32, setFlags64 } from '../state/flags.ts';
import { Word } from '../state/layout.ts';

const { HIGH } = Word;

/**
 * An operation of BMI1 or BMI2 as a pure function of the flags and its two sources, in the order of
 * the instruction's operands. `wide` returns the low half and leaves the high half in `Word.HIGH`.
 *
 * What the manual leaves undefined: AF becomes 0 (BEXTR: 1), PF is that of the result, SF of BEXTR
 * becomes 0.
 */
export interface BmiOperation {
  narrow(s: Int32Array, a: number, b: number): number;
  wide(s: Int32Array, aLo: number, aHi: number, bLo: number, bHi: number): number;
}

/** The same with one source. */
export interface BmiUnaryOperation {
  narrow(s: Int32Array, a: number): number;
  wide(s: Int32Array, aLo: number, aHi: number): number;
}

/** Sets SF, ZF and PF from a result, CF to `cf`, and clears OF and AF. */
function withFlags32(s: Int32Array, result: number, cf: number): number {
  setFlags32(s, result, carriesFrom(cf, 0, 0));
  return result;
}

function withFlags64(s: Int32Array, lo: number, hi: number, cf: number): number {
  setFlags64(s, lo, hi, carriesFrom(cf, 0, 0));
  return pair(s, lo, hi);
}

function pair(s: Int32Array, lo: number, hi: number): number {
  s[HIGH] = hi;
  return lo;
}

/** 1 for zero, else 0. */
function isZero(value: number): number {
  return value === 0 ? 1 : 0;
}

/** The lowest `count` bits set: none for counts up to 0, all for counts from 32 on. */
function lowBits(count: number): number {
  if (count <= 0) {
    return 0;
  }
  return count >= 32 ? -1 : (1 << count) - 1;
}

export const andn: BmiOperation = {
  narrow: (s, a, b) => withFlags32(s, ~a & b, 0),
  wide: (s, aLo, aHi, bLo, bHi) => withFlags64(s, ~aLo & bLo, ~aHi & bHi, 0),
};

/** The lowest set bit: a & -a. */
export const blsi: BmiUnaryOperation = {
  narrow: (s, a) => withFlags32(s, a & -a, 1 - isZero(a)),
  wide: (s, aLo, aHi) =>
    withFlags64(s, aLo & -aLo, aLo === 0 ? aHi & -aHi : 0, 1 - isZero(aLo | aHi)),
};

/** All bits up to the lowest set one: a ^ (a - 1). */
export const blsmsk: BmiUnaryOperation = {
  narrow: (s, a) => withFlags32(s, a ^ (a - 1), isZero(a)),
  wide: (s, aLo, aHi) =>
    withFlags64(s, aLo ^ (aLo - 1), aLo === 0 ? aHi ^ (aHi - 1) : 0, isZero(aLo | aHi)),
};

/** Without the lowest set bit: a & (a - 1). */
export const blsr: BmiUnaryOperation = {
  narrow: (s, a) => withFlags32(s, a & (a - 1), isZero(a)),
  wide: (s, aLo, aHi) =>
    withFlags64(s, aLo & (aLo - 1), aLo === 0 ? aHi & (aHi - 1) : aHi, isZero(aLo | aHi)),
};

/** Flags of BEXTR. Bit 0 of the carries makes SF 0 where the result has its top bit set. */
function extracted(top: number): number {
  return carriesFrom(0, 0, 1) | (top >>> 31);
}

/** Bits from `b` bits 7:0 on, as many as bits 15:8 say. */
export const bextr: BmiOperation = {
  narrow: (s, a, b) => {
    const start = b & 0xff;
    const result = start > 31 ? 0 : (a >>> start) & lowBits((b >>> 8) & 0xff);
    setFlags32(s, result, extracted(result));
    return result;
  },
  wide: (s, aLo, aHi, b) => {
    const start = b & 0xff;
    const length = start > 63 ? 0 : (b >>> 8) & 0xff;
    const lo = shrx.wide(s, aLo, aHi, start, 0) & lowBits(length);
    const hi = s[HIGH] & lowBits(length - 32);
    setFlags64(s, lo, hi, extracted(hi));
    return pair(s, lo, hi);
  },
};

/** The lowest bits, as many as `b` bits 7:0 say. */
export const bzhi: BmiOperation = {
  narrow: (s, a, b) => {
    const count = b & 0xff;
    return withFlags32(s, a & lowBits(count), count > 31 ? 1 : 0);
  },
  wide: (s, aLo, aHi, b) => {
    const count = b & 0xff;
    return withFlags64(s, aLo & lowBits(count), aHi & lowBits(count - 32), count > 63 ? 1 : 0);
  },
};

/*
 * From here on no flags. In shifts of pairs, `>>> 1 >>> (31 - n)` is a shift by 32 - n that also
 * holds for n = 0, where everything is to be shifted out.
 */

export const shlx: BmiOperation = {
  narrow: (_s, a, b) => a << b,
  wide: (s, aLo, aHi, b) =>
    (b & 32) !== 0
      ? pair(s, 0, aLo << b)
      : pair(s, aLo << b, (aHi << b) | ((aLo >>> 1) >>> (31 - (b & 31)))),
};

export const shrx: BmiOperation = {
  narrow: (_s, a, b) => a >>> b,
  wide: (s, aLo, aHi, b) =>
    (b & 32) !== 0
      ? pair(s, aHi >>> b, 0)
      : pair(s, (aLo >>> b) | ((aHi << 1) << (31 - (b & 31))), aHi >>> b),
};

export const sarx: BmiOperation = {
  narrow: (_s, a, b) => a >> b,
  wide: (s, aLo, aHi, b) =>
    (b & 32) !== 0
      ? pair(s, aHi >> b, aHi >> 31)
      : pair(s, (aLo >>> b) | ((aHi << 1) << (31 - (b & 31))), aHi >> b),
};

export const rorx: BmiOperation = {
  narrow: (_s, a, b) => (a >>> b) | (a << -b),
  wide: (s, aLo, aHi, b) => {
    const n = b & 31;
    const lo = (b & 32) !== 0 ? aHi : aLo;
    const hi = (b & 32) !== 0 ? aLo : aHi;
    return pair(s, (lo >>> n) | ((hi << 1) << (31 - n)), (hi >>> n) | ((lo << 1) << (31 - n)));
  },
};

function countBits(value: number): number {
  let n = value - ((value >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Puts the low bits of `source` where `mask` has bits set. */
function deposit(source: number, mask: number): number {
  let result = 0;
  let rest = source;
  for (let left = mask; left !== 0 && rest !== 0; left &= left - 1) {
    if ((rest & 1) !== 0) {
      result |= left & -left;
    }
    rest >>>= 1;
  }
  return result;
}

/** Gathers the bits of `source` where `mask` has bits set. */
function extract(source: number, mask: number): number {
  let result = 0;
  let bit = 1;
  for (let left = mask; left !== 0; left &= left - 1) {
    if ((source & left & -left) !== 0) {
      result |= bit;
    }
    bit <<= 1;
  }
  return result;
}

export const pdep: BmiOperation = {
  narrow: (_s, a, b) => deposit(a, b),
  wide: (s, aLo, aHi, bLo, bHi) => {
    const rest = shrx.wide(s, aLo, aHi, countBits(bLo), 0);
    return pair(s, deposit(aLo, bLo), deposit(rest, bHi));
  },
};

export const pext: BmiOperation = {
  narrow: (_s, a, b) => extract(a, b),
  wide: (s, aLo, aHi, bLo, bHi) => {
    const upper = shlx.wide(s, extract(aHi, bHi), 0, countBits(bLo), 0);
    return pair(s, extract(aLo, bLo) | upper, s[HIGH]);
  },
};
