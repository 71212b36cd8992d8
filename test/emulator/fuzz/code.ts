import {
  type CodeMode,
  DecodeStatus,
  Instruction,
  InstructionDecoder,
} from '../../../src/index.ts';
import type { Random } from './random.ts';

const MAX_INSTRUCTIONS = 24;
const LEGACY_PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const ESCAPES = [[0x0f], [0x0f], [0x0f], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Opcodes behind 0F that are integer or system instructions, so that runs go on after them. */
const COMMON_0F = [
  ...range(0x40, 0x4f),
  ...range(0x80, 0x9f),
  ...range(0xa0, 0xa9),
  ...range(0xab, 0xaf),
  ...range(0xb0, 0xc1),
  ...range(0xc7, 0xcf),
  ...[0x01, 0x05, 0x0b, 0x0d, 0x18, 0x1e, 0x1f, 0x31],
];
const COMMON_0F38 = [0xf0, 0xf1, 0xf2, 0xf3, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9];
/** One-byte opcodes less those that mostly end a run: far branches, ports, x87, HLT, INT n. */
const RARE = [0x0f, 0x9a, 0xca, 0xcb, 0xcd, 0xcf, ...range(0xd8, 0xdf), 0xea, 0xf4].concat(
  range(0x6c, 0x6f),
  range(0xe4, 0xe7),
  range(0xec, 0xef),
);
const COMMON = range(0, 0xff).filter((opcode) => !RARE.includes(opcode));
const STRINGS = [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf];

const decoder = new InstructionDecoder();
const decoded = new Instruction();

/** A program: mostly instructions that exist, now and then bytes that may be anything. */
export function randomCode(random: Random, mode: CodeMode): Uint8Array {
  if (random.chance(1, 10)) {
    return Uint8Array.from({ length: 1 + random.below(64) }, () => random.byte());
  }
  const bytes: number[] = [];
  const count = 1 + random.below(MAX_INSTRUCTIONS);
  for (let n = 0; n < count; n++) {
    bytes.push(...(random.chance(1, 30) ? anyBytes(random) : instruction(random, mode)));
  }
  return Uint8Array.from(bytes);
}

function anyBytes(random: Random): number[] {
  return Array.from({ length: 1 + random.below(8) }, () => random.byte());
}

function instruction(random: Random, mode: CodeMode): number[] {
  for (let attempt = 0; attempt < 8; attempt++) {
    const bytes = Uint8Array.from(candidate(random, mode));
    decoder.begin(mode, bytes, 0, 0);
    if (decoder.next(decoded) === DecodeStatus.Ok) {
      return [...bytes.subarray(0, decoded.length)];
    }
  }
  return [0x90];
}

/** Bytes that may start with an instruction. */
function candidate(random: Random, mode: CodeMode): number[] {
  const bytes: number[] = [];
  while (random.chance(1, 4)) {
    bytes.push(random.pick(LEGACY_PREFIXES));
  }
  if (random.chance(1, 12)) {
    return [...bytes, random.pick([0xf2, 0xf3]), random.pick(STRINGS)];
  }
  if (mode === 64 && random.chance(1, 2)) {
    bytes.push(0x40 | random.below(16));
  }
  bytes.push(...opcode(random), random.byte());
  while (bytes.length < 15) {
    bytes.push(
      random.chance(1, 2) ? random.pick([0, 0, 0, 1, 4, 8, 0x10, 0xff, 0xf8]) : random.byte(),
    );
  }
  return bytes;
}

function opcode(random: Random): number[] {
  if (random.chance(1, 20)) {
    return [...random.pick(ESCAPES), random.byte()];
  }
  if (random.chance(1, 20)) {
    // VEX of the maps that have integer instructions.
    return [0xc4, 0xe2 | random.below(2), random.byte() & 0xfb, random.pick(COMMON_0F38)];
  }
  if (random.chance(1, 25)) {
    return [0x0f, 0x38, random.pick(COMMON_0F38)];
  }
  if (random.chance(1, 3)) {
    return [0x0f, random.pick(COMMON_0F)];
  }
  return [random.chance(1, 25) ? random.byte() : random.pick(COMMON)];
}
