import {
  type Cr4Name,
  Machine,
  MachineArgumentError,
  OutOfGuestMemoryError,
  type StartingMode,
  UnmappedMemoryError,
} from '../../index.ts';
import { binarySize } from '../format.ts';
import { hex } from '../hex.ts';
import { blaming, UsageError } from '../usage.ts';
import type { Range, RunOptions } from './options.ts';

/** Bytes to put somewhere, and what to call them in messages. */
export interface Contents {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly option: string;
}

/** A machine that is ready to run, and the RIP values that mean something. */
export interface Guest {
  readonly machine: Machine;
  /** What follows the last byte of the code; undefined where RIP cannot come. */
  readonly endRip: bigint | undefined;
  /** Where `--call` returns to. */
  readonly returnRip: bigint | undefined;
  readonly untilRips: readonly bigint[];
  /** Where the stack ends, if it is not the user's choice. */
  readonly stackTop: bigint;
}

const DEFAULT_BASE = 0x40_0000n;
const KERNEL_BASE = 0xffff_ffff_8000_0000n;
const BOOT_SECTOR = 0x7c00n;
const STACK_SIZE = 0x1_0000;
/** Ends of the stacks, by whose they are. */
const USER_STACK_END = 0x7fff_ffff_f000n;
const KERNEL_STACK_END = 0xffff_c900_0001_0000n;
const NARROW_STACK_END = 0xc000_0000n;
const CONVENTIONAL_MEMORY: Range = { address: 0n, size: 0xa_0000 };
/** Real mode reaches 64 KiB behind a segment. */
const SEGMENT = 0x1_0000n;
const LAST_REAL_ADDRESS = 0xf_ffffn;

/** Where the code goes if nobody says. */
export function baseOf({ mode, base, cpl }: RunOptions): bigint {
  const usual = mode === 16 ? BOOT_SECTOR : mode === 64 && cpl !== 3 ? KERNEL_BASE : DEFAULT_BASE;
  return base ?? usual;
}

/** Builds the machine that the options describe. @throws UsageError */
export function createGuest(
  options: RunOptions,
  code: Contents,
  loads: readonly Contents[],
): Guest {
  const machine = createMachine(options);
  const stack = stackOf(options, code);
  fillMemory(machine, options, [code, ...loads], stack);
  setRegisters(machine, options, code, stack);
  const rip = (linear: bigint) => toRip(machine, linear);
  const returnRip = options.call ? pushReturnAddress(machine, code) : undefined;
  return {
    machine,
    endRip: rip(code.address + BigInt(code.bytes.length)),
    returnRip,
    untilRips: options.until.map(rip).filter((at) => at !== undefined),
    stackTop: stack.address + BigInt(stack.size),
  };
}

function createMachine({ mode, cpl, cr4, ac, ram, audit, seed }: RunOptions): Machine {
  const seeded = seed === undefined ? {} : { seed };
  try {
    const names = cr4 as readonly Cr4Name[];
    return new Machine({ mode, cpl, cr4: names, ac, ramSize: ram, audit, ...seeded });
  } catch (error) {
    if (error instanceof MachineArgumentError && error.argument === 'cr4') {
      throw new UsageError(`--cr4 ${error.value}`, `expected ${error.expected}`);
    }
    throw error;
  }
}

function stackOf({ mode, cpl, stack }: RunOptions, code: Contents): Range {
  if (stack !== undefined) {
    return stack.value;
  }
  if (mode === 16) {
    // What lies under a boot sector, or for code of another place the end of conventional memory.
    return code.address >= BOOT_SECTOR && code.address < SEGMENT
      ? { address: 0x500n, size: 0x7700 }
      : { address: 0x8_0000n, size: STACK_SIZE };
  }
  const isUpper = code.address >> 63n === 1n;
  const narrow = mode !== 64;
  const wideEnd = isUpper && cpl !== 3 ? KERNEL_STACK_END : USER_STACK_END;
  const end = narrow ? NARROW_STACK_END : wideEnd;
  const usual = { address: end - BigInt(STACK_SIZE), size: STACK_SIZE };
  if (overlap(usual, { address: code.address, size: code.bytes.length })) {
    throw new UsageError(code.option, `overlaps the stack at ${hex(usual.address)}; give --stack`);
  }
  return usual;
}

function overlap(a: Range, b: Range): boolean {
  return a.address < b.address + BigInt(b.size) && b.address < a.address + BigInt(a.size);
}

