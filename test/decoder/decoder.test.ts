import { describe, expect, test } from 'vitest';
import { Code } from '../../src/decoder/index.ts';
import { type CodeMode, DecodeStatus, Instruction, InstructionDecoder } from '../../src/index.ts';
import { fromHex } from '../emulator/driver.ts';
import { decode, RIP, statusOf } from './decode.ts';

const MODES = [16, 32, 64] as const;

/** `count` times a prefix that changes nothing for what follows. */
const data16 = (count: number): string => '66'.repeat(count);
const cs = (count: number): string => '2e'.repeat(count);

describe('instructions of more than 15 bytes', () => {
  test.each<[CodeMode, string, string]>([
    [64, `${data16(14)}90`, 'nop'],
    [32, `${data16(14)}90`, 'nop'],
    [16, `${data16(14)}90`, 'nop'],
    [64, `${data16(13)}89c8`, 'mov ax,cx'],
    [64, `${cs(5)}48b8 0102030405060708`, 'mov rax,imm64'],
    [64, `${cs(1)}64 67 48 c7 84 88 01020304 05060708`, 'mov qword fs:[eax+ecx*4+disp32],imm32'],
    [64, `${cs(10)}f0 48 0f c1 07`, 'lock xadd [rdi],rax'],
    [64, `${cs(12)}0f 1f 00`, 'nop [rax]'],
  ])('%i-bit: %s, of 15 bytes, is legal', (mode, hex) => {
    expect(fromHex(hex)).toHaveLength(15);
    expect(decode(mode, hex).length).toBe(15);
    expect(statusOf(mode, `2e${hex}`), 'with one more prefix').toBe('TooLong');
  });

  test.each<[CodeMode, string, string]>([
    [64, data16(15), 'prefixes alone'],
    [32, cs(15), 'prefixes alone'],
    [16, cs(15), 'prefixes alone'],
    [64, data16(40), 'more prefixes than can be looked at'],
    [64, `${data16(15)}06`, 'an invalid opcode as the 16th byte'],
    [64, `${cs(14)}0f0b`, 'ud2 cut in two by the limit'],
    [64, `${cs(14)}89c8`, 'ModRM as the 16th byte'],
    [64, `${cs(6)}48b8 0102030405060708`, 'an immediate that ends at the 16th'],
    [64, `${cs(14)}0f`, 'bytes that end at the limit within the opcode'],
    [64, `${cs(10)}c705 01020304 05`, 'bytes that end at the limit within the immediate'],
    [64, `f0${cs(14)}90`, 'an illegal LOCK besides'],
    [64, `${'f0'.repeat(15)}`, 'LOCK prefixes alone'],
    [64, `${'48'.repeat(16)}`, 'REX prefixes alone'],
  ])('%i-bit: %s is too long: %s', (mode, hex) => {
    expect(statusOf(mode, hex)).toBe('TooLong');
  });

  test.each<[CodeMode, string, string]>([
    [64, `${data16(14)}06`, 'push es'],
    [64, `${cs(14)}27`, 'daa'],
    [64, `${cs(13)}d437`, 'aam, its immediate not needed'],
    [64, `${cs(12)}0f0400`, 'an undefined opcode of two bytes'],
    [32, `${cs(12)}0f0400`, 'an undefined opcode of two bytes'],
    [64, `f0${data16(13)}90`, 'an illegal LOCK at the limit'],
    [64, `${cs(12)}f089c8`, 'an illegal LOCK at the limit'],
    [64, `f0${cs(11)}0f0bc0`, 'an illegal LOCK within the limit'],
    [64, `${cs(13)}fef8`, 'fe /7'],
    [64, `${cs(13)}8dc0`, 'lea of a register'],
    [64, `26 2e 36 3e 64 65 67 66 f0 f2 ${cs(3)} 8dc0`, 'lea of a register after all prefixes'],
  ])('%i-bit: %s is invalid, not too long: %s', (mode, hex) => {
    expect(statusOf(mode, hex)).toBe('Invalid');
  });
});

