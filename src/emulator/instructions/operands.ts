import type { Cpu } from '../cpu.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { Size } from './rows.ts';

/** Operands of 8, 16 and 32 bits: zero-extended when read, except that 32 bits are an int32. */
export type NarrowSize = Exclude<Size, 8>;

export function getRegister(cpu: Cpu, slot: number, size: NarrowSize): number {
  if (size === 4) {
    return cpu.state[slot];
  }
  return size === 1 ? cpu.registers8[slot] : cpu.registers16[slot];
}

/** Writes a register; 32 bits clear the upper half, 8 and 16 bits leave the rest. */
export function setRegister(cpu: Cpu, slot: number, size: NarrowSize, value: number): void {
  if (size === 4) {
    const s = cpu.state;
    s[slot] = value;
    s[slot + 1] = 0;
  } else if (size === 1) {
    cpu.registers8[slot] = value;
  } else {
    cpu.registers16[slot] = value;
  }
}

/** Writes a 64-bit register. */
export function setRegister64(s: Int32Array, slot: number, lo: number, hi: number): void {
  s[slot] = lo;
  s[slot + 1] = hi;
}

/** Reads `size` bytes at a pointer of the memory path. */
export function load(memory: LinearMemory, pointer: number, size: NarrowSize): number {
  const { view } = memory;
  if (size === 4) {
    return view.getInt32(pointer, true);
  }
  return size === 1 ? view.getUint8(pointer) : view.getUint16(pointer, true);
}

/** Writes `size` bytes at a pointer and completes the write. */
export function store(
  memory: LinearMemory,
  pointer: number,
  size: NarrowSize,
  value: number,
): void {
  const { view } = memory;
  if (size === 4) {
    view.setInt32(pointer, value, true);
  } else if (size === 1) {
    view.setUint8(pointer, value);
  } else {
    view.setUint16(pointer, value, true);
  }
  memory.commit(pointer);
}

export function store64(memory: LinearMemory, pointer: number, lo: number, hi: number): void {
  const { view } = memory;
  view.setInt32(pointer, lo, true);
  view.setInt32(pointer + 4, hi, true);
  memory.commit(pointer);
}
