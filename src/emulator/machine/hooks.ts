import type { Instruction } from '../../decoder/index.ts';
import type { ExceptionExit } from './exit.ts';

/** An instruction that is about to run. */
export interface InstructionEvent {
  readonly rip: bigint;
  /** Valid during the call only. */
  readonly instruction: Instruction;
}

/** A block that is about to run: straight code up to a branch. */
export interface BlockEvent {
  readonly rip: bigint;
  /** Instructions in it. */
  readonly count: number;
}

/** One access to memory; one that crosses a page is one event. */
export interface MemoryEvent {
  readonly rip: bigint;
  readonly linearAddress: bigint;
  /** The bytes read or about to be written; changing them changes what is read or written. */
  readonly data: Uint8Array;
}

export interface PortEvent {
  readonly rip: bigint;
  /** 0 to 0xffff. */
  readonly port: number;
  /** Bytes. */
  readonly size: 1 | 2 | 4;
}

/**
 * What a host may watch and decide. RIP is exact in every hook; writing `registers.rip` in one
 * makes the machine go on there. Returning `stop` ends the run: before the instruction from
 * `instruction` and `block`, after it from the others.
 */
export interface Hooks {
  /** Before each instruction; `skip` goes on after it. */
  instruction?(event: InstructionEvent): 'skip' | 'stop' | undefined;
  /** Before each block. */
  block?(event: BlockEvent): 'stop' | undefined;
  /** After bytes were read, before the instruction uses them. */
  read?(event: MemoryEvent): 'stop' | undefined;
  /** Before bytes are written; all checks have passed. */
  write?(event: MemoryEvent): 'stop' | undefined;
  /**
   * An exception: `retry` runs the instruction again (its cause having been mended), `skip` goes
   * on after it, `stop` ends the run with reason `stop`; undefined ends it with the exception, as
   * does `skip` where the instruction could not be fetched or decoded.
   */
  fault?(event: ExceptionExit): 'retry' | 'skip' | 'stop' | undefined;
  /** IN and INS: the value read, or undefined for "not my port". */
  in?(event: PortEvent): number | undefined;
  /** OUT and OUTS: true if the port is yours. */
  out?(event: PortEvent & { readonly value: number }): boolean;
}

/** The hooks in force, by kind, in the order they were added. */
export class HookSet {
  readonly #all = new Set<Hooks>();
  #list: readonly Hooks[] = [];
  readonly #byKind = new Map<keyof Hooks, readonly Hooks[]>();

  add(hooks: Hooks): void {
    this.#all.add(hooks);
    this.#changed();
  }

  remove(hooks: Hooks): void {
    this.#all.delete(hooks);
    this.#changed();
  }

  #changed(): void {
    this.#list = [...this.#all];
    this.#byKind.clear();
  }

  /** Those who watch one kind of event. The list does not change while it is being walked. */
  watching<K extends keyof Hooks>(kind: K): readonly (Hooks & Required<Pick<Hooks, K>>)[] {
    let watching = this.#byKind.get(kind);
    if (watching === undefined) {
      watching = this.#list.filter((hooks) => hooks[kind] !== undefined);
      this.#byKind.set(kind, watching);
    }
    return watching as readonly (Hooks & Required<Pick<Hooks, K>>)[];
  }

  watches(...kinds: readonly (keyof Hooks)[]): boolean {
    return this.#list.some((hooks) => kinds.some((kind) => hooks[kind] !== undefined));
  }
}
