import type { Instruction } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Handler } from '../operation.ts';
import { setFlags64, zeroFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';

const { CARRIES, GPR, HIGH, PENDING, RESULT, RIP } = Word;
const RCX = GPR + 2;

/**
 * Work that one execution of a REP instruction may do before it lets the interpreter look around.
 * One unit is an element moved by itself, or a run of up to 1 KiB moved at once.
 */
const MAX_WORK = 4096;

/** What `elementsLeft` says of all counts from here on. */
const MANY = 0x4000_0000;

/**
 * Executes one element and moves the registers that point to it; all or, at a fault, nothing.
 * False if it did not because it asked to leave.
 */
export type Step = (cpu: Cpu, i: Instruction) => boolean;

/** Executes up to `count` elements at once and returns how many; 0 if the step must do the next. */
export type Run = (cpu: Cpu, i: Instruction, count: number) => number;

/** The register at word `register` as an offset; the high half is left in `HIGH`. */
export function offsetIn(s: Int32Array, register: number, addressSize: number): number {
  s[HIGH] = addressSize === 64 ? s[register + 1] : 0;
  return addressSize === 16 ? s[register] & 0xffff : s[register];
}

/** Adds to the register at word `register` in the width of the address size. */
export function advance(cpu: Cpu, register: number, addressSize: number, by: number): void {
  const s = cpu.state;
  if (addressSize === 16) {
    cpu.registers16[register * 2] += by;
    return;
  }
  const before = s[register];
  const after = (before + by) | 0;
  s[register] = after;
  if (addressSize === 64) {
    const carry = ((before & by) | ((before | by) & ~after)) >>> 31;
    s[register + 1] += (by >> 31) + carry;
  } else {
    s[register + 1] = 0;
  }
}

/** The count register by address size, at most `MANY`. */
function elementsLeft(s: Int32Array, addressSize: number): number {
  const lo = offsetIn(s, RCX, addressSize) >>> 0;
  return s[HIGH] !== 0 || lo > MANY ? MANY : lo;
}

/** The form without a prefix. */
export function once(step: Step): Handler {
  return (cpu, i) => {
    step(cpu, i);
  };
}

/**
 * REP.
 *
 * @param pointers Words of the pointers that Intel processors truncate together with the count.
 */
export function repeated(step: Step, run: Run | undefined, pointers: readonly number[]): Handler {
  return (cpu, i) => {
    truncate(cpu, i, pointers);
    repeat(cpu, i, step, run, undefined);
  };
}

/**
 * REPE and REPNE. The manual wants the flags of before if the instruction does not come to its end;
 * AMD processors leave those of the last element.
 */
export function repeatedWhile(step: Step, equal: boolean): Handler {
  const wanted = equal ? 1 : 0;
  return (cpu, i) => {
    truncate(cpu, i, NONE);
    const { state: s, unfinished } = cpu;
    const lo = s[RESULT];
    const hi = s[RESULT + 1];
    const carries = s[CARRIES];
    let isDone = false;
    try {
      repeat(cpu, i, step, undefined, wanted);
      isDone = cpu.unfinished === unfinished;
    } finally {
      if (!isDone && cpu.vendor === 'intel') {
        setFlags64(s, lo, hi, carries);
      }
    }
  };
}

const NONE: readonly number[] = [];

/**
 * With 67h in 64-bit mode Intel processors clear the upper half of RCX, and of the pointers of MOVS
 * and STOS, even if there is nothing to do; AMD's only with the first element.
 */
function truncate(cpu: Cpu, i: Instruction, pointers: readonly number[]): void {
  if (i.addressSize !== 32 || cpu.vendor !== 'intel') {
    return;
  }
  cpu.state[RCX + 1] = 0;
  for (const pointer of pointers) {
    cpu.state[pointer + 1] = 0;
  }
}

/**
 * After each element all registers are as the manual wants them at a fault or interrupt. What is
 * not finished after a while goes back to its own address, so that limits and hooks get their turn.
 *
 * @param wanted What ZF must be after an element to go on.
 */
function repeat(
  cpu: Cpu,
  i: Instruction,
  step: Step,
  run: Run | undefined,
  wanted: number | undefined,
): void {
  const s = cpu.state;
  const { addressSize } = i;
  let work = 0;
  let left = elementsLeft(s, addressSize);
  while (left !== 0) {
    let done = run === undefined ? 0 : run(cpu, i, left);
    if (done === 0) {
      if (!step(cpu, i)) {
        break;
      }
      done = 1;
    }
    // A run is within a page: at most 4 units.
    work += 1 + (done >> 10);
    advance(cpu, RCX, addressSize, -done);
    left = elementsLeft(s, addressSize);
    if (left === 0 || (wanted !== undefined && zeroFlag(s) !== wanted) || isSentElsewhere(cpu, i)) {
      break;
    }
    if (work >= MAX_WORK || s[PENDING] !== 0) {
      s[RIP] = i.ripLo;
      s[RIP + 1] = i.ripHi;
      cpu.unfinished++;
      break;
    }
  }
  cpu.countWork(work);
}

/** Whether a device or hook wrote RIP. */
function isSentElsewhere(cpu: Cpu, i: Instruction): boolean {
  const s = cpu.state;
  return cpu.redirect !== undefined || s[RIP] !== i.nextLo || s[RIP + 1] !== i.nextHi;
}
