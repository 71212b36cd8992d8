import { expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

const VALUE = 0x8877_6655_4433_2211n;

test.each([
  ['0f c8', 'bswap eax', 0x1122_3344n],
  ['48 0f c8', 'bswap rax', 0x1122_3344_5566_7788n],
  ['66 0f c8', 'bswap ax', 0x8877_6655_4433_0000n],
])('%s, %s: the 16-bit form, undefined by the manual, gives zero', (code, _text, result) => {
  expect(run({ code, with: { rax: VALUE } }).register('rax')).toBe(result);
});

test('BSWAP reaches the upper registers', () => {
  const { register } = run({ code: '49 0f cf', with: { r15: VALUE } }); // bswap r15
  expect(register('r15')).toBe(0x1122_3344_5566_7788n);
});

test.each([
  ['66 0f 38 f0 03', 'movbe ax,[rbx]', 0x8877_6655_4433_0102n],
  ['0f 38 f0 03', 'movbe eax,[rbx]', 0x0102_0304n],
  ['48 0f 38 f0 03', 'movbe rax,[rbx]', 0x0102_0304_0506_0708n],
])('%s, %s, loads big-endian data', (code, _text, result) => {
  const { register } = run({
    code,
    with: { rax: VALUE, rbx: DATA },
    memory: { [`${DATA}`]: '0102030405060708' },
  });
  expect(register('rax')).toBe(result);
});

test.each([
  ['66 0f 38 f1 03', 'movbe [rbx],ax', '2211000000000000'],
  ['0f 38 f1 03', 'movbe [rbx],eax', '4433221100000000'],
  ['48 0f 38 f1 03', 'movbe [rbx],rax', '8877665544332211'],
])('%s, %s, stores big-endian data, also across pages', (code, _text, result) => {
  for (const rbx of [DATA, DATA + 0xfffn]) {
    const { memory } = run({ code, with: { rax: VALUE, rbx } });
    expect(memory(rbx, 8)).toBe(result);
  }
});

test('MOVBE works in 16-bit code with both operand sizes', () => {
  const { register } = run({
    mode: 16,
    code: '0f 38 f0 07  66 0f 38 f0 0f', // movbe ax,[bx]; movbe ecx,[bx]
    with: { eax: 0x9999_9999, bx: 0x3000 },
    memory: { 12288: '01020304' },
  });
  expect(register('eax')).toBe(0x9999_0102n);
  expect(register('ecx')).toBe(0x0102_0304n);
});
