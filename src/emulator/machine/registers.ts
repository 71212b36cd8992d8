import { Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { segmentWord } from '../memory/segmentation.ts';
import { readFlags, writeFlags } from '../state/flags.ts';
import { GPR_NAMES, SegmentField, Word } from '../state/layout.ts';
import { isProtectedMode } from '../state/modes.ts';
import { highWord, lowWord, toAddress } from '../state/word64.ts';
import { hex } from './arguments.ts';

const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
const LEGACY_16 = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'] as const;
const LEGACY_8 = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'] as const;
const HIGH_8 = ['ah', 'ch', 'dh', 'bh'] as const;

type Gpr64 = (typeof GPR_NAMES)[number];
type Gpr32 = `e${(typeof LEGACY_16)[number]}` | `r${8 | 9 | 10 | 11 | 12 | 13 | 14 | 15}d`;
type Gpr16 = (typeof LEGACY_16)[number] | `r${8 | 9 | 10 | 11 | 12 | 13 | 14 | 15}w`;
type Gpr8 =
  | (typeof LEGACY_8)[number]
  | (typeof HIGH_8)[number]
  | `r${8 | 9 | 10 | 11 | 12 | 13 | 14 | 15}b`;
type SegmentName = (typeof SEGMENT_NAMES)[number];
type ControlName = 'cr0' | 'cr2' | 'cr3' | 'cr4' | 'efer' | 'kernel_gs_base' | 'tsc_aux';

/** Everything that `Registers` can read and write. */
export type RegisterName =
  | Gpr64
  | Gpr32
  | Gpr16
  | Gpr8
  | 'rip'
  | 'rflags'
  | 'cpl'
  | SegmentName
  | `${SegmentName}_base`
  | ControlName;

/** How to reach one register; `set` takes a value that fits in `bits`. */
interface RegisterAccess {
  readonly bits: number;
  get(cpu: Cpu): bigint;
  set(cpu: Cpu, value: bigint): void;
}

const ACCESS = new Map<string, RegisterAccess>();

function wide(word: number, after?: (cpu: Cpu) => void): RegisterAccess {
  return {
    bits: 64,
    get: ({ state: s }) => toAddress(s[word], s[word + 1]),
    set: (cpu, value) => {
      cpu.state[word] = lowWord(value);
      cpu.state[word + 1] = highWord(value);
      after?.(cpu);
    },
  };
}

function word32(word: number, after?: (cpu: Cpu) => void): RegisterAccess {
  return {
    bits: 32,
    get: ({ state: s }) => BigInt(s[word] >>> 0),
    set: (cpu, value) => {
      cpu.state[word] = lowWord(value);
      after?.(cpu);
    },
  };
}

function defineGeneralRegisters(): void {
  GPR_NAMES.forEach((name, n) => {
    const legacy = n < 8;
    const word = 2 * n;
    ACCESS.set(name, wide(word));
    ACCESS.set(legacy ? `e${LEGACY_16[n]}` : `${name}d`, {
      bits: 32,
      get: ({ state: s }) => BigInt(s[word] >>> 0),
      set: ({ state: s }, value) => {
        s[word] = lowWord(value);
        s[word + 1] = 0;
      },
    });
    ACCESS.set(legacy ? LEGACY_16[n] : `${name}w`, {
      bits: 16,
      get: ({ registers16 }) => BigInt(registers16[4 * n]),
      set: ({ registers16 }, value) => {
        registers16[4 * n] = Number(value);
      },
    });
    ACCESS.set(legacy ? LEGACY_8[n] : `${name}b`, byteRegister(8 * n));
  });
  HIGH_8.forEach((name, n) => {
    ACCESS.set(name, byteRegister(8 * n + 1));
  });
}

function byteRegister(at: number): RegisterAccess {
  return {
    bits: 8,
    get: ({ registers8 }) => BigInt(registers8[at]),
    set: ({ registers8 }, value) => {
      registers8[at] = Number(value);
    },
  };
}

const contextChanged = (cpu: Cpu): void => cpu.contextChanged();

function defineSystemRegisters(): void {
  ACCESS.set('rip', {
    bits: 64,
    get: (cpu) => cpu.instructionPointer,
    set: (cpu, value) => {
      cpu.instructionPointer = value;
    },
  });
  ACCESS.set('rflags', {
    bits: 32,
    get: (cpu) => BigInt(readFlags(cpu.state) >>> 0),
    set: (cpu, value) => {
      writeFlags(cpu.state, lowWord(value));
      cpu.alignmentCheckChanged();
    },
  });
  ACCESS.set('cpl', { ...word32(Word.CPL, contextChanged), bits: 2 });
  ACCESS.set('cr0', word32(Word.CR0, contextChanged));
  ACCESS.set('cr2', wide(Word.CR2));
  ACCESS.set('cr3', wide(Word.CR3, contextChanged));
  ACCESS.set('cr4', word32(Word.CR4, contextChanged));
  ACCESS.set('efer', word32(Word.EFER, contextChanged));
  ACCESS.set('kernel_gs_base', wide(Word.KERNEL_GS_BASE));
  ACCESS.set('tsc_aux', word32(Word.TSC_AUX));
  SEGMENT_NAMES.forEach((name, n) => {
    const at = segmentWord(n);
    const after = n === Segment.CS ? contextChanged : undefined;
    ACCESS.set(`${name}_base`, wide(at, after));
    ACCESS.set(name, {
      ...word32(at + SegmentField.SELECTOR, (cpu) => {
        if (!isProtectedMode(cpu.state)) {
          cpu.state[at] = cpu.state[at + SegmentField.SELECTOR] << 4;
        }
        after?.(cpu);
      }),
      bits: 16,
    });
  });
}

defineGeneralRegisters();
defineSystemRegisters();

/** Names of all registers that can be read and written. */
export const REGISTER_NAMES: readonly RegisterName[] = [...ACCESS.keys()] as RegisterName[];

export function isRegisterName(name: string): name is RegisterName {
  return ACCESS.has(name);
}

/** Width of a register in bits. */
export function registerBits(name: RegisterName): number {
  return access(name).bits;
}

function access(name: string): RegisterAccess {
  const found = ACCESS.get(name);
  if (found === undefined) {
    throw new RangeError(`no register is named ${name}`);
  }
  return found;
}

/**
 * The registers of a processor by name: `registers.rax = 5n`. Values are unsigned; writing takes a
 * number or bigint, negative ones in two's complement.
 *
 * Writing a 32-bit name (`eax`) clears the upper half as the processor does; 8 and 16-bit names
 * leave the rest. A segment register's name is its selector alone: nothing is loaded from a
 * descriptor table, except that in real mode the base follows.
 */
export type Registers = { [name in RegisterName]: bigint } & RegisterMethods;

/** Access by computed name. */
export interface RegisterMethods {
  /** @throws RangeError for an unknown name. */
  get(name: string): bigint;
  /** @throws RangeError for an unknown name or a value that does not fit. */
  set(name: string, value: number | bigint): void;
}

export function createRegisters(cpu: Cpu): Registers {
  const registers: RegisterMethods = {
    get: (name) => access(name).get(cpu),
    set: (name, value) => {
      const { bits, set } = access(name);
      const wanted = typeof value === 'bigint' ? value : toBigInt(name, value);
      if (wanted >= 1n << BigInt(bits) || wanted < -(1n << BigInt(bits - 1))) {
        throw new RangeError(`${name} has ${bits} bits; ${hex(wanted)} does not fit`);
      }
      set(cpu, BigInt.asUintN(bits, wanted));
    },
  };
  for (const name of REGISTER_NAMES) {
    Object.defineProperty(registers, name, {
      enumerable: true,
      get: () => registers.get(name),
      set: (value: number | bigint) => registers.set(name, value),
    });
  }
  return registers as Registers;
}

function toBigInt(name: string, value: number): bigint {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${name} takes an integer; ${value} is not one`);
  }
  return BigInt(value);
}
