import { describe, expect, it } from 'vitest';
import { isStackSegment, LassAccess, lassFaultVector } from '../../src/lass/index.ts';

const prefixes = { none: 0, es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65 };

describe('the vector of a violation', () => {
  it('is #SS for data through SS and #GP for other data', () => {
    expect(lassFaultVector(LassAccess.Data, true)).toBe(12);
    expect(lassFaultVector(LassAccess.Data, false)).toBe(13);
  });

  it('is #GP for fetches, system structures and shadow stacks, whatever the segment', () => {
    for (const access of [LassAccess.Fetch, LassAccess.Implicit, LassAccess.UserForced]) {
      expect(lassFaultVector(access, true)).toBe(13);
    }
  });
});

describe('the segment that chooses it', () => {
  it.each(['es', 'cs', 'ss', 'ds'] as const)('is the default under %s: in 64-bit mode', (name) => {
    expect(isStackSegment(true, prefixes[name], true)).toBe(true);
    expect(isStackSegment(false, prefixes[name], true)).toBe(false);
  });

  it.each(['fs', 'gs'] as const)('is %s under its prefix in any mode', (name) => {
    expect(isStackSegment(true, prefixes[name], true)).toBe(false);
    expect(isStackSegment(true, prefixes[name], false)).toBe(false);
  });

  it('is the one the prefix names outside 64-bit mode', () => {
    expect(isStackSegment(false, prefixes.ss, false)).toBe(true);
    expect(isStackSegment(true, prefixes.ds, false)).toBe(false);
  });

  it('is the default without a prefix', () => {
    expect(isStackSegment(true, prefixes.none, true)).toBe(true);
    expect(isStackSegment(true, prefixes.none, false)).toBe(true);
    expect(isStackSegment(false, prefixes.none, false)).toBe(false);
  });
});
