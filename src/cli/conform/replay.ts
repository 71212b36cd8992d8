import { type Exit, Machine, type Vendor } from '../../index.ts';
import { hex, toHex } from '../hex.ts';
import { CODE, CODE_PAGE, SCRATCH_REGIONS } from './machine-model.ts';
import { type MemoryDifference, Scratch } from './scratch.ts';
import { STATE_PARTS, type StatePart, type Tolerance } from './state-parts.ts';
import type { Vector, VectorMode } from './vector.ts';

/** One thing that is not as recorded, in words. */
export interface Difference {
  /** A register, `exception`, `memory 0x10001000`, … */
  readonly part: string;
  readonly expected: string;
  readonly got: string;
  /** What of it differs, where that is hard to see: the flags. */
  readonly note?: string;
}

/** What came of a vector. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'unimplemented' }
  | { readonly kind: 'failed'; readonly differences: readonly Difference[] };

/** A machine with the memory that vectors use. */
interface Rig {
  readonly machine: Machine;
  readonly scratch: readonly Scratch[];
}

const RAM = 1 << 20;
/** Follows the instruction, so that no block goes on behind it. */
const INT3 = 0xcc;
const PADDING = 16;
/** Runs that a REP instruction may take; scratch memory ends long before. */
const MAX_RUNS = 1000;
/** Places in memory, and bytes of each, that a mismatch shows. */
const MAX_MEMORY_RUNS = 8;
const MAX_SHOWN_BYTES = 16;
const NO_EXCEPTION = 'none';

/** Whose processor recorded a file, from its header: AMD's where it says so. */
export function vendorOf(cpu: string): Vendor {
  return /\bamd\b/i.test(cpu) ? 'amd' : 'intel';
}

/** Replays vectors of one mode and vendor on one machine. */
export class Replayer {
  readonly #mode: VectorMode;
  readonly #vendor: Vendor;
  readonly #tolerance: Tolerance;
  readonly #parts: readonly StatePart[];
  #rig: Rig;

  constructor(mode: VectorMode, vendor: Vendor, tolerance: Tolerance) {
    this.#mode = mode;
    this.#vendor = vendor;
    this.#tolerance = tolerance;
    this.#parts = STATE_PARTS[mode];
    this.#rig = createRig(mode, vendor);
  }

  /** Whether the machine has this state, so that it is set and compared. */
  models(key: string): boolean {
    return this.#parts.some((part) => part.key === key);
  }

  /** Runs the vector's instruction and compares. An error inside the machine is a difference. */
  replay(vector: Vector): Verdict {
    const { machine, scratch } = this.#rig;
    this.#prepare(vector);
    let exit: Exit | undefined;
    try {
      exit = execute(machine);
    } catch (error) {
      this.#rig = createRig(this.#mode, this.#vendor);
      return { kind: 'failed', differences: [hostError(vector, error)] };
    }
    const memory = scratch.flatMap((region) => region.finish(vector));
    if (exit?.reason === 'unimplemented') {
      return { kind: 'unimplemented' };
    }
    const differences = [
      ...this.#compareException(vector, exit),
      ...this.#compareRegisters(vector),
      ...describeMemory(memory),
    ];
    return differences.length === 0 ? { kind: 'passed' } : { kind: 'failed', differences };
  }

