import { type PageRights, PageTables, pagesOf } from './page-tables.ts';
import { type MmioDevice, PAGE_SIZE, type PhysicalMemory } from './physical.ts';

/** Linear memory of a guest as its host sees it: what is mapped where, and the bytes. */
export interface GuestMemory {
  /** Levels of paging structures, 0 without paging. */
  readonly levels: number;
  /** Maps zeroed pages; those already mapped keep their contents and get the new rights. */
  map(address: bigint, size: number, rights: PageRights): void;
  unmap(address: bigint, size: number): void;
  /** @throws UnmappedMemoryError when a page of the range is not mapped. */
  protect(address: bigint, size: number, rights: PageRights): void;
  mapDevice(address: bigint, size: number, rights: PageRights, device: MmioDevice): void;
  isMapped(address: bigint): boolean;
  /** Whether there can be memory at an address at all. */
  isAddressable(address: bigint): boolean;
  /** Calls `visit` with the physical address and size of each run of bytes within a page. */
  forEachRun(address: bigint, size: number, visit: (physical: number, size: number) => void): void;
  /** The RAM pages mapped without paging, for snapshots; none where paging does it. */
  flatMappings(): FlatMapping[];
  restoreFlatMappings(mappings: readonly FlatMapping[]): void;
}

/** A RAM page mapped without paging. */
export interface FlatMapping {
  /** Physical address in bytes. */
  readonly start: number;
  /** Offset of the page in RAM. */
  readonly frame: number;
  readonly writable: boolean;
}

/** The host touched guest memory that is not mapped. */
export class UnmappedMemoryError extends RangeError {
  /** First linear address that is not mapped. */
  readonly address: bigint;

  constructor(address: bigint) {
    super(`no guest memory is mapped at 0x${address.toString(16)}`);
    this.name = 'UnmappedMemoryError';
    this.address = address;
  }
}

/** The guest's RAM is used up. */
export class OutOfGuestMemoryError extends RangeError {
  constructor(bytes: number) {
    super(`the guest's RAM of ${bytes} bytes is used up; create the machine with a larger ramSize`);
    this.name = 'OutOfGuestMemoryError';
  }
}

/** Hands out zeroed pages of RAM by their offset, and takes them back. */
export class FramePool {
  readonly #bytes: Uint8Array;
  readonly #free: number[] = [];
  #next = 0;

