import { expect, test } from 'vitest';
import { CODE, run } from './driver.ts';

test('code runs to its end and leaves its result in the registers', () => {
  const { ended, register } = run({ code: '48 c7 c0 05 00 00 00  48 83 c0 03', with: { rcx: 1 } });
  expect(ended).toBe('end');
  expect(register('rax')).toBe(8n);
});

test('a user read of the upper half is #GP(0) by LASS rule R1 and leaves CR2 alone', () => {
  const { ended, exit, register } = run({
    code: '48 8b 00',
    with: { rax: 0xffff_8880_0000_1000n, cr2: 0x123 },
    cr4: ['lass', 'smap'],
  });
  expect(ended).toBe('#GP(0)');
  expect(exit).toMatchObject({
    cause: 'lass',
    lassRule: 'R1',
    rip: CODE,
    linearAddress: 0xffff_8880_0000_1000n,
    access: 'read',
  });
  expect(register('cr2')).toBe(0x123n);
});