describe('bytes that end too soon', () => {
  const WHOLE: readonly [CodeMode, string][] = [
    [64, '48 b8 01 02 03 04 05 06 07 08'],
    [64, '66 67 f0 48 81 84 8e 01 02 03 04 05 06 07 08'],
    [64, '48 8b 05 01 02 03 04'],
    [64, 'c4 e2 60 f2 c1'],
    [64, '62 f1 7d 48 6f c1'],
    [64, 'c5 fc 77'],
    [64, '0f 38 f0 07'],
    [64, '66 0f 3a 0f c1 07'],
    [64, 'c8 34 12 01'],
    [64, '48 a1 01 02 03 04 05 06 07 08'],
    [64, 'e8 01 02 03 04'],
    [64, 'f3 41 90'],
    [32, '9a 01 02 03 04 05 06'],
    [32, 'd4 0a'],
    [32, '62 04 24'],
    [32, 'c4 04 24'],
    [16, '66 ea 01 02 03 04 05 06'],
    [16, '8b 86 34 12'],
    [16, '67 8b 84 88 01 02 03 04'],
  ];

  test.each(WHOLE)('%i-bit: %s wants more bytes until its last', (mode, hex) => {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      const part = Buffer.from(bytes.subarray(0, length)).toString('hex');
      expect(statusOf(mode, part), part).toBe('NeedMoreBytes');
    }
    expect(statusOf(mode, hex)).toBe('Ok');
  });

  test.each(MODES)('%i-bit: up to 14 prefixes want more bytes', (mode) => {
    for (let count = 0; count < 15; count++) {
      expect(statusOf(mode, cs(count))).toBe('NeedMoreBytes');
    }
  });

  const NOT_IN_64_BIT = '06 07 0e 16 17 1e 1f 27 2f 37 3f 60 61 82 9a ce d4 d5 d6 ea'.split(' ');

  test.each(NOT_IN_64_BIT)('64-bit: %s needs no further byte to be invalid', (opcode) => {
    for (const prefixes of ['', '66', '48', 'f0', 'f3 66 2e', cs(13)]) {
      expect(statusOf(64, prefixes + opcode), prefixes).toBe('Invalid');
    }
  });

  test.each(['c4', 'c5', '62', '8f', '0f', '8d', 'fe'])(
    '64-bit: %s alone may still become an instruction',
    (opcode) => {
      expect(statusOf(64, opcode)).toBe('NeedMoreBytes');
    },
  );

  test.each(NOT_IN_64_BIT.filter((opcode) => opcode !== 'd5' && opcode !== 'd4'))(
    '32-bit: %s is an instruction or starts one',
    (opcode) => {
      expect(statusOf(32, opcode)).toMatch(/^(Ok|NeedMoreBytes)$/);
    },
  );
});

