import { type Instruction, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access } from '../fault.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import { Flag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { advance, offsetIn, type Run } from './repeat.ts';
import type { Size } from './rows.ts';

const { HIGH, RDI, RSI, SYSTEM_FLAGS } = Word;
const { DF } = Flag;
const TWO_32 = 0x1_0000_0000;

/*
 * REP MOVS and REP STOS upwards within pages that the TLB has. A page that is observed, that holds
 * code or that is no RAM never gets into the TLB, so whatever must be told of single accesses is.
 */

/** Bytes from the register's offset on, before it wraps, leaves the segment or the page at `lo`. */
function room(cpu: Cpu, segment: Segment, register: number, addressSize: number, lo: number) {
  const offset = offsetIn(cpu.state, register, addressSize);
  const top = addressSize === 16 ? 0x1_0000 : TWO_32;
  const beforeWrap = addressSize === 64 ? Number.POSITIVE_INFINITY : top - (offset >>> 0);
  return Math.min(
    beforeWrap,
    cpu.segmentation.bytesWithinLimit(segment, offset),
    PAGE_SIZE - (lo & (PAGE_SIZE - 1)),
  );
}

/** Low half of the linear address of an element, the high half in `HIGH`. @throws Fault */
function linear(cpu: Cpu, segment: Segment, register: number, i: Instruction, size: Size) {
  const access = register === RSI ? Access.Read : Access.Write;
  const lo = offsetIn(cpu.state, register, i.addressSize);
  return cpu.segmentation.linearize(segment, lo, cpu.state[HIGH], size, access);
}

/**
 * Copies as one element after the other does, lowest first: a destination that starts within the
 * source repeats what is before it.
 */
function copyUpwards(bytes: Uint8Array, to: number, from: number, length: number): void {
  const distance = to - from;
  if (distance <= 0 || distance >= length) {
    bytes.copyWithin(to, from, from + length);
    return;
  }
  // What has been written so far, a multiple of the distance, is the pattern to go on with.
  for (let done = 0; done < length; ) {
    const chunk = Math.min(distance + done, length - done);
    bytes.copyWithin(to + done, from, from + chunk);
    done += chunk;
  }
}

/** Elements of REP MOVS at once. @throws Fault that the first of them raises in segmentation */
export function runOfMoves(size: Size): Run {
  return (cpu, i, count) => {
    const { state: s, memory } = cpu;
    if (count === 1 || (s[SYSTEM_FLAGS] & DF) !== 0) {
      return 0;
    }
    const fromLo = linear(cpu, i.segment, RSI, i, size);
    const from = memory.directRead(fromLo, s[HIGH]);
    if (from < 0) {
      return 0;
    }
    const toLo = linear(cpu, Segment.ES, RDI, i, size);
    const to = memory.directWrite(toLo, s[HIGH]);
    if (to < 0) {
      return 0;
    }
    const bytes = Math.min(
      count * size,
      room(cpu, i.segment, RSI, i.addressSize, fromLo),
      room(cpu, Segment.ES, RDI, i.addressSize, toLo),
    );
    const elements = Math.floor(bytes / size);
    const length = elements * size;
    const distance = to - from;
    if (distance > 0 && distance < length && distance % size !== 0) {
      return 0;
    }
    copyUpwards(cpu.physical.bytes, to, from, length);
    advance(cpu, RSI, i.addressSize, length);
    advance(cpu, RDI, i.addressSize, length);
    return elements;
  };
}

/** Elements of REP STOS at once. @throws Fault that the first of them raises in segmentation */
export function runOfStores(size: Size): Run {
  return (cpu, i, count) => {
    const { state: s, registers8, memory } = cpu;
    if (count === 1 || (s[SYSTEM_FLAGS] & DF) !== 0) {
      return 0;
    }
    const toLo = linear(cpu, Segment.ES, RDI, i, size);
    const to = memory.directWrite(toLo, s[HIGH]);
    if (to < 0) {
      return 0;
    }
    const bytes = Math.min(count * size, room(cpu, Segment.ES, RDI, i.addressSize, toLo));
    const elements = Math.floor(bytes / size);
    if (elements === 0) {
      return 0;
    }
    const length = elements * size;
    const target = cpu.physical.bytes;
    if (size === 1) {
      target.fill(registers8[0], to, to + length);
    } else {
      for (let n = 0; n < size; n++) {
        target[to + n] = registers8[n];
      }
      copyUpwards(target, to + size, to, length - size);
    }
    advance(cpu, RDI, i.addressSize, length);
    return elements;
  };
}
