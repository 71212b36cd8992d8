import { Code, InstructionDecoder } from '../../decoder/index.ts';
import { isCanonical, type LinearAddressBits } from '../../lass/index.ts';
import { BlockBuilder } from '../code/block-builder.ts';
import { CodeCache } from '../code/code-cache.ts';
import { Cpu } from '../cpu.ts';
import { instructionSet } from '../instructions/table.ts';
import { Interpreter, Outcome } from '../interpreter.ts';
import { FlatMemory, FramePool, type GuestMemory, PagedMemory } from '../memory/guest-memory.ts';
import { type MmioDevice, PAGE_SIZE } from '../memory/physical.ts';
import { ObservedInterpreter } from '../observed-interpreter.ts';
import { randomSource } from '../random.ts';
import { Cr4 } from '../state/control.ts';
import { Area, Word } from '../state/layout.ts';
import { highWord } from '../state/word64.ts';
import { MachineArgumentError, toLinearAddress, toRights, toSize } from './arguments.ts';
import { AuditLog, type AuditRecord } from './audit.ts';
import type { Exit } from './exit.ts';
import { exceptionExit } from './explain-fault.ts';
import type { Hooks } from './hooks.ts';
import { MAX_RAM, type MachineOptions, readOptions } from './options.ts';
import { createRegisters, type Registers } from './registers.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { type StartingMode, setStartingState } from './starting-state.ts';
import { Watch } from './watch.ts';

/** When a run ends, besides what the guest does. */
export interface RunOptions {
  /** RIP values to stop at, before the instruction there; also if it is the first one. */
  readonly until?: number | bigint | Iterable<number | bigint>;
  /** Instructions at most; no limit by default. */
  readonly maxInstructions?: number;
  /** Milliseconds at most; no limit by default. Looked at every some ten thousand instructions. */
  readonly timeout?: number;
  /** Looked at as often; only hooks, devices and `runAsync` give it a chance to change. */
  readonly signal?: { readonly aborted: boolean };
}

const WASM_PAGE = 65_536;
/** Host offset of the processor's area; below it lies the bounce buffer. */
const CPU_AREA = 4096;
/** Host offset of RAM. */
const RAM = CPU_AREA + Area.SIZE;
/** Instructions between two looks at the clock and the signal. */
const SLICE = 100_000;
/** Milliseconds between two turns of the event loop in `runAsync`. */
const TURN = 10;

/**
 * A guest: one processor with memory, run by its host.
 *
 * ```ts
 * const machine = new Machine({ cr4: ['lass', 'smap'] });
 * machine.map(0x400000, 4096, 'rxu');
 * machine.write(0x400000, code);
 * machine.registers.rip = 0x400000n;
 * const exit = machine.run({ until: 0x400000 + code.length });
 * ```
 */
export class Machine {
  readonly mode: StartingMode;
  /** Bytes of guest RAM. */
  readonly ramSize: number;
  readonly registers: Registers;

  readonly #cpu: Cpu;
  readonly #code: CodeCache;
  readonly #interpreter: Interpreter;
  readonly #observed: ObservedInterpreter;
  readonly #memory: GuestMemory;
  readonly #frames: FramePool;
  readonly #ram: Uint8Array;
  readonly #random: ReturnType<typeof randomSource>;
  readonly #watch: Watch;
  readonly #audit: AuditLog | undefined;
  #running = false;

