import { describe, expect, test } from 'vitest';
import {
  AddressForm,
  Code,
  DecodeStatus,
  Instruction,
  InstructionDecoder,
  OperandKind,
  Segment,
  ZERO_SLOT,
} from '../../src/decoder/index.ts';

const MODES = [16, 32, 64] as const;
const MAX_LENGTH = 15;

/** ModRM bytes: every kind of memory operand and registers, with each value of the reg field. */
const MODRM = [0x00, 0x0c, 0x15, 0x1e, 0x64, 0xa5, 0xf3, 0x38, 0xc8, 0xd1, 0xea, 0xfd];
const MANDATORY = [[], [0x66], [0xf3], [0xf2]];
const SIB_AND_MORE = [0x8d, 0x92, 0x07, 0x81, 0x33, 0xfe, 0x10, 0x20, 0x30, 0x40];

function* legacyEncodings(mode: number): Generator<number[]> {
  const extra = mode === 64 ? [[], [0x48], [0x45]] : [[], [0x67]];
  for (const map of [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
    for (const mandatory of MANDATORY) {
      for (const prefix of extra) {
        for (let opcode = 0; opcode < 256; opcode++) {
          for (const modrm of prefix.length === 0
            ? MODRM
            : MODRM.slice(opcode % 8, (opcode % 8) + 2)) {
            yield [...mandatory, ...prefix, ...map, opcode, modrm, ...SIB_AND_MORE];
          }
        }
      }
    }
  }
}

/** VEX with two and three bytes, XOP, and EVEX, with all opcodes. */
function* vectorEncodings(): Generator<number[]> {
  for (let opcode = 0; opcode < 256; opcode++) {
    for (let pp = 0; pp < 4; pp++) {
      const modrm = MODRM[(opcode + pp) % MODRM.length];
      yield [0xc5, 0xf8 | pp, opcode, modrm, ...SIB_AND_MORE];
      for (const w of [0, 0x80]) {
        for (const last of [0x78 | w | pp, 0x7c | w | pp]) {
          for (const map of [1, 2, 3]) {
            yield [0xc4, 0xe0 | map, last, opcode, modrm, ...SIB_AND_MORE];
            yield [0x8f, 0xe0 | (map + 7), last, opcode, modrm, ...SIB_AND_MORE];
          }
        }
        for (const map of [1, 2, 3, 5, 6]) {
          for (const l of [0x08, 0x28, 0x48]) {
            yield [0x62, 0xf0 | map, 0x7c | w | pp, l, opcode, modrm, ...SIB_AND_MORE];
          }
        }
      }
    }
  }
}

describe.each(MODES)('every opcode in %i-bit mode', (mode) => {
  const decoder = new InstructionDecoder();
  const i = new Instruction();
  const decodeOne = (bytes: Uint8Array): DecodeStatus => {
    decoder.begin(mode, bytes, 0x1000, 0);
    return decoder.next(i);
  };

  const sweep = (encodings: Iterable<number[]>): Set<number> => {
    const codes = new Set<number>();
    for (const encoding of encodings) {
      const bytes = Uint8Array.from(encoding.slice(0, MAX_LENGTH));
      const status = decodeOne(bytes);
      if (status === DecodeStatus.Ok) {
        const isNew = !codes.has(i.code);
        codes.add(i.code);
        const complaint = complain(i, mode);
        if (complaint !== undefined) {
          throw new Error(`${Code[i.code]}, ${Buffer.from(bytes).toString('hex')}: ${complaint}`);
        }
        if (isNew) {
          const { code, length } = i;
          expect(decodeOne(bytes.subarray(0, length)), Code[code]).toBe(DecodeStatus.Ok);
          expect(i).toMatchObject({ code, length });
          const cut = decodeOne(bytes.subarray(0, length - 1));
          expect(cut, `${Code[code]} less a byte`).toBe(DecodeStatus.NeedMoreBytes);
        }
      } else if (status !== DecodeStatus.Invalid) {
        throw new Error(`${Buffer.from(bytes).toString('hex')}: status ${status}`);
      }
    }
    return codes;
  };

  test('is an instruction of sound shape or invalid, and wants all its bytes', () => {
    expect(sweep(legacyEncodings(mode)).size).toBeGreaterThan(1_000);
  });

  test('with VEX, EVEX and XOP too', () => {
    expect(sweep(vectorEncodings()).size).toBeGreaterThan(1_000);
  });
});

/** What is wrong with a decoded instruction, by the promises of its doc comments. */
function complain(i: Instruction, mode: number): string | undefined {
  const kinds = [i.kind0, i.kind1, i.kind2, i.kind3];
  const slots = [i.slot0, i.slot1, i.slot2, i.slot3];
  const memory = kinds.includes(OperandKind.Memory);
  const isSlot = (slot: number): boolean => Number.isInteger(slot) && slot >= 0 && slot < 128;
  const promises: Readonly<Record<string, boolean>> = {
    code: i.code > 0 && i.mnemonic > 0,
    length: i.length >= 1 && i.length <= MAX_LENGTH && i.nextLo === 0x1000 + i.length,
    mode: i.mode === mode && i.ripLo === 0x1000 && i.ripHi === 0 && i.nextHi === 0,
    kinds: kinds.every(
      (kind, n) => (kind === OperandKind.None) === n >= Math.min(4, i.operandCount),
    ),
    slots: slots.every((slot, n) => kinds[n] !== OperandKind.Register || isSlot(slot)),
    address: (i.base <= ZERO_SLOT && i.base % 2 === 0) || !memory,
    scale: i.scale >= 0 && i.scale <= 3,
    segment: i.segment >= 0 && i.segment <= 5,
    'segment in 64-bit mode': mode !== 64 || i.segment === Segment.SS || i.segment >= Segment.DS,
    addressSize:
      ([16, 32, 64].includes(i.addressSize) && (mode === 64) === i.addressSize > 32) ||
      (mode === 64 && i.addressSize === 32),
    addressForm: i.addressForm === AddressForm.General || (mode === 64 && i.addressSize === 64),
    memorySize: i.memorySize >= 0 && i.memorySize <= 8192 && (memory || i.memorySize === 0),
    words: [i.displacementLo, i.displacementHi, i.immediateLo, i.immediateHi, i.immediate2].every(
      (value) => Number.isInteger(value) && value === (value | 0),
    ),
  };
  return Object.entries(promises).find(([, kept]) => !kept)?.[0];
}
