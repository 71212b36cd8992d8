import { describe, expect, it } from 'vitest';
import {
  LassAccess,
  LassArgumentError,
  type LassState,
  lassPolicy,
  lassPolicyWord,
} from '../../src/lass/index.ts';
import { allStates, violatesByTheBook } from './reference.ts';

const kernel: LassState = { lass: true, smap: true, lma: true, cs64: true, cpl: 0, ac: false };

/** The verdicts of a word as `lower/upper`, one letter a half: v violation, - none. */
function verdicts(state: LassState): Record<keyof typeof LassAccess, string> {
  const word = lassPolicy(state);
  const pairs = Object.entries(LassAccess).map(([name, access]) => {
    const bits = (word >> (2 * access)) & 3;
    return [name, `${bits & 1 ? 'v' : '-'}/${bits & 2 ? 'v' : '-'}`];
  });
  return Object.fromEntries(pairs);
}

describe('the policy word', () => {
  it('forbids the lower half to a kernel outside its STAC window', () => {
    expect(verdicts(kernel)).toEqual({
      Fetch: 'v/-',
      Data: 'v/-',
      Implicit: 'v/-',
      UserForced: '-/v',
      Exempt: '-/-',
      Prefetch: 'v/-',
    });
  });

  it('opens the lower half to data, but to nothing else, inside the window', () => {
    expect(verdicts({ ...kernel, ac: true })).toEqual({
      Fetch: 'v/-',
      Data: '-/-',
      Implicit: 'v/-',
      UserForced: '-/v',
      Exempt: '-/-',
      Prefetch: '-/-',
    });
  });

  it('keeps only the fetch rule for a kernel without SMAP', () => {
    expect(verdicts({ ...kernel, smap: false })).toEqual({
      Fetch: 'v/-',
      Data: '-/-',
      Implicit: '-/-',
      UserForced: '-/v',
      Exempt: '-/-',
      Prefetch: '-/-',
    });
  });

  it('forbids the upper half to user code, and the lower one to the tables it loads from', () => {
    expect(verdicts({ ...kernel, cpl: 3, ac: true })).toEqual({
      Fetch: '-/v',
      Data: '-/v',
      Implicit: 'v/-',
      UserForced: '-/v',
      Exempt: '-/-',
      Prefetch: '-/v',
    });
  });

  it('counts any explicit address of compatibility mode as lower half', () => {
    expect(verdicts({ ...kernel, cs64: false })).toEqual({
      Fetch: 'v/v',
      Data: 'v/v',
      Implicit: 'v/-',
      UserForced: '-/-',
      Exempt: '-/-',
      Prefetch: 'v/v',
    });
    expect(verdicts({ ...kernel, cs64: false, cpl: 3 })).toEqual({
      Fetch: '-/-',
      Data: '-/-',
      Implicit: 'v/-',
      UserForced: '-/-',
      Exempt: '-/-',
      Prefetch: '-/-',
    });
  });

  it('is 0 without CR4.LASS or without IA-32e mode', () => {
    const off = allStates().filter(({ lass, lma }) => !lass || !lma);
    expect(off).toHaveLength(96);
    expect(off.map(lassPolicy).filter((word) => word !== 0)).toEqual([]);
  });

  it('has the bits of the SDM rules in all 128 states, and no others', () => {
    const halves = [0x1000n, 0xffff_8000_0000_0000n];
    const expected = (state: LassState) =>
      Object.values(LassAccess).reduce<number>(
        (word, access) =>
          halves.reduce(
            (bits, address, half) =>
              bits | (Number(violatesByTheBook(state, access, address, 1)) << (2 * access + half)),
            word,
          ),
        0,
      );
    expect(allStates()).toHaveLength(128);
    expect(allStates().map(lassPolicy)).toEqual(allStates().map(expected));
  });

  it('is the same for CPL 0, 1 and 2', () => {
    const words = [0, 1, 2].map((cpl) => lassPolicy({ ...kernel, cpl }));
    expect(new Set(words).size).toBe(1);
  });

  it.each([4, -1, 1.5, Number.NaN])('refuses CPL %s, and says so', (cpl) => {
    const attempt = () => lassPolicy({ ...kernel, cpl });
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(LassArgumentError);
    expect(attempt).toThrow(expect.objectContaining({ argument: 'cpl', value: cpl }));
    expect(attempt).toThrow(String(cpl));
  });
});

describe('the policy word from raw registers', () => {
  it('takes bits 27 and 21 of CR4, bit 10 of EFER and bit 18 of RFLAGS, and no others', () => {
    for (const state of allStates()) {
      const noise = 0xffff_ffff | 0;
      const cr4 = noise & ~((1 << 27) | (1 << 21));
      const efer = noise & ~(1 << 10);
      const rflags = noise & ~(1 << 18);
      const word = lassPolicyWord(
        cr4 | (Number(state.lass) << 27) | (Number(state.smap) << 21),
        efer | (Number(state.lma) << 10),
        state.cs64,
        state.cpl,
        rflags | (Number(state.ac) << 18),
      );
      expect(word).toBe(lassPolicy(state));
    }
  });
});
