import type { Machine } from '../../index.ts';
import { flagNames } from '../flag-names.ts';
import { hex } from '../hex.ts';
import { CODE, DEFAULT_FLAGS, defaultRegister } from './machine-model.ts';
import type { Vector, VectorMode } from './vector.ts';

/** What may differ without being a mismatch. */
export interface Tolerance {
  /** Flags that the manual leaves undefined are compared too. */
  readonly strict: boolean;
  /** CR2 is compared after a page fault. */
  readonly faultAddress: boolean;
}

/** A part of the processor's state that a vector sets and that is compared afterwards. */
export interface StatePart {
  /** In the file. */
  readonly key: string;
  /** For people, and for `Machine.registers`. */
  readonly name: string;
  /** Its value where a vector's initial state does not list it. */
  readonly initial: bigint;
  read(machine: Machine): bigint;
  write(machine: Machine, value: bigint): void;
  /** Its value where a vector's final state does not list it; by default the initial one. */
  unlisted?(vector: Vector): bigint;
  /** Bits that are not compared. */
  ignored?(vector: Vector, tolerance: Tolerance): bigint;
  /** For people; by default in hex. */
  show?(value: bigint): string;
  /** Names the bits that differ. */
  nameBits?(bits: bigint): string;
}

const NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];

function register(key: string, name: string, initial: bigint): StatePart {
  return {
    key,
    name,
    initial,
    read: ({ registers }) => registers.get(name),
    write: ({ registers }, value) => registers.set(name, value),
  };
}

function generalRegisters(mode: VectorMode): StatePart[] {
  const names =
    mode === 32
      ? NAMES.map((name) => `e${name}`)
      : [...NAMES.map((name) => `r${name}`), ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `r${n}`)];
  return names.map((name, n) => register(name, name, defaultRegister(n, mode)));
}

const INSTRUCTION_POINTER: StatePart = {
  ...register('rip', 'rip', BigInt(CODE)),
  unlisted: ({ exception, bytes }) => BigInt(exception === undefined ? CODE + bytes.length : CODE),
};

/** IF is always set in user mode; the recorder's single-stepping used TF and RF. */
const NEVER_COMPARED = 0x1_0300;

const FLAGS: StatePart = {
  ...register('fl', 'rflags', DEFAULT_FLAGS),
  ignored: ({ undefinedFlags }, { strict }) =>
    BigInt(NEVER_COMPARED | (strict ? 0 : undefinedFlags)),
  show: (value) => `${hex(value)} (${flagNames(value) || '-'})`,
  nameBits: (value) => flagNames(value) || '-',
};

/**
 * What the machine has of the state that vectors describe. A key of the format without a row here
 * is neither set nor compared, and the summary says so.
 */
export const STATE_PARTS: Readonly<Record<VectorMode, readonly StatePart[]>> = {
  64: partsOf(64),
  32: partsOf(32),
};

function partsOf(mode: VectorMode): StatePart[] {
  return [
    ...generalRegisters(mode),
    INSTRUCTION_POINTER,
    FLAGS,
    register('fsb', 'fs_base', 0n),
    register('gsb', 'gs_base', 0n),
  ];
}
