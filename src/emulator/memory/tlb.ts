import { Flag } from '../state/flags.ts';
import { Area, Word } from '../state/layout.ts';

const { CPL, SYSTEM_FLAGS, TLB_READ, TLB_WRITE } = Word;

/**
 * The software TLB: which pages an access context may reach without further checks. An entry is
 * made only after canonicality, LASS and paging have all passed, so a hit costs nothing for them;
 * STAC, CLAC and a change of CPL switch the context instead of emptying anything.
 *
 * One entry is four words: page address low (1 marks an empty entry) and high, and what to add to
 * the low half of a linear address to get its host offset.
 */
const TLB_ENTRIES = 256;
const TLB_ENTRY_WORDS = 4;
const WORDS_PER_KIND = TLB_ENTRIES * TLB_ENTRY_WORDS;
const EMPTY_TAG = 1;
const FIRST_WORD = Area.TLB / 4;

/** Whose accesses an entry is for. */
export const AccessContext = {
  User: 0,
  Supervisor: 1,
  /** Supervisor with RFLAGS.AC = 1: the STAC window. */
  SupervisorAc: 2,
  /** Accesses to descriptor tables and TSS, supervisor at any CPL, AC ignored. */
  Implicit: 3,
} as const;
export type AccessContext = (typeof AccessContext)[keyof typeof AccessContext];

/** Whose the explicit data accesses of a processor are in its present state. */
export function dataContext(s: Int32Array): AccessContext {
  if (s[CPL] === 3) {
    return AccessContext.User;
  }
  return (s[SYSTEM_FLAGS] & Flag.AC) !== 0 ? AccessContext.SupervisorAc : AccessContext.Supervisor;
}

/** Makes `context` the one that `TLB_READ` and `TLB_WRITE` point to. */
export function selectContext(s: Int32Array, context: AccessContext): void {
  const first = FIRST_WORD + context * 2 * WORDS_PER_KIND;
  s[TLB_READ] = first;
  s[TLB_WRITE] = first + WORDS_PER_KIND;
}

/** Word index of the entry of a page, given the index of the first entry. */
export function entryOf(first: number, linearLo: number): number {
  return first + ((linearLo >>> 12) & (TLB_ENTRIES - 1)) * TLB_ENTRY_WORDS;
}

export function fillEntry(
  s: Int32Array,
  first: number,
  linearLo: number,
  linearHi: number,
  hostPage: number,
): void {
  const entry = entryOf(first, linearLo);
  const page = linearLo & ~4095;
  s[entry] = page;
  s[entry + 1] = linearHi;
  s[entry + 2] = (hostPage - page) | 0;
}

/** Empties all contexts. */
export function flushTlb(s: Int32Array): void {
  s.fill(EMPTY_TAG, FIRST_WORD, FIRST_WORD + 4 * 2 * WORDS_PER_KIND);
}

/** Empties the write entries that lead to one host page, in all contexts. */
export function flushWritesTo(s: Int32Array, hostPage: number): void {
  for (let context = 0; context < 4; context++) {
    const first = FIRST_WORD + (context * 2 + 1) * WORDS_PER_KIND;
    for (let entry = first; entry < first + WORDS_PER_KIND; entry += TLB_ENTRY_WORDS) {
      if (s[entry] !== EMPTY_TAG && ((s[entry + 2] + s[entry]) | 0) === hostPage) {
        s[entry] = EMPTY_TAG;
      }
    }
  }
}
