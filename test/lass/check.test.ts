import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLinear,
  isLassViolation,
  isLassViolationSized,
  LassAccess,
  LinearCheck,
  lassPolicy,
  lastByteHi,
} from '../../src/lass/index.ts';
import {
  allStates,
  boundaries,
  high,
  isCanonicalByTheBook,
  low,
  violatesByTheBook,
} from './reference.ts';

const accesses = Object.values(LassAccess);
const sizes = [1, 2, 4, 8, 10, 15, 16, 64, 512, 4096, 2 ** 31 - 1, 2 ** 31];

const anyState = fc.constantFrom(...allStates());
const anyAccess = fc.constantFrom(...accesses);
const anySize = fc.oneof(fc.constantFrom(...sizes), fc.integer({ min: 1, max: 2 ** 31 }));
const anyAddress = fc.oneof(
  fc
    .tuple(fc.constantFrom(...boundaries), fc.integer({ min: -600, max: 600 }))
    .map(([boundary, offset]) => BigInt.asUintN(64, boundary + BigInt(offset))),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

describe('the LASS check', () => {
  it('agrees with the five rules of the SDM for any state, access, address and size', () => {
    fc.assert(
      fc.property(anyState, anyAccess, anyAddress, anySize, (state, access, address, size) => {
        const [lo, hi] = [low(address), high(address)];
        const expected = violatesByTheBook(state, access, address, size);
        const policy = lassPolicy(state);
        expect(isLassViolationSized(policy, access, lo, hi, size)).toBe(expected);
        expect(isLassViolation(policy, access, hi, lastByteHi(lo, hi, size))).toBe(expected);
      }),
      { numRuns: 20_000 },
    );
  });

  it('agrees with them at every boundary, in every state, for every kind', () => {
    const wrong: unknown[] = [];
    for (const state of allStates()) {
      const policy = lassPolicy(state);
      for (const access of accesses) {
        for (const address of boundaries.flatMap((b) => [b - 8n, b - 1n, b, b + 1n])) {
          for (const size of [1, 8, 16]) {
            const whole = BigInt.asUintN(64, address);
            const expected = violatesByTheBook(state, access, whole, size);
            const found = isLassViolationSized(policy, access, low(whole), high(whole), size);
            if (found !== expected) {
              wrong.push({ state, access, address, size });
            }
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('puts the canonical test first and LASS second', () => {
    fc.assert(
      fc.property(
        anyState,
        anyAccess,
        anyAddress,
        anySize,
        fc.constantFrom(48 as const, 57 as const),
        (state, access, address, size, bits) => {
          const expected = !isCanonicalByTheBook(address, size, bits)
            ? LinearCheck.NonCanonical
            : violatesByTheBook(state, access, address, size)
              ? LinearCheck.LassViolation
              : LinearCheck.Ok;
          const found = checkLinear(
            lassPolicy(state),
            access,
            low(address),
            high(address),
            size,
            bits,
          );
          expect(found).toBe(expected);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('sees only the bit 63 of an address', () => {
    const policy = lassPolicy({ lass: true, smap: true, lma: true, cs64: true, cpl: 3, ac: false });
    expect(isLassViolation(policy, LassAccess.Data, 0x7fffffff, 0x7fffffff)).toBe(false);
    expect(isLassViolation(policy, LassAccess.Data, -0x80000000, -0x80000000)).toBe(true);
  });
});

describe('the last byte of an access', () => {
  it('lies in the upper word that 64-bit addition gives, wrapping to 0', () => {
    fc.assert(
      fc.property(anyAddress, anySize, (address, size) => {
        const last = BigInt.asUintN(64, address + BigInt(size) - 1n);
        expect(lastByteHi(low(address), high(address), size)).toBe(high(last));
      }),
      { numRuns: 20_000 },
    );
  });

  it('is the first byte when the size is 1', () => {
    expect(lastByteHi(-1, -1, 1)).toBe(-1);
  });

  it('is in the lower half when 8 bytes start 4 below the top', () => {
    expect(lastByteHi(-4, -1, 8)).toBe(0);
  });
});
