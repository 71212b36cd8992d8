import { describe, expect, test } from 'vitest';
import { DATA, prepare, run } from './driver.ts';

const ARITHMETIC = 0x8d5n;
const IF = 0x200n;
const DF = 0x400n;
const IOPL3 = 0x3000n;
const AC = 0x4_0000n;

test.each([
  ['f8', 'clc', 0xfffn, 0xffen],
  ['f9', 'stc', 0x000n, 0x001n],
  ['f5', 'cmc', 0x001n, 0x000n],
  ['f5', 'cmc', 0x8d4n, 0x8d5n],
  ['fc', 'cld', 0xcd5n, 0x8d5n],
  ['fd', 'std', 0x8d5n, 0xcd5n],
])('%s, %s, makes RFLAGS %x into %x', (code, _text, before, after) => {
  const mask = ARITHMETIC | DF;
  expect(run({ code, with: { rflags: before } }).register('rflags') & mask).toBe(after & mask);
});

describe('LAHF and SAHF', () => {
  test('LAHF takes SF, ZF, AF, PF and CF, with bit 1 set', () => {
    const { register } = run({ code: '9f', with: { rax: -1n, rflags: 0x8d5 } });
    expect(register('rax')).toBe(0xffff_ffff_ffff_d7ffn);
  });

  test('SAHF keeps OF and DF', () => {
    const { register } = run({ code: '9e', with: { rax: 0xd500, rflags: 0xc00 } });
    expect(register('rflags') & (ARITHMETIC | DF)).toBe(0xcd5n);
  });
});

test.each([
  [0, 0n],
  [1, 0xffn],
])('SALC with CF = %i makes AL %x and keeps the flags', (rflags, al) => {
  const { register } = run({ mode: 32, code: 'd6', with: { eax: 0x1234_5678, rflags } });
  expect(register('eax')).toBe(0x1234_5600n | al);
  expect(register('rflags') & 1n).toBe(BigInt(rflags));
});

describe('CLI and STI', () => {
  test.each([
    [0, 0n, 'end'],
    [3, IOPL3, 'end'],
    [3, 0x2000n, '#GP(0)'],
    [1, 0n, '#GP(0)'],
  ])('at CPL %i with IOPL %x end with %s', (cpl, rflags, ended) => {
    const sti = run({ code: 'fb', cpl, with: { rflags } });
    expect(sti.ended).toBe(ended);
    expect((sti.register('rflags') & IF) !== 0n).toBe(ended === 'end');
    const cli = run({ code: 'fa', cpl, with: { rflags: rflags | IF } });
    expect(cli.ended).toBe(ended);
    expect((cli.register('rflags') & IF) === 0n).toBe(ended === 'end');
  });

  test('need no privilege in real mode', () => {
    expect(run({ mode: 16, code: 'fb' }).register('rflags') & IF).toBe(IF);
  });
});

describe('STAC and CLAC', () => {
  test.each(['0f 01 cb', '0f 01 ca'])('%s is #UD above CPL 0', (code) => {
    expect(run({ code }).ended).toBe('#UD');
  });

  test('open and close user pages between two instructions of one block', () => {
    // stac; mov al,[rdi]; clac; mov bl,[rdi]
    const machine = prepare({
      code: '0f01cb 8a07 0f01ca 8a1f',
      cpl: 0,
      cr4: ['smap', 'lass'],
      at: 0xffff_8000_0000_0000n,
      with: { rdi: DATA },
      memory: { [`${DATA}`]: '77' },
    });
    machine.protect(0xffff_8000_0000_0000n, 0x2000, 'rx');
    const exit = machine.run();
    expect(machine.registers.al).toBe(0x77n);
    expect(exit).toMatchObject({ name: '#GP', cause: 'lass', rip: 0xffff_8000_0000_0008n });
    expect(machine.registers.rflags & AC).toBe(0n);
  });
});