describe('LOCK', () => {
  test.each([
    ['f0 01 07', 'add [rdi],eax'],
    ['f0 48 83 2f 01', 'sub qword [rdi],1'],
    ['f0 80 17 01', 'adc byte [rdi],1'],
    ['f0 80 1f 01', 'sbb byte [rdi],1'],
    ['f0 21 07', 'and [rdi],eax'],
    ['f0 09 07', 'or [rdi],eax'],
    ['f0 31 07', 'xor [rdi],eax'],
    ['f0 ff 07', 'inc dword [rdi]'],
    ['f0 ff 0f', 'dec dword [rdi]'],
    ['f0 f7 17', 'not dword [rdi]'],
    ['f0 f7 1f', 'neg dword [rdi]'],
    ['f0 87 07', 'xchg [rdi],eax'],
    ['f0 0f c1 07', 'xadd [rdi],eax'],
    ['f0 0f b1 07', 'cmpxchg [rdi],eax'],
    ['f0 0f c7 0f', 'cmpxchg8b [rdi]'],
    ['f0 48 0f c7 0f', 'cmpxchg16b [rdi]'],
    ['f0 0f ab 07', 'bts [rdi],eax'],
    ['f0 0f b3 07', 'btr [rdi],eax'],
    ['f0 0f ba 3f 01', 'btc dword [rdi],1'],
  ])('%s, lock %s, is legal', (hex) => {
    expect(decode(64, hex).lock).toBe(true);
    expect(decode(64, hex.slice(3)).lock).toBe(false);
  });

  test.each([
    ['f0 01 c7', 'add edi,eax'],
    ['f0 03 07', 'add eax,[rdi]'],
    ['f0 39 07', 'cmp [rdi],eax'],
    ['f0 81 3f 01 00 00 00', 'cmp dword [rdi],1'],
    ['f0 85 07', 'test [rdi],eax'],
    ['f0 89 07', 'mov [rdi],eax'],
    ['f0 0f a3 07', 'bt [rdi],eax'],
    ['f0 0f ba 27 01', 'bt dword [rdi],1'],
    ['f0 d1 27', 'shl dword [rdi],1'],
    ['f0 f7 27', 'mul dword [rdi]'],
    ['f0 ff 17', 'call [rdi]'],
    ['f0 ff 37', 'push [rdi]'],
    ['f0 87 c1', 'xchg ecx,eax'],
    ['f0 90', 'nop'],
    ['f0 a4', 'movsb'],
    ['f0 eb 00', 'jmp'],
    ['f0 0f b1 c1', 'cmpxchg ecx,eax'],
    ['f0 0f 20 c0', 'mov rax,cr0: AMD alone reads CR8 so'],
    ['f0 0f 22 c0', 'mov cr0,rax: AMD alone writes CR8 so'],
  ])('%s, lock %s, is invalid', (hex) => {
    for (const mode of hex.includes('48') ? [64 as const] : MODES) {
      expect(statusOf(mode, hex)).toBe('Invalid');
    }
  });
});

describe('REP', () => {
  test.each<[string, string, boolean, boolean]>([
    ['f3 a4', 'rep movsb', true, false],
    ['f2 a6', 'repne cmpsb', false, true],
    ['f3 ae', 'repe scasb', true, false],
    ['f3 66 67 ab', 'rep stosw by EDI', true, false],
    ['66 f3 48 ab', 'rep stosq', true, false],
    ['f2 f3 a4', 'the last of both counts', true, false],
    ['f3 f2 ae', 'the last of both counts', false, true],
    ['a4', 'movsb', false, false],
    ['f3 90', 'pause: F3 is part of the opcode', false, false],
    ['f3 0f b8 c1', 'popcnt: F3 is part of the opcode', false, false],
  ])('%s, %s', (hex, _text, rep, repne) => {
    expect(decode(64, hex)).toMatchObject({ rep, repne });
  });
});

describe('F3 90', () => {
  const { Pause, Xchg_r16_AX, Xchg_r32_EAX, Xchg_r64_RAX } = Code;

  test.each([
    ['f3 90', 'pause', Pause],
    ['f3 40 90', 'pause: REX without B', Pause],
    ['f3 4e 90', 'pause: REX.WRX', Pause],
    ['66 f3 90', 'pause', Pause],
    ['41 f3 90', 'pause: a REX before a prefix counts for nothing', Pause],
    ['f3 41 66 90', 'pause: the same', Pause],
    ['f3 41 90', 'xchg r8d,eax', Xchg_r32_EAX],
    ['f3 47 90', 'xchg r8d,eax', Xchg_r32_EAX],
    ['f3 49 90', 'xchg r8,rax', Xchg_r64_RAX],
    ['66 f3 41 90', 'xchg r8w,ax', Xchg_r16_AX],
    [`${'f3'.repeat(13)}41 90`, 'xchg r8d,eax of 15 bytes', Xchg_r32_EAX],
  ])('%s is pause on Intel, on AMD %s', (hex, _text, code) => {
    const next = RIP + BigInt(fromHex(hex).length);
    expect(decode(64, hex)).toMatchObject({ code: Pause, next });
    expect(decode(64, hex, RIP, 'amd')).toMatchObject({ code, rip: RIP, next });
  });

  test('as an exchange has R8 and rAX as operands', () => {
    const { slots } = decode(64, 'f3 49 90', RIP, 'amd');
    expect(slots.toSorted((a, b) => a - b)).toEqual([0, 16]);
  });

  test('outside 64-bit mode 41 is INC ECX', () => {
    expect(decode(32, 'f3 90').code).toBe(Pause);
    expect(decode(32, 'f3 41').code).toBe(Code.Inc_r32);
  });
});

