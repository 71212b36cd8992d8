import { CARRIES, HIGH, type OperationName, RESULT } from './program.ts';

/*
 * 64-bit operations on int32 pairs. Each returns the low half, leaves the high one in HIGH, and
 * leaves result and carry vector for the flags.
 */

export type Operation64 = (
  s: Int32Array,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
) => number;

function finish(s: Int32Array, lo: number, hi: number, carries: number): number {
  s[RESULT] = lo;
  s[RESULT + 1] = hi;
  s[CARRIES] = carries;
  s[HIGH] = hi;
  return lo;
}

function sum(
  s: Int32Array,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
  carry: number,
): number {
  const lo = (aLo + bLo + carry) | 0;
  const out = (aLo & bLo) | ((aLo | bLo) & ~lo);
  const hi = (aHi + bHi + (out >>> 31)) | 0;
  return finish(s, lo, hi, (aHi & bHi) | ((aHi | bHi) & ~hi));
}

function difference(
  s: Int32Array,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
  borrow: number,
): number {
  const lo = (aLo - bLo - borrow) | 0;
  const out = (~aLo & bLo) | ((~aLo | bLo) & lo);
  const hi = (aHi - bHi - (out >>> 31)) | 0;
  return finish(s, lo, hi, (~aHi & bHi) | ((~aHi | bHi) & hi));
}

export const add64: Operation64 = (s, aLo, aHi, bLo, bHi) => sum(s, aLo, aHi, bLo, bHi, 0);
export const adc64: Operation64 = (s, aLo, aHi, bLo, bHi) =>
  sum(s, aLo, aHi, bLo, bHi, s[CARRIES] >>> 31);
export const sub64: Operation64 = (s, aLo, aHi, bLo, bHi) => difference(s, aLo, aHi, bLo, bHi, 0);
export const sbb64: Operation64 = (s, aLo, aHi, bLo, bHi) =>
  difference(s, aLo, aHi, bLo, bHi, s[CARRIES] >>> 31);
export const xor64: Operation64 = (s, aLo, aHi, bLo, bHi) => finish(s, aLo ^ bLo, aHi ^ bHi, 0);
export const and64: Operation64 = (s, aLo, aHi, bLo, bHi) => finish(s, aLo & bLo, aHi & bHi, 0);
export const or64: Operation64 = (s, aLo, aHi, bLo, bHi) => finish(s, aLo | bLo, aHi | bHi, 0);
/** MOV has no flags. */
export const mov64: Operation64 = (s, _aLo, _aHi, bLo, bHi) => {
  s[HIGH] = bHi;
  return bLo;
};

export const OPERATION_64: Readonly<Record<OperationName, Operation64>> = {
  add: add64,
  sub: sub64,
  xor: xor64,
  and: and64,
  or: or64,
  adc: adc64,
  sbb: sbb64,
  mov: mov64,
};
