import { Vector } from '../fault.ts';
import type { Binder } from '../operation.ts';
import { Flag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { isProtectedMode } from '../state/modes.ts';
import type { CodeName, Rows } from './rows.ts';

/** Makes a form #UD in real-address and virtual-8086 mode, where no VEX prefix is recognized. */
function protectedOnly(bind: Binder): Binder {
  return (i) => {
    const execute = bind(i);
    if (i.mode === 64) {
      return execute;
    }
    return (cpu, operation) => {
      const s = cpu.state;
      if (!isProtectedMode(s) || (s[Word.SYSTEM_FLAGS] & Flag.VM) !== 0) {
        cpu.fault.raise(Vector.UD, 0, 'invalid-opcode');
      }
      execute(cpu, operation);
    };
  };
}

/** The rows of VEX-encoded forms. SDM vol. 2, "Exception Classification", "Exceptions Type 13". */
export function vex(rows: Rows): Rows {
  const result: Rows = {};
  for (const [name, bind] of Object.entries(rows)) {
    result[name as CodeName] = protectedOnly(bind);
  }
  return result;
}
