import { describe, expect, test } from 'vitest';
import { run } from './driver.ts';
import { instructionRows } from './instruction-rows.ts';

describe.each([16, 32] as const)('in %i-bit code', (mode) => {
  instructionRows(mode, [
    ['27', 'daa', 'rax=11ae flags=none', 'rax=1114 flags=cf,pf,af'],
    ['27', 'daa', 'rax=1134 flags=cf,af', 'rax=119a flags=cf,pf,af,sf,of'],
    ['27', 'daa', 'rax=42 flags=none', 'flags=pf'],
    ['2f', 'das', 'rax=11ee flags=af', 'rax=1188 flags=cf,pf,af,sf'],
    ['2f', 'das', 'rax=3 flags=af', 'rax=fd flags=cf,af,sf'],
    ['37', 'aaa', 'rax=1100ff flags=none', 'rax=110205 flags=cf,af,pf'],
    ['37', 'aaa', 'rax=f5 flags=none', 'rax=5 flags=pf'],
    ['3f', 'aas', 'rax=205 flags=af', 'rax=f flags=cf,af,pf'],
    ['d4 0a', 'aam 0xa', 'rax=113f', 'rax=603 flags=pf'],
    ['d4 10', 'aam 0x10', 'rax=ab flags=cf,af,of', 'rax=a0b flags=none'],
    ['d4 00', 'aam 0', 'rax=1234 flags=cf,zf', '#DE'],
    ['d5 0a', 'aad 0xa', 'rax=110603', 'rax=11003f flags=pf'],
    ['d5 10', 'aad 0x10', 'rax=ff1', 'rax=e1 flags=cf,sf,pf'],
  ]);
});

test.each([
  ['27', 'daa'],
  ['2f', 'das'],
  ['37', 'aaa'],
  ['3f', 'aas'],
  ['d4 0a', 'aam'],
  ['d5 0a', 'aad'],
])('%s, %s, is #UD in 64-bit mode', (code) => {
  expect(run({ code: `${code} 90` }).ended).toBe('#UD');
});

test('DAA after ADD and DAS after SUB keep packed decimals decimal', () => {
  const packed = (n: number): number => Number.parseInt(String(n), 16);
  for (let a = 0; a < 100; a += 7) {
    for (let b = 0; b < 100; b += 3) {
      const registers = { rax: packed(a), rbx: packed(b) };
      const sum = run({ mode: 32, code: '00 d8 27', with: registers }); // add al,bl; daa
      expect(sum.register('al')).toBe(BigInt(packed((a + b) % 100)));
      expect(sum.register('rflags') & 1n).toBe(a + b > 99 ? 1n : 0n);
      const difference = run({ mode: 32, code: '28 d8 2f', with: registers }); // sub al,bl; das
      expect(difference.register('al')).toBe(BigInt(packed((a - b + 100) % 100)));
      expect(difference.register('rflags') & 1n).toBe(a < b ? 1n : 0n);
    }
  }
});
