import type { FaultCause } from '../fault.ts';

/** What the access of a faulting instruction was. */
export type AccessName = 'read' | 'write' | 'execute';

/** An exception that nobody handled, explained. */
export interface ExceptionExit {
  readonly reason: 'exception';
  /** 0 to 31. */
  readonly vector: number;
  /** As the manual names it: `#GP`. */
  readonly name: string;
  /** Absent for vectors without one. */
  readonly errorCode?: number;
  /** The instruction that faulted, or the one after it for traps: INT3, INTO, INT1. */
  readonly rip: bigint;
  /** The linear address that was refused, and how it was accessed. */
  readonly linearAddress?: bigint;
  readonly access?: AccessName;
  /** Bytes of the access. */
  readonly size?: number;
  /** Which check failed. */
  readonly cause: FaultCause;
  /** The deciding rule when the cause is `lass`, as bit63/lass names it: `R4`. */
  readonly lassRule?: string;
  /** One sentence for people. */
  readonly explanation: string;
}

/**
 * Why a run ended. Every exit tells what to do before running on:
 *
 * - `until`: RIP is one of the addresses asked for. Nothing to do.
 * - `limit`: the number of instructions or the time is used up. Run again to go on.
 * - `stop`: a hook or `Machine.stop()` asked for it. `aborted`: the signal did.
 * - `halt`: HLT was executed; RIP is behind it.
 * - `interrupt`: INT n; RIP is behind it. The host acts and runs on.
 * - `syscall`: SYSCALL or SYSENTER; RIP is behind it, RCX and R11 are untouched. The host acts.
 * - `io`: a port access without a device. For `out` the value was sent; for `in` put the value read
 *   into AL, AX or EAX. String I/O (`string`) has not happened yet: RIP is the instruction.
 * - `exception`: RIP is the faulting instruction. Mend the cause and run to try again, or set RIP.
 * - `unimplemented`: bit63 does not know the instruction at RIP. Emulate it and set RIP, or give up.
 */
export type Exit =
  | { readonly reason: 'until'; readonly rip: bigint }
  | { readonly reason: 'limit'; readonly limit: 'instructions' | 'time'; readonly rip: bigint }
  | { readonly reason: 'stop'; readonly rip: bigint }
  | { readonly reason: 'aborted'; readonly rip: bigint }
  | { readonly reason: 'halt'; readonly rip: bigint }
  | { readonly reason: 'interrupt'; readonly vector: number; readonly rip: bigint }
  | {
      readonly reason: 'syscall';
      readonly instruction: 'syscall' | 'sysenter';
      readonly rip: bigint;
    }
  | {
      readonly reason: 'io';
      readonly direction: 'in' | 'out';
      readonly port: number;
      readonly size: 1 | 2 | 4;
      readonly value: number;
      readonly string: boolean;
      readonly rip: bigint;
    }
  | ExceptionExit
  | {
      readonly reason: 'unimplemented';
      /** As iced-x86 names it: `Fadd_m32fp`. */
      readonly instruction: string;
      readonly rip: bigint;
    };

const NAMES: readonly string[] = [
  '#DE',
  '#DB',
  'NMI',
  '#BP',
  '#OF',
  '#BR',
  '#UD',
  '#NM',
  '#DF',
  '',
  '#TS',
  '#NP',
  '#SS',
  '#GP',
  '#PF',
  '',
  '#MF',
  '#AC',
  '#MC',
  '#XM',
  '#VE',
  '#CP',
];

/** The manual's name of an exception vector. */
export function vectorName(vector: number): string {
  return NAMES[vector] ?? `#${vector}`;
}