  /** @throws MachineArgumentError */
  constructor(options: MachineOptions = {}) {
    const setup = readOptions(options);
    this.mode = setup.mode;
    this.ramSize = setup.ramSize;

    const pages = Math.ceil((RAM + this.ramSize) / WASM_PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#ram = new Uint8Array(memory.buffer, RAM, this.ramSize);
    this.#cpu = new Cpu(memory.buffer, CPU_AREA);
    this.#cpu.features = setup.features;
    this.#cpu.vendor = setup.vendor;
    this.#code = createCodeCache(this.#cpu);
    this.#interpreter = new Interpreter(this.#cpu, this.#code);
    this.#observed = new ObservedInterpreter(this.#cpu, this.#code);
    this.registers = createRegisters(this.#cpu);
    this.#watch = new Watch(this.#cpu);

    this.#frames = new FramePool(this.#ram);
    const paged = this.#createMemory((setup.cr4 & Cr4.LA57) !== 0);
    this.#memory = paged ?? new FlatMemory(this.#frames, this.#cpu.physical, RAM);
    setStartingState(this.#cpu, { ...setup, cr3: paged?.tables.root ?? 0 });

    this.#random = randomSource(setup.seed);
    this.#cpu.random = this.#random.next;
    if (setup.audit) {
      this.#audit = new AuditLog(this.#cpu);
      this.#watch.audit(this.#audit);
    }
  }

  /** The paged memory of this machine's mode, undefined for real mode. */
  #createMemory(la57: boolean): PagedMemory | undefined {
    if (this.mode === 16) {
      return undefined;
    }
    const { physical } = this.#cpu;
    physical.add({ kind: 'ram', start: 0, end: this.ramSize, host: RAM, writable: true });
    const view = new DataView(this.#ram.buffer, RAM, this.ramSize);
    // Physical page 0 stays unused, so that an empty entry never looks like a mapping.
    this.#frames.allocate();
    const levels = this.mode === 32 ? 3 : la57 ? 5 : 4;
    return new PagedMemory(levels, view, this.#frames, physical);
  }

  /**
   * Maps pages of zeroed RAM at a linear address; pages already mapped keep their contents.
   *
   * @param address Linear address; the pages that the range touches are mapped.
   * @param size Bytes.
   * @param rights Letters: `r`, `w`, `x`, and `u` for user pages; by default `rwx`, with `u` at
   *   CPL 3. Real mode knows only `w`.
   * @throws MachineArgumentError, OutOfGuestMemoryError
   */
  map(address: number | bigint, size: number | bigint, rights = this.#defaultRights): void {
    const bytes = toSize('size', size, this.ramSize);
    this.#memory.map(this.#mappable(address, bytes), bytes, toRights(rights));
    this.#mappingChanged();
  }

  /** Maps a device at a linear address. @throws MachineArgumentError */
  mapDevice(
    address: number | bigint,
    size: number,
    device: MmioDevice,
    rights = this.#defaultRights,
  ): void {
    const bytes = toSize('size', size, MAX_RAM);
    const at = this.#mappable(address, bytes);
    if (at % BigInt(PAGE_SIZE) !== 0n) {
      throw new MachineArgumentError('address', at, `a multiple of ${PAGE_SIZE}`);
    }
    this.#memory.mapDevice(at, bytes, toRights(rights), device);
    this.#mappingChanged();
  }

  /** Unmaps all pages that the range touches; their contents are lost. */
  unmap(address: number | bigint, size: number | bigint): void {
    this.#memory.unmap(this.#address(address), toSize('size', size, this.ramSize));
    this.#code.flush();
    this.#mappingChanged();
  }

  /** Changes the rights of mapped pages. @throws UnmappedMemoryError */
  protect(address: number | bigint, size: number | bigint, rights: string): void {
    const bytes = toSize('size', size, this.ramSize);
    this.#memory.protect(this.#address(address), bytes, toRights(rights));
    this.#mappingChanged();
  }

  isMapped(address: number | bigint): boolean {
    return this.#memory.isMapped(this.#address(address));
  }

  /** Copies bytes out of guest memory, whatever its rights. @throws UnmappedMemoryError */
  read(address: number | bigint, size: number): Uint8Array {
    const data = new Uint8Array(toSize('size', size, this.ramSize));
    let done = 0;
    this.#memory.forEachRun(this.#address(address), data.length, (physical, length) => {
      this.#cpu.physical.read(physical, data.subarray(done, done + length));
      done += length;
    });
    return data;
  }

  /** Copies bytes into guest memory, whatever its rights. @throws UnmappedMemoryError */
  write(address: number | bigint, data: ArrayLike<number>): void {
    if (data.length === 0) {
      return;
    }
    const bytes = Uint8Array.from(data);
    let done = 0;
    this.#memory.forEachRun(this.#address(address), bytes.length, (physical, length) => {
      this.#cpu.physical.write(physical, bytes.subarray(done, done + length));
      this.#code.codeWritten(physical, length);
      done += length;
    });
  }

