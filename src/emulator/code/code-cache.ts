import type { CodeMode } from '../../decoder/index.ts';
import type { CodeFetch } from '../memory/code-fetch.ts';
import type { CodeWriteListener } from '../memory/linear-memory.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import { flushWritesTo } from '../memory/tlb.ts';
import { Word } from '../state/layout.ts';
import { toAddress } from '../state/word64.ts';
import { type Block, CodePage } from './block.ts';
import type { BlockBuilder } from './block-builder.ts';

const FETCH_ENTRIES = 64;
const RECENT_BLOCKS = 1024;
const EMPTY_TAG = 1;
/** What is kept before all is thrown away, so that no guest can make it grow: some 150 MiB. */
const MAX_PAGES = 1024;
const MAX_OPERATIONS = 400_000;

/**
 * Decoded code by physical page, so that it survives changes of address space, and is thrown away
 * where memory is written.
 */
export class CodeCache implements CodeWriteListener {
  readonly #s: Int32Array;
  readonly #fetch: CodeFetch;
  readonly #builder: BlockBuilder;
  readonly #pages = new Map<number, CodePage>();
  /** Operations decoded since the last flush. */
  #operations = 0;

  /** Which page of code a linear page leads to, after all checks of a fetch. */
  readonly #tagLo = new Int32Array(FETCH_ENTRIES).fill(EMPTY_TAG);
  readonly #tagHi = new Int32Array(FETCH_ENTRIES);
  readonly #fetched: (CodePage | null)[] = new Array(FETCH_ENTRIES).fill(null);

  /** Blocks looked up in this epoch, by a hash of RIP: for RET and other branches of many targets. */
  readonly #recent: (Block | null)[] = new Array(RECENT_BLOCKS).fill(null);

  #stops: ReadonlySet<bigint> = new Set();
  readonly #isStop = (ripLo: number, ripHi: number): boolean => this.isStop(ripLo, ripHi);

  /** Changes whenever a link between blocks could lead astray. */
  epoch = 0;

  constructor(s: Int32Array, fetch: CodeFetch, builder: BlockBuilder) {
    this.#s = s;
    this.#fetch = fetch;
    this.#builder = builder;
  }

  /** Forgets which linear page leads where: after a change of paging, CPL, CS or LASS. */
  flushTranslations(): void {
    this.#tagLo.fill(EMPTY_TAG);
    this.#recent.fill(null);
    this.epoch++;
  }

  /** Forgets all decoded code. */
  flush(): void {
    for (const page of this.#pages.values()) {
      for (const block of page.blocks) {
        block.invalidate();
      }
    }
    this.#pages.clear();
    this.#fetched.fill(null);
    this.#operations = 0;
    this.flushTranslations();
  }

  /** Sets the RIP values that no block runs across, so that a run can stop there. */
  setStops(stops: ReadonlySet<bigint>): void {
    const same = stops.size === this.#stops.size && [...stops].every((at) => this.#stops.has(at));
    if (!same) {
      this.#stops = new Set(stops);
      this.flush();
    }
  }

  isStop(ripLo: number, ripHi: number): boolean {
    return this.#stops.size > 0 && this.#stops.has(toAddress(ripLo, ripHi));
  }

  holdsCode(physicalPage: number): boolean {
    return this.#pages.has(physicalPage);
  }

  codeWritten(physicalAddress: number, size: number): void {
    let from = physicalAddress;
    const end = physicalAddress + size;
    while (from < end) {
      const offset = from % PAGE_SIZE;
      const to = Math.min(end, from - offset + PAGE_SIZE);
      this.#pages.get(from - offset)?.overwritten(offset, offset + (to - from));
      from = to;
    }
  }

  /** The block at RIP if it was looked up lately and still holds. */
  recall(ripLo: number, ripHi: number): Block | null {
    const block = this.#recent[recentSlot(ripLo)];
    return block !== null && block.ripLo === ripLo && block.ripHi === ripHi && block.valid
      ? block
      : null;
  }

  /** The block at RIP. @throws Fault when its first instruction cannot be fetched. */
  lookup(mode: CodeMode): Block {
    const s = this.#s;
    const ripLo = s[Word.RIP];
    const ripHi = s[Word.RIP + 1];
    const lo = this.#fetch.linearLo(ripLo);
    const hi = mode === 64 ? ripHi : 0;
    const page = this.#page(lo, hi);
    const known = page.slots[lo & 4095];
    if (
      known !== null &&
      known.ripLo === ripLo &&
      known.ripHi === ripHi &&
      known.mode === mode &&
      (known.place.secondPage === null || this.#pageAfter(lo, hi) === known.place.secondPage)
    ) {
      this.#recent[recentSlot(ripLo)] = known;
      return known;
    }
    return this.#build(mode, lo, hi);
  }

  /** Decodes the block at RIP, whose linear address is given, and remembers it. @throws Fault */
  #build(mode: CodeMode, lo: number, hi: number): Block {
    // Not in the middle of building: the pages at hand would be forgotten.
    if (this.#operations >= MAX_OPERATIONS || this.#pages.size >= MAX_PAGES) {
      this.flush();
    }
    const s = this.#s;
    const page = this.#page(lo, hi);
    const start = lo & 4095;
    const nextPage = (): CodePage => this.#pageAfter(lo, hi);
    const block = this.#builder.build(
      mode,
      s[Word.RIP],
      s[Word.RIP + 1],
      page,
      start,
      nextPage,
      this.#isStop,
    );
    this.#operations += block.count;
    if (page.host >= 0) {
      page.slots[start]?.invalidate();
      page.add(block);
      block.place.secondPage?.add(block);
    }
    return block;
  }

  /** The code page behind a linear address, after the checks of a fetch. @throws Fault */
  #page(lo: number, hi: number): CodePage {
    const entry = (lo >>> 12) & (FETCH_ENTRIES - 1);
    const tag = lo & ~4095;
    const known = this.#fetched[entry];
    if (known !== null && this.#tagLo[entry] === tag && this.#tagHi[entry] === hi) {
      return known;
    }
    const address = this.#fetch.translate(lo, hi);
    const pageAddress = address - (address % PAGE_SIZE);
    const page = this.#pages.get(pageAddress) ?? this.#newPage(pageAddress);
    this.#tagLo[entry] = tag;
    this.#tagHi[entry] = hi;
    this.#fetched[entry] = page;
    return page;
  }

  #newPage(address: number): CodePage {
    const page = new CodePage(address, this.#fetch.hostPage(address));
    if (page.host >= 0) {
      this.#pages.set(address, page);
      flushWritesTo(this.#s, page.host);
    }
    return page;
  }

  #pageAfter(lo: number, hi: number): CodePage {
    const next = ((lo | 4095) + 1) | 0;
    return this.#page(next, this.#fetch.nextPageHigh(next, hi));
  }
}

function recentSlot(ripLo: number): number {
  return (ripLo ^ (ripLo >>> 10)) & (RECENT_BLOCKS - 1);
}
