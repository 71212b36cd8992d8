import { expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

test('XLAT adds AL alone to RBX and replaces AL alone', () => {
  const { register } = run({
    code: 'd7', // xlatb
    with: { rax: 0x1122_3344_5566_77ffn, rbx: DATA },
    memory: { [`${DATA + 0xffn}`]: '5a' },
  });
  expect(register('rax')).toBe(0x1122_3344_5566_775an);
});

test('XLAT carries into the upper half of the address', () => {
  const { exit } = run({ code: 'd7', with: { rax: 2, rbx: 0x12_ffff_fffen + 1n } });
  expect(exit).toMatchObject({ name: '#PF', linearAddress: 0x13_0000_0001n });
});

test('XLAT with a 32-bit address wraps at 4 GiB before it adds the base of FS', () => {
  const { register } = run({
    code: '64 67 d7', // xlat fs:[ebx]
    with: { rax: 0x20, rbx: 0x77_ffff_fff0n, fs_base: DATA },
    memory: { [`${DATA + 0x10n}`]: '5a' },
  });
  expect(register('al')).toBe(0x5an);
});

test.each([
  ['d7', 'xlat [bx]', { ds: 0x200, bx: 0xfff0 }, 0x2010],
  ['26 d7', 'xlat es:[bx]', { es: 0x300, bx: 0xfff0 }, 0x3010],
  ['67 d7', 'xlat [ebx]', { ds: 0x200, ebx: 0xff00 }, 0x2000 + 0xff20],
])('real mode: %s, %s', (code, _text, registers, address) => {
  const { ended, register } = run({
    mode: 16,
    code,
    with: { eax: 0x7777_0020, ...registers },
    memory: { [address]: '5a' },
  });
  expect(ended).toBe('end');
  expect(register('eax')).toBe(0x7777_005an);
});
