import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DIVISION,
  divide128,
  multiply64,
  multiplySigned64,
  PRODUCT,
} from '../../src/emulator/instructions/wide-integer.ts';

/** 64-bit numbers of all lengths, their negatives, and those with halves of all ones or zeros. */
const wide = fc
  .tuple(
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.integer({ min: 0, max: 63 }),
    fc.constantFrom('as is', 'negated', 'high', 'ones'),
  )
  .map(([bits, shift, kind]) => {
    const value = bits >> BigInt(shift);
    switch (kind) {
      case 'negated':
        return BigInt.asUintN(64, -value);
      case 'high':
        return BigInt.asUintN(64, value << 32n);
      case 'ones':
        return BigInt.asUintN(64, (value << 32n) | 0xffff_ffffn);
      default:
        return value;
    }
  });

const word = (value: bigint, n: number): number =>
  Number(BigInt.asIntN(32, value >> BigInt(32 * n)));

function joined(words: Int32Array): bigint {
  return words.reduceRight((value, part) => (value << 32n) | BigInt(part >>> 0), 0n);
}

const runs = { numRuns: 3_000 };

test('products are exact, unsigned and signed', () => {
  fc.assert(
    fc.property(wide, wide, (a, b) => {
      multiply64(word(a, 0), word(a, 1), word(b, 0), word(b, 1));
      expect(joined(PRODUCT)).toBe(a * b);
      multiplySigned64(word(a, 0), word(a, 1), word(b, 0), word(b, 1));
      const signed = BigInt.asIntN(64, a) * BigInt.asIntN(64, b);
      expect(joined(PRODUCT)).toBe(BigInt.asUintN(128, signed));
    }),
    runs,
  );
});

function checkDivision(dividend: bigint, divisor: bigint): void {
  const fits = divide128(
    word(dividend, 0),
    word(dividend, 1),
    word(dividend, 2),
    word(dividend, 3),
    word(divisor, 0),
    word(divisor, 1),
  );
  expect(fits).toBe(dividend >> 64n < divisor);
  if (fits) {
    expect(joined(DIVISION.subarray(0, 2))).toBe(dividend / divisor);
    expect(joined(DIVISION.subarray(2))).toBe(dividend % divisor);
  }
}

test('quotients and remainders are exact, and those that do not fit are told', () => {
  fc.assert(
    fc.property(wide, wide, wide, (high, low, divisor) => {
      checkDivision((high << 64n) | low, divisor);
      checkDivision(low, divisor);
    }),
    runs,
  );
});

test('quotients next to a whole number are exact', () => {
  fc.assert(
    fc.property(wide, wide, (quotient, divisor) => {
      fc.pre(divisor > 0n);
      checkDivision(quotient * divisor, divisor);
      checkDivision(quotient * divisor + divisor - 1n, divisor);
      if (quotient > 0n) {
        checkDivision(quotient * divisor - 1n, divisor);
      }
    }),
    runs,
  );
});
