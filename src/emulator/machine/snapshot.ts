import type { Cpu } from '../cpu.ts';
import type { FlatMapping, FramePool, GuestMemory } from '../memory/guest-memory.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import { Area, Word } from '../state/layout.ts';
import { MachineArgumentError } from './arguments.ts';
import type { StartingMode } from './starting-state.ts';

/** All that makes up a guest, as plain data. */
export interface Snapshot {
  readonly format: 'bit63-snapshot-1';
  readonly mode: StartingMode;
  readonly ramSize: number;
  /** Levels of paging structures, 0 without paging. */
  readonly levels: number;
  /** The processor's area up to the TLB: registers, flags, vector state. */
  readonly state: Uint8Array;
  readonly retired: number;
  readonly unfinished: number;
  readonly random: Uint32Array;
  readonly frames: { readonly next: number; readonly free: readonly number[] };
  readonly flat: readonly FlatMapping[];
  /** Pages that are not all zero, by offset in RAM. */
  readonly pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** The parts of a machine that a snapshot is about. */
export interface SnapshotParts {
  readonly mode: StartingMode;
  readonly cpu: Cpu;
  readonly ram: Uint8Array;
  readonly frames: FramePool;
  readonly memory: GuestMemory;
  readonly random: Uint32Array;
}

export function takeSnapshot({ mode, cpu, ram, frames, memory, random }: SnapshotParts): Snapshot {
  const usage = frames.usage;
  const pages: { offset: number; bytes: Uint8Array }[] = [];
  for (let offset = 0; offset < usage.next; offset += PAGE_SIZE) {
    const page = ram.subarray(offset, offset + PAGE_SIZE);
    if (page.some((byte) => byte !== 0)) {
      pages.push({ offset, bytes: page.slice() });
    }
  }
  // In a hook RIP is the instruction under way, which the state is already past.
  const state = cpu.registers8.slice(0, Area.TLB);
  new DataView(state.buffer).setBigUint64(4 * Word.RIP, cpu.instructionPointer, true);
  return {
    format: 'bit63-snapshot-1',
    mode,
    ramSize: ram.length,
    levels: memory.levels,
    state,
    retired: cpu.retired,
    unfinished: cpu.unfinished,
    random: random.slice(),
    frames: usage,
    flat: memory.flatMappings(),
    pages,
  };
}

/** @throws MachineArgumentError when the snapshot is of another kind of machine. */
export function restoreSnapshot(parts: SnapshotParts, snapshot: Snapshot): void {
  const { cpu, ram, frames, memory } = parts;
  if (snapshot.format !== 'bit63-snapshot-1') {
    throw new MachineArgumentError('snapshot.format', snapshot.format, 'bit63-snapshot-1');
  }
  if (snapshot.mode !== parts.mode) {
    throw new MachineArgumentError('snapshot.mode', snapshot.mode, `${parts.mode}`);
  }
  if (snapshot.ramSize !== ram.length) {
    throw new MachineArgumentError('snapshot.ramSize', snapshot.ramSize, `${ram.length}`);
  }
  if (snapshot.levels !== memory.levels) {
    throw new MachineArgumentError('snapshot.levels', snapshot.levels, `${memory.levels}`);
  }
  ram.fill(0, 0, frames.usage.next);
  for (const { offset, bytes } of snapshot.pages) {
    ram.set(bytes, offset);
  }
  frames.restore(snapshot.frames);
  memory.restoreFlatMappings(snapshot.flat);
  parts.random.set(snapshot.random);
  cpu.registers8.set(snapshot.state);
  cpu.retired = snapshot.retired;
  cpu.unfinished = snapshot.unfinished;
  cpu.exit = undefined;
}
