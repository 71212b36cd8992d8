import type { Comparison } from './compare.ts';
import { randomNumbers } from './program.ts';

/*
 * Where LASS is checked. A kernel loads from its own pages and, within a STAC window, from a user's;
 * translations are kept in a software TLB. What lies behind a miss is a page walk of four dependent
 * loads.
 */

const ENTRIES = 256;
const KERNEL_PAGES = 96;
const USER_PAGES = 32;
const ACCESSES = 1 << 16;
const TIMES = 48;
/** Accesses by one call, so that V8 compiles the function and not just its loop. */
const PART = 1 << 10;
/** Accesses between two STAC, and how many of them lie in the window. */
const PERIOD = 64;
const WINDOW = 8;

/** STAC and CLAC with all explicit accesses in between. */
interface Guest {
  readonly los: Int32Array;
  readonly his: Int32Array;
  /** What each page walk goes through. */
  readonly walk: Int32Array;
  readonly memory: Int32Array;
}

function makeGuest(): Guest {
  const random = randomNumbers(0x6d2b79f5);
  const los = new Int32Array(ACCESSES);
  const his = new Int32Array(ACCESSES);
  for (let n = 0; n < ACCESSES; n++) {
    const isUser = n % PERIOD < WINDOW;
    const page = isUser ? random(USER_PAGES) + KERNEL_PAGES : random(KERNEL_PAGES);
    los[n] = (page << 12) | (random(1024) << 2);
    his[n] = isUser ? 0x7fff : -1;
  }
  const pages = KERNEL_PAGES + USER_PAGES;
  return {
    los,
    his,
    walk: Int32Array.from({ length: 4096 }, () => random(4096)),
    memory: Int32Array.from({ length: pages * 1024 }, (_, n) => Math.imul(n, 0x9e3779b9)),
  };
}

const guest = makeGuest();

/** Forbidden halves as bits, for supervisor data: without AC the lower one. */
const POLICY_CLOSED = 1;
const POLICY_OPEN = 0;

/** Whether a 4-byte access touches a forbidden half. */
function violates(policy: number, lo: number, hi: number): boolean {
  const last = (lo + 3) | 0;
  const lastHi = (hi + ((lo & ~last) >>> 31)) | 0;
  const touchesLower = ~(hi & lastHi) >>> 31;
  const touchesUpper = (hi | lastHi) >>> 31;
  return (((policy & touchesLower) | ((policy >> 1) & touchesUpper)) & 1) !== 0;
}

/** Page tags and host offsets, three words an entry, for each context. */
function emptyTlb(contexts: number): Int32Array {
  return new Int32Array(contexts * ENTRIES * 3).fill(1);
}

function walkPages(lo: number): number {
  const { walk } = guest;
  let at = (lo >>> 12) & 4095;
  for (let level = 0; level < 4; level++) {
    at = walk[at];
  }
  // The tables lead nowhere: memory lies where its addresses say.
  return at < 0 ? at : 0;
}

function fault(): never {
  throw new Error('a violation in a program without any');
}

/** Fills the entry and returns the host address. */
function fill(tlb: Int32Array, entry: number, lo: number, hi: number): number {
  const offset = walkPages(lo);
  tlb[entry] = lo & ~4095;
  tlb[entry + 1] = hi;
  tlb[entry + 2] = offset;
  return (offset + lo) | 0;
}

function entryOf(first: number, lo: number): number {
  return first + ((lo >>> 12) & (ENTRIES - 1)) * 3;
}

/** Chosen: entries by access context; LASS is checked when one is filled. */
function inFill(tlb: Int32Array, from: number): number {
  const { los, his, memory } = guest;
  let sum = 0;
  let first = 0;
  let policy = POLICY_CLOSED;
  for (let n = from; n < from + PART; n++) {
    if (n % PERIOD === 0) {
      first = ENTRIES * 3;
      policy = POLICY_OPEN;
    } else if (n % PERIOD === WINDOW) {
      first = 0;
      policy = POLICY_CLOSED;
    }
    const lo = los[n];
    const hi = his[n];
    const entry = entryOf(first, lo);
    let host = (tlb[entry + 2] + lo) | 0;
    if (tlb[entry] !== (lo & ~4095) || tlb[entry + 1] !== hi) {
      if (violates(policy, lo, hi)) {
        fault();
      }
      host = fill(tlb, entry, lo, hi);
    }
    sum = (sum + memory[host >>> 2]) | 0;
  }
  return sum;
}

