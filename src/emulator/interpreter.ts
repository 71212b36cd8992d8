import { type Block, BLOCK_CHANGED } from './block.ts';
import type { CodeCache } from './code-cache.ts';
import { type Cpu, Pending } from './cpu.ts';
import type { Operation } from './operation.ts';
import { Word } from './state/layout.ts';
import { codeMode } from './state/modes.ts';

/** Why `Interpreter.run` returned. */
export const Outcome = {
  /** The number of instructions asked for has been executed. */
  Limit: 0,
  /** An instruction asked to leave, see `Cpu.exit`. */
  Exit: 1,
  /** `Cpu.fault` was raised and nobody has delivered it; RIP is the one to report. */
  Fault: 2,
  /** RIP is one of the code cache's stops. */
  Stop: 3,
  /** The host began or ceased to watch: it must choose the loop anew. */
  Reconsider: 4,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/**
 * The loop. Runs block after block; RIP is set to the end of a block before it runs, so that only
 * taken branches write it, and is restored from the operation when one faults.
 */
export class Interpreter {
  readonly cpu: Cpu;
  readonly code: CodeCache;

  constructor(cpu: Cpu, code: CodeCache) {
    this.cpu = cpu;
    this.code = code;
  }

  /** Executes at most `limit` instructions. */
  run(limit: number): Outcome {
    const end = this.cpu.retired + limit;
    for (;;) {
      const outcome = this.#runBlocks(end);
      if (outcome !== undefined) {
        return outcome;
      }
    }
  }

  /** Runs blocks until something ends the run or, undefined, the code under way was overwritten. */
  #runBlocks(end: number): Outcome | undefined {
    const { cpu, code } = this;
    const s = cpu.state;
    let op: Operation | null = null;
    try {
      let block: Block | undefined;
      for (;;) {
        const pending = s[Word.PENDING];
        if (pending !== 0) {
          s[Word.PENDING] = 0;
          if ((pending & Pending.Context) !== 0) {
            code.flushTranslations();
          }
          if ((pending & Pending.Exit) !== 0) {
            return Outcome.Exit;
          }
          if ((pending & Pending.Observers) !== 0) {
            return Outcome.Reconsider;
          }
        }
        op = null;
        if (cpu.retired >= end) {
          return code.isStop(s[Word.RIP], s[Word.RIP + 1]) ? Outcome.Stop : Outcome.Limit;
        }
        const next: Block = block === undefined ? code.lookup(codeMode(s)) : this.#follow(block);
        if (code.isStop(next.ripLo, next.ripHi)) {
          return Outcome.Stop;
        }
        if (next.count > end - cpu.retired) {
          return this.#runPart(next, end - cpu.retired);
        }
        block = next;
        s[Word.RIP] = block.nextLo;
        s[Word.RIP + 1] = block.nextHi;
        op = block.first;
        do {
          op.execute(cpu, op);
          op = op.next;
        } while (op !== null);
        cpu.retired += block.count;
      }
    } catch (error) {
      return this.#caught(error, op);
    }
  }

  /** The block that follows `block` at RIP. */
  #follow(block: Block): Block {
    const { code } = this;
    const s = this.cpu.state;
    const lo = s[Word.RIP];
    const hi = s[Word.RIP + 1];
    if (block.linkEpoch !== code.epoch) {
      block.linkEpoch = code.epoch;
      block.linkA = null;
      block.linkB = null;
    } else {
      const { linkA, linkB } = block;
      if (linkA !== null && linkA.ripLo === lo && linkA.ripHi === hi && linkA.valid) {
        return linkA;
      }
      if (linkB !== null && linkB.ripLo === lo && linkB.ripHi === hi && linkB.valid) {
        return linkB;
      }
    }
    const next = code.lookup(codeMode(s));
    block.linkB = block.linkA;
    block.linkA = next;
    return next;
  }

  /** Runs the first `count` instructions of a block that the limit does not allow as a whole. */
  #runPart(block: Block, count: number): Outcome | undefined {
    const { cpu } = this;
    const s = cpu.state;
    let op: Operation | null = block.first;
    try {
      for (let n = 0; n < count && op !== null; n++) {
        s[Word.RIP] = op.nextLo;
        s[Word.RIP + 1] = op.nextHi;
        op.execute(cpu, op);
        op = op.next;
      }
    } catch (error) {
      return this.#caught(error, op);
    }
    cpu.retired += count;
    return Outcome.Limit;
  }

  /** Makes the state that of the instruction that threw. */
  #caught(error: unknown, op: Operation | null): Outcome | undefined {
    const { cpu } = this;
    const { fault, state: s } = cpu;
    if (error !== fault && error !== BLOCK_CHANGED) {
      throw error;
    }
    cpu.faulting = op ?? undefined;
    if (op !== null) {
      cpu.retired += op.position;
      if (error === fault && fault.isTrap) {
        cpu.retired++;
      } else {
        s[Word.RIP] = op.ripLo;
        s[Word.RIP + 1] = op.ripHi;
      }
    }
    return error === fault ? Outcome.Fault : undefined;
  }
}
