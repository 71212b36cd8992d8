import { disassemble, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access } from '../fault.ts';
import { codeMode } from '../state/modes.ts';
import { toAddress } from '../state/word64.ts';
import type { AccessName } from './exit.ts';
import { explainLassAccess } from './explain-fault.ts';

/** A place in the code that LASS would not have let pass. */
export interface AuditRecord {
  readonly rip: bigint;
  /** Disassembly; absent when the fetch itself is the violation. */
  readonly instruction?: string;
  /** Linear address of the first violation there. */
  readonly linearAddress: bigint;
  readonly access: AccessName;
  readonly size: number;
  /** The rule of bit63/lass: `R4`. */
  readonly rule: string;
  readonly explanation: string;
  /** Violations seen; for fetches, how often the page was entered anew. */
  readonly count: number;
}

/** Places kept; a guest cannot make the list grow beyond that. */
const MAX_RECORDS = 65_536;

const ACCESS_NAMES = {
  [Access.Read]: 'read',
  [Access.Write]: 'write',
  [Access.Execute]: 'execute',
} as const;

/** Collects would-be LASS violations, one record for each instruction and kind of access. */
export class AuditLog {
  readonly #cpu: Cpu;
  readonly #records = new Map<string, { -readonly [key in keyof AuditRecord]: AuditRecord[key] }>();
  /** Violations at places for which there was no room. */
  dropped = 0;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** In the order of their first occurrence. */
  get records(): readonly AuditRecord[] {
    return [...this.#records.values()];
  }

  clear(): void {
    this.#records.clear();
    this.dropped = 0;
  }

  add(access: Access, lo: number, hi: number, size: number, segment: Segment): void {
    const cpu = this.#cpu;
    const rip = cpu.instructionPointer;
    const key = `${rip}:${access}:${hi < 0}`;
    const known = this.#records.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (this.#records.size >= MAX_RECORDS) {
      this.dropped++;
      return;
    }
    const linearAddress = toAddress(lo, hi);
    const throughStack = segment === Segment.SS;
    const { rule, explanation } = explainLassAccess(cpu, access, linearAddress, size, throughStack);
    const instruction = access === Access.Execute ? undefined : this.#disassemble(rip);
    this.#records.set(key, {
      rip,
      ...(instruction === undefined ? {} : { instruction }),
      linearAddress,
      access: ACCESS_NAMES[access],
      size,
      rule,
      explanation,
      count: 1,
    });
  }

  #disassemble(rip: bigint): string | undefined {
    const bytes = this.#cpu.instructionBytes();
    return disassemble(bytes, codeMode(this.#cpu.state), rip, 1)[0]?.text;
  }
}
