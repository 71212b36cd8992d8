import { Word } from './layout.ts';

const { CARRIES, RESULT, SYSTEM_FLAGS } = Word;

/** RFLAGS bits. SDM vol. 1, "EFLAGS Register". */
export const Flag = {
  CF: 1 << 0,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  IOPL: 3 << 12,
  NT: 1 << 14,
  RF: 1 << 16,
  VM: 1 << 17,
  AC: 1 << 18,
  VIF: 1 << 19,
  VIP: 1 << 20,
  ID: 1 << 21,
} as const;

/** CF, PF, AF, ZF, SF and OF. */
export const ARITHMETIC_FLAGS = Flag.CF | Flag.PF | Flag.AF | Flag.ZF | Flag.SF | Flag.OF;
const FIXED_ONE = 2;
const KEPT_AS_THEY_ARE =
  Flag.TF |
  Flag.IF |
  Flag.DF |
  Flag.IOPL |
  Flag.NT |
  Flag.RF |
  Flag.VM |
  Flag.AC |
  Flag.VIF |
  Flag.VIP |
  Flag.ID;

/*
 * The arithmetic flags are kept as what the last operation left, and read out on demand:
 *
 *   RESULT   its result, sign-extended to 64 bits: ZF, SF and PF follow from it
 *   CARRIES  bit 31       carry out of the top bit: CF
 *            bit 30       carry into the top bit: OF is bit 31 xor bit 30
 *            bit 3        carry out of bit 3: AF
 *            bits 8-15    xored into the low byte of the result before PF is taken
 *            bit 0        xored into SF
 *
 * An addition stores its carry vector there as it is, a logical operation stores 0.
 */

const CF_BIT = 1 << 31;
const OF_BIT = 1 << 30;
const AF_BIT = 1 << 3;

export function carryFlag(s: Int32Array): number {
  return s[CARRIES] >>> 31;
}

export function overflowFlag(s: Int32Array): number {
  const carries = s[CARRIES];
  return (carries ^ (carries << 1)) >>> 31;
}

export function auxiliaryFlag(s: Int32Array): number {
  return (s[CARRIES] >>> 3) & 1;
}

export function zeroFlag(s: Int32Array): number {
  return (s[RESULT] | s[RESULT + 1]) === 0 ? 1 : 0;
}

export function signFlag(s: Int32Array): number {
  return (s[RESULT + 1] >>> 31) ^ (s[CARRIES] & 1);
}

export function parityFlag(s: Int32Array): number {
  let byte = s[RESULT] ^ (s[CARRIES] >>> 8);
  byte ^= byte >>> 4;
  return (0x9669 >>> (byte & 15)) & 1;
}

/** RFLAGS as an int32. */
export function readFlags(s: Int32Array): number {
  return (
    s[SYSTEM_FLAGS] |
    FIXED_ONE |
    carryFlag(s) |
    (parityFlag(s) << 2) |
    (auxiliaryFlag(s) << 4) |
    (zeroFlag(s) << 6) |
    (signFlag(s) << 7) |
    (overflowFlag(s) << 11)
  );
}

/** Sets the six arithmetic flags from their RFLAGS bits; the others are ignored. */
export function writeArithmeticFlags(s: Int32Array, flags: number): void {
  const cf = flags & Flag.CF;
  const of = (flags >>> 11) & 1;
  const result = flags & Flag.ZF ? 0 : 1;
  const parity = result ^ ((flags >>> 2) & 1) ^ 1;
  s[RESULT] = result;
  s[RESULT + 1] = 0;
  s[CARRIES] =
    (cf << 31) |
    ((cf ^ of) << 30) |
    (((flags >>> 4) & 1) << 3) |
    (parity << 8) |
    ((flags >>> 7) & 1);
}

/** Sets RFLAGS; reserved bits are ignored. Callers that change AC must refresh the context. */
export function writeFlags(s: Int32Array, flags: number): void {
  s[SYSTEM_FLAGS] = flags & KEPT_AS_THEY_ARE;
  writeArithmeticFlags(s, flags);
}

/** Sets CF, leaving the other five. */
export function setCarryFlag(s: Int32Array, cf: number): void {
  const carries = s[CARRIES];
  const toggle = (carries >>> 31) ^ cf;
  s[CARRIES] = carries ^ ((toggle << 31) | (toggle << 30));
}

/** Sets ZF, leaving the other five. */
export function setZeroFlag(s: Int32Array, zf: number): void {
  const sf = signFlag(s);
  const pf = parityFlag(s);
  s[RESULT] = zf ^ 1;
  s[RESULT + 1] = 0;
  // PF of a result of 1 is 0, of 0 it is 1.
  s[CARRIES] = (s[CARRIES] & ~0xff01) | ((zf ^ pf) << 8) | sf;
}

/** Sets CF and OF, leaving the other four: what rotates do. */
export function setCarryAndOverflow(s: Int32Array, cf: number, of: number): void {
  s[CARRIES] = (s[CARRIES] & ~(CF_BIT | OF_BIT)) | (cf << 31) | ((cf ^ of) << 30);
}

/** A carry vector with the given CF, OF and AF, for operations that have no carries of their own. */
export function carriesFrom(cf: number, of: number, af: number): number {
  return (cf << 31) | ((cf ^ of) << 30) | (af ? AF_BIT : 0);
}

/** Sets SF, ZF and PF from a 32-bit (or sign-extended narrower) result, CF, OF and AF from `carries`. */
export function setFlags32(s: Int32Array, result: number, carries: number): void {
  s[RESULT] = result;
  s[RESULT + 1] = result >> 31;
  s[CARRIES] = carries;
}

/** The same from a 64-bit result. */
export function setFlags64(s: Int32Array, lo: number, hi: number, carries: number): void {
  s[RESULT] = lo;
  s[RESULT + 1] = hi;
  s[CARRIES] = carries;
}
