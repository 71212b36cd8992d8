import { Segment } from '../../src/decoder/index.ts';
import { Cpu } from '../../src/emulator/cpu.ts';
import { Access } from '../../src/emulator/fault.ts';
import { type StartingMode, setStartingState } from '../../src/emulator/machine/starting-state.ts';
import { segmentWord } from '../../src/emulator/memory/segmentation.ts';
import { Flag } from '../../src/emulator/state/flags.ts';
import { Area, SegmentField, Word } from '../../src/emulator/state/layout.ts';
import { highWord, lowWord, toAddress } from '../../src/emulator/state/word64.ts';

const MIB = 1 << 20;
const CPU_AREA = 4096;
const RAM = CPU_AREA + Area.SIZE;

export const P = 1n;
export const RW = 2n;
export const US = 4n;
export const A = 0x20n;
export const D = 0x40n;
export const PS = 0x80n;
export const XD = 1n << 63n;

/** What an access came to: a physical address, or a fault. */
export interface AccessOutcome {
  readonly physical?: number;
  readonly vector?: number;
  readonly errorCode?: number;
  readonly cause?: string;
  readonly linearAddress?: bigint;
}

/** Where a guest's paging structures lie, one a level; `pages` has the page itself. */
export const TABLES = [0, 0x5000, 0x4000, 0x3000, 0x2000, 0x1000] as const;
export const FRAME = 0x8000;
export const NEXT_FRAME = 0xa000;

/** A processor over bare physical memory, for what the Machine hides: page tables, descriptors. */
export class PhysicalGuest {
  readonly cpu: Cpu;
  readonly ram: DataView;

  constructor(
    mode: StartingMode,
    { cpl = 3, cr4 = 0, ac = false, levels = mode === 32 ? 3 : 4 } = {},
  ) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((RAM + MIB) / 65_536) });
    this.cpu = new Cpu(memory.buffer, CPU_AREA);
    this.ram = new DataView(memory.buffer, RAM, MIB);
    this.cpu.physical.add({ kind: 'ram', start: 0, end: MIB, host: RAM, writable: true });
    setStartingState(this.cpu, { mode, cpl, cr4, ac, cr3: TABLES[levels] });
  }

  /** The entry of a paging structure at a physical address. */
  entry(address: number): bigint {
    return this.ram.getBigUint64(address, true);
  }

  setEntry(address: number, entry: bigint): void {
    this.ram.setBigUint64(address, entry, true);
    this.cpu.contextChanged();
  }

  /** Sets one 32-bit word of the state, such as CR0. */
  setWord(word: number, value: number): void {
    this.cpu.state[word] = value;
    this.cpu.contextChanged();
  }

  setAlignmentCheck(ac: boolean): void {
    const s = this.cpu.state;
    s[Word.SYSTEM_FLAGS] = ac ? s[Word.SYSTEM_FLAGS] | Flag.AC : s[Word.SYSTEM_FLAGS] & ~Flag.AC;
    this.cpu.alignmentCheckChanged();
  }

  /** Fills a segment register; what is not given stays. */
  setSegment(
    segment: Segment,
    { base, limit, attributes }: { base?: bigint; limit?: number; attributes?: number },
  ): void {
    const word = segmentWord(segment);
    const s = this.cpu.state;
    if (base !== undefined) {
      s[word] = lowWord(base);
      s[word + 1] = highWord(base);
    }
    s[word + SegmentField.LIMIT] = limit ?? s[word + SegmentField.LIMIT];
    s[word + SegmentField.ATTRIBUTES] = attributes ?? s[word + SegmentField.ATTRIBUTES];
    this.cpu.contextChanged();
  }

  get cr2(): bigint {
    return toAddress(this.cpu.state[Word.CR2], this.cpu.state[Word.CR2 + 1]);
  }

  set cr2(value: bigint) {
    this.cpu.state[Word.CR2] = lowWord(value);
    this.cpu.state[Word.CR2 + 1] = highWord(value);
  }

  /** An access to a linear address, all checks included. */
  access(access: Access, address: bigint, size = 1, segment: Segment = Segment.DS): AccessOutcome {
    const { memory, fetch } = this.cpu;
    const lo = lowWord(address);
    const hi = highWord(address);
    return this.#outcome(() => {
      switch (access) {
        case Access.Execute:
          return fetch.translate(lo, hi);
        case Access.Write:
          return memory.writeLinear(lo, hi, size, segment) - RAM;
        default:
          return memory.readLinear(lo, hi, size, segment) - RAM;
      }
    });
  }

  /** A read followed by a write of the same bytes. */
  update(address: bigint, size = 1): AccessOutcome {
    const { memory } = this.cpu;
    return this.#outcome(
      () => memory.updateLinear(lowWord(address), highWord(address), size, Segment.DS) - RAM,
    );
  }

  /** Linear address of an offset in a segment, or the fault. */
  linearize(
    segment: Segment,
    offset: bigint,
    size: number,
    access: Access,
  ): AccessOutcome & { linear?: bigint } {
    const { segmentation, state: s } = this.cpu;
    let linear: bigint | undefined;
    const outcome = this.#outcome(() => {
      const lo = segmentation.linearize(segment, lowWord(offset), highWord(offset), size, access);
      linear = toAddress(lo, s[Word.HIGH]);
      return 0;
    });
    return linear === undefined ? outcome : { linear };
  }

  #outcome(action: () => number): AccessOutcome {
    try {
      return { physical: action() };
    } catch (error) {
      const { fault } = this.cpu;
      if (error !== fault) {
        throw error;
      }
      return {
        vector: fault.vector,
        errorCode: fault.errorCode,
        cause: fault.cause,
        linearAddress: toAddress(fault.linearLo, fault.linearHi),
      };
    }
  }
}