  /** @param bytes All RAM. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws OutOfGuestMemoryError */
  allocate(): number {
    const recycled = this.#free.pop();
    if (recycled !== undefined) {
      this.#bytes.fill(0, recycled, recycled + PAGE_SIZE);
      return recycled;
    }
    if (this.#next + PAGE_SIZE > this.#bytes.length) {
      throw new OutOfGuestMemoryError(this.#bytes.length);
    }
    const frame = this.#next;
    this.#next += PAGE_SIZE;
    return frame;
  }

  release(frame: number): void {
    this.#free.push(frame);
  }

  /** Bytes of all RAM. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Pages still to be had. */
  get available(): number {
    return this.#free.length + Math.floor((this.#bytes.length - this.#next) / PAGE_SIZE);
  }

  /** What a snapshot needs. */
  get usage(): { next: number; free: number[] } {
    return { next: this.#next, free: [...this.#free] };
  }

  restore(usage: { next: number; free: readonly number[] }): void {
    this.#next = usage.next;
    this.#free.splice(0, this.#free.length, ...usage.free);
  }
}

/** Guest memory behind paging structures that lie in guest RAM themselves. */
export class PagedMemory implements GuestMemory {
  readonly tables: PageTables;
  readonly #frames: FramePool;
  readonly #physical: PhysicalMemory;
  #nextDevice = 0xf_0000_0000;

  constructor(levels: 3 | 4 | 5, ram: DataView, frames: FramePool, physical: PhysicalMemory) {
    this.#frames = frames;
    this.#physical = physical;
    this.tables = new PageTables(levels, ram, frames);
  }

  get levels(): number {
    return this.tables.levels;
  }

  map(address: bigint, size: number, rights: PageRights): void {
    const { available, capacity } = this.#frames;
    if (size / PAGE_SIZE > available && this.#unmappedPages(address, size) > available) {
      throw new OutOfGuestMemoryError(capacity);
    }
    for (const page of pagesOf(address, size)) {
      const known = this.tables.physicalPage(page);
      this.tables.map(page, known >= 0 ? known : this.#frames.allocate(), rights);
    }
  }

  #unmappedPages(address: bigint, size: number): number {
    let count = 0;
    for (const page of pagesOf(address, size)) {
      count += this.isMapped(page) ? 0 : 1;
    }
    return count;
  }

  unmap(address: bigint, size: number): void {
    for (const page of pagesOf(address, size)) {
      const physical = this.tables.physicalPage(page);
      if (physical >= 0) {
        this.tables.unmap(page);
        if (this.#physical.ramPage(physical, true) >= 0) {
          this.#frames.release(physical);
        }
      }
    }
  }

  protect(address: bigint, size: number, rights: PageRights): void {
    for (const page of pagesOf(address, size)) {
      if (!this.isMapped(page)) {
        throw new UnmappedMemoryError(page);
      }
    }
    this.map(address, size, rights);
  }

  mapDevice(address: bigint, size: number, rights: PageRights, device: MmioDevice): void {
    this.unmap(address, size);
    const start = this.#nextDevice;
    const pages = [...pagesOf(address, size)];
    const end = start + pages.length * PAGE_SIZE;
    this.#physical.add({ kind: 'mmio', start, end, device });
    this.#nextDevice = end;
    pages.forEach((page, n) => {
      this.tables.map(page, start + n * PAGE_SIZE, rights);
    });
  }

  isMapped(address: bigint): boolean {
    return this.tables.physicalPage(address) >= 0;
  }

  isAddressable(address: bigint): boolean {
    return this.tables.isAddressable(address);
  }

  forEachRun(address: bigint, size: number, visit: (physical: number, size: number) => void): void {
    let at = address;
    const end = address + BigInt(size);
    while (at < end) {
      const offset = Number(at % BigInt(PAGE_SIZE));
      const length = Math.min(Number(end - at), PAGE_SIZE - offset);
      const page = this.tables.physicalPage(at - BigInt(offset));
      if (page < 0) {
        throw new UnmappedMemoryError(at);
      }
      visit(page + offset, length);
      at += BigInt(length);
    }
  }

  flatMappings(): FlatMapping[] {
    return [];
  }

  restoreFlatMappings(): void {}
}

/** Guest memory without paging: linear addresses are physical ones. */
export class FlatMemory implements GuestMemory {
  readonly levels = 0;
  readonly #frames: FramePool;
  readonly #physical: PhysicalMemory;
  /** Host offset of the RAM that the frames come from. */
  readonly #hostBase: number;

  constructor(frames: FramePool, physical: PhysicalMemory, hostBase: number) {
    this.#frames = frames;
    this.#physical = physical;
    this.#hostBase = hostBase;
  }

  map(address: bigint, size: number, rights: PageRights): void {
    for (const page of pagesOf(address, size)) {
      const start = Number(page);
      const known = this.#physical.remove(start);
      const host = known?.kind === 'ram' ? known.host : this.#hostBase + this.#frames.allocate();
      const end = start + PAGE_SIZE;
      this.#physical.add({ kind: 'ram', start, end, host, writable: rights.write });
    }
  }

  unmap(address: bigint, size: number): void {
    for (const page of pagesOf(address, size)) {
      const known = this.#physical.remove(Number(page));
      if (known?.kind === 'ram') {
        this.#frames.release(known.host - this.#hostBase);
      }
    }
  }

  protect(address: bigint, size: number, rights: PageRights): void {
    this.forEachRun(address, size, () => {});
    this.map(address, size, rights);
  }

  mapDevice(address: bigint, size: number, _rights: PageRights, device: MmioDevice): void {
    const start = Number(address);
    this.#physical.add({ kind: 'mmio', start, end: start + size, device });
  }

  isMapped(address: bigint): boolean {
    return this.#physical.find(Number(address)) !== undefined;
  }

  isAddressable(address: bigint): boolean {
    return address < 1n << 32n;
  }

  forEachRun(address: bigint, size: number, visit: (physical: number, size: number) => void): void {
    for (let at = Number(address), left = size; left > 0; ) {
      if (this.#physical.find(at) === undefined) {
        throw new UnmappedMemoryError(BigInt(at));
      }
      const length = Math.min(left, PAGE_SIZE - (at % PAGE_SIZE));
      visit(at, length);
      at += length;
      left -= length;
    }
  }

  flatMappings(): FlatMapping[] {
    return this.#physical.regions.flatMap((region) =>
      region.kind === 'ram'
        ? [{ start: region.start, frame: region.host - this.#hostBase, writable: region.writable }]
        : [],
    );
  }

  restoreFlatMappings(mappings: readonly FlatMapping[]): void {
    for (const { start } of this.flatMappings()) {
      this.#physical.remove(start);
    }
    for (const { start, frame, writable } of mappings) {
      const host = this.#hostBase + frame;
      this.#physical.add({ kind: 'ram', start, end: start + PAGE_SIZE, host, writable });
    }
  }
}