  #prepare(vector: Vector): void {
    const { machine, scratch } = this.#rig;
    for (const region of scratch) {
      region.prepare(vector);
    }
    const code = new Uint8Array(vector.bytes.length + PADDING).fill(INT3);
    code.set(vector.bytes);
    machine.write(CODE, code);
    for (const part of this.#parts) {
      part.write(machine, initialValue(part, vector));
    }
  }

  #compareException(vector: Vector, exit: Exit | undefined): Difference[] {
    const { exception = NO_EXCEPTION, faultAddress } = vector;
    const differences: Difference[] = [];
    const got = exitName(exit);
    if (got !== exception) {
      const why = exit?.reason === 'exception' ? `: ${exit.explanation}` : '';
      differences.push({ part: 'exception', expected: exception, got: got + why });
    }
    if (this.#tolerance.faultAddress && faultAddress !== undefined && got === exception) {
      const { cr2 } = this.#rig.machine.registers;
      if (cr2 !== faultAddress) {
        differences.push({ part: 'cr2', expected: hex(faultAddress), got: hex(cr2) });
      }
    }
    return differences;
  }

  #compareRegisters(vector: Vector): Difference[] {
    const { machine } = this.#rig;
    const differences: Difference[] = [];
    for (const part of this.#parts) {
      const got = part.read(machine);
      const expected = finalValue(part, vector);
      const ignored = got === expected ? 0n : (part.ignored?.(vector, this.#tolerance) ?? 0n);
      const differing = (got ^ expected) & ~ignored;
      if (differing !== 0n) {
        const show = part.show ?? hex;
        differences.push({
          part: part.name,
          expected: show(expected),
          got: show(got),
          ...(part.nameBits === undefined ? {} : { note: part.nameBits(differing) }),
        });
      }
    }
    return differences;
  }
}

function createRig(mode: VectorMode, vendor: Vendor): Rig {
  const machine = new Machine({
    mode,
    vendor,
    cpl: 3,
    cr4: ['fsgsbase', 'osfxsr', 'osxmmexcpt'],
    ramSize: RAM,
  });
  machine.map(CODE_PAGE.start, CODE_PAGE.size, 'rwxu');
  const scratch = SCRATCH_REGIONS[mode].map((region) => new Scratch(machine, region));
  return { machine, scratch };
}

/**
 * Executes the instruction at RIP to its end. A REP instruction pauses after some thousand
 * iterations, with RIP and the number of instructions retired as they were.
 *
 * @returns undefined when it does not end.
 */
function execute(machine: Machine): Exit | undefined {
  const retired = machine.instructionsRetired;
  for (let run = 0; run < MAX_RUNS; run++) {
    const exit = machine.step();
    if (exit.reason !== 'limit' || machine.instructionsRetired !== retired) {
      return exit;
    }
  }
  return undefined;
}

function exitName(exit: Exit | undefined): string {
  if (exit === undefined) {
    return 'does not end';
  }
  if (exit.reason === 'limit') {
    return NO_EXCEPTION;
  }
  return exit.reason === 'exception' ? exit.name : `exit to the host: ${exit.reason}`;
}

function hostError({ exception = NO_EXCEPTION }: Vector, error: unknown): Difference {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { part: 'exception', expected: exception, got: `an error inside bit63: ${what}` };
}

function describeMemory(runs: readonly MemoryDifference[]): Difference[] {
  const described = runs.slice(0, MAX_MEMORY_RUNS).map(({ address, expected, got }) => ({
    part: `memory ${hex(address)}`,
    expected: showBytes(expected),
    got: showBytes(got),
  }));
  const more = runs.length - described.length;
  return more === 0
    ? described
    : [...described, { part: 'memory', expected: '', got: `and ${more} more places` }];
}

function showBytes(bytes: Uint8Array): string {
  const shown = toHex(bytes.subarray(0, MAX_SHOWN_BYTES), ' ');
  return bytes.length > MAX_SHOWN_BYTES ? `${shown} … (${bytes.length} bytes)` : shown;
}

function initialValue({ key, initial }: StatePart, { initial: { values } }: Vector): bigint {
  const listed = values.get(key);
  return listed === undefined ? initial : BigInt(`0x${listed}`);
}

function finalValue(part: StatePart, vector: Vector): bigint {
  const listed = vector.final.values.get(part.key);
  if (listed !== undefined) {
    return BigInt(`0x${listed}`);
  }
  return part.unlisted?.(vector) ?? initialValue(part, vector);
}
