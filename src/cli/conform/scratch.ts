import type { Machine } from '../../index.ts';
import { defaultContents, type Region } from './machine-model.ts';
import type { MemoryRun, Vector } from './vector.ts';

/** Bytes restored at once. */
const CHUNK = 512;

/** Neighbouring bytes that are not what was expected. */
export interface MemoryDifference {
  readonly address: number;
  readonly expected: Uint8Array;
  readonly got: Uint8Array;
}

/** One region of scratch memory: sets it up, compares it, and puts the defaults back. */
export class Scratch {
  readonly #region: Region;
  readonly #machine: Machine;
  readonly #defaults: Uint8Array;
  readonly #expected: Uint8Array;

  constructor(machine: Machine, region: Region) {
    this.#machine = machine;
    this.#region = region;
    this.#defaults = defaultContents(region);
    this.#expected = this.#defaults.slice();
    machine.map(region.start, region.size, 'rwu');
    machine.write(region.start, this.#defaults);
  }

  /** Writes what the vector lists. Vectors also list bytes outside of scratch, to no effect. */
  prepare(vector: Vector): void {
    for (const run of vector.initial.memory) {
      const part = this.#within(run);
      if (part !== undefined) {
        this.#machine.write(part.address, part.bytes);
      }
    }
  }

  /** What is not as the vector says. Afterwards memory holds the defaults again. */
  finish(vector: Vector): MemoryDifference[] {
    const { start, size } = this.#region;
    const got = this.#machine.read(start, size);
    const listed = [...vector.initial.memory, ...vector.final.memory]
      .map((run) => this.#within(run))
      .filter((run) => run !== undefined);
    for (const { address, bytes } of listed) {
      this.#expected.set(bytes, address - start);
    }
    const differences =
      Buffer.compare(got, this.#expected) === 0 ? [] : this.#differences(got, vector);
    for (const { address, bytes } of listed) {
      const at = address - start;
      this.#expected.set(this.#defaults.subarray(at, at + bytes.length), at);
    }
    this.#restore(got);
    return differences;
  }

  #differences(got: Uint8Array, vector: Vector): MemoryDifference[] {
    const { start, size } = this.#region;
    const differs = (n: number): boolean =>
      n < size &&
      got[n] !== this.#expected[n] &&
      !vector.ignoredMemory.some(([at, length]) => start + n >= at && start + n < at + length);
    const found: MemoryDifference[] = [];
    for (let from = 0; from < size; from++) {
      let to = from;
      while (differs(to)) {
        to++;
      }
      if (to > from) {
        found.push({
          address: start + from,
          expected: this.#expected.slice(from, to),
          got: got.slice(from, to),
        });
        from = to;
      }
    }
    return found;
  }

  #restore(got: Uint8Array): void {
    for (let at = 0; at < got.length; at += CHUNK) {
      const defaults = this.#defaults.subarray(at, at + CHUNK);
      if (Buffer.compare(got.subarray(at, at + CHUNK), defaults) !== 0) {
        this.#machine.write(this.#region.start + at, defaults);
      }
    }
  }

  /** The part of a run that lies in this region. */
  #within({ address, bytes }: MemoryRun): MemoryRun | undefined {
    const { start, size } = this.#region;
    const from = Math.max(address, start);
    const to = Math.min(address + bytes.length, start + size);
    return from < to
      ? { address: from, bytes: bytes.subarray(from - address, to - address) }
      : undefined;
  }
}
