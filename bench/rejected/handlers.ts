import { adc64, add64, and64, mov64, or64, sbb64, sub64, xor64 } from './alu.ts';
import {
  HIGH,
  inBlocks,
  type OperationName,
  PENDING,
  program,
  RIP,
  repeated,
  type Step,
} from './program.ts';

/*
 * The chosen way to execute: instructions are objects of one shape, linked within their block, each
 * with a handler for its operation and form that is called with the processor and the instruction.
 */

export interface Cpu {
  readonly state: Int32Array;
}

export type Handler = (cpu: Cpu, i: Linked) => void;

/** An instruction. */
export class Linked {
  readonly destination: number;
  readonly source: number;
  readonly number: number;
  readonly execute: Handler;
  next: Linked | null = null;

  constructor({ destination, source }: Step, number: number, execute: Handler) {
    this.destination = destination;
    this.source = source;
    this.number = number;
    this.execute = execute;
  }
}

/** A handler for each operation, nothing shared. */
export const HANDLERS: Readonly<Record<OperationName, Handler>> = {
  add: ({ state: s }, { destination: d, source }) => {
    s[d] = add64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  sub: ({ state: s }, { destination: d, source }) => {
    s[d] = sub64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  xor: ({ state: s }, { destination: d, source }) => {
    s[d] = xor64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  and: ({ state: s }, { destination: d, source }) => {
    s[d] = and64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  or: ({ state: s }, { destination: d, source }) => {
    s[d] = or64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  adc: ({ state: s }, { destination: d, source }) => {
    s[d] = adc64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  sbb: ({ state: s }, { destination: d, source }) => {
    s[d] = sbb64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
  mov: ({ state: s }, { destination: d, source }) => {
    s[d] = mov64(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  },
};

/** The program's blocks, each as its first instruction. */
export function linkedBlocks(handler: (operation: OperationName) => Handler): Linked[] {
  return inBlocks(program()).map((steps, block) => {
    const all = steps.map((step, n) => new Linked(step, block * 100 + n, handler(step.operation)));
    all.forEach((instruction, n) => {
      instruction.next = all[n + 1] ?? null;
    });
    return all[0];
  });
}

/**
 * The program by linked lists. All variants that execute this way share the loop below, so that
 * its call has seen many handlers, as the call of a real interpreter has.
 */
export function runLinked(handler: (operation: OperationName) => Handler): () => number {
  const blocks = linkedBlocks(handler);
  return repeated((s) => runBlocks(blocks, { state: s }));
}

function runBlocks(blocks: readonly Linked[], cpu: Cpu): void {
  const s = cpu.state;
  for (const first of blocks) {
    s[RIP] = first.number;
    let i: Linked | null = first;
    do {
      i.execute(cpu, i);
      i = i.next;
    } while (i !== null);
    if (s[PENDING] !== 0) {
      return;
    }
  }
}
