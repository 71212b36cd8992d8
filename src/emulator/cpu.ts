import { type Instruction, MAX_INSTRUCTION_LENGTH } from '../decoder/index.ts';
import { lassPolicyWord } from '../lass/index.ts';
import { ALL_FEATURES, type FeatureName, PHYSICAL_ADDRESS_BITS, type Vendor } from './cpuid.ts';
import { Fault } from './fault.ts';
import { CodeFetch } from './memory/code-fetch.ts';
import { LinearMemory } from './memory/linear-memory.ts';
import { Paging } from './memory/paging.ts';
import { PhysicalMemory } from './memory/physical.ts';
import { Segmentation } from './memory/segmentation.ts';
import { dataContext, flushTlb, selectContext } from './memory/tlb.ts';
import { Cr4 } from './state/control.ts';
import { Area, Word } from './state/layout.ts';
import { is64BitMode } from './state/modes.ts';
import { highWord, lowWord, toAddress } from './state/word64.ts';

/** Bits of `Word.PENDING`: why the interpreter must not simply go on with the next block. */
export const Pending = {
  /** An instruction asked to leave, see `Cpu.exit`. */
  Exit: 1,
  /** Privilege, mode, paging or LASS changed: links between blocks no longer hold. */
  Context: 2,
  /** What the host watches changed, or it is time for it to look at the clock. */
  Observers: 4,
} as const;

/** What an instruction left the interpreter for. */
export type ExitRequest =
  | { readonly reason: 'halt' }
  | { readonly reason: 'interrupt'; readonly vector: number }
  | { readonly reason: 'syscall'; readonly instruction: 'syscall' | 'sysenter' }
  | {
      readonly reason: 'io';
      readonly direction: 'in' | 'out';
      readonly port: number;
      readonly size: 1 | 2 | 4;
      readonly value: number;
      /** INS or OUTS, which has not happened: RIP is the instruction. */
      readonly string: boolean;
    }
  | { readonly reason: 'unimplemented'; readonly code: number };

/** A device behind I/O ports. `size` is in bytes. */
export interface PortDevice {
  /** The value read, or undefined where no device answers. */
  in(port: number, size: 1 | 2 | 4): number | undefined;
  /** Whether a device took the value. */
  out(port: number, size: 1 | 2 | 4, value: number): boolean;
}

/** Work of REP instructions after which the host is to look at its clock. */
const WORK_BETWEEN_LOOKS = 65_536;

/**
 * A processor: its state, its way to memory, and what instructions ask of the world outside. It
 * knows no instruction.
 */
export class Cpu {
  /** The state's area as words, see state/layout.ts. */
  readonly state: Int32Array;
  /** The same area as 8- and 16-bit registers. */
  readonly registers8: Uint8Array;
  readonly registers16: Uint16Array;

  readonly fault = new Fault();
  readonly physical: PhysicalMemory;
  readonly paging: Paging;
  readonly segmentation: Segmentation;
  readonly memory: LinearMemory;
  readonly fetch: CodeFetch;

  /** Instructions completed, up to the start of the current block. */
  retired = 0;
  /**
   * Of these, executions that did not complete their instruction: a REP instruction that paused to
   * let the interpreter look around, an instruction that only asked to leave.
   */
  unfinished = 0;
  /** Work of REP instructions since the host was last made to look, see `countWork`. */
  #repeatWork = 0;
  /** The instruction that raised the last fault; undefined if it could not be fetched. */
  faulting: Instruction | undefined;
  /** The instruction under way; set only while it is observed. */
  current: Instruction | undefined;
  /** Where to go on after the current instruction, set from outside while it runs. */
  redirect: bigint | undefined;
  /** Set together with `Pending.Exit`. */
  exit: ExitRequest | undefined;
  ports: PortDevice | undefined;
  /** What CPUID tells, and what instructions that ask for a feature go by. */
  features: ReadonlySet<FeatureName> = ALL_FEATURES;
  /** Whose processor it is where they differ. */
  vendor: Vendor = 'intel';
  /** Source of RDRAND and RDSEED: 32 bits a call. */
  random: () => number = () => 0;

