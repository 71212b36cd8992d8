import { describe, expect, test } from 'vitest';
import { disassemble } from '../../src/index.ts';
import { fromHex, toHex } from '../emulator/driver.ts';

const AT = 0x40_1000n;

describe('disassemble', () => {
  test('gives a line an instruction, with address, bytes and Intel syntax', () => {
    const lines = disassemble(fromHex('48 8b 47 08 eb fc 65 48 89 04 25 28 00 00 00'), 64, AT);
    expect(lines.map(({ address, bytes, text }) => [address, toHex(bytes), text])).toEqual([
      [AT, '488b4708', 'mov rax,[rdi+8]'],
      [AT + 4n, 'ebfc', 'jmp short 0x401002'],
      [AT + 6n, '654889042528000000', 'mov gs:[0x28],rax'],
    ]);
  });

  test('shows where RIP-relative operands are', () => {
    const [line] = disassemble(fromHex('48 8b 05 10 00 00 00'), 64, AT);
    expect(line.text).toBe('mov rax,[0x401017]');
  });

  test('shows a byte that starts no instruction by itself and goes on behind it', () => {
    const lines = disassemble(fromHex('06 90 0f 04 90'), 64, AT);
    expect(lines.map(({ address, bytes, text }) => [address - AT, toHex(bytes), text])).toEqual([
      [0n, '06', '(bad)'],
      [1n, '90', 'nop'],
      [2n, '0f', '(bad)'],
      [3n, '0490', 'add al,0x90'],
    ]);
  });

  test('shows what is cut off byte by byte', () => {
    const lines = disassemble(fromHex('90 48 b8'), 64, AT);
    expect(lines.map(({ bytes, text }) => [toHex(bytes), text])).toEqual([
      ['90', 'nop'],
      ['48', '(bad)'],
      ['b8', '(bad)'],
    ]);
  });

  test('gives at most as many lines as asked for', () => {
    expect(disassemble(fromHex('90 90 90'), 64, AT, 2)).toHaveLength(2);
    expect(disassemble(fromHex('90 90 90'), 64, AT, 0)).toEqual([]);
    expect(disassemble(new Uint8Array(0), 64, AT)).toEqual([]);
  });

  test.each([
    [16, '40', 'inc ax'],
    [32, '40', 'inc eax'],
    [64, '40 90', 'nop'],
    [16, '8b 07', 'mov ax,[bx]'],
    [32, '8b 07', 'mov eax,[edi]'],
    [16, 'ea 34 12 00 f0', 'jmp far 0x1234,0xf000'],
  ] as const)('%i-bit: %s is %s', (mode, hex, text) => {
    expect(disassemble(fromHex(hex), mode, 0x1000n).map((line) => line.text)).toEqual([text]);
  });

  test('shows F3 90 with REX.B as Intel processors execute it', () => {
    const [line] = disassemble(fromHex('f3 41 90'), 64, AT);
    expect(line.text).toBe('pause');
  });
});
