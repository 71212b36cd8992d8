import { Access, type Fault, type FaultCause, Vector } from '../fault.ts';
import { Cr0, Cr4, Efer } from '../state/control.ts';
import { Word } from '../state/layout.ts';
import type { PhysicalMemory } from './physical.ts';
import { AccessContext } from './tlb.ts';

/** Bits of a paging-structure entry. SDM vol. 3, "4-Level Paging and 5-Level Paging". */
export const Entry = {
  P: 1 << 0,
  RW: 1 << 1,
  US: 1 << 2,
  A: 1 << 5,
  D: 1 << 6,
  PS: 1 << 7,
  /** Bit 63, in the high half. */
  XD_HIGH: 1 << 31,
} as const;

/** Bits of a page-fault error code. SDM vol. 3, "Page-Fault Exceptions". */
const PageFaultError = { P: 1, W: 2, U: 4, RSVD: 8, I: 16 } as const;

const TWO_TO_32 = 0x1_0000_0000;
/** Bits 51:12 of an entry, high half. */
const FRAME_HIGH = 0x000f_ffff;
/** Bits 62:52 of an entry, high half: ignored in IA-32e paging, reserved in PAE paging. */
const PAE_RESERVED_HIGH = 0x7ff0_0000;

/** Translates linear to physical addresses through the guest's paging structures. */
export class Paging {
  readonly #s: Int32Array;
  readonly #ram: DataView;
  readonly #physical: PhysicalMemory;
  readonly #fault: Fault;
  /** High half of the bits of an entry that must be zero because of MAXPHYADDR. */
  readonly #reservedHigh: number;
  /** Host offsets of the entries that the walk under way has used, by level. */
  readonly #used = new Int32Array(6);

  constructor(
    s: Int32Array,
    ram: DataView,
    physical: PhysicalMemory,
    fault: Fault,
    physicalAddressBits: number,
  ) {
    this.#s = s;
    this.#ram = ram;
    this.#physical = physical;
    this.#fault = fault;
    this.#reservedHigh = FRAME_HIGH & ~((1 << (physicalAddressBits - 32)) - 1);
  }

  /**
   * The physical address of a linear address, in bytes. Sets accessed and dirty bits; an access
   * that faults changes none, as the manual allows.
   *
   * @param size Bytes of the whole access, for the fault's record.
   * @throws Fault #PF.
   */
  translate(lo: number, hi: number, access: Access, context: AccessContext, size: number): number {
    return this.#walk(lo, hi, access, context, size, true);
  }

  /** `translate` that sets no bits: for a page whose access may yet be refused elsewhere. */
  check(lo: number, hi: number, access: Access, context: AccessContext, size: number): void {
    this.#walk(lo, hi, access, context, size, false);
  }

