/*
 * Products of 128 bits and divisions of 128 by 64 bits on pairs of int32. Results that do not fit
 * in a return value are left in PRODUCT and DIVISION, to be read before the next call.
 */

/** The last 128-bit product, least significant word first. */
export const PRODUCT = new Int32Array(4);

/** The last quotient (words 0 and 1) and remainder (words 2 and 3). */
export const DIVISION = new Int32Array(4);

const TWO_32 = 0x1_0000_0000;
/** Slightly less than one: keeps an estimated quotient from exceeding the true one. */
const UNDERESTIMATE = 1 - 2 ** -49;

/** High half of the unsigned product of two 32-bit numbers. */
export function multiplyHigh32(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const crossA = Math.imul(aHigh, bLow);
  const crossB = Math.imul(aLow, bHigh);
  const middle = (Math.imul(aLow, bLow) >>> 16) + (crossA & 0xffff) + (crossB & 0xffff);
  return (Math.imul(aHigh, bHigh) + (crossA >>> 16) + (crossB >>> 16) + (middle >>> 16)) | 0;
}

/** Unsigned 64 x 64 -> 128 bits, into `PRODUCT`. */
export function multiply64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const middle =
    (multiplyHigh32(aLo, bLo) >>> 0) + (Math.imul(aLo, bHi) >>> 0) + (Math.imul(aHi, bLo) >>> 0);
  const top =
    (multiplyHigh32(aLo, bHi) >>> 0) +
    (multiplyHigh32(aHi, bLo) >>> 0) +
    (Math.imul(aHi, bHi) >>> 0) +
    Math.floor(middle / TWO_32);
  PRODUCT[0] = Math.imul(aLo, bLo);
  PRODUCT[1] = middle | 0;
  PRODUCT[2] = top | 0;
  PRODUCT[3] = multiplyHigh32(aHi, bHi) + Math.floor(top / TWO_32);
}

/** Signed 64 x 64 -> 128 bits, into `PRODUCT`. */
export function multiplySigned64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  multiply64(aLo, aHi, bLo, bHi);
  // A negative factor is 2^64 too large when read as unsigned.
  if (aHi < 0) {
    subtractFromHigh(bLo, bHi);
  }
  if (bHi < 0) {
    subtractFromHigh(aLo, aHi);
  }
}

function subtractFromHigh(lo: number, hi: number): void {
  const borrow = isBelow(PRODUCT[2], lo) ? 1 : 0;
  PRODUCT[2] -= lo;
  PRODUCT[3] -= hi + borrow;
}

/** Unsigned a < b for 32 bits. */
function isBelow(a: number, b: number): boolean {
  return a >>> 0 < b >>> 0;
}

/** Unsigned a < b for 64 bits. */
function isBelow64(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  return aHi === bHi ? isBelow(aLo, bLo) : isBelow(aHi, bHi);
}

/** Whether a 64-bit number, read as unsigned, is exact as a double. */
function isExact(hi: number): boolean {
  return hi >>> 21 === 0;
}

function setDivision(quotient: number, remainder: number): void {
  DIVISION[0] = quotient | 0;
  DIVISION[1] = Math.floor(quotient / TWO_32);
  DIVISION[2] = remainder | 0;
  DIVISION[3] = Math.floor(remainder / TWO_32);
}

/**
 * Unsigned 128 / 64 bits, into `DIVISION`. The dividend is n3:n2:n1:n0, the divisor d1:d0.
 *
 * @returns Whether the quotient fits in 64 bits and the divisor is not zero; if not, `DIVISION` is
 * unchanged.
 */
export function divide128(
  n0: number,
  n1: number,
  n2: number,
  n3: number,
  d0: number,
  d1: number,
): boolean {
  if (!isBelow64(n2, n3, d0, d1)) {
    return false;
  }
  if ((n2 | n3) === 0 && isExact(n1)) {
    divideExact((n1 >>> 0) * TWO_32 + (n0 >>> 0), d0, d1);
    return true;
  }
  const high = divideStep(n3, n2, n1, d0, d1);
  const low = divideStep(DIVISION[3], DIVISION[2], n0, d0, d1);
  DIVISION[0] = low;
  DIVISION[1] = high;
  return true;
}

/** The quotient of two exact doubles below 2^53, rounded down, is exact too. */
function divideExact(dividend: number, d0: number, d1: number): void {
  if (isExact(d1)) {
    const divisor = (d1 >>> 0) * TWO_32 + (d0 >>> 0);
    const quotient = Math.floor(dividend / divisor);
    setDivision(quotient, dividend - quotient * divisor);
  } else {
    setDivision(0, dividend);
  }
}

/**
 * One digit of a long division in base 2^32: divides n2:n1:n0 by d1:d0, where n2:n1 < d1:d0.
 * Returns the digit and leaves the remainder in `DIVISION`.
 *
 * The digit is estimated in doubles. Their rounding errors are relative ones below 2^-50, and the
 * digit is below 2^32, so that the estimate is right or one too small.
 */
function divideStep(n2: number, n1: number, n0: number, d0: number, d1: number): number {
  const dividend = ((n2 >>> 0) * TWO_32 + (n1 >>> 0)) * TWO_32 + (n0 >>> 0);
  const divisor = (d1 >>> 0) * TWO_32 + (d0 >>> 0);
  const digit = Math.floor((dividend / divisor) * UNDERESTIMATE) | 0;
  const low = (n0 >>> 0) - (Math.imul(digit, d0) >>> 0);
  const middle =
    (n1 >>> 0) -
    (multiplyHigh32(digit, d0) >>> 0) -
    (Math.imul(digit, d1) >>> 0) +
    Math.floor(low / TWO_32);
  const r0 = low | 0;
  const r1 = middle | 0;
  const r2 = (n2 - multiplyHigh32(digit, d1) + Math.floor(middle / TWO_32)) | 0;
  if (r2 === 0 && isBelow64(r0, r1, d0, d1)) {
    DIVISION[2] = r0;
    DIVISION[3] = r1;
    return digit;
  }
  DIVISION[2] = r0 - d0;
  DIVISION[3] = r1 - d1 - (isBelow(r0, d0) ? 1 : 0);
  return (digit + 1) | 0;
}
