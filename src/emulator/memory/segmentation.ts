import { AddressForm, type Instruction, Segment } from '../../decoder/index.ts';
import { Access, type Fault, type FaultCause, Vector } from '../fault.ts';
import { SEGMENT_WORDS, SegmentField, Word } from '../state/layout.ts';
import { is64BitMode, SegmentAttribute } from '../state/modes.ts';

const { FS, SS } = Segment;
const { Read, Write } = Access;
const { Flat, General } = AddressForm;
const { HIGH, SEGMENTS } = Word;

/** Word index of a segment register. */
export function segmentWord(segment: number): number {
  return SEGMENTS + segment * SEGMENT_WORDS;
}

/** Carry out of bit 31 of the 32-bit addition whose wrapped result is `sum`. */
function carry(a: number, b: number, sum: number): number {
  return ((a & b) | ((a | b) & ~sum)) >>> 31;
}

/**
 * From operands and offsets to linear addresses. All results are a pair: the low half is returned,
 * the high half left in `HIGH`.
 */
export class Segmentation {
  readonly #s: Int32Array;
  readonly #fault: Fault;

  constructor(state: Int32Array, fault: Fault) {
    this.#s = state;
    this.#fault = fault;
  }

  /** Linear address of the memory operand of `i`, before LAM and all checks of linear addresses. */
  operandAddress(i: Instruction, size: number, access: Access): number {
    if (i.addressForm === General) {
      const offset = this.effectiveAddress(i);
      return this.linearize(i.segment, offset, this.#s[HIGH], size, access);
    }
    return this.#flatAddress(i);
  }

  /** Effective address: the offset within the segment, zero-extended to 64 bits. */
  effectiveAddress(i: Instruction): number {
    const s = this.#s;
    if (i.addressSize === 64) {
      return this.#flatAddress(i);
    }
    s[HIGH] = 0;
    const offset = (s[i.base] + (s[i.index] << i.scale) + i.displacementLo) | 0;
    return i.addressSize === 32 ? offset : offset & 0xffff;
  }

  #flatAddress(i: Instruction): number {
    const s = this.#s;
    const base = s[i.base];
    const displacement = i.displacementLo;
    let lo = (base + displacement) | 0;
    let hi = s[i.base + 1] + i.displacementHi + carry(base, displacement, lo);
    if (i.addressForm !== Flat) {
      const low = s[i.index];
      const index = low << i.scale;
      const sum = (lo + index) | 0;
      // The double shift makes a scale of 0 shift out everything.
      hi += (s[i.index + 1] << i.scale) | ((low >>> 1) >>> (31 - i.scale));
      hi += carry(lo, index, sum);
      lo = sum;
    }
    s[HIGH] = hi;
    return lo;
  }

  /**
   * Linear address of `size` bytes at an offset in a segment.
   *
   * Outside 64-bit mode it checks the segment's type and limit. SDM vol. 3, "Limit Checking" and
   * "Type Checking".
   */
  linearize(
    segment: Segment,
    offsetLo: number,
    offsetHi: number,
    size: number,
    access: Access,
  ): number {
    const s = this.#s;
    const word = segmentWord(segment);
    if (is64BitMode(s)) {
      if (segment < FS) {
        s[HIGH] = offsetHi;
        return offsetLo;
      }
      const lo = (s[word] + offsetLo) | 0;
      s[HIGH] = s[word + 1] + offsetHi + carry(s[word], offsetLo, lo);
      return lo;
    }
    this.#checkSegment(segment, word, offsetLo, size, access);
    s[HIGH] = 0;
    return (s[word] + offsetLo) | 0;
  }

  /**
   * Bytes from an offset on that are within the limit of a segment, whose type is not looked at;
   * 0 where the limit is more than a comparison.
   */
  bytesWithinLimit(segment: Segment, offset: number): number {
    const s = this.#s;
    if (is64BitMode(s)) {
      return Number.POSITIVE_INFINITY;
    }
    const word = segmentWord(segment);
    const attributes = s[word + SegmentField.ATTRIBUTES];
    const { CODE, EXPAND_DOWN } = SegmentAttribute;
    if ((attributes & (CODE | EXPAND_DOWN)) === EXPAND_DOWN) {
      return 0;
    }
    return Math.max((s[word + SegmentField.LIMIT] >>> 0) - (offset >>> 0) + 1, 0);
  }

  #checkSegment(
    segment: Segment,
    word: number,
    offset: number,
    size: number,
    access: Access,
  ): void {
    const s = this.#s;
    const attributes = s[word + SegmentField.ATTRIBUTES];
    const isCode = (attributes & SegmentAttribute.CODE) !== 0;
    let cause: FaultCause | undefined;
    if ((attributes & SegmentAttribute.UNUSABLE) !== 0) {
      cause = 'segment-null';
    } else if (access === Write) {
      if (isCode || (attributes & SegmentAttribute.WRITABLE) === 0) {
        cause = 'segment-type';
      }
    } else if (access === Read && isCode && (attributes & SegmentAttribute.READABLE) === 0) {
      cause = 'segment-type';
    }
    if (cause === undefined) {
      const first = offset >>> 0;
      const last = first + size - 1;
      const limit = s[word + SegmentField.LIMIT] >>> 0;
      const expandsDown = !isCode && (attributes & SegmentAttribute.EXPAND_DOWN) !== 0;
      const top = (attributes & SegmentAttribute.DB) !== 0 ? 0xffff_ffff : 0xffff;
      // A flat segment has no byte outside it: an access may wrap. Processors tell it by its base.
      const within = expandsDown
        ? first > limit && last <= top
        : last <= limit || (limit === 0xffff_ffff && s[word] === 0);
      if (within) {
        return;
      }
      cause = 'segment-limit';
    }
    const vector = segment === SS ? Vector.SS : Vector.GP;
    const linear = (s[word] + offset) | 0;
    this.#fault.raiseAt(vector, 0, cause, access, linear, 0, size);
  }
}
