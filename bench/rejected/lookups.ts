import type { Comparison } from './compare.ts';
import { randomNumbers } from './program.ts';

/*
 * From RIP, as it lies in the state, to the block that begins there. A program walks through its
 * pages in no order, with a few blocks in each page before it goes on to another.
 */

const PAGE = 4096;
const RUN = 8;
const LOOKUPS = 1 << 17;
/** Look-ups by one call, so that V8 compiles the function and not just its loop. */
const PART = 1 << 10;
const FETCH_ENTRIES = 64;

interface Block {
  readonly number: number;
}

interface Code {
  /** Linear addresses, low and high halves in turn. */
  readonly addresses: Int32Array;
  /** Indices into `addresses` / 2: what is looked up, in order. */
  readonly order: Int32Array;
}

function makeCode(pages: number, blocksInPage: number): Code {
  const random = randomNumbers(pages);
  const addresses = new Int32Array(2 * pages * blocksInPage);
  for (let page = 0; page < pages; page++) {
    const base = 0x7f00_0000_0000n + BigInt(page * 3 * PAGE);
    for (let n = 0; n < blocksInPage; n++) {
      const address = base + BigInt(Math.floor((n * PAGE) / blocksInPage) + random(16));
      const at = 2 * (page * blocksInPage + n);
      addresses[at] = Number(BigInt.asIntN(32, address));
      addresses[at + 1] = Number(address >> 32n);
    }
  }
  const order = new Int32Array(LOOKUPS);
  for (let n = 0; n < LOOKUPS; n += RUN) {
    const page = random(pages);
    for (let k = 0; k < RUN; k++) {
      order[n + k] = page * blocksInPage + random(blocksInPage);
    }
  }
  return { addresses, order };
}

/** Looks up everything in order; RIP goes through the state, as in an interpreter. */
function walk(code: Code, rip: Int32Array, find: () => Block): number {
  let sum = 0;
  for (let from = 0; from < LOOKUPS; from += PART) {
    sum = walkPart(code, from, rip, find, sum);
  }
  return sum;
}

function walkPart(
  { addresses, order }: Code,
  from: number,
  rip: Int32Array,
  find: () => Block,
  start: number,
): number {
  let sum = start;
  for (let n = from; n < from + PART; n++) {
    const at = 2 * order[n];
    rip[0] = addresses[at];
    rip[1] = addresses[at + 1];
    sum = (Math.imul(sum, 3) + find().number) | 0;
  }
  return sum;
}

function blockOf(found: Block | null | undefined): Block {
  if (found === null || found === undefined) {
    throw new Error('no block here');
  }
  return found;
}

interface Page {
  readonly slots: (Block | null)[];
}

/** Chosen: the page through a small table like a TLB, then a slot for each byte of it. */
function bySlot(code: Code): () => number {
  const { addresses } = code;
  const pages = new Map<number, Page>();
  for (let at = 0; at < addresses.length; at += 2) {
    const key = pageNumber(addresses[at], addresses[at + 1]);
    const page = pages.get(key) ?? { slots: new Array(PAGE).fill(null) };
    pages.set(key, page);
    page.slots[addresses[at] & (PAGE - 1)] = { number: at };
  }
  const tags = new Int32Array(2 * FETCH_ENTRIES).fill(1);
  const entries: (Page | null)[] = new Array(FETCH_ENTRIES).fill(null);
  const rip = new Int32Array(2);
  const find = (): Block => {
    const lo = rip[0];
    const hi = rip[1];
    const entry = (lo >>> 12) & (FETCH_ENTRIES - 1);
    let page = entries[entry];
    if (page === null || tags[2 * entry] !== (lo & -PAGE) || tags[2 * entry + 1] !== hi) {
      page = pages.get(pageNumber(lo, hi)) ?? null;
      tags[2 * entry] = lo & -PAGE;
      tags[2 * entry + 1] = hi;
      entries[entry] = page;
    }
    return blockOf(page?.slots[lo & (PAGE - 1)]);
  };
  return () => walk(code, rip, find);
}

function pageNumber(lo: number, hi: number): number {
  return hi * 0x10_0000 + (lo >>> 12);
}

function byNumber(code: Code): () => number {
  const { addresses } = code;
  const blocks = new Map<number, Block>();
  for (let at = 0; at < addresses.length; at += 2) {
    blocks.set(addresses[at + 1] * 0x1_0000_0000 + (addresses[at] >>> 0), { number: at });
  }
  const rip = new Int32Array(2);
  const find = () => blockOf(blocks.get(rip[1] * 0x1_0000_0000 + (rip[0] >>> 0)));
  return () => walk(code, rip, find);
}

function byBigInt(code: Code): () => number {
  const { addresses } = code;
  const wide = new BigUint64Array(addresses.buffer);
  const blocks = new Map<bigint, Block>();
  wide.forEach((address, n) => {
    blocks.set(address, { number: 2 * n });
  });
  const rip = new Int32Array(2);
  const wideRip = new BigUint64Array(rip.buffer);
  const find = () => blockOf(blocks.get(wideRip[0]));
  return () => walk(code, rip, find);
}

function comparison(title: string, code: Code): Comparison {
  return {
    title,
    unit: 'look-up',
    units: LOOKUPS,
    variants: [
      { name: 'slot in a page', run: bySlot(code) },
      { name: 'Map by number', run: byNumber(code) },
      { name: 'Map by BigInt', run: byBigInt(code) },
    ],
  };
}

/** How a block is found: in code that stays in the host's caches, and in code that does not. */
export const lookups: readonly Comparison[] = [
  comparison('block look-ups, 320 blocks', makeCode(8, 40)),
  comparison('block look-ups, 40,000 blocks', makeCode(1_000, 40)),
];
