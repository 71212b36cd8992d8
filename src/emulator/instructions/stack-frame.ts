import { type Instruction, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Handler } from '../operation.ts';
import { Flag, readFlags, writeFlags } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { load, type NarrowSize, setRegister, setRegister64 } from './operands.ts';
import { ioPrivilegeLevel, requireFlagsAccess } from './privilege.ts';
import { type CodeName, each, type Rows, type Size } from './rows.ts';
import {
  moveStackPointer,
  push64,
  pushNarrow,
  setStackPointer,
  stackOffset,
  stackPointer,
} from './stack-access.ts';

const { CPL, HIGH, RBP, RSP } = Word;
const SS = Segment.SS;

/** Slot in views of `size` of the general register at a word. */
function slotOf(word: number, size: Size): number {
  return size === 2 ? word * 2 : word;
}

function pushWords(cpu: Cpu, size: Size, lo: number, hi: number): void {
  if (size === 8) {
    push64(cpu, lo, hi);
  } else {
    pushNarrow(cpu, size, lo);
  }
}

/** Passes the checks of a write at the stack pointer plus `delta`. @throws Fault */
function checkWrite(cpu: Cpu, delta: number, size: number): void {
  const lo = stackOffset(cpu.state, delta);
  cpu.memory.writeAt(SS, lo, cpu.state[HIGH], size);
}

/** Does something that moves the stack pointer, which a fault puts back. @throws Fault */
function withStackPointer(cpu: Cpu, action: () => void): void {
  const { state: s } = cpu;
  const lo = s[RSP];
  const hi = s[RSP + 1];
  try {
    action();
  } catch (fault) {
    s[RSP] = lo;
    s[RSP + 1] = hi;
    throw fault;
  }
}

/**
 * ENTER: the frame pointers of the enclosing procedures are read as the pushes go on. At a fault
 * no register has changed, but what was pushed is in memory, as on processors. The last check is of
 * a write with the final stack pointer. SDM vol. 2, "ENTER".
 */
function enter(size: Size): Handler {
  return (cpu, i) => withStackPointer(cpu, () => pushFrame(cpu, i, size));
}

function pushFrame(cpu: Cpu, i: Instruction, size: Size): void {
  const { state: s, memory } = cpu;
  const level = i.immediate2 & 31;
  pushWords(cpu, size, s[RBP], s[RBP + 1]);
  const frameLo = s[RSP];
  const frameHi = s[RSP + 1];
  for (let n = 1; n < level; n++) {
    const at = stackOffset(s, -n * size, RBP);
    const p = memory.readAt(SS, at, s[HIGH], size);
    const lo = size === 8 ? memory.view.getInt32(p, true) : load(memory, p, size);
    pushWords(cpu, size, lo, size === 8 ? memory.view.getInt32(p + 4, true) : 0);
  }
  if (level > 0) {
    pushWords(cpu, size, frameLo, frameHi);
  }
  moveStackPointer(cpu, -(i.immediateLo & 0xffff));
  checkWrite(cpu, 0, size);
  setFramePointer(cpu, size, frameLo, frameHi);
}

function setFramePointer(cpu: Cpu, size: Size, lo: number, hi: number): void {
  if (size === 8) {
    setRegister64(cpu.state, RBP, lo, hi);
  } else {
    setRegister(cpu, slotOf(RBP, size), size, lo);
  }
}

function leave(size: Size): Handler {
  return (cpu) => {
    const { state: s, memory } = cpu;
    const at = stackOffset(s, 0, RBP);
    const p = memory.readAt(SS, at, s[HIGH], size);
    const lo = size === 8 ? memory.view.getInt32(p, true) : load(memory, p, size);
    const hi = size === 8 ? memory.view.getInt32(p + 4, true) : 0;
    const top = stackOffset(s, size, RBP);
    setStackPointer(cpu, top, s[HIGH]);
    setFramePointer(cpu, size, lo, hi);
  };
}

/** Words of the registers in the order of PUSHA. */
const ALL_REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => 2 * n);

