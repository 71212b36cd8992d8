import type { Cpu } from '../cpu.ts';
import { Vector } from '../fault.ts';
import { Flag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { isProtectedMode } from '../state/modes.ts';

const IOPL_SHIFT = 12;

export function ioPrivilegeLevel(s: Int32Array): number {
  return (s[Word.SYSTEM_FLAGS] & Flag.IOPL) >> IOPL_SHIFT;
}

function isVirtual8086(s: Int32Array): boolean {
  return (s[Word.SYSTEM_FLAGS] & Flag.VM) !== 0;
}

/** For what only the most privileged software may do. @throws Fault #GP(0) */
export function requirePrivilegeLevel0(cpu: Cpu): void {
  if (cpu.state[Word.CPL] !== 0) {
    cpu.fault.raise(Vector.GP, 0, 'privilege');
  }
}

/** For CLI and STI. Real-address mode has CPL 0. @throws Fault #GP(0) */
export function requireIoPrivilege(cpu: Cpu): void {
  if (cpu.state[Word.CPL] > ioPrivilegeLevel(cpu.state)) {
    cpu.fault.raise(Vector.GP, 0, 'io-privilege');
  }
}

/**
 * For IN, OUT, INS and OUTS, as with an I/O permission bitmap that allows nothing.
 *
 * @throws Fault #GP(0)
 */
export function requirePortAccess(cpu: Cpu): void {
  requireIoPrivilege(cpu);
  if (isVirtual8086(cpu.state)) {
    cpu.fault.raise(Vector.GP, 0, 'io-privilege');
  }
}

/** For PUSHF and POPF, which virtual-8086 mode allows at IOPL 3 alone. @throws Fault #GP(0) */
export function requireFlagsAccess(cpu: Cpu): void {
  if (isVirtual8086(cpu.state)) {
    requireIoPrivilege(cpu);
  }
}

/** For instructions that real-address and virtual-8086 mode do not have. @throws Fault #UD */
export function requireProtectedMode(cpu: Cpu): void {
  if (!isProtectedMode(cpu.state) || isVirtual8086(cpu.state)) {
    cpu.fault.raise(Vector.UD, 0, 'invalid-opcode');
  }
}
