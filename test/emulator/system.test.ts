import { describe, expect, test } from 'vitest';
import { CODE, DATA, prepare, run } from './driver.ts';

const NON_CANONICAL = 0x0000_8000_0000_0000n;
const KERNEL = 0xffff_8000_0000_1000n;
const MP = 2;
const TS = 8;

describe('RDFSBASE and its kin', () => {
  test('write and read the bases', () => {
    const { register } = run({
      // wrfsbase rax; rdgsbase rbx; wrgsbase ecx; rdfsbase edx
      code: 'f3480faed0 f3480faecb f30faed9 f30faec2',
      cr4: ['fsgsbase'],
      with: { rax: KERNEL, gs_base: 0x1_2345_0000n, rcx: -1n, rdx: -1n },
    });
    expect(register('fs_base')).toBe(KERNEL);
    expect(register('rbx')).toBe(0x1_2345_0000n);
    expect(register('gs_base')).toBe(0xffff_ffffn);
    expect(register('rdx')).toBe(0x1000n);
  });

  test('do not mind LASS', () => {
    const { ended } = run({
      code: 'f3480faed0',
      cr4: ['fsgsbase', 'lass'],
      with: { rax: KERNEL },
    });
    expect(ended).toBe('end');
  });

  test('refuse a base that is not canonical', () => {
    const { exit, register } = run({
      code: 'f3480faed0',
      cr4: ['fsgsbase'],
      with: { rax: NON_CANONICAL },
    });
    expect(exit).toMatchObject({ name: '#GP', errorCode: 0, cause: 'canonical' });
    expect(register('fs_base')).toBe(0n);
  });

  test('take a base of 57 bits under 5-level paging', () => {
    const { register } = run({
      code: 'f3480faed0',
      cr4: ['fsgsbase', 'la57'],
      with: { rax: NON_CANONICAL },
    });
    expect(register('fs_base')).toBe(NON_CANONICAL);
  });

  test('are #UD without CR4.FSGSBASE', () => {
    expect(run({ code: 'f3480faec0' }).exit).toMatchObject({ name: '#UD', cause: 'feature' });
  });
});

describe('SWAPGS', () => {
  test('exchanges the two bases', () => {
    const { register } = run({
      code: '0f 01 f8',
      cpl: 0,
      with: { gs_base: 0x1111_2222_3333n, kernel_gs_base: KERNEL },
    });
    expect(register('gs_base')).toBe(KERNEL);
    expect(register('kernel_gs_base')).toBe(0x1111_2222_3333n);
  });

  test('is privileged', () => {
    expect(run({ code: '0f 01 f8' }).exit).toMatchObject({ name: '#GP', cause: 'privilege' });
  });
});

test('HLT ends the run behind it, at CPL 0', () => {
  expect(run({ code: 'f4 90', cpl: 0 }).exit).toEqual({ reason: 'halt', rip: CODE + 1n });
  expect(run({ code: 'f4 90', mode: 16 }).ended).toBe('halt');
  expect(run({ code: 'f4 90' }).exit).toMatchObject({ name: '#GP', cause: 'privilege' });
});

describe('SYSCALL and SYSENTER', () => {
  test('end the run behind them with RCX and R11 untouched', () => {
    const { exit, register } = run({ code: '0f 05 90', with: { rcx: 1, r11: 2 } });
    expect(exit).toEqual({ reason: 'syscall', instruction: 'syscall', rip: CODE + 2n });
    expect(register('rcx')).toBe(1n);
    expect(register('r11')).toBe(2n);
    expect(run({ code: '0f 34 90' }).exit).toMatchObject({ instruction: 'sysenter' });
  });

  test('SYSCALL is #UD outside 64-bit mode and without EFER.SCE', () => {
    expect(run({ code: '0f 05', mode: 'compat' }).ended).toBe('#UD');
    expect(run({ code: '0f 05', with: { efer: 0xd00 } }).ended).toBe('#UD');
  });

  test('SYSENTER is #GP(0) in real mode', () => {
    expect(run({ code: '0f 34', mode: 16 }).ended).toBe('#GP(0)');
  });

  test.each(['0f 07', '48 0f 07', '0f 35', '48 0f 35'])('%s is privileged', (code) => {
    expect(run({ code }).exit).toMatchObject({ name: '#GP', cause: 'privilege' });
  });
});

