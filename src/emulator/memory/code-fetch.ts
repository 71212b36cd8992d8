import { Segment } from '../../decoder/index.ts';
import { checkLinear, LassAccess, type LinearAddressBits, LinearCheck } from '../../lass/index.ts';
import { Access, type Fault, Vector } from '../fault.ts';
import { SegmentField, Word } from '../state/layout.ts';
import { is64BitMode, isLongMode } from '../state/modes.ts';
import type { AuditSink } from './linear-memory.ts';
import type { Paging } from './paging.ts';
import type { PhysicalMemory } from './physical.ts';
import { segmentWord } from './segmentation.ts';
import { AccessContext } from './tlb.ts';

const CS = segmentWord(Segment.CS);

/** The way of an instruction fetch to memory: CS, canonicality and LASS, paging. */
export class CodeFetch {
  readonly #s: Int32Array;
  readonly #physical: PhysicalMemory;
  readonly #paging: Paging;
  readonly #fault: Fault;

  /** When set, LASS violations are reported to it and then allowed. */
  audit: AuditSink | undefined;

  constructor(s: Int32Array, physical: PhysicalMemory, paging: Paging, fault: Fault) {
    this.#s = s;
    this.#physical = physical;
    this.#paging = paging;
    this.#fault = fault;
  }

  /** Low half of the linear address of an instruction; the high half is RIP's, or 0. */
  linearLo(ripLo: number): number {
    return is64BitMode(this.#s) ? ripLo : (this.#s[CS] + ripLo) | 0;
  }

  /** High half of the address of the page that follows one with high half `hi`. */
  nextPageHigh(nextLo: number, hi: number): number {
    return is64BitMode(this.#s) && nextLo === 0 ? (hi + 1) | 0 : hi;
  }

  /** How many bytes from RIP on CS holds. A flat segment of 4 GiB has no byte outside it. */
  bytesWithinLimit(ripLo: number): number {
    const limit = this.#s[CS + SegmentField.LIMIT];
    if (is64BitMode(this.#s) || limit === -1) {
      return Number.POSITIVE_INFINITY;
    }
    return Math.max((limit >>> 0) - (ripLo >>> 0) + 1, 0);
  }

  /** Raises #GP(0) for an instruction of which CS holds only `within` bytes. */
  raiseLimit(ripLo: number, within: number): never {
    const linear = this.linearLo(ripLo);
    this.#fault.raiseAt(Vector.GP, 0, 'segment-limit', Access.Execute, linear, 0, within + 1);
  }

  /** The physical address behind a linear address, in bytes. @throws Fault */
  translate(lo: number, hi: number): number {
    const s = this.#s;
    if (isLongMode(s)) {
      const bits = s[Word.LINEAR_BITS] as LinearAddressBits;
      const verdict = checkLinear(s[Word.LASS_POLICY], LassAccess.Fetch, lo, hi, 1, bits);
      if (verdict === LinearCheck.LassViolation && this.audit !== undefined) {
        this.audit(Access.Execute, lo, hi, 1, Segment.CS);
      } else if (verdict !== LinearCheck.Ok) {
        const cause = verdict === LinearCheck.LassViolation ? 'lass' : 'canonical';
        this.#fault.raiseAt(Vector.GP, 0, cause, Access.Execute, lo, hi, 1);
      }
    }
    const context = s[Word.CPL] === 3 ? AccessContext.User : AccessContext.Supervisor;
    return this.#paging.translate(lo, hi, Access.Execute, context, 1);
  }

  /**
   * The bytes at RIP, at most `count`, as far as pages are mapped there: for showing them. No
   * access right is asked for and nothing of the guest changes.
   */
  peek(ripLo: number, ripHi: number, count: number): Uint8Array {
    const lo = this.linearLo(ripLo);
    const hi = is64BitMode(this.#s) ? ripHi : 0;
    const first = Math.min(count, 4096 - (lo & 4095));
    const next = (lo + first) | 0;
    const parts = [this.#peekPage(lo, hi, first)];
    if (first < count && parts[0].length > 0) {
      parts.push(this.#peekPage(next, this.nextPageHigh(next, hi), count - first));
    }
    const bytes = new Uint8Array(parts[0].length + (parts[1]?.length ?? 0));
    bytes.set(parts[0]);
    bytes.set(parts[1] ?? [], parts[0].length);
    return bytes;
  }

  #peekPage(lo: number, hi: number, count: number): Uint8Array {
    const physical = this.#paging.peek(lo, hi);
    if (physical < 0) {
      return new Uint8Array(0);
    }
    const page = physical - (physical % 4096);
    const host = this.#physical.ramPage(page, false);
    return host < 0
      ? new Uint8Array(0)
      : this.#physical.bytes.slice(host + (physical - page), host + (physical - page) + count);
  }

  /** Host offset of a page of RAM, or -1. */
  hostPage(physical: number): number {
    return this.#physical.ramPage(physical, false);
  }
}
