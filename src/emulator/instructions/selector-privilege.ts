import { OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder } from '../operation.ts';
import { setZeroFlag } from '../state/flags.ts';
import { load, store } from './operands.ts';
import { requireProtectedMode } from './privilege.ts';
import type { Rows } from './rows.ts';

const RPL = 3;

/** The selector with its RPL raised to that of `by`; ZF says whether that changed it. */
function raise(cpu: Cpu, selector: number, by: number): number {
  const isLower = (selector & RPL) < (by & RPL);
  setZeroFlag(cpu.state, isLower ? 1 : 0);
  return isLower ? (selector & ~RPL) | (by & RPL) : selector;
}

/**
 * ARPL works on 16 bits whatever its operand size is.
 *
 * @param halves 16-bit units that a register slot of the form counts.
 */
function arpl(halves: 1 | 2): Binder {
  return (i) =>
    i.kind0 === OperandKind.Memory
      ? (cpu, instruction) => {
          requireProtectedMode(cpu);
          const { memory, registers16 } = cpu;
          const p = memory.updatePointer(instruction, 2);
          const by = registers16[instruction.slot1 * halves];
          store(memory, p, 2, raise(cpu, load(memory, p, 2), by));
        }
      : (cpu, { slot0, slot1 }) => {
          requireProtectedMode(cpu);
          const { registers16 } = cpu;
          const at = slot0 * halves;
          registers16[at] = raise(cpu, registers16[at], registers16[slot1 * halves]);
        };
}

/** SDM vol. 3, "Checking Caller Access Privileges (ARPL Instruction)". */
export const selectorPrivilege: Rows = {
  Arpl_rm16_r16: arpl(1),
  Arpl_r32m16_r32: arpl(2),
};
