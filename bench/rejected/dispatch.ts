import { adc64, add64, and64, mov64, OPERATION_64, or64, sbb64, sub64, xor64 } from './alu.ts';
import type { Comparison } from './compare.ts';
import { type Cpu, HANDLERS, type Linked, linkedBlocks, runLinked } from './handlers.ts';
import {
  HIGH,
  INSTRUCTIONS,
  inBlocks,
  OPERATIONS,
  type OperationName,
  PENDING,
  program,
  RIP,
  repeated,
} from './program.ts';

/** Chosen: a linked list of instructions. */
const linkedList = runLinked((operation) => HANDLERS[operation]);

/** The same instructions in an array for each block. */
function runArrays(): () => number {
  const blocks = linkedBlocks((operation) => HANDLERS[operation]).map((first) => {
    const all: Linked[] = [];
    for (let i: Linked | null = first; i !== null; i = i.next) {
      all.push(i);
    }
    return all;
  });
  return repeated((s) => {
    const cpu: Cpu = { state: s };
    for (const block of blocks) {
      s[RIP] = block[0].number;
      for (let n = 0; n < block.length; n++) {
        const i = block[n];
        i.execute(cpu, i);
      }
      if (s[PENDING] !== 0) {
        return;
      }
    }
  });
}

type Closure = (s: Int32Array) => void;

/** For each operation what binds its operands. */
const BINDERS: Readonly<Record<OperationName, (d: number, a: number) => Closure>> = {
  add: (d, a) => (s) => {
    s[d] = add64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  sub: (d, a) => (s) => {
    s[d] = sub64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  xor: (d, a) => (s) => {
    s[d] = xor64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  and: (d, a) => (s) => {
    s[d] = and64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  or: (d, a) => (s) => {
    s[d] = or64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  adc: (d, a) => (s) => {
    s[d] = adc64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  sbb: (d, a) => (s) => {
    s[d] = sbb64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
  mov: (d, a) => (s) => {
    s[d] = mov64(s, s[d], s[d + 1], s[a], s[a + 1]);
    s[d + 1] = s[HIGH];
  },
};

/** An array of closures, each with its operands in its context. */
function runClosures(): () => number {
  const blocks = inBlocks(
    program().map(({ operation, destination, source }) => BINDERS[operation](destination, source)),
  );
  return repeated((s) => {
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[b];
      s[RIP] = b;
      for (let n = 0; n < block.length; n++) {
        block[n](s);
      }
      if (s[PENDING] !== 0) {
        return;
      }
    }
  });
}

interface Encoded {
  readonly case: number;
  readonly destination: number;
  readonly source: number;
}

type Loop = (blocks: readonly (readonly Encoded[])[], s: Int32Array) => void;

/**
 * A loop around a switch with `cases` cases, in which the operations recur. The source is made
 * here because a real instruction set has some 1,500 of them.
 */
function switchLoop(cases: number): Loop {
  const bodies = Array.from({ length: cases }, (_, n) => {
    const name = OPERATIONS[n % OPERATIONS.length];
    return `case ${n}: s[d] = ${name}(s, s[d], s[d + 1], s[a], s[a + 1]); s[d + 1] = s[${HIGH}]; break;`;
  });
  const source = `return (blocks, s) => {
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[b];
      s[${RIP}] = b;
      for (let n = 0; n < block.length; n++) {
        const i = block[n], d = i.destination, a = i.source;
        switch (i.case) { ${bodies.join('\n')} }
      }
      if (s[${PENDING}] !== 0) return;
    }
  };`;
  return new Function(...OPERATIONS, source)(...OPERATIONS.map((name) => OPERATION_64[name]));
}

function runSwitch(cases: number): () => number {
  const loop = switchLoop(cases);
  const copies = cases / OPERATIONS.length;
  const blocks = inBlocks(
    program().map(({ operation, destination, source }, n) => ({
      case: OPERATIONS.indexOf(operation) + OPERATIONS.length * (n % copies),
      destination,
      source,
    })),
  );
  return repeated((s) => loop(blocks, s));
}

/** How to get from one instruction to the next. */
export const dispatch: Comparison = {
  title: 'dispatch of 64-bit arithmetic',
  unit: 'instruction',
  units: INSTRUCTIONS,
  variants: [
    { name: 'linked list of instructions', run: linkedList },
    { name: 'array of instructions', run: runArrays() },
    { name: 'array of closures over operands', run: runClosures() },
    { name: 'switch with 8 cases', run: runSwitch(8) },
    { name: 'switch with 256 cases', run: runSwitch(256) },
    { name: 'switch with 1,536 cases', run: runSwitch(1536) },
  ],
};