  #walk(
    lo: number,
    hi: number,
    access: Access,
    context: AccessContext,
    size: number,
    marks: boolean,
  ): number {
    const s = this.#s;
    if ((s[Word.CR0] & Cr0.PG) === 0) {
      return lo >>> 0;
    }
    const longMode = (s[Word.EFER] & Efer.LMA) !== 0;
    let level = this.#levels();
    const tableMask = longMode ? ~4095 : ~31;
    let table = ((s[Word.CR3] & tableMask) >>> 0) + (s[Word.CR3 + 1] & FRAME_HIGH) * TWO_TO_32;
    let rights: number = Entry.RW | Entry.US;
    let executeDisable = 0;

    for (;;) {
      const host = this.#entryHost(table + 8 * indexAt(lo, hi, level));
      if (host < 0) {
        this.#pageFault(lo, hi, access, context, size, 0, 'not-present');
      }
      const entryLo = this.#ram.getInt32(host, true);
      const entryHi = this.#ram.getInt32(host + 4, true);
      if ((entryLo & Entry.P) === 0) {
        this.#pageFault(lo, hi, access, context, size, 0, 'not-present');
      }
      // The four PAE page-directory pointers have neither rights nor an accessed bit.
      const isPaePointer = !longMode && level === 3;
      const isLeaf = level === 1 || ((entryLo & Entry.PS) !== 0 && level <= 3 && !isPaePointer);
      if (this.#hasReservedBits(entryLo, entryHi, level, isLeaf)) {
        this.#pageFault(
          lo,
          hi,
          access,
          context,
          size,
          PageFaultError.P | PageFaultError.RSVD,
          'reserved-bit',
        );
      }
      if (!isPaePointer) {
        rights &= entryLo;
        executeDisable |= entryHi & Entry.XD_HIGH;
      }
      if (isLeaf) {
        this.#checkRights(lo, hi, access, context, size, rights, executeDisable);
        if (marks) {
          this.#used[level] = host;
          this.#mark(level, access);
        }
        const frame = (entryLo & ~4095) >>> 0;
        const base = frame + (entryHi & FRAME_HIGH) * TWO_TO_32;
        if (level === 1) {
          return base + (lo & 4095);
        }
        const pageBytes = level === 2 ? 0x20_0000 : 0x4000_0000;
        return base - (base % pageBytes) + (lo & (pageBytes - 1));
      }
      this.#used[level] = host;
      table = ((entryLo & ~4095) >>> 0) + (entryHi & FRAME_HIGH) * TWO_TO_32;
      level--;
    }
  }

  /** Sets the accessed and dirty bits of a walk that ended at a page of `leaf` level. */
  #mark(leaf: number, access: Access): void {
    const longMode = (this.#s[Word.EFER] & Efer.LMA) !== 0;
    const top = longMode ? this.#levels() : 2;
    for (let level = leaf; level <= top; level++) {
      const host = this.#used[level];
      const entry = this.#ram.getInt32(host, true);
      const dirty = level === leaf && access === Access.Write ? Entry.D : 0;
      if ((entry & (Entry.A | dirty)) !== (Entry.A | dirty)) {
        this.#ram.setInt32(host, entry | Entry.A | dirty, true);
      }
    }
  }

  /** The physical address of a linear address, or -1: no rights asked, no bits set, no fault. */
  peek(lo: number, hi: number): number {
    const s = this.#s;
    if ((s[Word.CR0] & Cr0.PG) === 0) {
      return lo >>> 0;
    }
    const longMode = (s[Word.EFER] & Efer.LMA) !== 0;
    let table =
      ((s[Word.CR3] & (longMode ? ~4095 : ~31)) >>> 0) + (s[Word.CR3 + 1] & FRAME_HIGH) * TWO_TO_32;
    for (let level = this.#levels(); ; level--) {
      const host = this.#entryHost(table + 8 * indexAt(lo, hi, level));
      const entry = host < 0 ? 0 : this.#ram.getInt32(host, true);
      if ((entry & Entry.P) === 0) {
        return -1;
      }
      const base =
        ((entry & ~4095) >>> 0) + (this.#ram.getInt32(host + 4, true) & FRAME_HIGH) * TWO_TO_32;
      if (level === 1) {
        return base + (lo & 4095);
      }
      if (level <= 3 && (entry & Entry.PS) !== 0 && (longMode || level < 3)) {
        const pageBytes = level === 2 ? 0x20_0000 : 0x4000_0000;
        return base - (base % pageBytes) + (lo & (pageBytes - 1));
      }
      table = base;
    }
  }

  /** Depth of the paging structures: 3 for PAE paging. */
  #levels(): number {
    if ((this.#s[Word.EFER] & Efer.LMA) === 0) {
      return 3;
    }
    return (this.#s[Word.CR4] & Cr4.LA57) !== 0 ? 5 : 4;
  }

  /** Host offset of a paging-structure entry, or -1 where no RAM is. */
  #entryHost(address: number): number {
    const page = this.#physical.ramPage(address - (address % 4096), false);
    return page < 0 ? -1 : page + (address % 4096);
  }

  #hasReservedBits(lo: number, hi: number, level: number, isLeaf: boolean): boolean {
    const efer = this.#s[Word.EFER];
    const reserved = this.#reservedHigh | ((efer & Efer.LMA) !== 0 ? 0 : PAE_RESERVED_HIGH);
    if ((hi & reserved) !== 0) {
      return true;
    }
    if ((hi & Entry.XD_HIGH) !== 0 && (efer & Efer.NXE) === 0) {
      return true;
    }
    if (level >= 4) {
      return (lo & Entry.PS) !== 0;
    }
    // A large page leaves bits above its PAT bit (12) and below its frame zero.
    const lowFrameBits = level === 2 ? 0x1f_e000 : 0x3fff_e000;
    return isLeaf && level > 1 && (lo & lowFrameBits) !== 0;
  }

  /** SDM vol. 3, "Determination of Access Rights". */
  #checkRights(
    lo: number,
    hi: number,
    access: Access,
    context: AccessContext,
    size: number,
    rights: number,
    executeDisable: number,
  ): void {
    const s = this.#s;
    const cr4 = s[Word.CR4];
    const userPage = (rights & Entry.US) !== 0;
    let cause: FaultCause | undefined;
    if (context === AccessContext.User) {
      if (!userPage) {
        cause = 'user';
      } else if (access === Access.Write && (rights & Entry.RW) === 0) {
        cause = 'write-protect';
      }
    } else if (userPage && access === Access.Execute && (cr4 & Cr4.SMEP) !== 0) {
      cause = 'smep';
    } else if (
      userPage &&
      access !== Access.Execute &&
      (cr4 & Cr4.SMAP) !== 0 &&
      context !== AccessContext.SupervisorAc
    ) {
      cause = 'smap';
    } else if (
      access === Access.Write &&
      (rights & Entry.RW) === 0 &&
      (s[Word.CR0] & Cr0.WP) !== 0
    ) {
      cause = 'write-protect';
    }
    if (cause === undefined && access === Access.Execute && executeDisable !== 0) {
      cause = 'no-execute';
    }
    if (cause !== undefined) {
      this.#pageFault(lo, hi, access, context, size, PageFaultError.P, cause);
    }
  }

  #pageFault(
    lo: number,
    hi: number,
    access: Access,
    context: AccessContext,
    size: number,
    bits: number,
    cause: FaultCause,
  ): never {
    const s = this.#s;
    let errorCode = bits;
    if (access === Access.Write) {
      errorCode |= PageFaultError.W;
    }
    if (context === AccessContext.User) {
      errorCode |= PageFaultError.U;
    }
    const reportsFetch = (s[Word.CR4] & Cr4.SMEP) !== 0 || (s[Word.EFER] & Efer.NXE) !== 0;
    if (access === Access.Execute && reportsFetch) {
      errorCode |= PageFaultError.I;
    }
    s[Word.CR2] = lo;
    s[Word.CR2 + 1] = hi;
    this.#fault.raiseAt(Vector.PF, errorCode, cause, access, lo, hi, size);
  }
}

/** Index into the paging structure of a level: 5 is the PML5, 1 the page table. */
function indexAt(lo: number, hi: number, level: number): number {
  switch (level) {
    case 1:
      return (lo >>> 12) & 511;
    case 2:
      return (lo >>> 21) & 511;
    case 3:
      return ((lo >>> 30) | (hi << 2)) & 511;
    case 4:
      return (hi >>> 7) & 511;
    default:
      return (hi >>> 16) & 511;
  }
}