function fillMemory(
  machine: Machine,
  options: RunOptions,
  contents: readonly Contents[],
  stack: Range,
): void {
  const tooMuch = `does not fit into the guest's RAM of ${binarySize(options.ram)}; give a larger --ram`;
  const map = (option: string, { address, size }: Range) => {
    try {
      machine.map(address, size);
    } catch (error) {
      if (error instanceof OutOfGuestMemoryError || error instanceof MachineArgumentError) {
        throw new UsageError(option, tooMuch);
      }
      throw error;
    }
  };
  if (options.mode === 16) {
    map('real mode', CONVENTIONAL_MEMORY);
  }
  map(options.stack?.option ?? 'the stack', stack);
  for (const { option, address, bytes } of contents) {
    map(option, { address, size: bytes.length });
  }
  for (const { option, value } of options.maps) {
    map(option, value);
  }
  for (const { address, bytes } of contents) {
    machine.write(address, bytes);
  }
  // Only now: real mode would lose what is written to read-only memory.
  for (const { value } of options.maps) {
    if (value.rights !== undefined) {
      machine.protect(value.address, value.size, value.rights);
    }
  }
}

function setRegisters(machine: Machine, options: RunOptions, code: Contents, stack: Range): void {
  const { registers } = machine;
  if (options.mode === 16) {
    setRealModeSegments(machine, options, code, stack);
  } else {
    registers.rsp = BigInt.asUintN(64, stack.address + BigInt(stack.size)) & ~15n;
  }
  for (const { option, value } of options.registers) {
    blaming(option, [RangeError], () => registers.set(value.name, value.value));
  }
  if (!options.registers.some(({ value }) => value.name === 'rip')) {
    const entry = options.entry ?? code.address;
    const rip = toRip(machine, entry);
    if (rip === undefined) {
      throw new UsageError(
        hex(entry),
        `out of CS's reach, whose base is ${hex(registers.cs_base)}`,
      );
    }
    registers.rip = rip;
  }
}

function setRealModeSegments(
  { registers }: Machine,
  options: RunOptions,
  code: Contents,
  stack: Range,
): void {
  if (code.address > LAST_REAL_ADDRESS) {
    throw new UsageError(code.option, `real mode cannot reach ${hex(code.address)}`);
  }
  if (code.address + BigInt(code.bytes.length) > SEGMENT) {
    registers.cs = code.address >> 4n;
    registers.ds = registers.cs;
    registers.es = registers.cs;
  }
  const end = stack.address + BigInt(stack.size);
  const offset = end <= SEGMENT ? 0n : stack.address & ~15n;
  const pointer = (end - offset) & ~1n;
  if (offset > LAST_REAL_ADDRESS || pointer > SEGMENT) {
    const problem = 'real mode has stacks of up to 64K below 1M';
    throw new UsageError(options.stack?.option ?? '--stack', problem);
  }
  registers.ss = offset >> 4n;
  registers.rsp = pointer & (SEGMENT - 1n);
}

/** RIP for a linear address under CS as it is; undefined where CS does not reach. */
function toRip(machine: Machine, linear: bigint): bigint | undefined {
  const { mode, registers } = machine;
  if (mode === 64) {
    return BigInt.asUintN(64, linear);
  }
  const offset = linear - registers.cs_base;
  if (mode !== 16) {
    return BigInt.asUintN(32, offset);
  }
  return offset >= 0n && offset < SEGMENT ? offset : undefined;
}

/** The linear address of what RIP stands at. */
export function linearOf({ mode, registers }: Machine, rip: bigint): bigint {
  return mode === 64 ? rip : BigInt.asUintN(32, registers.cs_base + rip);
}

/** Width of the code that a mode starts in. */
export function codeModeOf(mode: StartingMode): 16 | 32 | 64 {
  return mode === 'compat' ? 32 : mode;
}

/** Pushes an address that nothing lies at, as CALL would, and returns it. */
function pushReturnAddress(machine: Machine, code: Contents): bigint {
  const { mode, registers } = machine;
  const address = freeAddress(machine, code);
  const bits = codeModeOf(mode);
  const size = bits / 8;
  const pointer = BigInt.asUintN(bits, registers.rsp - BigInt(size));
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, address, true);
  const linear = mode === 64 ? pointer : BigInt.asUintN(32, registers.ss_base + pointer);
  blaming('--call: the stack', [UnmappedMemoryError, MachineArgumentError], () =>
    machine.write(linear, bytes.subarray(0, size)),
  );
  registers.rsp = pointer;
  return address;
}

function freeAddress(machine: Machine, code: Contents): bigint {
  const { mode, registers } = machine;
  if (mode === 16) {
    // Everything is mapped there, so an offset before or after the code must do.
    const start = code.address - registers.cs_base;
    return start > 0n ? 0n : 0xfffen;
  }
  const upper = mode === 64 && code.address >> 63n === 1n;
  let address = mode !== 64 ? 0xffff_f000n : upper ? 0xffff_ffff_ffff_f000n : USER_STACK_END;
  while (machine.isMapped(address)) {
    address -= 0x1000n;
  }
  return address;
}
