import { type Instruction, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder } from '../operation.ts';
import { Flag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { subtractNarrow, subtractWide } from './alu.ts';
import { getRegister, load, setRegister, setRegister64, store, store64 } from './operands.ts';
import { advance, offsetIn, once, type Run, repeated, repeatedWhile, type Step } from './repeat.ts';
import type { Rows, Size } from './rows.ts';
import { runOfMoves, runOfStores } from './string-runs.ts';

const { HIGH, RDI, RSI, SYSTEM_FLAGS } = Word;
const { DF } = Flag;
/** Slot of the accumulator in all widths. */
const ACCUMULATOR = 0;

/** Pointer to the element at rSI, in DS or the segment of a prefix. @throws Fault */
export function readSource(cpu: Cpu, i: Instruction, size: Size): number {
  const lo = offsetIn(cpu.state, RSI, i.addressSize);
  return cpu.memory.readAt(i.segment, lo, cpu.state[HIGH], size);
}

function readDestination(cpu: Cpu, i: Instruction, size: Size): number {
  const lo = offsetIn(cpu.state, RDI, i.addressSize);
  return cpu.memory.readAt(Segment.ES, lo, cpu.state[HIGH], size);
}

/** Pointer for writing the element at ES:rDI, which no prefix changes. @throws Fault */
export function writeDestination(cpu: Cpu, i: Instruction, size: Size): number {
  const lo = offsetIn(cpu.state, RDI, i.addressSize);
  return cpu.memory.writeAt(Segment.ES, lo, cpu.state[HIGH], size);
}

/** What an element adds to rSI and rDI. */
export function stride(s: Int32Array, size: Size): number {
  return (s[SYSTEM_FLAGS] & DF) !== 0 ? -size : size;
}

function moveSource(cpu: Cpu, i: Instruction, size: Size): void {
  advance(cpu, RSI, i.addressSize, stride(cpu.state, size));
}

function moveDestination(cpu: Cpu, i: Instruction, size: Size): void {
  advance(cpu, RDI, i.addressSize, stride(cpu.state, size));
}

function moveBoth(cpu: Cpu, i: Instruction, size: Size): void {
  const by = stride(cpu.state, size);
  advance(cpu, RSI, i.addressSize, by);
  advance(cpu, RDI, i.addressSize, by);
}

function movs(size: Size): Step {
  if (size === 8) {
    return (cpu, i) => {
      const { memory } = cpu;
      const from = readSource(cpu, i, 8);
      const lo = memory.view.getInt32(from, true);
      const hi = memory.view.getInt32(from + 4, true);
      store64(memory, writeDestination(cpu, i, 8), lo, hi);
      moveBoth(cpu, i, 8);
      return true;
    };
  }
  return (cpu, i) => {
    const { memory } = cpu;
    const value = load(memory, readSource(cpu, i, size), size);
    store(memory, writeDestination(cpu, i, size), size, value);
    moveBoth(cpu, i, size);
    return true;
  };
}

/** CMPS reads the operand at ES:rDI first, which tells when both fault. */
function cmps(size: Size): Step {
  if (size === 8) {
    return (cpu, i) => {
      const { view } = cpu.memory;
      let p = readDestination(cpu, i, 8);
      const bLo = view.getInt32(p, true);
      const bHi = view.getInt32(p + 4, true);
      p = readSource(cpu, i, 8);
      subtractWide(cpu.state, view.getInt32(p, true), view.getInt32(p + 4, true), bLo, bHi, 0);
      moveBoth(cpu, i, 8);
      return true;
    };
  }
  const shift = 32 - 8 * size;
  return (cpu, i) => {
    const { memory } = cpu;
    const b = load(memory, readDestination(cpu, i, size), size);
    const a = load(memory, readSource(cpu, i, size), size);
    subtractNarrow(cpu.state, a, b, 0, shift);
    moveBoth(cpu, i, size);
    return true;
  };
}

function stos(size: Size): Step {
  if (size === 8) {
    return (cpu, i) => {
      const { state: s, memory } = cpu;
      const to = writeDestination(cpu, i, 8);
      store64(memory, to, s[ACCUMULATOR], s[ACCUMULATOR + 1]);
      moveDestination(cpu, i, 8);
      return true;
    };
  }
  return (cpu, i) => {
    const to = writeDestination(cpu, i, size);
    store(cpu.memory, to, size, getRegister(cpu, ACCUMULATOR, size));
    moveDestination(cpu, i, size);
    return true;
  };
}

function lods(size: Size): Step {
  if (size === 8) {
    return (cpu, i) => {
      const { view } = cpu.memory;
      const p = readSource(cpu, i, 8);
      setRegister64(cpu.state, ACCUMULATOR, view.getInt32(p, true), view.getInt32(p + 4, true));
      moveSource(cpu, i, 8);
      return true;
    };
  }
  return (cpu, i) => {
    setRegister(cpu, ACCUMULATOR, size, load(cpu.memory, readSource(cpu, i, size), size));
    moveSource(cpu, i, size);
    return true;
  };
}

function scas(size: Size): Step {
  if (size === 8) {
    return (cpu, i) => {
      const { state: s, memory } = cpu;
      const p = readDestination(cpu, i, 8);
      const lo = memory.view.getInt32(p, true);
      const hi = memory.view.getInt32(p + 4, true);
      subtractWide(s, s[ACCUMULATOR], s[ACCUMULATOR + 1], lo, hi, 0);
      moveDestination(cpu, i, 8);
      return true;
    };
  }
  const shift = 32 - 8 * size;
  return (cpu, i) => {
    const value = load(cpu.memory, readDestination(cpu, i, size), size);
    subtractNarrow(cpu.state, getRegister(cpu, ACCUMULATOR, size), value, 0, shift);
    moveDestination(cpu, i, size);
    return true;
  };
}

/** MOVS, STOS, LODS, INS and OUTS: F2 repeats them as F3 does. */
export function repeatable(step: Step, run?: Run, pointers: readonly number[] = []): Binder {
  const single = once(step);
  const multiple = repeated(step, run, pointers);
  return (i) => (i.rep || i.repne ? multiple : single);
}

/** CMPS and SCAS. */
function comparing(step: Step): Binder {
  const single = once(step);
  const whileEqual = repeatedWhile(step, true);
  const whileUnequal = repeatedWhile(step, false);
  return (i) => {
    if (i.rep) {
      return whileEqual;
    }
    return i.repne ? whileUnequal : single;
  };
}

/** SDM vol. 1, "String Instructions", less those of ports. */
export const string: Rows = {
  Movsb_m8_m8: repeatable(movs(1), runOfMoves(1), [RSI, RDI]),
  Movsw_m16_m16: repeatable(movs(2), runOfMoves(2), [RSI, RDI]),
  Movsd_m32_m32: repeatable(movs(4), runOfMoves(4), [RSI, RDI]),
  Movsq_m64_m64: repeatable(movs(8), runOfMoves(8), [RSI, RDI]),
  Stosb_m8_AL: repeatable(stos(1), runOfStores(1), [RDI]),
  Stosw_m16_AX: repeatable(stos(2), runOfStores(2), [RDI]),
  Stosd_m32_EAX: repeatable(stos(4), runOfStores(4), [RDI]),
  Stosq_m64_RAX: repeatable(stos(8), runOfStores(8), [RDI]),
  Lodsb_AL_m8: repeatable(lods(1)),
  Lodsw_AX_m16: repeatable(lods(2)),
  Lodsd_EAX_m32: repeatable(lods(4)),
  Lodsq_RAX_m64: repeatable(lods(8)),
  Cmpsb_m8_m8: comparing(cmps(1)),
  Cmpsw_m16_m16: comparing(cmps(2)),
  Cmpsd_m32_m32: comparing(cmps(4)),
  Cmpsq_m64_m64: comparing(cmps(8)),
  Scasb_AL_m8: comparing(scas(1)),
  Scasw_AX_m16: comparing(scas(2)),
  Scasd_EAX_m32: comparing(scas(4)),
  Scasq_RAX_m64: comparing(scas(8)),
};
