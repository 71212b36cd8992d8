import type { Cpu } from '../cpu.ts';
import { Vector } from '../fault.ts';
import type { Handler } from '../operation.ts';
import {
  carryFlag,
  Flag,
  overflowFlag,
  readFlags,
  setCarryFlag,
  writeArithmeticFlags,
} from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { requireIoPrivilege } from './privilege.ts';
import { type CodeName, each, type Rows } from './rows.ts';

const { CPL, SYSTEM_FLAGS } = Word;
const AL = 0;
const AH = 1;

/** The flags that AH holds; bit 1 reads as 1, bits 3 and 5 as 0. */
const IN_AH = Flag.SF | Flag.ZF | Flag.AF | Flag.PF | Flag.CF | 2;

const lahf: Handler = ({ state: s, registers8 }) => {
  registers8[AH] = readFlags(s) & IN_AH;
};

const sahf: Handler = ({ state: s, registers8 }) => {
  writeArithmeticFlags(s, registers8[AH] | (overflowFlag(s) << 11));
};

const salc: Handler = ({ state: s, registers8 }) => {
  registers8[AL] = -carryFlag(s);
};

/** CLI and STI. */
function setInterruptFlag(value: 0 | 1): Handler {
  return (cpu) => {
    requireIoPrivilege(cpu);
    setSystemFlag(cpu, Flag.IF, value);
  };
}

/** CLAC and STAC. */
function setAlignmentCheck(value: 0 | 1): Handler {
  return (cpu) => {
    if (cpu.state[CPL] !== 0) {
      cpu.fault.raise(Vector.UD, 0, 'privilege');
    }
    setSystemFlag(cpu, Flag.AC, value);
    cpu.alignmentCheckChanged();
  };
}

function setSystemFlag({ state: s }: Cpu, flag: number, value: 0 | 1): void {
  if (value === 1) {
    s[SYSTEM_FLAGS] |= flag;
  } else {
    s[SYSTEM_FLAGS] &= ~flag;
  }
}

const systemFlags: Rows = {
  ...each('Cli', setInterruptFlag(0)),
  ...each('Sti', setInterruptFlag(1)),
  ...each('Clac', setAlignmentCheck(0)),
  ...each('Stac', setAlignmentCheck(1)),
};

/** SDM vol. 1, "Flag Control (EFLAG) Instructions", less those that use the stack. */
export const flagControl: Rows = {
  ...each('Clc', ({ state: s }) => setCarryFlag(s, 0)),
  ...each('Stc', ({ state: s }) => setCarryFlag(s, 1)),
  ...each('Cmc', ({ state: s }) => setCarryFlag(s, carryFlag(s) ^ 1)),
  ...each('Cld', (cpu) => setSystemFlag(cpu, Flag.DF, 0)),
  ...each('Std', (cpu) => setSystemFlag(cpu, Flag.DF, 1)),
  ...each('Lahf', lahf),
  ...each('Sahf', sahf),
  ...each('Salc', salc),
  ...systemFlags,
};

/** They change what data accesses are allowed, and what interrupts the guest. */
export const SYSTEM_FLAG_CHANGES = Object.keys(systemFlags) as CodeName[];
