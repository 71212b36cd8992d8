import { Entry } from './paging.ts';
import { PAGE_SIZE } from './physical.ts';

/** What a page allows, besides being present. */
export interface PageRights {
  readonly write: boolean;
  readonly execute: boolean;
  readonly user: boolean;
}

/** Hands out physical pages, by address in bytes. */
export interface FrameSource {
  /** A zeroed page. @throws Error when there is none left. */
  allocate(): number;
}

const ENTRIES = 512n;
const FRAME = 0x000f_ffff_ffff_f000n;
const XD = 1n << 63n;
const TABLE = BigInt(Entry.P | Entry.RW | Entry.US);

/**
 * Builds paging structures in guest memory: PAE paging (3 levels), 4-level or 5-level paging.
 * Addresses are bigint here; nothing of this is on a hot path.
 */
export class PageTables {
  readonly levels: 3 | 4 | 5;
  /** Physical address of the top structure, what CR3 holds. */
  readonly root: number;
  readonly #ram: DataView;
  readonly #frames: FrameSource;

  /** @param ram Guest physical memory from address 0. */
  constructor(levels: 3 | 4 | 5, ram: DataView, frames: FrameSource) {
    this.levels = levels;
    this.#ram = ram;
    this.#frames = frames;
    this.root = frames.allocate();
    if (levels === 3) {
      // The PDPTEs are loaded with CR3 and may hold neither rights nor be absent later.
      for (let n = 0; n < 4; n++) {
        this.#write(this.root + 8 * n, BigInt(frames.allocate() | Entry.P));
      }
    }
  }

  /** Maps the page at a linear address, replacing what was there. */
  map(linear: bigint, physical: number, rights: PageRights): void {
    const bits = Entry.P | (rights.write ? Entry.RW : 0) | (rights.user ? Entry.US : 0);
    const entry = BigInt(physical) | BigInt(bits) | (rights.execute ? 0n : XD);
    this.#write(this.#leaf(linear, true), entry);
  }

  /** Whether it is an address that these structures can map: of 32 bits, or canonical. */
  isAddressable(linear: bigint): boolean {
    if (this.levels === 3) {
      return linear < 1n << 32n;
    }
    const bits = this.levels === 5 ? 57 : 48;
    return BigInt.asUintN(64, BigInt.asIntN(bits, linear)) === linear;
  }

  /** Physical address of the page mapped at a linear address, or -1. */
  physicalPage(linear: bigint): number {
    const at = this.isAddressable(linear) ? this.#leaf(linear, false) : -1;
    const entry = at < 0 ? 0n : this.#read(at);
    return (entry & BigInt(Entry.P)) === 0n ? -1 : Number(entry & FRAME);
  }

  unmap(linear: bigint): void {
    const at = this.isAddressable(linear) ? this.#leaf(linear, false) : -1;
    if (at >= 0) {
      this.#write(at, 0n);
    }
  }

  /** Where the entry of a page lies, or -1 if there is no table for it and none was asked for. */
  #leaf(linear: bigint, create: boolean): number {
    let table = this.root;
    for (let level = this.levels; level > 1; level--) {
      const at = table + 8 * index(linear, level);
      let entry = this.#read(at);
      if ((entry & BigInt(Entry.P)) === 0n) {
        if (!create) {
          return -1;
        }
        entry = BigInt(this.#frames.allocate()) | TABLE;
        this.#write(at, entry);
      }
      table = Number(entry & FRAME);
    }
    return table + 8 * index(linear, 1);
  }

  #read(address: number): bigint {
    return this.#ram.getBigUint64(address, true);
  }

  #write(address: number, entry: bigint): void {
    this.#ram.setBigUint64(address, entry, true);
  }
}

function index(linear: bigint, level: number): number {
  return Number((linear >> BigInt(12 + 9 * (level - 1))) % ENTRIES);
}

/** The addresses of the pages that a range touches. */
export function* pagesOf(address: bigint, size: number): Generator<bigint> {
  const page = BigInt(PAGE_SIZE);
  const first = address - (address % page);
  for (let at = first; at < address + BigInt(size); at += page) {
    yield at;
  }
}