  /** Begins to watch; returns what ends it. Hooks may be added and removed at any time. */
  hook(hooks: Hooks): () => void {
    this.#watch.add(hooks);
    return () => this.#watch.remove(hooks);
  }

  /** Ends the run under way as soon as the current instruction is done. For hooks and devices. */
  stop(): void {
    this.#watch.requestStop();
  }

  /** Runs until something ends it. @throws MachineArgumentError, and what hooks throw */
  run(options: RunOptions = {}): Exit {
    const run = this.#begin(options);
    try {
      for (;;) {
        const exit = this.#slice(run, options);
        if (exit !== undefined) {
          return exit;
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** `run` that lets the event loop turn every some milliseconds, so that a signal can arrive. */
  async runAsync(options: RunOptions = {}): Promise<Exit> {
    const run = this.#begin(options);
    let turn = performance.now() + TURN;
    try {
      for (;;) {
        const exit = this.#slice(run, options);
        if (exit !== undefined) {
          return exit;
        }
        if (performance.now() >= turn) {
          await new Promise<void>((resolve) => {
            setTimeout(resolve, 0);
          });
          turn = performance.now() + TURN;
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** Executes one instruction; an exit with reason `limit` says that there is nothing to report. */
  step(): Exit {
    return this.run({ maxInstructions: 1 });
  }

  /** Instructions completed since the machine was created; a REP instruction is one. */
  get instructionsRetired(): number {
    return this.#cpu.retired - this.#cpu.unfinished;
  }

  /** What LASS would have refused, when the machine was created with `audit`. */
  get auditRecords(): readonly AuditRecord[] {
    return this.#audit?.records ?? [];
  }

  /** Violations at places that the audit had no room for. */
  get auditDropped(): number {
    return this.#audit?.dropped ?? 0;
  }

  /** The instruction at RIP as bytes, as far as they are mapped. */
  instructionBytes(): Uint8Array {
    return this.#cpu.instructionBytes();
  }

  /** Registers, RAM and mappings as plain data, which `structuredClone` and files can hold. */
  snapshot(): Snapshot {
    return takeSnapshot(this.#parts());
  }

  /**
   * Goes back to a snapshot of a machine of the same mode and RAM size. Devices and hooks stay as
   * they are. Not for hooks: an instruction under way would go on in another state.
   *
   * @throws MachineArgumentError
   */
  restore(snapshot: Snapshot): void {
    this.#refuseWhileRunning();
    restoreSnapshot(this.#parts(), snapshot);
    this.#code.flush();
    this.#mappingChanged();
  }

  #parts() {
    return {
      mode: this.mode,
      cpu: this.#cpu,
      ram: this.#ram,
      frames: this.#frames,
      memory: this.#memory,
      random: this.#random.state,
    };
  }

  #begin(options: RunOptions): RunProgress {
    this.#refuseWhileRunning();
    const { until = [], maxInstructions = Number.POSITIVE_INFINITY, timeout } = options;
    const isCount = Number.isInteger(maxInstructions) && maxInstructions >= 0;
    if (!isCount && maxInstructions !== Number.POSITIVE_INFINITY) {
      throw new MachineArgumentError('maxInstructions', maxInstructions, 'an integer from 0 on');
    }
    if (timeout !== undefined && !(timeout >= 0)) {
      throw new MachineArgumentError('timeout', timeout, 'a number of milliseconds from 0 on');
    }
    const stops = typeof until === 'object' ? [...until] : [until];
    this.#code.setStops(new Set(stops.map((stop) => this.#address(stop))));
    this.#watch.begin();
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    this.#running = true;
    return { left: maxInstructions, deadline };
  }

  #refuseWhileRunning(): void {
    if (this.#running) {
      throw new Error('the machine is running; a hook may change it or stop it, not run it');
    }
  }

  /** Runs for a while; undefined when there is no reason to end. */
  #slice(run: RunProgress, { signal }: RunOptions): Exit | undefined {
    const cpu = this.#cpu;
    if (signal?.aborted === true) {
      return { reason: 'aborted', rip: cpu.instructionPointer };
    }
    if (run.left > 0 && performance.now() >= run.deadline) {
      return { reason: 'limit', limit: 'time', rip: cpu.instructionPointer };
    }
    const before = cpu.retired;
    const outcome = this.#advance(Math.min(run.left, SLICE));
    run.left -= cpu.retired - before;
    return this.#exit(outcome, run);
  }

  /** Executes at most `limit` instructions in the loop that the watchers need. */
  #advance(limit: number): Outcome {
    if (!this.#watch.isObserved) {
      const outcome = this.#interpreter.run(limit);
      if (outcome !== Outcome.Device) {
        return outcome;
      }
      return this.#observed.run(1, this.#watch);
    }
    return this.#observed.run(limit, this.#watch);
  }

  #exit(outcome: Outcome, run: RunProgress): Exit | undefined {
    const cpu = this.#cpu;
    switch (outcome) {
      case Outcome.Exit:
        return this.#requestedExit();
      case Outcome.Stop:
        return {
          reason: this.#watch.stopRequested ? 'stop' : 'until',
          rip: cpu.instructionPointer,
        };
      case Outcome.Fault: {
        // A fault hook that retries for ever must still come to the limit; traps were counted.
        run.left -= cpu.fault.isTrap ? 0 : 1;
        const exit = exceptionExit(cpu);
        return this.#watch.handleFault(exit) ? undefined : this.#stopOr(exit);
      }
      default:
        return run.left > 0
          ? undefined
          : { reason: 'limit', limit: 'instructions', rip: cpu.instructionPointer };
    }
  }

  #stopOr(exit: Exit): Exit {
    return this.#watch.stopRequested ? { reason: 'stop', rip: this.#cpu.instructionPointer } : exit;
  }

  #requestedExit(): Exit | undefined {
    const { exit, instructionPointer: rip } = this.#cpu;
    if (exit === undefined) {
      return this.#watch.stopRequested ? { reason: 'stop', rip } : undefined;
    }
    this.#cpu.exit = undefined;
    if (exit.reason === 'unimplemented') {
      return { reason: 'unimplemented', instruction: Code[exit.code], rip };
    }
    return { ...exit, rip };
  }

  get #defaultRights(): string {
    return this.#cpu.state[Word.CPL] === 3 ? 'rwxu' : 'rwx';
  }

  #address(value: number | bigint): bigint {
    if (this.mode !== 64 && this.mode !== 'compat') {
      return toLinearAddress('address', value, 32);
    }
    const address = toLinearAddress('address', value, 64);
    const bits = this.#cpu.state[Word.LINEAR_BITS] as LinearAddressBits;
    if (!isCanonical(highWord(address), bits)) {
      throw new MachineArgumentError('address', address, `a canonical address of ${bits} bits`);
    }
    return address;
  }

  /** The start of a range that there can be memory at. */
  #mappable(address: number | bigint, size: number): bigint {
    const first = this.#address(address);
    const last = first + BigInt(size) - 1n;
    if (!this.#memory.isAddressable(first) || !this.#memory.isAddressable(last)) {
      throw new MachineArgumentError(
        'address',
        first,
        `the start of ${size} bytes that can be addressed`,
      );
    }
    return first;
  }

  #mappingChanged(): void {
    this.#cpu.contextChanged();
  }
}

interface RunProgress {
  /** Instructions left. */
  left: number;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
}

/** The code cache of a processor, which is told of writes to code. */
function createCodeCache(cpu: Cpu): CodeCache {
  const { state, physical, fetch, features, vendor } = cpu;
  const decoder = new InstructionDecoder({
    amd: vendor === 'amd',
    tzcnt: features.has('bmi1'),
    lzcnt: features.has('abm'),
  });
  const builder = new BlockBuilder(physical.bytes, fetch, decoder, instructionSet(features));
  const code = new CodeCache(state, fetch, builder);
  cpu.memory.code = code;
  return code;
}
