import { expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

/** "123456789", whose CRC-32C is the algorithm's published check value. */
const TEXT = '313233343536373839';
const CHECK = 0xe306_9283n;

function checksum(code: string): bigint {
  const { ended, register } = run({
    code,
    with: { rax: -1n, rbx: DATA, rflags: 0xad7 },
    memory: { [`${DATA}`]: TEXT },
  });
  expect(ended).toBe('end');
  expect(register('rflags')).toBe(0xad7n);
  return register('rax');
}

test.each([
  // crc32 eax,byte [rbx]; inc would change flags: lea rbx,[rbx+1]
  ['bytes', 'f2 0f 38 f0 03 48 8d 5b 01 '.repeat(9)],
  ['words and a byte', `${'66 f2 0f 38 f1 03 48 8d 5b 02 '.repeat(4)} f2 0f 38 f0 03`],
  ['doublewords and a byte', 'f2 0f 38 f1 03 f2 0f 38 f1 43 04 f2 0f 38 f0 43 08'],
  ['a quadword and a byte', 'f2 48 0f 38 f1 03 f2 48 0f 38 f0 43 08'],
])('CRC32 over %s gives the check value of CRC-32C and clears the upper half', (_name, code) => {
  expect(checksum(code) ^ 0xffff_ffffn).toBe(CHECK);
});

test('CRC32 takes AH as a source, and all sizes of registers', () => {
  const { register } = run({
    // crc32 ecx,ah; crc32 edx,bx; crc32 esi,ebx; crc32 rdi,rbx
    code: 'f2 0f 38 f0 cc  66 f2 0f 38 f1 d3  f2 0f 38 f1 f3  f2 48 0f 38 f1 fb',
    with: { rax: 0x3100, rcx: -1n, rbx: 0x3837_3635_3433_3231n, rdx: -1n, rsi: -1n, rdi: -1n },
  });
  const at = (bytes: string) =>
    run({
      code: `${bytes}`,
      with: { rax: -1n, rbx: DATA },
      memory: { [`${DATA}`]: TEXT },
    }).register('rax');
  expect(register('rcx')).toBe(at('f2 0f 38 f0 03'));
  expect(register('rdx')).toBe(at('66 f2 0f 38 f1 03'));
  expect(register('rsi')).toBe(at('f2 0f 38 f1 03'));
  expect(register('rdi')).toBe(at('f2 48 0f 38 f1 03'));
});

test('CRC32 works in 16-bit code, where its destination still has 32 bits', () => {
  const { register } = run({
    mode: 16,
    code: `f2 0f 38 f1 07  f2 0f 38 f1 47 02  66 f2 0f 38 f1 47 04  f2 0f 38 f0 47 08`,
    with: { eax: 0xffff_ffff, bx: 0x3000 },
    memory: { 12288: TEXT },
  });
  expect(register('eax') ^ 0xffff_ffffn).toBe(CHECK);
});
