/** A device behind physical addresses. `data` is only valid during the call. */
export interface MmioDevice {
  /** Fills `data` with what the guest reads at `offset` bytes into the region. */
  read(offset: number, data: Uint8Array): void;
  /** Takes the bytes that the guest writes at `offset`. */
  write(offset: number, data: Uint8Array): void;
}

interface RamRegion {
  readonly kind: 'ram';
  readonly start: number;
  readonly end: number;
  /** Host offset of the first byte in the WebAssembly memory. */
  readonly host: number;
  readonly writable: boolean;
}

interface MmioRegion {
  readonly kind: 'mmio';
  readonly start: number;
  readonly end: number;
  readonly device: MmioDevice;
}

/** What stands behind a range of physical addresses, both ends in bytes, `end` excluded. */
export type PhysicalRegion = RamRegion | MmioRegion;

export const PAGE_SIZE = 4096;

/** The physical address map. Addresses are numbers in bytes, below 2^52. */
export class PhysicalMemory {
  readonly bytes: Uint8Array;
  readonly #regions: PhysicalRegion[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get regions(): readonly PhysicalRegion[] {
    return this.#regions;
  }

  /** @throws RangeError when the region overlaps one that is already there. */
  add(region: PhysicalRegion): void {
    const clash = this.#regions.find((r) => region.start < r.end && r.start < region.end);
    if (clash !== undefined) {
      throw new RangeError(
        `physical region ${hex(region.start)}..${hex(region.end)} overlaps ${hex(clash.start)}..${hex(clash.end)}`,
      );
    }
    this.#regions.push(region);
  }

  /** Takes away the region that starts at an address. */
  remove(start: number): PhysicalRegion | undefined {
    const at = this.#regions.findIndex((region) => region.start === start);
    return at < 0 ? undefined : this.#regions.splice(at, 1)[0];
  }

  find(address: number): PhysicalRegion | undefined {
    return this.#regions.find(({ start, end }) => address >= start && address < end);
  }

  /** Host offset of a whole 4 KiB page of RAM, or -1 where the page is something else. */
  ramPage(address: number, forWriting: boolean): number {
    const region = this.find(address);
    if (
      region === undefined ||
      region.kind !== 'ram' ||
      address + PAGE_SIZE > region.end ||
      (forWriting && !region.writable)
    ) {
      return -1;
    }
    return region.host + (address - region.start);
  }

  /** Reads within one page; unmapped bytes read as FFh, as on an undriven bus. */
  read(address: number, data: Uint8Array): void {
    const region = this.find(address);
    if (region === undefined || address + data.length > region.end) {
      data.fill(0xff);
    } else if (region.kind === 'ram') {
      const host = region.host + (address - region.start);
      data.set(this.bytes.subarray(host, host + data.length));
    } else {
      region.device.read(address - region.start, data);
    }
  }

  /** Writes within one page; writes to nothing and to read-only memory are lost. */
  write(address: number, data: Uint8Array): void {
    const region = this.find(address);
    if (region === undefined || address + data.length > region.end) {
      return;
    }
    if (region.kind === 'mmio') {
      region.device.write(address - region.start, data);
    } else if (region.writable) {
      this.bytes.set(data, region.host + (address - region.start));
    }
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`;
