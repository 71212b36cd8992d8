import { type Instruction, OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder, Handler } from '../operation.ts';
import { checkTarget, jump, jumpRelative } from './branch.ts';
import { CONDITIONS } from './conditions.ts';
import { getRegister, load, type NarrowSize } from './operands.ts';
import { each, family, type Rows, relativeForms, type Size } from './rows.ts';
import {
  moveStackPointer,
  pushNarrow,
  releaseStack64,
  reserveStack64,
  stackPointer,
  stackPointer64,
  storeBelowStack64,
} from './stack-access.ts';

const relative = (mnemonic: string): string => relativeForms(mnemonic).join(' ');

function jcc(): Rows {
  const rows = CONDITIONS.map(({ name, holds }) =>
    each(relative(`J${name}`), (cpu, i) => {
      if (holds(cpu.state)) {
        jumpRelative(cpu, i);
      }
    }),
  );
  return Object.assign({}, ...rows);
}

/** JMP and CALL through a register or memory. */
function indirect(go: (cpu: Cpu, i: Instruction, lo: number, hi: number) => void) {
  return (size: Size): Binder => {
    const fromRegister: Handler =
      size === 8
        ? (cpu, i) => go(cpu, i, cpu.state[i.slot0], cpu.state[i.slot0 + 1])
        : (cpu, i) => go(cpu, i, getRegister(cpu, i.slot0, size), 0);
    const fromMemory: Handler = (cpu, i) => {
      const { memory } = cpu;
      const p = memory.readPointer(i, size);
      if (size === 8) {
        go(cpu, i, memory.view.getInt32(p, true), memory.view.getInt32(p + 4, true));
      } else {
        go(cpu, i, load(memory, p, size), 0);
      }
    };
    return (i) => (i.kind0 === OperandKind.Memory ? fromMemory : fromRegister);
  };
}

/**
 * CALL in 64-bit mode. Processors store the return address first, then look at the target, and move
 * the stack pointer last.
 */
function call64(cpu: Cpu, i: Instruction, lo: number, hi: number): void {
  storeBelowStack64(cpu, i.nextLo, i.nextHi);
  jump(cpu, i, lo, hi);
  reserveStack64(cpu.state);
}

const callRelative64: Handler = (cpu, i) => call64(cpu, i, i.immediateLo, i.immediateHi);

function callRelative(size: NarrowSize): Handler {
  return (cpu, i) => {
    checkTarget(cpu, i, i.immediateLo, i.immediateHi);
    pushNarrow(cpu, size, i.nextLo);
    jumpRelative(cpu, i);
  };
}

function callIndirect(size: Size): Binder {
  if (size === 8) {
    return indirect(call64)(size);
  }
  return indirect((cpu, i, lo, hi) => {
    checkTarget(cpu, i, lo, hi);
    pushNarrow(cpu, size, i.nextLo);
    jump(cpu, i, lo, hi);
  })(size);
}

/** RET; the immediate, 0 where there is none, is what it releases besides the address. */
const return64: Handler = (cpu, i) => {
  const p = stackPointer64(cpu);
  const { view } = cpu.memory;
  jump(cpu, i, view.getInt32(p, true), view.getInt32(p + 4, true));
  releaseStack64(cpu.state, 8 + i.immediateLo);
};

function returnNarrow(size: NarrowSize): Handler {
  return (cpu, i) => {
    jump(cpu, i, load(cpu.memory, stackPointer(cpu, size), size), 0);
    moveStackPointer(cpu, size + i.immediateLo);
  };
}

/** SDM vol. 1, "Control Transfer Instructions": the near ones. */
export const controlTransfer: Rows = {
  ...jcc(),
  ...each(relative('Jmp'), jumpRelative),
  ...family('Jmp', 'rm16 rm32 rm64', indirect(jump)),
  ...each('Call_rel32_64', callRelative64),
  ...each('Call_rel32_32', callRelative(4)),
  ...each('Call_rel16', callRelative(2)),
  ...family('Call', 'rm16 rm32 rm64', callIndirect),
  ...each('Retnq Retnq_imm16', return64),
  ...each('Retnd Retnd_imm16', returnNarrow(4)),
  ...each('Retnw Retnw_imm16', returnNarrow(2)),
};
