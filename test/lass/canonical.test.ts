import { describe, expect, it } from 'vitest';
import { isCanonical, isCanonicalRange, lastByteHi } from '../../src/lass/index.ts';
import { high, low } from './reference.ts';

const holes = [
  { bits: 48, lastLow: 0x0000_7fff_ffff_ffffn, firstHigh: 0xffff_8000_0000_0000n },
  { bits: 57, lastLow: 0x00ff_ffff_ffff_ffffn, firstHigh: 0xff00_0000_0000_0000n },
] as const;

const titled = (...addresses: bigint[]) =>
  addresses.map((address) => [`0x${address.toString(16)}`, address] as const);

describe.each(holes)('with $bits-bit linear addresses', ({ bits, lastLow, firstHigh }) => {
  const range = (address: bigint, size: number) =>
    isCanonicalRange(high(address), lastByteHi(low(address), high(address), size), bits);

  it.each(titled(0n, lastLow, firstHigh, 0xffff_ffff_ffff_ffffn))(
    '%s is canonical',
    (_, address) => {
      expect(isCanonical(high(address), bits)).toBe(true);
    },
  );

  it.each(titled(lastLow + 1n, firstHigh - 1n, 1n << 63n, (1n << 63n) - 1n))(
    '%s is in the hole',
    (_, address) => {
      expect(isCanonical(high(address), bits)).toBe(false);
    },
  );

  it('an access may end at the last byte below the hole but not run into it', () => {
    expect(range(lastLow - 7n, 8)).toBe(true);
    expect(range(lastLow - 6n, 8)).toBe(false);
  });

  it('an access may start at the first byte above the hole but not inside it', () => {
    expect(range(firstHigh, 8)).toBe(true);
    expect(range(firstHigh - 1n, 8)).toBe(false);
  });

  it('an access that wraps from the top to 0 is canonical at both ends', () => {
    expect(range(0xffff_ffff_ffff_fffcn, 8)).toBe(true);
  });
});

describe('5-level paging', () => {
  it('makes addresses canonical that 4-level paging refuses', () => {
    const hi = high(0x00ff_0000_0000_0000n);
    expect(isCanonical(hi, 48)).toBe(false);
    expect(isCanonical(hi, 57)).toBe(true);
  });
});
