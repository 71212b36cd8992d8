import { Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { SEGMENT_WORDS, SegmentField, Word } from '../state/layout.ts';
import { is64BitMode, SegmentAttribute } from '../state/modes.ts';
import { load, type NarrowSize, store, store64 } from './operands.ts';

const { HIGH, RSP, SEGMENTS } = Word;

const STACK = Segment.SS;
const SS_ATTRIBUTES = SEGMENTS + Segment.SS * SEGMENT_WORDS + SegmentField.ATTRIBUTES;

/** Width of the stack pointer in bits: 64 in 64-bit mode, else as SS.B says. */
function stackAddressSize(s: Int32Array): 16 | 32 | 64 {
  if (is64BitMode(s)) {
    return 64;
  }
  return (s[SS_ATTRIBUTES] & SegmentAttribute.DB) !== 0 ? 32 : 16;
}

/**
 * Offset in SS of the stack pointer, or of the register at another word, plus `delta` bytes; the
 * high half is left in `HIGH`.
 */
export function stackOffset(s: Int32Array, delta: number, register: number = RSP): number {
  const rsp = s[register];
  const lo = (rsp + delta) | 0;
  const size = stackAddressSize(s);
  if (size === 64) {
    const carry = ((rsp & delta) | ((rsp | delta) & ~lo)) >>> 31;
    s[HIGH] = s[register + 1] + (delta >> 31) + carry;
    return lo;
  }
  s[HIGH] = 0;
  return size === 32 ? lo : lo & 0xffff;
}

/** Sets RSP, ESP or SP to an offset as `stackOffset` gives it. */
export function setStackPointer(cpu: Cpu, lo: number, hi: number): void {
  const s = cpu.state;
  if (stackAddressSize(s) === 16) {
    cpu.registers16[RSP * 2] = lo;
  } else {
    s[RSP] = lo;
    s[RSP + 1] = hi;
  }
}

/** Adds to the stack pointer, which is what POP does after its access. */
export function moveStackPointer(cpu: Cpu, delta: number): void {
  const lo = stackOffset(cpu.state, delta);
  setStackPointer(cpu, lo, cpu.state[HIGH]);
}

/** Pushes 8 bytes: only 64-bit mode does. @throws Fault with the stack pointer unchanged. */
export function push64(cpu: Cpu, lo: number, hi: number): void {
  storeBelowStack64(cpu, lo, hi);
  reserveStack64(cpu.state);
}

/** Stores the 8 bytes of a push in 64-bit mode; the stack pointer is still to be moved. @throws Fault */
export function storeBelowStack64(cpu: Cpu, lo: number, hi: number): void {
  const { state: s, memory } = cpu;
  const rsp = s[RSP];
  const aboveHi = (s[RSP + 1] - (rsp >>> 0 < 8 ? 1 : 0)) | 0;
  store64(memory, memory.writeLinear((rsp - 8) | 0, aboveHi, 8, STACK), lo, hi);
}

/** Takes 8 bytes off RSP. */
export function reserveStack64(s: Int32Array): void {
  const rsp = s[RSP];
  s[RSP] = rsp - 8;
  s[RSP + 1] -= rsp >>> 0 < 8 ? 1 : 0;
}

/** Pointer to the 8 bytes on top of the stack in 64-bit mode. @throws Fault */
export function stackPointer64(cpu: Cpu): number {
  const s = cpu.state;
  return cpu.memory.readLinear(s[RSP], s[RSP + 1], 8, STACK);
}

/** Adds to RSP in 64-bit mode; `by` is less than 2^31. */
export function releaseStack64(s: Int32Array, by: number): void {
  const rsp = s[RSP];
  const lo = (rsp + by) | 0;
  s[RSP] = lo;
  s[RSP + 1] += lo >>> 0 < rsp >>> 0 ? 1 : 0;
}

/** Pushes 2 or 4 bytes. @throws Fault with the stack pointer unchanged. */
export function pushNarrow(cpu: Cpu, size: NarrowSize, value: number): void {
  const { state: s, memory } = cpu;
  const offsetLo = stackOffset(s, -size);
  const offsetHi = s[HIGH];
  store(memory, memory.writeAt(Segment.SS, offsetLo, offsetHi, size), size, value);
  setStackPointer(cpu, offsetLo, offsetHi);
}

/** Pointer to the `size` bytes `above` bytes over the top of the stack. @throws Fault */
export function stackPointer(cpu: Cpu, size: number, above = 0): number {
  const s = cpu.state;
  const lo = stackOffset(s, above);
  return cpu.memory.readAt(Segment.SS, lo, s[HIGH], size);
}

/** Pops 2 or 4 bytes. @throws Fault with the stack pointer unchanged. */
export function popNarrow(cpu: Cpu, size: NarrowSize): number {
  const value = load(cpu.memory, stackPointer(cpu, size), size);
  moveStackPointer(cpu, size);
  return value;
}
