import { explain, LassAccess } from '../../lass/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access, type Fault, type FaultCause, Vector } from '../fault.ts';
import { Cr4 } from '../state/control.ts';
import { Flag, readFlags } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { is64BitMode, isLongMode } from '../state/modes.ts';
import { toAddress } from '../state/word64.ts';
import { type AccessName, type ExceptionExit, vectorName } from './exit.ts';

const ACCESS_NAMES: Readonly<Record<Access, AccessName>> = {
  [Access.Read]: 'read',
  [Access.Write]: 'write',
  [Access.Execute]: 'execute',
};

/** What each cause means; the address and the privilege level are said separately. */
const MEANINGS: Readonly<Record<Exclude<FaultCause, 'lass'>, string>> = {
  canonical: 'the address is not canonical',
  smap: 'supervisor code touched a user page while CR4.SMAP = 1 and RFLAGS.AC = 0',
  smep: 'supervisor code fetched from a user page while CR4.SMEP = 1',
  user: 'the page belongs to the supervisor (U/S = 0)',
  'write-protect': 'the page is read-only (R/W = 0)',
  'no-execute': 'the page may not be executed (XD = 1)',
  'not-present': 'no page is mapped there',
  'reserved-bit': 'a paging-structure entry has a reserved bit set',
  'segment-limit': 'the offset is beyond the segment limit',
  'segment-type': 'the segment does not allow that kind of access',
  'segment-null': 'the segment register holds a null selector',
  alignment: 'the operand is not aligned',
  privilege: 'the instruction is privileged and CPL is not 0',
  'io-privilege': 'CPL is greater than IOPL',
  'invalid-opcode': 'the bytes are not an instruction that this mode allows',
  'instruction-length': 'the instruction is longer than 15 bytes',
  feature: 'the instruction needs a feature that this processor or its control registers lack',
  divide: 'the divisor is 0 or the quotient does not fit',
  bound: 'the index is out of bounds',
  breakpoint: 'a breakpoint instruction was executed',
  overflow: 'INTO found OF = 1',
  operand: 'an operand has a value that the instruction refuses',
};

/** Describes the fault under way as an exit; RIP must be the one to report. */
export function exceptionExit(cpu: Cpu): ExceptionExit {
  const { fault, state: s } = cpu;
  const lass = fault.cause === 'lass' ? explainLass(cpu, fault) : undefined;
  const address = toAddress(fault.linearLo, fault.linearHi);
  return {
    reason: 'exception',
    vector: fault.vector,
    name: vectorName(fault.vector),
    ...(fault.hasErrorCode ? { errorCode: fault.errorCode } : {}),
    rip: toAddress(s[Word.RIP], s[Word.RIP + 1]),
    ...(fault.hasAddress
      ? { linearAddress: address, access: ACCESS_NAMES[fault.access], size: fault.size }
      : {}),
    cause: fault.cause,
    ...(lass === undefined ? {} : { lassRule: lass.rule }),
    explanation: lass?.explanation ?? explainPlain(cpu, fault, address),
  };
}

function explainPlain(cpu: Cpu, fault: Fault, address: bigint): string {
  const meaning = fault.cause === 'lass' ? '' : MEANINGS[fault.cause];
  if (!fault.hasAddress) {
    return `${meaning}.`;
  }
  const who = cpu.state[Word.CPL] === 3 ? 'user' : 'supervisor';
  const what = fault.access === Access.Execute ? 'fetch' : ACCESS_NAMES[fault.access];
  const bytes =
    fault.access === Access.Execute ? '' : ` of ${fault.size} byte${fault.size === 1 ? '' : 's'}`;
  return `${who} ${what}${bytes} at 0x${address.toString(16)}: ${meaning}.`;
}

/** The LASS rule that refuses an access of the processor as it is now, in words. */
export function explainLassAccess(
  cpu: Cpu,
  access: Access,
  address: bigint,
  size: number,
  throughStack: boolean,
): { rule: string; explanation: string } {
  const s = cpu.state;
  const state = {
    lass: (s[Word.CR4] & Cr4.LASS) !== 0,
    smap: (s[Word.CR4] & Cr4.SMAP) !== 0,
    lma: isLongMode(s),
    cs64: is64BitMode(s),
    cpl: s[Word.CPL],
    ac: (readFlags(s) & Flag.AC) !== 0,
  };
  return explain(state, {
    access: access === Access.Execute ? LassAccess.Fetch : LassAccess.Data,
    address,
    size,
    linearAddressBits: s[Word.LINEAR_BITS] === 57 ? 57 : 48,
    defaultIsStack: throughStack,
    name: access === Access.Execute ? 'fetch' : ACCESS_NAMES[access],
  });
}

function explainLass(cpu: Cpu, fault: Fault): { rule: string; explanation: string } {
  const address = toAddress(fault.linearLo, fault.linearHi);
  return explainLassAccess(cpu, fault.access, address, fault.size, fault.vector === Vector.SS);
}
