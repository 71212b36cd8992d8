import { describe, expect, it } from 'vitest';
import { checkAddress, LassAccess, LinearCheck, lassPolicy } from '../../src/lass/index.ts';

const user = lassPolicy({ lass: true, smap: true, lma: true, cs64: true, cpl: 3, ac: false });
const read = (address: number | bigint, size?: number, bits?: 48 | 57) =>
  checkAddress(user, LassAccess.Data, address, size, bits);

describe('checkAddress', () => {
  it('takes an address as a number or as a bigint', () => {
    expect(read(0x7f00_0000_1000)).toBe(LinearCheck.Ok);
    expect(read(0x7f00_0000_1000n, 8)).toBe(LinearCheck.Ok);
    expect(read(0xffff_8880_0000_1000n, 8)).toBe(LinearCheck.LassViolation);
    expect(read(0x8000_0000_0000, 8)).toBe(LinearCheck.NonCanonical);
    expect(read(0x8000_0000_0000, 8, 57)).toBe(LinearCheck.Ok);
  });

  it('checks an access of no bytes as one byte', () => {
    expect(read(0x8000_0000, 0)).toBe(LinearCheck.Ok);
    expect(read(0xffff_ffff_8000_0000n, 0)).toBe(LinearCheck.LassViolation);
  });

  it.each([
    ['a negative address', () => read(-1n), 'address', -1n, '-0x1'],
    ['an address of 65 bits', () => read(1n << 64n), 'address', 1n << 64n, '0x10000000000000000'],
    ['a number that lost bits', () => read(2 ** 60), 'address', 2 ** 60, String(2 ** 60)],
    ['a fraction', () => read(0.5), 'address', 0.5, '0.5'],
    ['a negative size', () => read(0, -8), 'size', -8, '-8'],
    ['a size over 2^31', () => read(0, 2 ** 31 + 1), 'size', 2 ** 31 + 1, '2147483649'],
    ['a fractional size', () => read(0, 1.5), 'size', 1.5, '1.5'],
    ['another width', () => read(0, 1, 52 as 48), 'linearAddressBits', 52, '52'],
    ['another kind', () => checkAddress(user, 6 as 0, 0n), 'access', 6, '6'],
    ['no policy word', () => checkAddress(1 << 12, 0, 0n), 'policy', 4096, '4096'],
  ])('refuses %s, naming it', (_, attempt, argument, value, shown) => {
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(expect.objectContaining({ argument, value }));
    expect(attempt).toThrow(`${argument} must be`);
    expect(attempt).toThrow(`not ${shown}`);
  });
});
