import { BLOCK_CHANGED, type Block } from './code/block.ts';
import type { CodeCache } from './code/code-cache.ts';
import { type Cpu, Pending } from './cpu.ts';
import { DEVICE_ACCESS } from './memory/linear-memory.ts';
import type { Operation } from './operation.ts';
import { Word } from './state/layout.ts';
import { codeMode } from './state/modes.ts';

const { PENDING, RIP } = Word;

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
  /** The instruction at RIP accesses a device: execute it where RIP is exact, then go on. */
  Device: 5,
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
    const { memory } = this.cpu;
    const end = this.cpu.retired + limit;
    memory.defersDevices = true;
    try {
      for (;;) {
        const outcome = this.#runBlocks(end);
        if (outcome !== undefined) {
          return outcome;
        }
      }
    } finally {
      memory.defersDevices = false;
    }
  }

  /** Runs blocks until something ends the run or, undefined, the code under way was overwritten. */
  #runBlocks(end: number): Outcome | undefined {
    const { cpu, code } = this;
    const s = cpu.state;
    let op: Operation | null = null;
    try {
      let block: Block | null = null;
      for (;;) {
        if (s[PENDING] !== 0) {
          const outcome = this.#settle();
          if (outcome !== undefined) {
            return outcome;
          }
          block = null;
        }
        let next: Block | null = block === null ? null : linked(block, code.epoch, s);
        if (next === null) {
          op = null;
          const found = this.#enter(block, end);
          if (typeof found === 'number') {
            return found;
          }
          next = found;
        }
        block = next;
        if (block.count > end - cpu.retired) {
          return this.#runPart(block, end - cpu.retired);
        }
        s[RIP] = block.nextLo;
        s[RIP + 1] = block.nextHi;
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

  /** The block at RIP, which does not follow `before` by a link, or why the run must end there. */
  #enter(before: Block | null, end: number): Block | Outcome {
    const { cpu, code } = this;
    const s = cpu.state;
    if (before !== null) {
      const recent = code.recall(s[RIP], s[RIP + 1]);
      if (recent !== null) {
        link(before, recent, code.epoch);
        return recent;
      }
    }
    if (code.isStop(s[RIP], s[RIP + 1])) {
      return Outcome.Stop;
    }
    if (cpu.retired >= end) {
      return Outcome.Limit;
    }
    const block = code.lookup(codeMode(s));
    if (before !== null && block.place.page.host >= 0) {
      link(before, block, code.epoch);
    }
    return block;
  }

  /** Does what `Word.PENDING` asks for; the outcome if that ends the run. */
  #settle(): Outcome | undefined {
    const s = this.cpu.state;
    const pending = s[PENDING];
    s[PENDING] = 0;
    if ((pending & Pending.Context) !== 0) {
      this.code.flushTranslations();
    }
    if ((pending & Pending.Exit) !== 0) {
      return Outcome.Exit;
    }
    return (pending & Pending.Observers) !== 0 ? Outcome.Reconsider : undefined;
  }

  /** Runs the first `count` instructions of a block that the limit does not allow as a whole. */
  #runPart(block: Block, count: number): Outcome | undefined {
    const { cpu } = this;
    const s = cpu.state;
    let op: Operation | null = block.first;
    try {
      for (let n = 0; n < count && op !== null; n++) {
        s[RIP] = op.nextLo;
        s[RIP + 1] = op.nextHi;
        op.execute(cpu, op);
        op = op.next;
      }
    } catch (error) {
      return this.#caught(error, op);
    }
    cpu.retired += count;
    return Outcome.Limit;
  }

  /** Makes the state that of the instruction that threw; what is no fault is thrown on. */
  #caught(error: unknown, op: Operation | null): Outcome | undefined {
    const { cpu } = this;
    const { fault, state: s } = cpu;
    cpu.faulting = op ?? undefined;
    if (op !== null) {
      cpu.retired += op.position;
      if (error === fault && fault.isTrap) {
        cpu.retired++;
      } else {
        s[RIP] = op.ripLo;
        s[RIP + 1] = op.ripHi;
      }
    }
    if (error === fault) {
      return Outcome.Fault;
    }
    if (error === DEVICE_ACCESS) {
      return Outcome.Device;
    }
    if (error === BLOCK_CHANGED) {
      return undefined;
    }
    throw error;
  }
}

/** The block that followed `block` when RIP was what it is now, if that still holds. */
function linked(block: Block, epoch: number, s: Int32Array): Block | null {
  if (block.linkEpoch !== epoch) {
    return null;
  }
  const lo = s[RIP];
  const hi = s[RIP + 1];
  const { linkA, linkB } = block;
  if (linkA !== null && linkA.ripLo === lo && linkA.ripHi === hi && linkA.valid) {
    return linkA;
  }
  if (linkB !== null && linkB.ripLo === lo && linkB.ripHi === hi && linkB.valid) {
    return linkB;
  }
  return null;
}

function link(block: Block, next: Block, epoch: number): void {
  block.linkB = block.linkEpoch === epoch ? block.linkA : null;
  block.linkA = next;
  block.linkEpoch = epoch;
}
