import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
  store64,
} from './operands.ts';
import { each, family, type Rows, type Size } from './rows.ts';
import {
  moveStackPointer,
  popNarrow,
  push64,
  pushNarrow,
  releaseStack64,
  stackPointer,
  stackPointer64,
} from './stack-access.ts';

function push(size: Size): Binder {
  const register: Handler =
    size === 8
      ? (cpu, i) => push64(cpu, cpu.state[i.slot0], cpu.state[i.slot0 + 1])
      : (cpu, i) => pushNarrow(cpu, size, getRegister(cpu, i.slot0, size));
  const memory: Handler = (cpu, i) => {
    const { view } = cpu.memory;
    const p = cpu.memory.readPointer(i, size);
    if (size === 8) {
      push64(cpu, view.getInt32(p, true), view.getInt32(p + 4, true));
    } else {
      pushNarrow(cpu, size, load(cpu.memory, p, size));
    }
  };
  return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
}

const pushImmediate64: Handler = (cpu, i) => push64(cpu, i.immediateLo, i.immediateHi);

function pushImmediate(size: NarrowSize): Handler {
  return (cpu, i) => pushNarrow(cpu, size, i.immediateLo);
}

/** POP to a register: POP RSP takes the value read, not the incremented pointer. */
function popRegister(size: Size): Handler {
  return size === 8
    ? (cpu, i) => {
        const { state: s } = cpu;
        const p = stackPointer64(cpu);
        const lo = cpu.memory.view.getInt32(p, true);
        const hi = cpu.memory.view.getInt32(p + 4, true);
        releaseStack64(s, 8);
        setRegister64(s, i.slot0, lo, hi);
      }
    : (cpu, i) => {
        const value = popNarrow(cpu, size);
        setRegister(cpu, i.slot0, size, value);
      };
}

/** POP to memory: the address of the destination is computed with the incremented pointer. */
function popMemory(size: Size): Handler {
  return (cpu, i) => {
    const { state: s, memory } = cpu;
    const p = stackPointer(cpu, size);
    const lo = size === 8 ? memory.view.getInt32(p, true) : load(memory, p, size);
    const hi = size === 8 ? memory.view.getInt32(p + 4, true) : 0;
    const rspLo = s[Word.RSP];
    const rspHi = s[Word.RSP + 1];
    moveStackPointer(cpu, size);
    try {
      const to = memory.writePointer(i, size);
      if (size === 8) {
        store64(memory, to, lo, hi);
      } else {
        store(memory, to, size, lo);
      }
    } catch (fault) {
      s[Word.RSP] = rspLo;
      s[Word.RSP + 1] = rspHi;
      throw fault;
    }
  };
}

function pop(size: Size): Binder {
  const register = popRegister(size);
  const memory = popMemory(size);
  return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
}

/** SDM vol. 1, "Procedure Calls, Interrupts, and Exceptions": stack operations. */
export const stack: Rows = {
  ...family('Push', 'r16 r32 r64 rm16 rm32 rm64', push),
  ...each('Push_imm16 Pushw_imm8', pushImmediate(2)),
  ...each('Pushd_imm8 Pushd_imm32', pushImmediate(4)),
  ...each('Pushq_imm8 Pushq_imm32', pushImmediate64),
  ...family('Pop', 'r16 r32 r64 rm16 rm32 rm64', pop),
};