function pushAll(size: 2 | 4): Handler {
  return (cpu) => {
    const { state: s } = cpu;
    for (let n = 1; n <= 8; n++) {
      checkWrite(cpu, -n * size, size);
    }
    const stackPointerBefore = s[RSP];
    for (const word of ALL_REGISTERS) {
      pushNarrow(cpu, size, word === RSP ? stackPointerBefore : s[word]);
    }
  };
}

/**
 * POPA reads the place of the stack pointer too, and drops it. At a fault the registers that were
 * popped before keep their new values, as on processors.
 */
function popAll(size: 2 | 4): Handler {
  return (cpu) => {
    for (let n = 0; n < 8; n++) {
      const value = load(cpu.memory, stackPointer(cpu, size, n * size), size);
      const word = ALL_REGISTERS[7 - n];
      if (word !== RSP) {
        setRegister(cpu, slotOf(word, size), size, value);
      }
    }
    moveStackPointer(cpu, 8 * size);
  };
}

/** VM and RF are stored as 0. */
const PUSHED_FLAGS = ~(Flag.VM | Flag.RF);

function pushFlags(size: Size): Handler {
  return (cpu) => {
    requireFlagsAccess(cpu);
    pushWords(cpu, size, readFlags(cpu.state) & PUSHED_FLAGS, 0);
  };
}

/** What POPF may change at any privilege level, and what besides where its operand has the bits. */
const POPPED_FLAGS =
  Flag.CF | Flag.PF | Flag.AF | Flag.ZF | Flag.SF | Flag.TF | Flag.DF | Flag.OF | Flag.NT;
const POPPED_UPPER_FLAGS = Flag.AC | Flag.ID | Flag.RF;

/** Flags that POPF changes. SDM vol. 2, "POPF", table "Effect of POPF/POPFD on the EFLAGS". */
function poppedFlags(s: Int32Array, size: Size): number {
  const privilege = s[CPL] === 0 ? Flag.IF | Flag.IOPL : 0;
  const io = s[CPL] <= ioPrivilegeLevel(s) ? Flag.IF : 0;
  return POPPED_FLAGS | (size === 2 ? 0 : POPPED_UPPER_FLAGS) | privilege | io;
}

/** POPF; a 32-bit or 64-bit one clears RF. */
function popFlags(size: Size): Handler {
  const width: NarrowSize = size === 2 ? 2 : 4;
  return (cpu: Cpu, _i: Instruction) => {
    const { state: s } = cpu;
    requireFlagsAccess(cpu);
    const image = load(cpu.memory, stackPointer(cpu, size), width);
    moveStackPointer(cpu, size);
    const before = readFlags(s);
    const changes = poppedFlags(s, size);
    writeFlags(s, (before & ~changes) | (image & changes & ~Flag.RF));
    if (((before ^ readFlags(s)) & Flag.AC) !== 0) {
      cpu.alignmentCheckChanged();
    }
  };
}

const flagPops: Rows = {
  ...each('Popfw', popFlags(2)),
  ...each('Popfd', popFlags(4)),
  ...each('Popfq', popFlags(8)),
};

/** SDM vol. 1, "Procedure Calls for Block-Structured Languages" and stack operations on many. */
export const stackFrame: Rows = {
  ...each('Enterw_imm16_imm8', enter(2)),
  ...each('Enterd_imm16_imm8', enter(4)),
  ...each('Enterq_imm16_imm8', enter(8)),
  ...each('Leavew', leave(2)),
  ...each('Leaved', leave(4)),
  ...each('Leaveq', leave(8)),
  ...each('Pushaw', pushAll(2)),
  ...each('Pushad', pushAll(4)),
  ...each('Popaw', popAll(2)),
  ...each('Popad', popAll(4)),
  ...each('Pushfw', pushFlags(2)),
  ...each('Pushfd', pushFlags(4)),
  ...each('Pushfq', pushFlags(8)),
  ...flagPops,
};

/** They may change what data accesses are allowed, and what interrupts the guest. */
export const FLAG_POPS = Object.keys(flagPops) as CodeName[];