describe('an instruction of the operating system', () => {
  test.each([
    ['0f 06', 'clts'],
    ['0f 01 10', 'lgdt [rax]'],
    ['0f 01 18', 'lidt [rax]'],
    ['0f 00 d0', 'lldt ax'],
    ['0f 00 d8', 'ltr ax'],
    ['0f 01 f0', 'lmsw ax'],
    ['0f 20 c0', 'mov rax,cr0'],
    ['0f 22 d8', 'mov cr3,rax'],
    ['0f 21 c0', 'mov rax,dr0'],
    ['0f 23 f8', 'mov dr7,rax'],
    ['0f 08', 'invd'],
    ['0f 09', 'wbinvd'],
    ['0f 01 38', 'invlpg [rax]'],
    ['0f 32', 'rdmsr'],
    ['0f 30', 'wrmsr'],
  ])('%s, %s, is #GP(0) at CPL 3', (code) => {
    const { exit } = run({ code, with: { rax: 0x1000 } });
    expect(exit).toMatchObject({ name: '#GP', errorCode: 0, cause: 'privilege', rip: CODE });
  });

  test('that is not implemented ends the run before it at CPL 0', () => {
    const { exit } = run({ code: '90 0f 06', cpl: 0 });
    expect(exit).toEqual({ reason: 'unimplemented', instruction: 'Clts', rip: CODE + 1n });
  });

  test.each(['0f 00 d0', '0f 00 d8'])('%s is #UD in real mode', (code) => {
    expect(run({ code, mode: 16 }).ended).toBe('#UD');
  });
});

test.each([
  [0, 'end'],
  [MP, 'end'],
  [TS, 'end'],
  [MP | TS, '#NM'],
])('WAIT with MP and TS as in %i ends with %s', (bits, ended) => {
  expect(run({ code: '9b', with: { cr0: 0x8000_0031 | 0x1_0000 | bits } }).ended).toBe(ended);
});

describe('cache control', () => {
  test.each([
    ['0f 18 00', 'prefetchnta'],
    ['0f 18 08', 'prefetcht0'],
    ['0f 0d 00', 'prefetch'],
    ['0f 0d 08', 'prefetchw'],
    ['0f 1c 00', 'cldemote'],
    ['0f 1f 00', 'nop [rax]'],
    ['0f 19 00', 'reserved nop'],
    ['f3 48 0f 1e c8', 'rdsspq rax'],
    ['f3 0f 1e fa', 'endbr64'],
    ['f3 0f 1e fb', 'endbr32'],
    ['0f ae e8', 'lfence'],
    ['0f ae ef', 'lfence'],
    ['0f ae f0', 'mfence'],
    ['0f ae f8', 'sfence'],
    ['0f 01 e8', 'serialize'],
  ])('%s, %s, changes nothing whatever the address', (code) => {
    const { ended, register } = run({ code, cr4: ['lass'], with: { rax: KERNEL, rflags: 0x8d7 } });
    expect(ended).toBe('end');
    expect(register('rax')).toBe(KERNEL);
    expect(register('rflags')).toBe(0x8d7n);
  });

  test.each([
    ['0f ae 38', 'clflush [rax]'],
    ['66 0f ae 38', 'clflushopt [rax]'],
    ['66 0f ae 30', 'clwb [rax]'],
  ])('%s, %s, is checked as a read of one byte', (code) => {
    expect(run({ code, with: { rax: DATA + 0x1fffn } }).ended).toBe('end');
    expect(run({ code, with: { rax: 0x1234 } }).exit).toMatchObject({
      name: '#PF',
      errorCode: 4,
      access: 'read',
      size: 1,
    });
    expect(run({ code, cr4: ['lass'], with: { rax: KERNEL } }).exit).toMatchObject({
      name: '#GP',
      cause: 'lass',
    });
  });

  test('CLFLUSH does not read a device', () => {
    const machine = prepare({ code: '0f ae 38', with: { rax: 0x20_0000 } });
    let reads = 0;
    machine.mapDevice(0x20_0000, 4096, { read: () => reads++, write: () => {} });
    expect(machine.run({ until: CODE + 3n }).reason).toBe('until');
    expect(reads).toBe(0);
  });
});