  /**
   * @param buffer The WebAssembly memory that holds this processor's area and all guest RAM.
   * @param area Byte offset of this processor's area, `Area.SIZE` bytes long.
   */
  constructor(buffer: ArrayBuffer, area: number) {
    this.state = new Int32Array(buffer, area, Area.SIZE / 4);
    this.registers8 = new Uint8Array(buffer, area, Area.SIZE);
    this.registers16 = new Uint16Array(buffer, area, Area.SIZE / 2);
    this.physical = new PhysicalMemory(new Uint8Array(buffer));
    const view = new DataView(buffer);
    const { state, fault, physical } = this;
    this.paging = new Paging(state, view, physical, fault, PHYSICAL_ADDRESS_BITS);
    this.segmentation = new Segmentation(state, fault);
    this.memory = new LinearMemory({
      view,
      state,
      physical,
      paging: this.paging,
      segmentation: this.segmentation,
      fault,
    });
    this.fetch = new CodeFetch(state, physical, this.paging, fault);
    flushTlb(state);
    this.contextChanged();
  }

  /** To be called after any change of CPL, CS, CR0, CR3, CR4, EFER or paging structures. */
  contextChanged(): void {
    const s = this.state;
    s[Word.LINEAR_BITS] = (s[Word.CR4] & Cr4.LA57) !== 0 ? 57 : 48;
    flushTlb(s);
    this.alignmentCheckChanged();
    s[Word.PENDING] |= Pending.Context;
  }

  /** To be called after a change of RFLAGS.AC alone: STAC, CLAC, POPF. */
  alignmentCheckChanged(): void {
    const s = this.state;
    const flags = s[Word.SYSTEM_FLAGS];
    const cpl = s[Word.CPL];
    s[Word.LASS_POLICY] = lassPolicyWord(s[Word.CR4], s[Word.EFER], is64BitMode(s), cpl, flags);
    selectContext(s, dataContext(s));
  }

  /**
   * RIP as seen from outside: while an instruction runs, that instruction. Writing it then makes
   * it the address to go on at, whatever the instruction does.
   */
  get instructionPointer(): bigint {
    const { current, state: s } = this;
    return current === undefined
      ? toAddress(s[Word.RIP], s[Word.RIP + 1])
      : toAddress(current.ripLo, current.ripHi);
  }

  set instructionPointer(value: bigint) {
    if (this.current === undefined) {
      this.state[Word.RIP] = lowWord(value);
      this.state[Word.RIP + 1] = highWord(value);
    } else {
      this.redirect = value;
    }
  }

  /** Up to 15 bytes at RIP, as far as memory is mapped there; nothing of the guest changes. */
  instructionBytes(): Uint8Array {
    const rip = this.instructionPointer;
    return this.fetch.peek(lowWord(rip), highWord(rip), MAX_INSTRUCTION_LENGTH);
  }

  /**
   * Reads a port for an instruction; undefined where no device answers. RIP is exact for the
   * device, and going elsewhere from there works.
   */
  portIn(i: Instruction, port: number, size: 1 | 2 | 4): number | undefined {
    return this.#during(i, () => this.ports?.in(port, size));
  }

  /** Writes a port for an instruction; whether a device took it. */
  portOut(i: Instruction, port: number, size: 1 | 2 | 4, value: number): boolean {
    return this.#during(i, () => this.ports?.out(port, size, value) ?? false);
  }

  #during<T>(i: Instruction, action: () => T): T {
    if (this.current !== undefined) {
      return action();
    }
    this.current = i;
    try {
      return action();
    } finally {
      this.current = undefined;
      if (this.redirect !== undefined) {
        this.instructionPointer = this.redirect;
        this.redirect = undefined;
      }
    }
  }

  /**
   * Makes the host look at its clock when REP instructions, which count as one, have kept it from
   * that for long.
   *
   * @param units Each takes about the time of an instruction.
   */
  countWork(units: number): void {
    this.#repeatWork += units;
    if (this.#repeatWork >= WORK_BETWEEN_LOOKS) {
      this.#repeatWork = 0;
      this.state[Word.PENDING] |= Pending.Observers;
    }
  }

  /** Leaves again at the current instruction `i`, which has not happened. */
  requestExitAt(i: Instruction, exit: ExitRequest): void {
    const s = this.state;
    s[Word.RIP] = i.ripLo;
    s[Word.RIP + 1] = i.ripHi;
    this.unfinished++;
    this.requestExit(exit);
  }

  /** Asks the interpreter to leave after the current instruction, which must end its block. */
  requestExit(exit: ExitRequest): void {
    this.exit = exit;
    this.state[Word.PENDING] |= Pending.Exit;
  }
}
