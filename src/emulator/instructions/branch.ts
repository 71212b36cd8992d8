import { type Instruction, Segment } from '../../decoder/index.ts';
import { isCanonical, type LinearAddressBits } from '../../lass/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access, Vector } from '../fault.ts';
import { SEGMENT_WORDS, SegmentField, Word } from '../state/layout.ts';

const { LINEAR_BITS, RIP, SEGMENTS } = Word;

const CS_LIMIT = SEGMENTS + Segment.CS * SEGMENT_WORDS + SegmentField.LIMIT;

/**
 * Checks a branch target: canonical in 64-bit mode, within CS elsewhere. LASS does not look at
 * branch targets; the fetch that follows does. SDM vol. 3, "Linear-Address Pre-Processing".
 *
 * @throws Fault #GP(0)
 */
export function checkTarget(cpu: Cpu, i: Instruction, lo: number, hi: number): void {
  const s = cpu.state;
  if (i.mode === 64) {
    // Canonical in 48 bits is canonical in 57 too: the common case needs no more.
    if ((hi + 0x8000) >>> 16 !== 0 && !isCanonical(hi, s[LINEAR_BITS] as LinearAddressBits)) {
      cpu.fault.raiseAt(Vector.GP, 0, 'canonical', Access.Execute, lo, hi, 1);
    }
  } else if (lo >>> 0 > s[CS_LIMIT] >>> 0) {
    cpu.fault.raiseAt(Vector.GP, 0, 'segment-limit', Access.Execute, lo, 0, 1);
  }
}

/** Goes to a near branch target. @throws Fault #GP(0) */
export function jump(cpu: Cpu, i: Instruction, lo: number, hi: number): void {
  checkTarget(cpu, i, lo, hi);
  const s = cpu.state;
  s[RIP] = lo;
  s[RIP + 1] = hi;
}

/** Goes to the target that the instruction holds. @throws Fault #GP(0) */
export function jumpRelative(cpu: Cpu, i: Instruction): void {
  jump(cpu, i, i.immediateLo, i.immediateHi);
}
