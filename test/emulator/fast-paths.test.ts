import { describe, expect, test } from 'vitest';
import { AddressForm, Code, Instruction, OperandKind, Segment } from '../../src/decoder/index.ts';
import { Cpu } from '../../src/emulator/cpu.ts';
import { fastPaths } from '../../src/emulator/instructions/fast-paths.ts';
import type { CodeName } from '../../src/emulator/instructions/rows.ts';
import { CHAPTERS } from '../../src/emulator/instructions/table.ts';
import type { Handler } from '../../src/emulator/operation.ts';
import { randomSource } from '../../src/emulator/random.ts';
import { ARITHMETIC_FLAGS, readFlags, writeFlags } from '../../src/emulator/state/flags.ts';
import { Area, Word } from '../../src/emulator/state/layout.ts';

const AREA = 4096;
const RAM = AREA + Area.SIZE;
const RAM_SIZE = 8192;
/** The memory operand: [RSI + displacement]. */
const OPERAND = 0x1200;
const TRIALS = 100;
/** Values at which carries, signs and zeros change. */
const EDGES = [0, 1, -1, 0x7fff_ffff, 0x8000_0000 | 0, 0x80, 0x7f, 0xff, 8, 15, 16];

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
const cpu = new Cpu(memory.buffer, AREA);
cpu.physical.add({ kind: 'ram', start: 0, end: RAM_SIZE, host: RAM, writable: true });
const ram = new Uint8Array(memory.buffer, RAM, RAM_SIZE);
const { next } = randomSource(63n);

/** Bits above those of an operand are never looked at, so any value will do. */
const value = (): number =>
  next() & 1 ? (EDGES[(next() >>> 0) % EDGES.length] as number) : next();

function instruction(code: CodeName, kinds: readonly number[]): Instruction {
  const i = new Instruction();
  i.code = Code[code];
  i.kind0 = kinds[0] as Instruction['kind0'];
  i.kind1 = kinds[1] as Instruction['kind1'];
  const narrow = /8/.test(code.split('_')[1] ?? '') && !code.startsWith('J');
  const registers = [0, 2, 4, 6];
  const pick = (): number => registers[(next() >>> 0) % registers.length] as number;
  const slot = (): number => pick() * (narrow ? 4 : 1);
  i.slot0 = code.startsWith('Movzx') ? pick() : slot();
  i.slot1 = code.startsWith('Movzx') ? pick() * 4 + ((next() >>> 0) % 2) : slot();
  i.base = Word.RSI;
  i.displacementLo = 0x200;
  i.segment = Segment.DS;
  i.addressForm = AddressForm.Flat;
  const isBranch = kinds[0] === OperandKind.Branch;
  i.immediateLo = isBranch ? 0x40_1234 : value();
  i.immediateHi = isBranch ? 0 : i.immediateLo >> 31;
  return i;
}

interface State {
  readonly registers: Int32Array;
  readonly flags: number;
  readonly operand: Uint8Array;
}

function execute(handler: Handler, i: Instruction, before: State): State {
  cpu.state.set(before.registers);
  writeFlags(cpu.state, before.flags);
  ram.set(before.operand, OPERAND);
  handler(cpu, i);
  return {
    registers: cpu.state.slice(0, Word.RIP + 2).fill(0, Word.ZERO, Word.RIP),
    flags: readFlags(cpu.state),
    operand: ram.slice(OPERAND, OPERAND + 8),
  };
}

function randomState(): State {
  const registers = Int32Array.from({ length: Word.RIP + 2 }, value);
  registers.fill(0, Word.ZERO, Word.RIP);
  registers[Word.RSI] = OPERAND - 0x200;
  registers[Word.RSI + 1] = 0;
  const operand = new Uint8Array(Int32Array.of(value(), value()).buffer);
  return { registers, flags: next() & ARITHMETIC_FLAGS, operand };
}

describe('a fast path does what the general form does', () => {
  const general = Object.assign({}, ...Object.values(CHAPTERS)) as Record<
    string,
    (i: Instruction) => Handler
  >;
  for (const [code, paths] of fastPaths) {
    for (const { kinds, handler } of paths) {
      test(`${code} with operands ${kinds.join(', ')}`, () => {
        for (let trial = 0; trial < TRIALS; trial++) {
          const i = instruction(code, kinds);
          const before = randomState();
          const expected = execute(general[code]!(i), i, before);
          expect(execute(handler, i, before)).toEqual(expected);
        }
      });
    }
  }
});
