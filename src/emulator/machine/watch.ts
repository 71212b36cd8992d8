import type { Block } from '../code/block.ts';
import { type Cpu, Pending, type PortDevice } from '../cpu.ts';
import type { AccessObserver } from '../memory/linear-memory.ts';
import { flushTlb } from '../memory/tlb.ts';
import type { RunObserver } from '../observed-interpreter.ts';
import type { Operation } from '../operation.ts';
import { Word } from '../state/layout.ts';
import { toAddress } from '../state/word64.ts';
import type { AuditLog } from './audit.ts';
import type { ExceptionExit } from './exit.ts';
import { HookSet, type Hooks } from './hooks.ts';

/** Joins the host's hooks to what the processor and the loops call. */
export class Watch implements RunObserver, AccessObserver, PortDevice {
  readonly #cpu: Cpu;
  readonly #hooks = new HookSet();
  #audited = false;
  stopRequested = false;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  /** Whether the loop that tells of every instruction is needed. */
  get isObserved(): boolean {
    return this.#audited || this.#hooks.watches('instruction', 'block', 'read', 'write');
  }

  add(hooks: Hooks): void {
    this.#hooks.add(hooks);
    this.#changed();
  }

  remove(hooks: Hooks): void {
    this.#hooks.remove(hooks);
    this.#changed();
  }

  audit(log: AuditLog): void {
    const sink: AuditLog['add'] = (...access) => log.add(...access);
    this.#cpu.memory.audit = sink;
    this.#cpu.fetch.audit = sink;
    this.#audited = true;
  }

  begin(): void {
    this.stopRequested = false;
  }

  requestStop(): void {
    this.stopRequested = true;
    this.#cpu.state[Word.PENDING] |= Pending.Exit;
  }

  #changed(): void {
    const { state, memory } = this.#cpu;
    memory.observer = this.#hooks.watches('read', 'write') ? this : undefined;
    this.#cpu.ports = this.#hooks.watches('in', 'out') ? this : undefined;
    flushTlb(state);
    state[Word.PENDING] |= Pending.Observers;
  }

  wantsStop(): boolean {
    return this.stopRequested;
  }

  beforeBlock(block: Block): void {
    for (const hooks of this.#hooks.watching('block')) {
      this.#heed(hooks.block({ rip: this.#cpu.instructionPointer, count: block.count }));
    }
  }

  beforeInstruction(op: Operation): 'skip' | 'stop' | undefined {
    let decision: 'skip' | 'stop' | undefined;
    for (const hooks of this.#hooks.watching('instruction')) {
      const said = hooks.instruction({ rip: this.#cpu.instructionPointer, instruction: op });
      this.#heed(said === 'stop' ? said : undefined);
      decision ??= said;
    }
    return this.stopRequested ? 'stop' : decision;
  }

  afterRead(lo: number, hi: number, data: Uint8Array): void {
    for (const hooks of this.#hooks.watching('read')) {
      this.#heed(hooks.read(this.#memoryEvent(lo, hi, data)));
    }
  }

  beforeWrite(lo: number, hi: number, data: Uint8Array): void {
    for (const hooks of this.#hooks.watching('write')) {
      this.#heed(hooks.write(this.#memoryEvent(lo, hi, data)));
    }
  }

  in(port: number, size: 1 | 2 | 4): number | undefined {
    for (const hooks of this.#hooks.watching('in')) {
      const value = hooks.in({ rip: this.#cpu.instructionPointer, port, size });
      if (value !== undefined) {
        return value;
      }
    }
    return undefined;
  }

  out(port: number, size: 1 | 2 | 4, value: number): boolean {
    const event = { rip: this.#cpu.instructionPointer, port, size, value };
    return this.#hooks.watching('out').some((hooks) => hooks.out(event));
  }

  /** Offers an exception to the hooks; whether the run goes on. */
  handleFault(exit: ExceptionExit): boolean {
    for (const hooks of this.#hooks.watching('fault')) {
      const decision = hooks.fault(exit);
      if (decision === 'stop') {
        this.stopRequested = true;
        return false;
      }
      if (decision === 'retry') {
        return !this.stopRequested;
      }
      if (decision === 'skip') {
        return this.#skip() && !this.stopRequested;
      }
    }
    return false;
  }

  /** Goes on after the faulting instruction; false if nobody knows where it ends. */
  #skip(): boolean {
    const { faulting } = this.#cpu;
    if (faulting === undefined || faulting.length === 0) {
      return false;
    }
    this.#cpu.instructionPointer = toAddress(faulting.nextLo, faulting.nextHi);
    return true;
  }

  #memoryEvent(lo: number, hi: number, data: Uint8Array) {
    return { rip: this.#cpu.instructionPointer, linearAddress: toAddress(lo, hi), data };
  }

  #heed(decision: 'stop' | undefined): void {
    if (decision === 'stop') {
      this.requestStop();
    }
  }
}
