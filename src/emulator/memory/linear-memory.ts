import { type Instruction, Segment } from '../../decoder/index.ts';
import { checkLinear, LassAccess, type LinearAddressBits, LinearCheck } from '../../lass/index.ts';
import { Access, type Fault, type FaultCause, Vector } from '../fault.ts';
import { Word } from '../state/layout.ts';
import { is64BitMode, isLongMode } from '../state/modes.ts';
import { maskLinearAddress } from './lam.ts';
import type { Paging } from './paging.ts';
import type { PhysicalMemory } from './physical.ts';
import type { Segmentation } from './segmentation.ts';
import { dataContext, entryOf, fillEntry } from './tlb.ts';

const { Read, Write } = Access;
const { HIGH, LASS_POLICY, LINEAR_BITS, TLB_READ, TLB_WRITE } = Word;

/**
 * Host offset of the bounce buffer: where an access that is not plain RAM within one page (a page
 * crossing, a device, an observed access) finds its bytes. Offset 0 makes the test for it cheap.
 */
const BOUNCE = 0;

/** Thrown by an access to a device, of which nothing has happened yet. */
export const DEVICE_ACCESS = Symbol('device access');

/** Told of every access, and asked about LASS violations; see `LinearMemory.observer`. */
export interface AccessObserver {
  /** `data` holds what was read; changing it changes what the instruction sees. */
  afterRead(linearLo: number, linearHi: number, data: Uint8Array): void;
  /** `data` holds what is written; changing it changes what reaches memory. */
  beforeWrite(linearLo: number, linearHi: number, data: Uint8Array): void;
}

/** Told of every would-be LASS violation when auditing. */
export type AuditSink = (
  access: Access,
  linearLo: number,
  linearHi: number,
  size: number,
  segment: Segment,
) => void;

/** What is told when guest code may have been overwritten. */
export interface CodeWriteListener {
  holdsCode(physicalPage: number): boolean;
  codeWritten(physicalAddress: number, size: number): void;
}

const NO_CODE: CodeWriteListener = { holdsCode: () => false, codeWritten: () => {} };

/**
 * A processor's way to memory: segmentation, LAM, canonicality and LASS, paging, then RAM or a
 * device.
 *
 * Accesses work by pointer: `readPointer` and its kin give the host offset of `size` contiguous
 * bytes in `view`, after all checks have passed. Whoever obtained one for writing calls
 * `commit(pointer)` after the bytes are in place, and nothing may fault between the two.
 */
export class LinearMemory {
  readonly view: DataView;
  readonly #s: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #physical: PhysicalMemory;
  readonly #paging: Paging;
  readonly #segmentation: Segmentation;
  readonly #fault: Fault;

  /** Told of writes to pages that code was decoded from. */
  code: CodeWriteListener = NO_CODE;
  /**
   * Whether accesses to devices throw `DEVICE_ACCESS` instead, because RIP is not exact now. Whoever
   * sets this executes the instruction again when it is.
   */
  defersDevices = false;
  /** When set, every access goes the slow way and is reported; flush the TLB when changing it. */
  observer: AccessObserver | undefined;
  /** When set, LASS violations are reported to it and then allowed. */
  audit: AuditSink | undefined;

  #bounceLo = 0;
  #bounceHi = 0;
  #bounceSize = 0;
  #bouncePhysical = 0;
  #bouncePhysicalNext = 0;

  constructor(parts: {
    view: DataView;
    state: Int32Array;
    physical: PhysicalMemory;
    paging: Paging;
    segmentation: Segmentation;
    fault: Fault;
  }) {
    this.view = parts.view;
    this.#s = parts.state;
    this.#physical = parts.physical;
    this.#bytes = parts.physical.bytes;
    this.#paging = parts.paging;
    this.#segmentation = parts.segmentation;
    this.#fault = parts.fault;
  }

