import { expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

const CF = 0x001n;
const OF = 0x800n;
const OTHERS = 0x2d6n;

test.each([
  ['adcx eax,ebx', '66 0f 38 f6 c3', CF, 2n ** 32n],
  ['adox eax,ebx', 'f3 0f 38 f6 c3', OF, 2n ** 32n],
  ['adcx rax,rbx', '66 48 0f 38 f6 c3', CF, 2n ** 64n],
  ['adox rax,rbx', 'f3 48 0f 38 f6 c3', OF, 2n ** 64n],
])('%s adds through its flag alone', (_text, code, flag, modulus) => {
  const numbers = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n, 2n ** 64n - 1n];
  for (const a of numbers) {
    for (const b of numbers) {
      for (const before of [0n, flag, CF | OF]) {
        const { register } = run({
          code,
          with: { rax: a, rbx: b, rflags: OTHERS | before },
        });
        const sum = (a % modulus) + (b % modulus) + ((before & flag) !== 0n ? 1n : 0n);
        expect(register('rax')).toBe(sum % modulus);
        const after = (before & ~flag) | (sum >= modulus ? flag : 0n);
        expect(register('rflags')).toBe(OTHERS | after);
      }
    }
  }
});

test('ADCX that faults keeps CF and its destination', () => {
  const { ended, register } = run({
    code: '66 48 0f 38 f6 03', // adcx rax,[rbx]
    with: { rax: -1n, rbx: DATA + 0x1ffan, rflags: OTHERS | CF },
  });
  expect(ended).toBe('#PF(4)');
  expect(register('rax')).toBe(2n ** 64n - 1n);
  expect(register('rflags')).toBe(OTHERS | CF);
});