/** Rejected: one set of entries, LASS checked on every access. */
function onEveryAccess(tlb: Int32Array, from: number): number {
  const { los, his, memory } = guest;
  let sum = 0;
  let policy = POLICY_CLOSED;
  for (let n = from; n < from + PART; n++) {
    if (n % PERIOD === 0) {
      policy = POLICY_OPEN;
    } else if (n % PERIOD === WINDOW) {
      policy = POLICY_CLOSED;
    }
    const lo = los[n];
    const hi = his[n];
    if (violates(policy, lo, hi)) {
      fault();
    }
    const entry = entryOf(0, lo);
    let host = (tlb[entry + 2] + lo) | 0;
    if (tlb[entry] !== (lo & ~4095) || tlb[entry + 1] !== hi) {
      host = fill(tlb, entry, lo, hi);
    }
    sum = (sum + memory[host >>> 2]) | 0;
  }
  return sum;
}

/** Rejected: one set of entries, checked when filled and emptied by STAC and CLAC. */
function flushedByContext(tlb: Int32Array, from: number): number {
  const { los, his, memory } = guest;
  let sum = 0;
  let policy = POLICY_CLOSED;
  for (let n = from; n < from + PART; n++) {
    if (n % PERIOD === 0) {
      policy = POLICY_OPEN;
      tlb.fill(1);
    } else if (n % PERIOD === WINDOW) {
      policy = POLICY_CLOSED;
      tlb.fill(1);
    }
    const lo = los[n];
    const hi = his[n];
    const entry = entryOf(0, lo);
    let host = (tlb[entry + 2] + lo) | 0;
    if (tlb[entry] !== (lo & ~4095) || tlb[entry + 1] !== hi) {
      if (violates(policy, lo, hi)) {
        fault();
      }
      host = fill(tlb, entry, lo, hi);
    }
    sum = (sum + memory[host >>> 2]) | 0;
  }
  return sum;
}

/** The bound: no LASS at all. */
function withoutLass(tlb: Int32Array, from: number): number {
  const { los, his, memory } = guest;
  let sum = 0;
  for (let n = from; n < from + PART; n++) {
    const lo = los[n];
    const hi = his[n];
    const entry = entryOf(0, lo);
    let host = (tlb[entry + 2] + lo) | 0;
    if (tlb[entry] !== (lo & ~4095) || tlb[entry + 1] !== hi) {
      host = fill(tlb, entry, lo, hi);
    }
    sum = (sum + memory[host >>> 2]) | 0;
  }
  return sum;
}

/** All accesses several times, with one TLB for as many contexts. */
function repeated(
  contexts: number,
  accesses: (tlb: Int32Array, from: number) => number,
): () => number {
  return () => {
    const tlb = emptyTlb(contexts);
    let sum = 0;
    for (let time = 0; time < TIMES; time++) {
      for (let from = 0; from < ACCESSES; from += PART) {
        sum = (sum + accesses(tlb, from)) | 0;
      }
    }
    return sum;
  };
}

/** Where LASS is checked. */
export const lassPlace: Comparison = {
  title: 'LASS and the software TLB',
  unit: 'load',
  units: ACCESSES * TIMES,
  variants: [
    { name: 'checked when an entry is filled, entries by context', run: repeated(2, inFill) },
    { name: 'checked on every access', run: repeated(1, onEveryAccess) },
    { name: 'checked when filled, emptied by STAC and CLAC', run: repeated(1, flushedByContext) },
    { name: 'no LASS', run: repeated(1, withoutLass) },
  ],
};
