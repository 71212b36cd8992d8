import type { Instruction } from '../decoder/index.ts';
import { BLOCK_CHANGED, type Block } from './code/block.ts';
import type { CodeCache } from './code/code-cache.ts';
import { type Cpu, Pending } from './cpu.ts';
import { Outcome } from './interpreter.ts';
import type { Operation } from './operation.ts';
import { Word } from './state/layout.ts';
import { codeMode } from './state/modes.ts';
import { highWord, lowWord } from './state/word64.ts';

/** Words of the state that instructions change before their last access to memory. */
const REGISTER_WORDS = Word.SYSTEM_FLAGS + 1;

/** What is told of every instruction, in the order of the calls. */
export interface RunObserver {
  /** Before the first instruction after a branch, or after an exit. */
  beforeBlock(block: Block): void;
  /** Before an instruction. `skip` goes on after it, `stop` leaves before it. */
  beforeInstruction(op: Operation): 'skip' | 'stop' | undefined;
  /** Asked after each instruction. */
  wantsStop(): boolean;
}

/**
 * The loop for runs that are watched: one instruction at a time, RIP exact at every moment. It
 * executes the same operations from the same code cache as `Interpreter`.
 */
export class ObservedInterpreter {
  readonly cpu: Cpu;
  readonly code: CodeCache;
  /** What would come next in the current block. */
  #op: Operation | null = null;
  #block: Block | undefined;
  readonly #registers: Int32Array;
  /** The registers before the instruction under way. */
  readonly #before = new Int32Array(REGISTER_WORDS);
  #isExecuting = false;

  constructor(cpu: Cpu, code: CodeCache) {
    this.cpu = cpu;
    this.code = code;
    this.#registers = cpu.state.subarray(0, REGISTER_WORDS);
  }

  /** Executes at most `limit` instructions; `Stop` also stands for the observer's wish. */
  run(limit: number, observer: RunObserver): Outcome {
    const { cpu } = this;
    const end = cpu.retired + limit;
    this.#op = null;
    try {
      for (;;) {
        const outcome = this.#mayGoOn(end, observer) ?? this.#step(observer);
        if (outcome !== undefined) {
          return outcome;
        }
      }
    } finally {
      this.#applyRedirect();
      cpu.current = undefined;
    }
  }

  /** Why the run must end before the next instruction, if it must. */
  #mayGoOn(end: number, observer: RunObserver): Outcome | undefined {
    const { cpu, code } = this;
    const s = cpu.state;
    const pending = s[Word.PENDING];
    s[Word.PENDING] = 0;
    if ((pending & Pending.Context) !== 0) {
      code.flushTranslations();
      this.#op = null;
    }
    if ((pending & Pending.Exit) !== 0) {
      return Outcome.Exit;
    }
    if ((pending & Pending.Observers) !== 0) {
      return Outcome.Reconsider;
    }
    if (observer.wantsStop() || code.isStop(s[Word.RIP], s[Word.RIP + 1])) {
      return Outcome.Stop;
    }
    return cpu.retired >= end ? Outcome.Limit : undefined;
  }

  #step(observer: RunObserver): Outcome | undefined {
    const { cpu } = this;
    try {
      let op = this.#fetch(observer);
      if (op === undefined) {
        this.#countUnexecuted();
        return undefined;
      }
      const decision = observer.beforeInstruction(op);
      if (decision === 'stop') {
        return Outcome.Stop;
      }
      if (this.#applyRedirect()) {
        this.#countUnexecuted();
        return undefined;
      }
      op = this.#reread(op);
      const s = cpu.state;
      s[Word.RIP] = op.nextLo;
      s[Word.RIP + 1] = op.nextHi;
      if (decision === 'skip') {
        this.#countUnexecuted();
      } else {
        this.#execute(op);
      }
      this.#op = op.next;
      this.#applyRedirect();
      return undefined;
    } catch (error) {
      return this.#caught(error);
    }
  }

  #execute(op: Operation): void {
    const { cpu } = this;
    this.#before.set(this.#registers);
    this.#isExecuting = true;
    op.execute(cpu, op);
    this.#isExecuting = false;
    cpu.retired++;
  }

  /** An observer that never lets anything execute must come to the limit all the same. */
  #countUnexecuted(): void {
    this.cpu.retired++;
    this.cpu.unfinished++;
  }

  /** The instruction at RIP, or undefined if the observer chose to go on elsewhere. */
  #fetch(observer: RunObserver): Operation | undefined {
    const { cpu } = this;
    const s = cpu.state;
    const expected = this.#op;
    if (
      expected !== null &&
      this.#block?.valid === true &&
      expected.ripLo === s[Word.RIP] &&
      expected.ripHi === s[Word.RIP + 1]
    ) {
      cpu.current = expected;
      return expected;
    }
    const block = this.#lookup();
    observer.beforeBlock(block);
    return this.#applyRedirect() || observer.wantsStop() ? undefined : this.#reread(block.first);
  }

  /** The block at RIP. @throws Fault */
  #lookup(): Block {
    const { cpu, code } = this;
    cpu.current = undefined;
    const block = code.lookup(codeMode(cpu.state));
    this.#block = block;
    cpu.current = block.first;
    return block;
  }

  /** The instruction that is to run: another one if the observer has just overwritten it. */
  #reread(op: Operation): Operation {
    return this.#block?.valid === true ? op : this.#lookup().first;
  }

  /** Makes the state that of the instruction that threw. */
  #caught(error: unknown): Outcome | undefined {
    const { cpu } = this;
    const { fault, current, state: s } = cpu;
    const op = current;
    cpu.faulting = op;
    const wasExecuting = this.#isExecuting;
    this.#isExecuting = false;
    this.#op = null;
    cpu.redirect = undefined;
    if (error === fault && fault.isTrap) {
      cpu.retired++;
      return Outcome.Fault;
    }
    if (op !== undefined) {
      s[Word.RIP] = op.ripLo;
      s[Word.RIP + 1] = op.ripHi;
    }
    if (error === fault) {
      return Outcome.Fault;
    }
    if (error === BLOCK_CHANGED) {
      return undefined;
    }
    if (op !== undefined && wasExecuting) {
      this.#undo(op);
    }
    throw error;
  }

  /** Takes back what an instruction had done when an observer threw; elements of REP stay done. */
  #undo(op: Instruction): void {
    if (!op.rep && !op.repne) {
      this.#registers.set(this.#before);
      this.cpu.state[Word.RIP] = op.ripLo;
      this.cpu.state[Word.RIP + 1] = op.ripHi;
    }
  }

  /** Goes where an observer wrote RIP to. */
  #applyRedirect(): boolean {
    const { cpu } = this;
    const { redirect, state: s } = cpu;
    if (redirect === undefined) {
      return false;
    }
    s[Word.RIP] = lowWord(redirect);
    s[Word.RIP + 1] = highWord(redirect);
    cpu.redirect = undefined;
    this.#op = null;
    return true;
  }
}