describe('a run of instructions', () => {
  test('is decoded one after the other, up to what is cut off', () => {
    const decoder = new InstructionDecoder();
    const i = new Instruction();
    decoder.begin(64, fromHex('90 48 89 c8 f3 41 90 0f'), 0x1000, 0);
    const lengths: number[] = [];
    while (decoder.next(i) === DecodeStatus.Ok) {
      lengths.push(i.length);
      expect(i.ripLo + i.length).toBe(i.nextLo);
    }
    expect(lengths).toEqual([1, 3, 3]);
    expect(decoder.position).toBe(7);
    expect(decoder.next(i)).toBe(DecodeStatus.NeedMoreBytes);
    decoder.free();
  });

  test('goes on after an invalid one only where the caller begins anew', () => {
    const decoder = new InstructionDecoder();
    const i = new Instruction();
    decoder.begin(64, fromHex('90 06 90'), 0, 0);
    expect(decoder.next(i)).toBe(DecodeStatus.Ok);
    expect(decoder.next(i)).toBe(DecodeStatus.Invalid);
    expect(decoder.position).toBe(1);
    decoder.free();
  });

  test('every decode sets every field', () => {
    const full = fromHex('f0 64 48 81 84 8e 01 02 03 04 05 06 07 08');
    const reused = new Instruction();
    const decoder = new InstructionDecoder();
    for (const hex of ['90', 'f3 a4', 'ea 01 02 03 04 05 06', '67 8b 07', 'c8 01 02 03']) {
      const mode = hex.startsWith('ea') ? 32 : 64;
      decoder.begin(64, full, -1, -1);
      expect(decoder.next(reused)).toBe(DecodeStatus.Ok);
      decoder.begin(mode, fromHex(hex), 0x1000, 0);
      expect(decoder.next(reused)).toBe(DecodeStatus.Ok);
      const fresh = new Instruction();
      decoder.begin(mode, fromHex(hex), 0x1000, 0);
      expect(decoder.next(fresh)).toBe(DecodeStatus.Ok);
      expect(reused).toEqual(fresh);
    }
    decoder.free();
  });

  test('the caller may reuse the bytes once begun', () => {
    const decoder = new InstructionDecoder();
    const i = new Instruction();
    const bytes = fromHex('b8 01 00 00 00');
    decoder.begin(64, bytes, 0, 0);
    bytes.fill(0);
    expect(decoder.next(i)).toBe(DecodeStatus.Ok);
    expect(i.immediateLo).toBe(1);
    decoder.free();
  });
});

describe('branches with an operand-size prefix in 64-bit mode', () => {
  const first = (amd: boolean): Instruction => {
    const decoder = new InstructionDecoder({ amd });
    const i = new Instruction();
    decoder.begin(64, fromHex('66 e9 00 00 00 00'), 0x12_3450, 0);
    expect(decoder.next(i)).toBe(DecodeStatus.Ok);
    decoder.free();
    return i;
  };

  test('have a displacement of 32 bits on Intel', () => {
    expect(first(false)).toMatchObject({ length: 6, immediateLo: 0x12_3456 });
  });

  test('have a displacement of 16 bits and a target of 16 on AMD', () => {
    expect(first(true)).toMatchObject({ length: 4, immediateLo: 0x3454 });
  });
});
