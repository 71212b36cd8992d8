import { Instruction } from '../decoder/index.ts';
import type { Cpu } from './cpu.ts';

/**
 * Executes one instruction. It changes no state before the last point where it can fault, except
 * what the manual says is kept, and leaves RIP alone unless it branches.
 */
export type Handler = (cpu: Cpu, i: Instruction) => void;

/** Chooses the handler of a decoded instruction by its operands, once, when it is decoded. */
export type Binder = (i: Instruction) => Handler;

/** A decoded instruction with its handler, linked to the one that follows in its block. */
export class Operation extends Instruction {
  execute: Handler = unbound;
  next: Operation | null = null;
  /** Instructions before it in its block. */
  position = 0;
}

function unbound(): never {
  throw new Error('operation executed before it was bound');
}
