import { describe, expect, test } from 'vitest';
import { CODE, DATA, run, STACK_TOP } from './driver.ts';

const VIRTUAL_8086 = 0x2_0202;

describe('reading a segment register', () => {
  test.each([
    ['66 8c d8', 'mov ax,ds', 0xffff_ffff_ffff_002bn],
    ['8c d8', 'mov eax,ds', 0x2bn],
    ['48 8c d8', 'mov rax,ds', 0x2bn],
  ])('%s, %s, zero-extends to the size of the register', (code, _text, result) => {
    expect(run({ code, with: { rax: -1n } }).register('rax')).toBe(result);
  });

  test.each(['66 8c 1b', '8c 1b', '48 8c 1b'])('%s, mov [rbx],ds, stores 16 bits', (code) => {
    const { memory } = run({
      code,
      with: { rbx: DATA + 0xfffn },
      memory: { [`${DATA + 0xfffn}`]: 'ffffffff' },
    });
    expect(memory(DATA + 0xfffn, 4)).toBe('2b00ffff');
  });

  test.each([
    [64, '0f a0', 'push fs', 8n, '3412000000000000'],
    [64, '66 0f a0', 'data16 push fs', 2n, '3412ffffffffffff'],
    [32, '0f a0', 'push fs', 4n, '34120000ffffffff'],
    [32, '66 0f a0', 'data16 push fs', 2n, '3412ffffffffffff'],
  ] as const)(
    '%i-bit mode: %s, %s, pushes %i bytes, zero-extended',
    (mode, code, _text, size, stored) => {
      const top = STACK_TOP - 0x100n;
      const { register, memory } = run({
        mode,
        code,
        with: { fs: 0x1234 },
        memory: { [`${top - size}`]: 'ffffffffffffffff' },
      });
      expect(register('rsp')).toBe(top - size);
      expect(memory(top - size, 8)).toBe(stored);
    },
  );

  test('PUSH CS, SS, DS and ES work in 16-bit code with both operand sizes', () => {
    const { register, memory } = run({
      mode: 16,
      code: '06 0e 16 1e 66 06', // push es; push cs; push ss; push ds; push es as 32 bits
      with: { es: 0x1111, ds: 0x2222, ss: 0x100 },
    });
    expect(register('sp')).toBe(0xeff4n);
    expect(memory(0x1000n + 0xeff4n, 12)).toBe('11110000' + '2222' + '0001' + '0000' + '1111');
  });
});

describe('loading a segment register in real mode', () => {
  test.each([
    ['8e d8', 'mov ds,ax'],
    ['66 8e d8', 'mov ds,eax'],
    ['8e 1e 00 30', 'mov ds,[3000h]'],
    ['50 1f', 'push ax; pop ds'],
    ['66 50 66 1f', 'push eax; pop ds as 32 bits'],
    ['c5 1e fe 2f', 'lds bx,[2ffeh]'],
    ['66 c5 1e fc 2f', 'lds ebx,[2ffch]'],
  ])('%s, %s, makes the selector times 16 the base', (code) => {
    const { ended, register } = run({
      mode: 16,
      code: `${code} a0 01 00`, // mov al,[1]
      with: { eax: 0x7777_0345 },
      memory: { 12288: '4503', 13393: '99' },
    });
    expect(ended).toBe('end');
    expect(register('ds')).toBe(0x345n);
    expect(register('ds_base')).toBe(0x3450n);
    expect(register('al')).toBe(0x99n);
    expect(register('sp')).toBe(0xf000n);
  });

  test.each([
    ['c4 07', 'les ax,[bx]', 'es', 0x7777_1211n],
    ['c5 07', 'lds ax,[bx]', 'ds', 0x7777_1211n],
    ['0f b2 07', 'lss ax,[bx]', 'ss', 0x7777_1211n],
    ['0f b4 07', 'lfs ax,[bx]', 'fs', 0x7777_1211n],
    ['0f b5 07', 'lgs ax,[bx]', 'gs', 0x7777_1211n],
  ])('%s, %s, loads an offset and %s', (code, _text, segment, eax) => {
    const { register } = run({
      mode: 16,
      code,
      with: { eax: 0x7777_7777, bx: 0x3000 },
      memory: { 12288: '111214130000' },
    });
    expect(register('eax')).toBe(eax);
    expect(register(segment)).toBe(0x1314n);
    expect(register(`${segment}_base`)).toBe(0x1_3140n);
  });

  test('LSS with 32 bits takes the selector behind them', () => {
    const { register } = run({
      mode: 16,
      code: '66 0f b2 27', // lss esp,[bx]
      with: { bx: 0x3000 },
      memory: { 12288: '78560000 0001' },
    });
    expect(register('esp')).toBe(0x5678n);
    expect(register('ss_base')).toBe(0x1000n);
  });

  test('a pop that faults changes neither the segment nor SP', () => {
    const { ended, register } = run({ mode: 16, code: '1f', with: { sp: 0xffff, ds: 0x12 } });
    expect(ended).toBe('#SS(0)');
    expect(register('ds')).toBe(0x12n);
    expect(register('sp')).toBe(0xffffn);
  });
});

