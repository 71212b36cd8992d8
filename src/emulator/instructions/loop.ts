import type { Cpu } from '../cpu.ts';
import type { Handler } from '../operation.ts';
import { zeroFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { checkTarget, jumpRelative } from './branch.ts';
import { advance, offsetIn } from './repeat.ts';
import { each, type Rows } from './rows.ts';

const { GPR, HIGH } = Word;
const RCX = GPR + 2;

/** Widths of the count register, which the address size chooses, by its name. */
const COUNTS = { CX: 16, ECX: 32, RCX: 64 } as const;

type Condition = (s: Int32Array) => boolean;

/** Whether the count is `value`, 0 or 1. */
function countIs({ state: s }: Cpu, bits: number, value: number): boolean {
  return offsetIn(s, RCX, bits) === value && s[HIGH] === 0;
}

function loop(bits: number, holds: Condition): Handler {
  return (cpu, i) => {
    const taken = !countIs(cpu, bits, 1) && holds(cpu.state);
    if (taken) {
      checkTarget(cpu, i, i.immediateLo, i.immediateHi);
    }
    advance(cpu, RCX, bits, -1);
    if (taken) {
      jumpRelative(cpu, i);
    }
  };
}

/** Branch forms are named by the mode's operand size, then by the count register. */
function loops(mnemonic: string, holds: Condition): Rows {
  return {
    ...each(`${mnemonic}_rel8_16_CX ${mnemonic}_rel8_32_CX`, loop(COUNTS.CX, holds)),
    ...each(
      `${mnemonic}_rel8_16_ECX ${mnemonic}_rel8_32_ECX ${mnemonic}_rel8_64_ECX`,
      loop(COUNTS.ECX, holds),
    ),
    ...each(`${mnemonic}_rel8_16_RCX ${mnemonic}_rel8_64_RCX`, loop(COUNTS.RCX, holds)),
  };
}

function jumpIfZero(bits: number): Handler {
  return (cpu, i) => {
    if (countIs(cpu, bits, 0)) {
      jumpRelative(cpu, i);
    }
  };
}

/** SDM vol. 1, "Control Transfer Instructions": those that count in rCX. */
export const loopInstructions: Rows = {
  ...loops('Loop', () => true),
  ...loops('Loope', (s) => zeroFlag(s) === 1),
  ...loops('Loopne', (s) => zeroFlag(s) === 0),
  ...each('Jcxz_rel8_16 Jcxz_rel8_32', jumpIfZero(COUNTS.CX)),
  ...each('Jecxz_rel8_16 Jecxz_rel8_32 Jecxz_rel8_64', jumpIfZero(COUNTS.ECX)),
  ...each('Jrcxz_rel8_16 Jrcxz_rel8_64', jumpIfZero(COUNTS.RCX)),
};
