import { disassemble, type ExceptionExit, type FaultCause, type Machine } from '../../index.ts';
import { counted, duration, grouped } from '../format.ts';
import { hex } from '../hex.ts';
import { ExitStatus } from '../status.ts';
import type { RunExit } from './execute.ts';
import { codeModeOf, linearOf } from './guest.ts';
import type { RunOptions } from './options.ts';

const VECTORS: Readonly<Record<string, string>> = {
  '#DE': 'divide error',
  '#DB': 'debug exception',
  '#BP': 'breakpoint',
  '#OF': 'overflow',
  '#BR': 'BOUND range exceeded',
  '#UD': 'invalid opcode',
  '#NM': 'no math coprocessor',
  '#DF': 'double fault',
  '#TS': 'invalid TSS',
  '#NP': 'segment not present',
  '#SS': 'stack-segment fault',
  '#GP': 'general protection',
  '#PF': 'page fault',
  '#MF': 'x87 floating-point error',
  '#AC': 'alignment check',
  '#XM': 'SIMD floating-point error',
  '#CP': 'control protection',
};

/** Names of the checks that a person would look up; the others go by their cause. */
const CHECKS: Partial<Readonly<Record<FaultCause, string>>> = {
  canonical: 'canonical address',
  smap: 'SMAP: supervisor access to a user page',
  smep: 'SMEP: supervisor fetch from a user page',
  user: 'paging: U/S, a supervisor page',
  'write-protect': 'paging: R/W, a read-only page',
  'no-execute': 'paging: XD, not executable',
  'not-present': 'paging: present',
  'reserved-bit': 'paging: reserved bits',
  'segment-limit': 'segment limit',
  'segment-type': 'segment type',
  'segment-null': 'null segment',
  privilege: 'privilege level',
  'io-privilege': 'I/O privilege level',
};

/** `#GP(0)`, or `#UD` for what has no error code. */
export function faultLabel({ name, errorCode }: ExceptionExit): string {
  if (errorCode === undefined) {
    return name;
  }
  return `${name}(${errorCode === 0 ? '0' : hex(errorCode)})`;
}

/** What the bits of a page fault's error code say. SDM vol. 3, "Page-Fault Error Code". */
export function pageFaultBits(errorCode: number): string {
  const has = (bit: number) => ((errorCode >> bit) & 1) === 1;
  const access = has(4) ? 'fetch' : has(1) ? 'write' : 'read';
  const extra = [has(3) ? ', reserved bit set' : '', has(5) ? ', protection key' : ''].join('');
  return `${has(2) ? 'user' : 'supervisor'} ${access}, page ${has(0) ? '' : 'not '}present${extra}`;
}

/** Which check an exception comes from. */
export function checkName({ cause, lassRule }: ExceptionExit): string {
  return cause === 'lass' ? `LASS, rule ${lassRule}` : (CHECKS[cause] ?? cause.replace('-', ' '));
}

/** Where RIP stands, as CS:IP in real mode. */
export function place({ mode, registers }: Machine, rip: bigint): string {
  return mode === 16 ? `${fourDigits(registers.cs)}:${fourDigits(rip)}` : hex(rip);
}

function fourDigits(value: bigint): string {
  return value.toString(16).padStart(4, '0');
}

/** One line about the end of a run. */
export function headline(
  { exit, milliseconds }: { exit: RunExit; milliseconds: number },
  machine: Machine,
  options: RunOptions,
): string {
  const { registers } = machine;
  const at = `at ${place(machine, exit.rip)}`;
  switch (exit.reason) {
    case 'end':
      return `reached the end of the code ${at}`;
    case 'halt':
      return 'halted by HLT';
    case 'until':
      return `reached --until ${at}`;
    case 'return':
      return `returned ${returnValue(registers.rax, options.mode)}`;
    case 'exception':
      return `stopped by ${faultLabel(exit)}, ${VECTORS[exit.name] ?? 'exception'}, ${at}`;
    case 'limit':
      return exit.limit === 'time'
        ? `stopped ${at} after ${duration(milliseconds)}, the limit (--timeout)`
        : `stopped ${at} after ${counted(options.maxInstructions, 'instruction')}, the limit (--max-instructions)`;
    case 'aborted':
      return `interrupted ${at}`;
    case 'interrupt':
      return `stopped by INT ${hex(exit.vector)}: there is nothing to serve it`;
    case 'syscall':
      return `stopped by ${exit.instruction.toUpperCase()} number ${grouped(Number(registers.rax))}: there is no kernel to serve it`;
    case 'io':
      return exit.direction === 'in'
        ? `stopped by a read of port ${hex(exit.port)} (${counted(exit.size, 'byte')}): there is no device`
        : `stopped by a write of ${hex(exit.value)} to port ${hex(exit.port)} (${counted(exit.size, 'byte')}): there is no device`;
    case 'unimplemented':
      return `stopped ${at}: bit63 does not implement ${exit.instruction}`;
  }
}

function returnValue(rax: bigint, mode: RunOptions['mode']): string {
  const bits = codeModeOf(mode);
  const name = bits === 64 ? 'rax' : bits === 32 ? 'eax' : 'ax';
  const value = BigInt.asUintN(bits, rax);
  const signed = BigInt.asIntN(bits, rax);
  return `${name} = ${hex(value)} (${signed})`;
}

/** The exit status that a reason stands for. */
export function statusOf({ reason }: RunExit): number {
  switch (reason) {
    case 'end':
    case 'halt':
    case 'until':
    case 'return':
      return ExitStatus.Ok;
    case 'exception':
      return ExitStatus.Exception;
    case 'limit':
      return ExitStatus.Limit;
    case 'aborted':
      return ExitStatus.Interrupted;
    case 'interrupt':
    case 'syscall':
    case 'io':
    case 'unimplemented':
      return ExitStatus.Unserved;
  }
}

/** The instruction that a run ended at, where there is one to show. */
export interface Culprit {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** The instruction that faulted or that bit63 does not know; undefined if none was fetched. */
export function culpritOf(machine: Machine, exit: RunExit): Culprit | undefined {
  if (exit.reason === 'exception' && exit.access === 'execute') {
    return undefined;
  }
  if (exit.reason === 'exception' && (exit.name === '#BP' || exit.name === '#OF')) {
    return trapBefore(machine, exit.rip);
  }
  if (exit.reason !== 'exception' && exit.reason !== 'unimplemented') {
    return undefined;
  }
  const mode = codeModeOf(machine.mode);
  const [line] = disassemble(machine.instructionBytes(), mode, exit.rip, 1);
  return line;
}

/** INT3 or INTO before RIP: traps report the address that follows them. */
function trapBefore(machine: Machine, rip: bigint): Culprit | undefined {
  const linear = linearOf(machine, rip - 1n);
  if (rip === 0n || !machine.isMapped(linear)) {
    return undefined;
  }
  const mode = codeModeOf(machine.mode);
  const [line] = disassemble(machine.read(linear, 1), mode, rip - 1n);
  return line?.text.startsWith('int') === true ? line : undefined;
}
