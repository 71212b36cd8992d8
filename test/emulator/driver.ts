import { type Exit, Machine, type MachineOptions } from '../../src/index.ts';

/** One little program and what it starts from. */
export interface Scenario extends MachineOptions {
  /** Machine code in hex, spaces allowed. */
  readonly code: string;
  /** Where the code goes; by default CODE, or 0x1000 in real mode. */
  readonly at?: bigint;
  /** Registers at the start. */
  readonly with?: Readonly<Record<string, bigint | number>>;
  /** Bytes in memory at the start, in hex. */
  readonly memory?: Readonly<Record<string, string>>;
  /** Instructions to execute at most; by default 1,000. */
  readonly steps?: number;
}

/** What is mapped: code, 8 KiB of data and 8 KiB of stack, all user pages, read and write. */
export const CODE = 0x40_0000n;
export const DATA = 0x10_0000n;
export const STACK_TOP = 0x7f_2000n;

/** Where a scenario of a mode finds its code; real mode has everything below 1 MiB. */
export function codeAddress(mode: MachineOptions['mode']): bigint {
  return mode === 16 ? 0x1000n : CODE;
}

/** A finished scenario. */
export interface Outcome {
  readonly machine: Machine;
  readonly exit: Exit;
  /** `end` when the code ran to its end, else the exit's reason, or `#GP(0)` for an exception. */
  readonly ended: string;
  /** A register's value. */
  register(name: string): bigint;
  /** Memory as hex. */
  memory(address: bigint, size: number): string;
}

/** Runs a scenario to the end of its code. */
export function run(scenario: Scenario): Outcome {
  const machine = prepare(scenario);
  const code = fromHex(scenario.code);
  const at = scenario.at ?? codeAddress(scenario.mode);
  const end = at + BigInt(code.length);
  const exit = machine.run({ until: end, maxInstructions: scenario.steps ?? 1_000 });
  return {
    machine,
    exit,
    ended: describe(exit),
    register: (name) => machine.registers.get(name),
    memory: (address, size) => toHex(machine.read(address, size)),
  };
}

/** The machine of a scenario, ready to run. */
export function prepare(scenario: Scenario): Machine {
  const { mode = 64 } = scenario;
  const machine = new Machine({ ramSize: 4 << 20, ...scenario });
  const code = fromHex(scenario.code);
  const at = scenario.at ?? codeAddress(mode);
  if (mode === 16) {
    machine.map(0, 0x2_0000);
  } else {
    machine.map(at, 0x2000, 'rwxu');
    machine.map(DATA, 0x2000, 'rwu');
    machine.map(STACK_TOP - 0x2000n, 0x2000, 'rwu');
  }
  machine.write(at, code);
  machine.registers.rsp = mode === 16 ? 0xf000n : STACK_TOP - 0x100n;
  machine.registers.rip = at;
  for (const [address, bytes] of Object.entries(scenario.memory ?? {})) {
    machine.write(BigInt(address), fromHex(bytes));
  }
  for (const [name, value] of Object.entries(scenario.with ?? {})) {
    machine.registers.set(name, value);
  }
  return machine;
}

function describe(exit: Exit): string {
  if (exit.reason === 'until') {
    return 'end';
  }
  if (exit.reason === 'exception') {
    return exit.name + (exit.errorCode === undefined ? '' : `(${exit.errorCode})`);
  }
  return exit.reason;
}

export function fromHex(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