  /** Pointer to the memory operand of `i` for reading. @throws Fault */
  readPointer(i: Instruction, size: number): number {
    const lo = this.#segmentation.operandAddress(i, size, Read);
    return this.readLinear(lo, this.#s[HIGH], size, i.segment);
  }

  /** Pointer to the memory operand of `i` for writing. @throws Fault */
  writePointer(i: Instruction, size: number): number {
    const lo = this.#segmentation.operandAddress(i, size, Write);
    return this.writeLinear(lo, this.#s[HIGH], size, i.segment);
  }

  /** Pointer to the memory operand of `i` for reading and then writing. @throws Fault */
  updatePointer(i: Instruction, size: number): number {
    const lo = this.#segmentation.operandAddress(i, size, Write);
    return this.updateLinear(lo, this.#s[HIGH], size, i.segment);
  }

  /** Pointer to `size` bytes at an offset in a segment, for reading. @throws Fault */
  readAt(segment: Segment, offsetLo: number, offsetHi: number, size: number): number {
    const lo = this.#segmentation.linearize(segment, offsetLo, offsetHi, size, Read);
    return this.readLinear(lo, this.#s[HIGH], size, segment);
  }

  /** Pointer to `size` bytes at an offset in a segment, for writing. @throws Fault */
  writeAt(segment: Segment, offsetLo: number, offsetHi: number, size: number): number {
    const lo = this.#segmentation.linearize(segment, offsetLo, offsetHi, size, Write);
    return this.writeLinear(lo, this.#s[HIGH], size, segment);
  }

  /** Pointer to `size` bytes at an offset in a segment, for reading and then writing. @throws Fault */
  updateAt(segment: Segment, offsetLo: number, offsetHi: number, size: number): number {
    const lo = this.#segmentation.linearize(segment, offsetLo, offsetHi, size, Write);
    return this.updateLinear(lo, this.#s[HIGH], size, segment);
  }

  /** Pointer to `size` bytes at a linear address; `segment` decides between #SS and #GP. @throws Fault */
  readLinear(lo: number, hi: number, size: number, segment: Segment): number {
    const s = this.#s;
    const entry = entryOf(s[TLB_READ], lo);
    if (s[entry] === ((lo + size - 1) & ~4095) && s[entry + 1] === hi) {
      return (s[entry + 2] + lo) | 0;
    }
    return this.#miss(lo, hi, size, segment, Read, true);
  }

  writeLinear(lo: number, hi: number, size: number, segment: Segment): number {
    const s = this.#s;
    const entry = entryOf(s[TLB_WRITE], lo);
    if (s[entry] === ((lo + size - 1) & ~4095) && s[entry + 1] === hi) {
      return (s[entry + 2] + lo) | 0;
    }
    return this.#miss(lo, hi, size, segment, Write, false);
  }

  updateLinear(lo: number, hi: number, size: number, segment: Segment): number {
    const s = this.#s;
    const entry = entryOf(s[TLB_WRITE], lo);
    if (s[entry] === ((lo + size - 1) & ~4095) && s[entry + 1] === hi) {
      return (s[entry + 2] + lo) | 0;
    }
    return this.#miss(lo, hi, size, segment, Write, true);
  }

  /** Completes a write: the bytes at `pointer` are in place. */
  commit(pointer: number): void {
    if (pointer === BOUNCE) {
      this.#commitBounce();
    }
  }

  /** Passes the checks of a 1-byte read without reading: CLFLUSH, MONITOR. @throws Fault */
  probe(i: Instruction): void {
    const s = this.#s;
    const lo = this.#segmentation.operandAddress(i, 1, Read);
    const hi = s[HIGH];
    const entry = entryOf(s[TLB_READ], lo);
    if (s[entry] !== (lo & ~4095) || s[entry + 1] !== hi) {
      this.#miss(lo, hi, 1, i.segment, Read, false);
    }
  }

  /**
   * Host offset of a linear address whose page may be read up to its end without further checks
   * and without telling anyone; -1 where that is not known.
   */
  directRead(lo: number, hi: number): number {
    return this.#direct(this.#s[TLB_READ], lo, hi);
  }

  /** The same for writing. */
  directWrite(lo: number, hi: number): number {
    return this.#direct(this.#s[TLB_WRITE], lo, hi);
  }

  #direct(entries: number, lo: number, hi: number): number {
    const s = this.#s;
    const entry = entryOf(entries, lo);
    return s[entry] === (lo & ~4095) && s[entry + 1] === hi ? (s[entry + 2] + lo) | 0 : -1;
  }

  #miss(
    rawLo: number,
    rawHi: number,
    size: number,
    segment: Segment,
    access: Access,
    gather: boolean,
  ): number {
    const s = this.#s;
    const hi = maskLinearAddress(s, rawHi);
    const violates = this.#refused(rawLo, hi, size, segment, access);
    const context = dataContext(s);
    const room = 4096 - (rawLo & 4095);
    let next = -1;
    if (size > room) {
      this.#paging.check(rawLo, hi, access, context, size);
      const lastLo = (rawLo + size - 1) & ~4095;
      const lastHi = is64BitMode(s) ? (hi + (lastLo === 0 ? 1 : 0)) | 0 : 0;
      next = this.#paging.translate(lastLo, lastHi, access, context, size);
    }
    const physical = this.#paging.translate(rawLo, hi, access, context, size);
    const writes = access === Write;
    const page = physical - (physical % 4096);
    if (next < 0 && this.observer === undefined) {
      const host = this.#physical.ramPage(page, writes);
      if (host >= 0) {
        if (writes && this.code.holdsCode(page)) {
          this.code.codeWritten(physical, size);
        } else if (!violates) {
          fillEntry(s, s[writes ? TLB_WRITE : TLB_READ], rawLo, rawHi, host);
        }
        return host + (physical - page);
      }
    }
    if (this.defersDevices && (this.#isDevice(physical) || (next >= 0 && this.#isDevice(next)))) {
      throw DEVICE_ACCESS;
    }
    this.#bounceLo = rawLo;
    this.#bounceHi = hi;
    this.#bounceSize = size;
    this.#bouncePhysical = physical;
    this.#bouncePhysicalNext = next;
    if (gather) {
      this.#gather();
    }
    return BOUNCE;
  }

  /** Only the checks of canonicality and LASS, for what must come after them. @throws Fault */
  checkLinear(lo: number, hi: number, size: number, segment: Segment, access: Access): void {
    this.#refused(lo, maskLinearAddress(this.#s, hi), size, segment, access);
  }

  /** Canonicality and LASS. Returns whether an audited LASS violation was let through. */
  #refused(lo: number, hi: number, size: number, segment: Segment, access: Access): boolean {
    const s = this.#s;
    if (!isLongMode(s)) {
      return false;
    }
    const bits = s[LINEAR_BITS] as LinearAddressBits;
    const verdict = checkLinear(s[LASS_POLICY], LassAccess.Data, lo, hi, size, bits);
    if (verdict === LinearCheck.Ok) {
      return false;
    }
    if (verdict === LinearCheck.LassViolation && this.audit !== undefined) {
      this.audit(access, lo, hi, size, segment);
      return true;
    }
    const vector = segment === Segment.SS ? Vector.SS : Vector.GP;
    const cause: FaultCause = verdict === LinearCheck.LassViolation ? 'lass' : 'canonical';
    this.#fault.raiseAt(vector, 0, cause, access, lo, hi, size);
  }

  #isDevice(physical: number): boolean {
    return this.#physical.find(physical)?.kind === 'mmio';
  }

  #gather(): void {
    const size = this.#bounceSize;
    const first = this.#firstPart();
    this.#physical.read(this.#bouncePhysical, this.#bytes.subarray(BOUNCE, BOUNCE + first));
    if (first < size) {
      this.#physical.read(
        this.#bouncePhysicalNext,
        this.#bytes.subarray(BOUNCE + first, BOUNCE + size),
      );
    }
    this.observer?.afterRead(
      this.#bounceLo,
      this.#bounceHi,
      this.#bytes.subarray(BOUNCE, BOUNCE + size),
    );
  }

  #commitBounce(): void {
    const size = this.#bounceSize;
    const data = this.#bytes.subarray(BOUNCE, BOUNCE + size);
    this.observer?.beforeWrite(this.#bounceLo, this.#bounceHi, data);
    const first = this.#firstPart();
    this.#store(this.#bouncePhysical, data.subarray(0, first));
    if (first < size) {
      this.#store(this.#bouncePhysicalNext, data.subarray(first));
    }
  }

  #store(physical: number, data: Uint8Array): void {
    this.#physical.write(physical, data);
    if (this.code.holdsCode(physical - (physical % 4096))) {
      this.code.codeWritten(physical, data.length);
    }
  }

  /** Bytes of the bounced access in its first page. */
  #firstPart(): number {
    return Math.min(this.#bounceSize, 4096 - (this.#bouncePhysical % 4096));
  }
}
