import type { Comparison } from './compare.ts';
import { HANDLERS, runLinked } from './handlers.ts';
import {
  checksum,
  freshState,
  INSTRUCTIONS,
  inBlocks,
  type OperationName,
  program,
  REGISTERS,
  TIMES,
} from './program.ts';

const MASK = 0xffff_ffff_ffff_ffffn;

/** Registers and lazy flags as 64-bit elements. */
interface BigCpu {
  readonly registers: BigUint64Array;
  readonly flags: BigUint64Array;
}

/** Registers and lazy flags as BigInts in objects. */
interface ObjectCpu {
  readonly registers: bigint[];
  result: bigint;
  carry: bigint;
}

interface Numbered<Cpu> {
  readonly destination: number;
  readonly source: number;
  readonly execute: (cpu: Cpu, i: Numbered<Cpu>) => void;
}

type Handlers<Cpu> = Readonly<Record<OperationName, Numbered<Cpu>['execute']>>;

/** BigInts that never leave a handler; flags are the result and the carry out. */
const TYPED_ARRAY: Handlers<BigCpu> = {
  add: ({ registers: r, flags }, { destination: d, source }) => {
    const a = r[d];
    const result = BigInt.asUintN(64, a + r[source]);
    flags[0] = result;
    flags[1] = result < a ? 1n : 0n;
    r[d] = result;
  },
  sub: ({ registers: r, flags }, { destination: d, source }) => {
    const a = r[d];
    const b = r[source];
    const result = BigInt.asUintN(64, a - b);
    flags[0] = result;
    flags[1] = a < b ? 1n : 0n;
    r[d] = result;
  },
  xor: ({ registers: r, flags }, { destination: d, source }) => {
    const result = r[d] ^ r[source];
    flags[0] = result;
    flags[1] = 0n;
    r[d] = result;
  },
  and: ({ registers: r, flags }, { destination: d, source }) => {
    const result = r[d] & r[source];
    flags[0] = result;
    flags[1] = 0n;
    r[d] = result;
  },
  or: ({ registers: r, flags }, { destination: d, source }) => {
    const result = r[d] | r[source];
    flags[0] = result;
    flags[1] = 0n;
    r[d] = result;
  },
  adc: ({ registers: r, flags }, { destination: d, source }) => {
    const sum = r[d] + r[source] + flags[1];
    const result = BigInt.asUintN(64, sum);
    flags[0] = result;
    flags[1] = sum === result ? 0n : 1n;
    r[d] = result;
  },
  sbb: ({ registers: r, flags }, { destination: d, source }) => {
    const difference = r[d] - r[source] - flags[1];
    const result = BigInt.asUintN(64, difference);
    flags[0] = result;
    flags[1] = difference === result ? 0n : 1n;
    r[d] = result;
  },
  mov: ({ registers: r }, { destination: d, source }) => {
    r[d] = r[source];
  },
};

function setFlags(cpu: ObjectCpu, result: bigint, carry: bigint): bigint {
  cpu.result = result;
  cpu.carry = carry;
  return result;
}

function addBig(cpu: ObjectCpu, a: bigint, b: bigint, carry: bigint): bigint {
  const sum = a + b + carry;
  return setFlags(cpu, sum & MASK, sum >> 64n);
}

function subtractBig(cpu: ObjectCpu, a: bigint, b: bigint, borrow: bigint): bigint {
  const difference = a - b - borrow;
  return setFlags(cpu, difference & MASK, difference < 0n ? 1n : 0n);
}

/** BigInts as one would write it first: in objects, passed through helpers. */
const IN_OBJECTS: Handlers<ObjectCpu> = {
  add: (cpu, { destination: d, source }) => {
    cpu.registers[d] = addBig(cpu, cpu.registers[d], cpu.registers[source], 0n);
  },
  sub: (cpu, { destination: d, source }) => {
    cpu.registers[d] = subtractBig(cpu, cpu.registers[d], cpu.registers[source], 0n);
  },
  xor: (cpu, { destination: d, source }) => {
    cpu.registers[d] = setFlags(cpu, cpu.registers[d] ^ cpu.registers[source], 0n);
  },
  and: (cpu, { destination: d, source }) => {
    cpu.registers[d] = setFlags(cpu, cpu.registers[d] & cpu.registers[source], 0n);
  },
  or: (cpu, { destination: d, source }) => {
    cpu.registers[d] = setFlags(cpu, cpu.registers[d] | cpu.registers[source], 0n);
  },
  adc: (cpu, { destination: d, source }) => {
    cpu.registers[d] = addBig(cpu, cpu.registers[d], cpu.registers[source], cpu.carry);
  },
  sbb: (cpu, { destination: d, source }) => {
    cpu.registers[d] = subtractBig(cpu, cpu.registers[d], cpu.registers[source], cpu.carry);
  },
  mov: ({ registers }, { destination, source }) => {
    registers[destination] = registers[source];
  },
};

function blocksFor<Cpu>(handlers: Handlers<Cpu>): Numbered<Cpu>[][] {
  const all = program().map(({ operation, destination, source }) => ({
    destination: destination >> 1,
    source: source >> 1,
    execute: handlers[operation],
  }));
  return inBlocks(all);
}

function runBlocks<Cpu>(blocks: Numbered<Cpu>[][], cpu: Cpu): void {
  for (let time = 0; time < TIMES; time++) {
    for (const block of blocks) {
      for (const i of block) {
        i.execute(cpu, i);
      }
    }
  }
}

function runTypedArray(): () => number {
  const blocks = blocksFor(TYPED_ARRAY);
  return () => {
    const s = freshState();
    const registers = new BigUint64Array(s.buffer, 0, REGISTERS);
    runBlocks(blocks, { registers, flags: new BigUint64Array(2) });
    return checksum(s);
  };
}

function runInObjects(): () => number {
  const blocks = blocksFor(IN_OBJECTS);
  return () => {
    const s = freshState();
    const words = new BigUint64Array(s.buffer, 0, REGISTERS);
    const cpu: ObjectCpu = { registers: [...words], result: 0n, carry: 0n };
    runBlocks(blocks, cpu);
    words.set(cpu.registers);
    return checksum(s);
  };
}

/** What a 64-bit register is. */
export const registers: Comparison = {
  title: '64-bit registers',
  unit: 'instruction',
  units: INSTRUCTIONS,
  variants: [
    { name: 'pairs of int32', run: runLinked((operation) => HANDLERS[operation]) },
    { name: 'BigInt in typed arrays', run: runTypedArray() },
    { name: 'BigInt in objects and helpers', run: runInObjects() },
  ],
};
