import { describe, expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

test.each([
  ['0f c3 03', 'movnti [rbx],eax', '4433221100000000'],
  ['48 0f c3 03', 'movnti [rbx],rax', '4433221188776655'],
  ['0f 38 f9 03', 'movdiri [rbx],eax', '4433221100000000'],
  ['48 0f 38 f9 03', 'movdiri [rbx],rax', '4433221188776655'],
])('%s, %s, stores at any alignment', (code, _text, stored) => {
  const rbx = DATA + 0xffdn;
  const { ended, memory } = run({ code, with: { rax: 0x5566_7788_1122_3344n, rbx } });
  expect(ended).toBe('end');
  expect(memory(rbx, 8)).toBe(stored);
});

describe('MOVDIR64B', () => {
  const code = '66 0f 38 f8 03'; // movdir64b rax,[rbx]
  const line = Array.from({ length: 64 }, (_, n) => n.toString(16).padStart(2, '0')).join('');

  test('copies 64 bytes from any address, also across pages, to an aligned one', () => {
    for (const rbx of [DATA + 1n, DATA + 0xfe1n]) {
      const { ended, memory } = run({
        code,
        with: { rax: DATA + 0x400n, rbx },
        memory: { [`${rbx}`]: line },
      });
      expect(ended).toBe('end');
      expect(memory(DATA + 0x400n, 64)).toBe(line);
    }
  });

  test('copies what was there before when source and destination overlap', () => {
    const { memory } = run({
      code,
      with: { rax: DATA + 64n, rbx: DATA + 32n },
      memory: { [`${DATA + 32n}`]: line },
    });
    expect(memory(DATA + 64n, 64)).toBe(line);
  });

  test('is #GP(0) for a destination that is not aligned, mapped or not', () => {
    for (const rax of [DATA + 0x20n, 0x6000_0020n]) {
      const { ended, exit } = run({ code, with: { rax, rbx: DATA } });
      expect(ended).toBe('#GP(0)');
      expect(exit).toMatchObject({ cause: 'alignment', linearAddress: rax });
    }
  });

  test('faults on its source before it looks at the alignment of its destination', () => {
    const { ended } = run({ code, with: { rax: DATA + 0x20n, rbx: 0x5000_0000 } });
    expect(ended).toBe('#PF(4)');
  });

  test('faults on its source first, then on its destination', () => {
    const source = run({ code, with: { rax: 0x6000_0000, rbx: 0x5000_0000 } });
    expect(source.ended).toBe('#PF(4)');
    expect(source.register('cr2')).toBe(0x5000_0000n);
    const destination = run({ code, with: { rax: 0x6000_0000, rbx: DATA } });
    expect(destination.ended).toBe('#PF(6)');
    expect(destination.register('cr2')).toBe(0x6000_0000n);
  });

  test('takes the destination in the size of the address', () => {
    const { ended, memory } = run({
      code: '67 66 0f 38 f8 03', // movdir64b eax,[ebx]
      with: { rax: 0x9_0000_0000n + DATA, rbx: 0x9_0000_0000n + DATA + 0x80n },
      memory: { [`${DATA + 0x80n}`]: line },
    });
    expect(ended).toBe('end');
    expect(memory(DATA, 64)).toBe(line);
  });

  test('writes to ES whatever the segment of its source', () => {
    const { ended, memory } = run({
      mode: 16,
      code: '64 66 0f 38 f8 07', // movdir64b ax,fs:[bx]
      with: { es: 0x300, fs: 0x400, eax: 0x7777_0040, bx: 2 },
      memory: { 16386: line },
    });
    expect(ended).toBe('end');
    expect(memory(0x3040n, 64)).toBe(line);
  });

  test('aligns the linear address: a base may make up for the offset', () => {
    const scenario = { mode: 16, code: '66 0f 38 f8 07' } as const; // movdir64b ax,[bx]
    expect(run({ ...scenario, with: { es: 0x302, ax: 0x20 } }).ended).toBe('end');
    expect(run({ ...scenario, with: { es: 0x302, ax: 0 } }).ended).toBe('#GP(0)');
  });
});