test('virtual-8086 mode loads segment registers as real mode does', () => {
  const { ended, register } = run({
    mode: 32,
    code: '8e d8', // mov ds,eax
    with: { eax: 0x1234, rflags: VIRTUAL_8086 },
  });
  expect(ended).toBe('end');
  expect(register('ds_base')).toBe(0x1_2340n);
});

describe('loading a null selector', () => {
  test.each([32, 'compat'] as const)('makes the segment unusable (%s)', (mode) => {
    const { ended, exit, register } = run({
      mode,
      code: '8e d8 8b 03', // mov ds,eax; mov eax,[ebx]
      with: { eax: 3, ebx: DATA },
    });
    expect(register('ds')).toBe(3n);
    expect(ended).toBe('#GP(0)');
    expect(exit).toMatchObject({ cause: 'segment-null', rip: CODE + 2n });
  });

  test.each([
    ['8e e8', 'mov gs,eax'],
    ['6a 00 0f a9', 'push 0; pop gs'],
    ['0f b5 0b', 'lgs ecx,[rbx]'],
    ['48 0f b5 0b', 'lgs rcx,[rbx]'],
  ])('%s, %s, clears the base of GS in 64-bit mode, where it stays usable', (code) => {
    const { ended, register } = run({
      code: `${code} 65 8a 03`, // mov al,gs:[rbx]
      with: { rax: 0, rbx: DATA, gs_base: 0xffff_0000_0000n, gs: 0x33 },
      memory: { [`${DATA}`]: '5500000000000000' },
    });
    expect(ended).toBe('end');
    expect(register('gs')).toBe(0n);
    expect(register('gs_base')).toBe(0n);
    expect(register('al')).toBe(0x55n);
    expect(register('rsp')).toBe(STACK_TOP - 0x100n);
  });

  test.each([
    [64, 3, 3, '#GP(0)'],
    [64, 0, 3, '#GP(0)'],
    [64, 0, 0, 'end'],
    [64, 1, 1, 'end'],
    ['compat', 0, 0, '#GP(0)'],
    [32, 0, 0, '#GP(0)'],
  ] as const)('into SS: mode %s, CPL %i, selector %i ends in %s', (mode, cpl, selector, wanted) => {
    const { ended, register } = run({
      mode,
      cpl,
      code: '8e d0 50', // mov ss,eax; push rax
      with: { eax: selector, ss: 0x18 },
    });
    expect(ended).toBe(wanted);
    expect(register('ss')).toBe(wanted === 'end' ? BigInt(selector) : 0x18n);
  });
});

test.each([
  ['8e d8', 'mov ds,eax'],
  ['50 0f a1', 'push rax; pop fs'],
  ['0f b4 0b', 'lfs ecx,[rbx]'],
])('%s, %s: a selector that needs a descriptor ends the run with nothing changed', (code) => {
  const { exit, register } = run({
    code: `${code} 90`,
    with: { rax: 0x2b, rbx: DATA, rcx: 7, fs: 0, fs_base: 0x1000 },
    memory: { [`${DATA}`]: '000000002b00' },
  });
  const pushed = code.startsWith('50') ? 1n : 0n;
  expect(exit).toMatchObject({ reason: 'unimplemented', rip: CODE + pushed });
  expect(register('fs')).toBe(0n);
  expect(register('fs_base')).toBe(0x1000n);
  expect(register('rcx')).toBe(7n);
  expect(register('rsp')).toBe(STACK_TOP - 0x100n - 8n * pushed);
});

test.each(['8e c8', '8e f0', '8c f8', '0f b2 c0'])(
  '%s is #UD: no such register or operand',
  (code) => {
    expect(run({ code }).ended).toBe('#UD');
  },
);
