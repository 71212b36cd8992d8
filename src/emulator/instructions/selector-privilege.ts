import { OperandKind } from '../../decoder/index.ts';
import type { Binder } from '../operation.ts';
import { setZeroFlag } from '../state/flags.ts';
import { load, store } from './operands.ts';
import { requireProtectedMode } from './privilege.ts';
import type { Rows } from './rows.ts';

const RPL = 3;

/** A selector with its RPL raised to that of `by`. */
function raised(selector: number, by: number): number {
  return (selector & RPL) < (by & RPL) ? (selector & ~RPL) | (by & RPL) : selector;
}

/**
 * ARPL works on 16 bits whatever its operand size is, and writes only if it has something to raise:
 * a selector in read-only memory that needs no change is no fault.
 *
 * @param halves 16-bit units that a register slot of the form counts.
 */
function arpl(halves: 1 | 2): Binder {
  return ({ kind0 }) =>
    kind0 === OperandKind.Memory
      ? (cpu, i) => {
          requireProtectedMode(cpu);
          const { memory, registers16 } = cpu;
          const before = load(memory, memory.readPointer(i, 2), 2);
          const after = raised(before, registers16[i.slot1 * halves]);
          if (after !== before) {
            store(memory, memory.writePointer(i, 2), 2, after);
          }
          setZeroFlag(cpu.state, after !== before ? 1 : 0);
        }
      : (cpu, i) => {
          requireProtectedMode(cpu);
          const { registers16 } = cpu;
          const at = i.slot0 * halves;
          const before = registers16[at];
          registers16[at] = raised(before, registers16[i.slot1 * halves]);
          setZeroFlag(cpu.state, registers16[at] !== before ? 1 : 0);
        };
}

/** SDM vol. 3, "Checking Caller Access Privileges (ARPL Instruction)". */
export const selectorPrivilege: Rows = {
  Arpl_rm16_r16: arpl(1),
  Arpl_r32m16_r32: arpl(2),
};
