import { describe, expect, test } from 'vitest';
import { Segment } from '../../src/decoder/index.ts';
import { Access, Vector } from '../../src/emulator/fault.ts';
import { SegmentAttribute } from '../../src/emulator/state/modes.ts';
import type { Cr4Name } from '../../src/index.ts';
import { CODE, DATA, prepare, run, STACK_TOP } from './driver.ts';
import { PhysicalGuest } from './physical-guest.ts';

const { Read, Write } = Access;
const { DS, ES, FS, SS, CS } = Segment;

const DATA_SEGMENT = SegmentAttribute.S | SegmentAttribute.P;
const CODE_SEGMENT = DATA_SEGMENT | SegmentAttribute.CODE;
const { DB, EXPAND_DOWN, READABLE, UNUSABLE, WRITABLE } = SegmentAttribute;
const READ_WRITE = DATA_SEGMENT | WRITABLE;

const ok = 'ok';

describe('a segment limit', () => {
  const BASE = 0x10_0000n;
  const rows = [
    // What, attributes, limit, offset, size, verdict.
    ['its last byte', READ_WRITE, 0xfff, 0xfffn, 1, ok],
    ['the byte behind it', READ_WRITE, 0xfff, 0x1000n, 1, 'segment-limit'],
    ['an access that ends at it', READ_WRITE, 0xfff, 0xff8n, 8, ok],
    ['an access that crosses it', READ_WRITE, 0xfff, 0xff9n, 8, 'segment-limit'],
    ['limit 0', READ_WRITE, 0, 0n, 1, ok],
    ['two bytes at limit 0', READ_WRITE, 0, 0n, 2, 'segment-limit'],
    ['the end of 64 KiB', READ_WRITE, 0xffff, 0xfffen, 2, ok],
    ['across 64 KiB', READ_WRITE, 0xffff, 0xffffn, 2, 'segment-limit'],
    ['beyond 64 KiB with 32-bit addresses', READ_WRITE, 0xffff, 0x1_0000n, 1, 'segment-limit'],
    ['a limit above 2 GiB', READ_WRITE, 0x8fff_ffff, 0x8fff_ffffn, 1, ok],
    ['above a limit above 2 GiB', READ_WRITE, 0x8fff_ffff, 0x9000_0000n, 1, 'segment-limit'],
    ['wrapping around 4 GiB', READ_WRITE, 0xffff_fffe, 0xffff_fffen, 4, 'segment-limit'],
    ['expand-down: at the limit', READ_WRITE | EXPAND_DOWN | DB, 0xfff, 0xfffn, 1, 'segment-limit'],
    ['expand-down: above the limit', READ_WRITE | EXPAND_DOWN | DB, 0xfff, 0x1000n, 4, ok],
    ['expand-down, B = 1: up to 4 GiB', READ_WRITE | EXPAND_DOWN | DB, 0xfff, 0xffff_fffcn, 4, ok],
    [
      'expand-down, B = 1: across 4 GiB',
      READ_WRITE | EXPAND_DOWN | DB,
      0xfff,
      0xffff_fffdn,
      4,
      'segment-limit',
    ],
    ['expand-down, B = 0: up to 64 KiB', READ_WRITE | EXPAND_DOWN, 0xfff, 0xfffen, 2, ok],
    ['expand-down, B = 0: across', READ_WRITE | EXPAND_DOWN, 0xfff, 0xffffn, 2, 'segment-limit'],
    ['expand-down: nothing', READ_WRITE | EXPAND_DOWN | DB, 0xffff_ffff, 5n, 1, 'segment-limit'],
  ] as const;

  test.each(rows)('%s: attributes %x, limit %x, offset %i, %i bytes: %s', (...row) => {
    const [, attributes, limit, offset, size, verdict] = row;
    for (const [segment, vector] of [
      [DS, Vector.GP],
      [ES, Vector.GP],
      [FS, Vector.GP],
      [SS, Vector.SS],
    ] as const) {
      const guest = new PhysicalGuest(32);
      guest.setSegment(segment, { base: BASE, limit, attributes });
      for (const access of [Read, Write]) {
        expect(guest.linearize(segment, offset, size, access)).toEqual(
          verdict === ok
            ? { linear: (BASE + offset) % 2n ** 32n }
            : {
                vector,
                errorCode: 0,
                cause: verdict,
                linearAddress: (BASE + offset) % 2n ** 32n,
              },
        );
      }
    }
  });

  test('does not count in 64-bit mode, nor does the type or the base of DS', () => {
    const guest = new PhysicalGuest(64);
    guest.setSegment(DS, { base: 0x5000n, limit: 0, attributes: UNUSABLE });
    guest.setSegment(FS, { base: 0x5000n, limit: 0, attributes: UNUSABLE });
    expect(guest.linearize(DS, 0x1234_5678_9abcn, 8, Write)).toEqual({ linear: 0x1234_5678_9abcn });
    expect(guest.linearize(FS, 0x1234_5678_9abcn, 8, Write)).toEqual({ linear: 0x1234_5678_eabcn });
  });
});

describe('a segment type', () => {
  test.each([
    ['read-write data', READ_WRITE, Read, ok],
    ['read-write data', READ_WRITE, Write, ok],
    ['read-only data', DATA_SEGMENT, Read, ok],
    ['read-only data', DATA_SEGMENT, Write, 'segment-type'],
    ['read-only expand-down data', DATA_SEGMENT | EXPAND_DOWN, Write, 'segment-type'],
    ['readable code', CODE_SEGMENT | READABLE, Read, ok],
    ['readable code', CODE_SEGMENT | READABLE, Write, 'segment-type'],
    ['execute-only code', CODE_SEGMENT, Read, 'segment-type'],
    ['execute-only code', CODE_SEGMENT, Write, 'segment-type'],
    // In a code segment bit 2 is "conforming", not "expand down".
    ['conforming code', CODE_SEGMENT | READABLE | EXPAND_DOWN, Read, ok],
    ['an unusable segment', READ_WRITE | UNUSABLE, Read, 'segment-null'],
    ['an unusable segment', READ_WRITE | UNUSABLE, Write, 'segment-null'],
  ] as const)('of %s, attributes %x, access %i: %s', (_what, attributes, access, verdict) => {
    const offset = 0x20n;
    for (const mode of [32, 'compat'] as const) {
      const guest = new PhysicalGuest(mode);
      const segment = (attributes & SegmentAttribute.CODE) !== 0 ? CS : DS;
      const limit = (attributes & EXPAND_DOWN) !== 0 && segment === DS ? 0xf : 0xffff;
      guest.setSegment(segment, { limit, attributes });
      expect(guest.linearize(segment, offset, 4, access)).toEqual(
        verdict === ok
          ? { linear: offset }
          : { vector: Vector.GP, errorCode: 0, cause: verdict, linearAddress: offset },
      );
    }
  });
});

describe('a segment base', () => {
  test.each([32, 'compat'] as const)('is added modulo 4 GiB (%s)', (mode) => {
    const { register } = run({
      mode,
      code: '8a 83 00 20 00 00', // mov al,[ebx+2000h]
      with: { ds_base: 0xffff_f000n, ebx: DATA - 0x1000n },
      memory: { [`${DATA}`]: '5a' },
    });
    expect(register('al')).toBe(0x5an);
  });

  test('has 32 bits in compatibility mode', () => {
    const { register } = run({
      mode: 'compat',
      code: '64 8a 03', // mov al,fs:[ebx]
      with: { fs_base: 0x1234_0010_0000n, ebx: 1 },
      memory: { [`${DATA}`]: '005a' },
    });
    expect(register('al')).toBe(0x5an);
  });

  test.each([
    ['8a 03', 'mov al,[rbx]', 'ds_base'],
    ['26 8a 03', 'mov al,es:[rbx]', 'es_base'],
    ['2e 8a 03', 'mov al,cs:[rbx]', 'cs_base'],
    ['36 8a 03', 'mov al,ss:[rbx]', 'ss_base'],
    ['ac', 'lodsb', 'ds_base'],
    ['58', 'pop rax', 'ss_base'],
  ])('%s, %s: %s is 0 in 64-bit mode whatever it holds', (code, _text, base) => {
    const { ended, register } = run({
      code,
      with: { [base]: 0x7777_0000n, rbx: DATA, rsi: DATA, rsp: DATA },
      memory: { [`${DATA}`]: '5a' },
    });
    expect(ended).toBe('end');
    expect(register('al')).toBe(0x5an);
  });

  test.each([
    ['64 8a 03', 'mov al,fs:[rbx]', 'fs_base', 0x1_0000_0000n, DATA - 0x1_0000_0000n],
    ['64 8a 03', 'mov al,fs:[rbx]', 'fs_base', DATA + 16n, -16n],
    ['65 8a 03', 'mov al,gs:[rbx]', 'gs_base', -0x1000n, DATA + 0x1000n],
    ['65 8a 03', 'mov al,gs:[rbx]', 'gs_base', -(2n ** 63n), DATA - 2n ** 63n],
    ['67 64 8a 03', 'mov al,fs:[ebx]', 'fs_base', DATA - 0xffff_fff0n, 0x7_ffff_fff0n],
    ['67 64 8a 43 f0', 'mov al,fs:[ebx-10h]', 'fs_base', DATA - 0xffff_fff8n, 0x7_0000_0008n],
    ['67 65 8a 04 9b', 'mov al,gs:[ebx+ebx*4]', 'gs_base', DATA - 0x4000_0000n, 0x4000_0000n],
    ['67 8a 03', 'mov al,[ebx]', 'gs_base', 0n, 0xdead_beef_0010_0000n],
    ['67 8a 43 80', 'mov al,[ebx-80h]', 'gs_base', 0n, DATA + 0x80n],
  ])('%s, %s: with %s = %i and RBX = %i is our data', (code, _text, base, value, rbx) => {
    const { ended, register } = run({
      code,
      with: { [base]: BigInt.asIntN(64, value), rbx: BigInt.asIntN(64, rbx) },
      memory: { [`${DATA}`]: '5a' },
    });
    expect(ended).toBe('end');
    expect(register('al')).toBe(0x5an);
  });

  test('makes an address non-canonical: #GP(0), also where the offset is canonical', () => {
    const { ended, exit } = run({
      code: '64 8a 03',
      with: { fs_base: 0x7fff_ffff_f000n, rbx: 0x1000n },
    });
    expect(ended).toBe('#GP(0)');
    expect(exit).toMatchObject({ cause: 'canonical', linearAddress: 0x8000_0000_0000n });
  });
});

describe('real mode', () => {
  const FREE = 0x5000;

  test.each([
    ['a0 ff ff', 'mov al,[ffffh]', {}, 'end'],
    ['a1 fe ff', 'mov ax,[fffeh]', {}, 'end'],
    ['a1 ff ff', 'mov ax,[ffffh]', {}, '#GP'],
    ['66 a1 fd ff', 'mov eax,[fffdh]', {}, '#GP'],
    ['89 07', 'mov [bx],ax', { bx: 0xffff }, '#GP'],
    ['26 8b 07', 'mov ax,es:[bx]', { bx: 0xffff }, '#GP'],
    ['36 8b 07', 'mov ax,ss:[bx]', { bx: 0xffff }, '#SS'],
    ['8b 46 00', 'mov ax,[bp]', { bp: 0xffff }, '#SS'],
    ['3e 8b 46 00', 'mov ax,ds:[bp]', { bp: 0xffff }, '#GP'],
    ['67 8a 03', 'mov al,[ebx]', { ebx: 0x1_0000 }, '#GP'],
    ['67 8a 03', 'mov al,[ebx]', { ebx: 0xffff }, 'end'],
    ['67 8a 04 24', 'mov al,[esp]', { esp: 0x1_0000 }, '#SS'],
    ['50', 'push ax', { sp: 1 }, '#SS'],
    ['50', 'push ax', { sp: 0 }, 'end'],
    ['66 50', 'push eax', { sp: 3 }, '#SS'],
    ['58', 'pop ax', { sp: 0xffff }, '#SS'],
    ['58', 'pop ax', { sp: 0xfffe }, 'end'],
    ['a5', 'movsw', { si: 0xffff, di: 0 }, '#GP'],
  ] as const)('%s, %s, with %j ends in %s', (code, _text, registers, wanted) => {
    const { exit, ended, register } = run({ mode: 16, code, with: registers });
    if (wanted === 'end') {
      expect(ended).toBe('end');
    } else {
      expect(exit).toMatchObject({ name: wanted, cause: 'segment-limit', rip: 0x1000n });
      for (const [name, value] of Object.entries(registers)) {
        expect(register(name)).toBe(BigInt(value));
      }
    }
  });

  test.each([
    ['8a 00', 'mov al,[bx+si]', { bx: 0xffff, si: FREE + 1 }],
    ['8a 87 00 80', 'mov al,[bx-8000h]', { bx: 0x8000 + FREE }],
    ['8a 47 ff', 'mov al,[bx-1]', { bx: FREE + 1 }],
    ['8a 42 04', 'mov al,[bp+si+4]', { bp: 0xfffe, si: FREE - 2 }],
    ['67 8a 43 f0', 'mov al,[ebx-10h]', { ebx: FREE + 16 }],
  ])('%s, %s: 16-bit addresses wrap at 64 KiB', (code, _text, registers) => {
    const { ended, register } = run({
      mode: 16,
      code,
      with: registers,
      memory: { [`${FREE}`]: '5a' },
    });
    expect(ended).toBe('end');
    expect(register('al')).toBe(0x5an);
  });

  test('has selector times 16 as base, up to 10ffefh', () => {
    const machine = prepare({ mode: 16, code: 'a0 ff ff', with: { ds: 0xffff } });
    machine.map(0x10_f000, 0x1000);
    machine.write(0x10_ffef, [0x5a]);
    machine.step();
    expect(machine.registers.ds_base).toBe(0xf_fff0n);
    expect(machine.registers.al).toBe(0x5an);
  });

  test('a jump wraps IP at 64 KiB', () => {
    const { machine } = run({ mode: 16, code: 'eb 10', at: 0xfff0n, steps: 1 });
    expect(machine.registers.rip).toBe(2n);
  });

  test('an instruction that goes on beyond ffffh is #GP', () => {
    const machine = prepare({ mode: 16, code: 'b8 34', at: 0xfffen }); // mov ax,imm16
    expect(machine.run({ maxInstructions: 5 })).toMatchObject({
      name: '#GP',
      cause: 'segment-limit',
      rip: 0xfffen,
    });
  });
});

describe('canonical addresses', () => {
  const LAST_LOWER = 0x7fff_ffff_ffffn;
  const FIRST_UPPER = 0xffff_8000_0000_0000n;
  const bytes = (size: number): string =>
    ({ 1: '8a 03', 2: '66 8b 03', 4: '8b 03', 8: '48 8b 03' })[size]!;

  test.each([
    [48, LAST_LOWER, 1, ok],
    [48, LAST_LOWER - 7n, 8, ok],
    [48, LAST_LOWER - 6n, 8, 'canonical'],
    [48, LAST_LOWER, 2, 'canonical'],
    [48, LAST_LOWER + 1n, 1, 'canonical'],
    [48, FIRST_UPPER, 8, ok],
    [48, FIRST_UPPER - 1n, 1, 'canonical'],
    [48, FIRST_UPPER - 4n, 8, 'canonical'],
    [48, 0x8000_0000_0000_0000n, 8, 'canonical'],
    [48, 0x0100_0000_0000_0000n, 8, 'canonical'],
    [57, LAST_LOWER, 2, ok],
    [57, 0x00ff_ffff_ffff_fff8n, 8, ok],
    [57, 0x00ff_ffff_ffff_fff9n, 8, 'canonical'],
    [57, 0x0100_0000_0000_0000n, 1, 'canonical'],
    [57, 0xff00_0000_0000_0000n, 4, ok],
    [57, 0xfeff_ffff_ffff_fffcn, 8, 'canonical'],
  ] as const)('of %i bits: %i, %i bytes: %s', (bits, address, size, verdict) => {
    const { exit } = run({
      code: bytes(size),
      cr4: bits === 57 ? ['la57'] : [],
      with: { rbx: address, cr2: 0x99 },
    });
    // Nothing is mapped there: what passes comes to paging.
    expect(exit).toMatchObject(
      verdict === ok
        ? { name: '#PF', cause: 'not-present', linearAddress: address }
        : { name: '#GP', errorCode: 0, cause: 'canonical', linearAddress: address, size },
    );
  });

  test.each([
    ['50', 'push rax', { rsp: LAST_LOWER + 9n }],
    ['58', 'pop rax', { rsp: LAST_LOWER + 1n }],
    ['58', 'pop rax, straddling', { rsp: LAST_LOWER - 3n }],
    ['c3', 'ret', { rsp: FIRST_UPPER - 8n }],
    ['48 8b 45 00', 'mov rax,[rbp]', { rbp: 1n << 62n }],
    ['48 8b 04 24', 'mov rax,[rsp]', { rsp: 1n << 62n }],
    ['36 48 8b 45 00', 'mov rax,ss:[rbp]', { rbp: 1n << 62n }],
    ['c9', 'leave', { rbp: 1n << 62n }],
  ])('%s, %s, through the stack: #SS(0)', (code, _text, registers) => {
    const { ended, exit, register } = run({ code, with: registers });
    expect(ended).toBe('#SS(0)');
    expect(exit).toMatchObject({ cause: 'canonical', rip: CODE });
    for (const [name, value] of Object.entries(registers)) {
      expect(register(name)).toBe(BigInt.asUintN(64, value));
    }
  });

  test('an access may wrap from the last byte to address 0', () => {
    const machine = prepare({ code: '48 8b 03', with: { rbx: -4n } });
    machine.map(0, 4096, 'ru');
    machine.map(0xffff_ffff_ffff_f000n, 4096, 'ru');
    machine.write(0xffff_ffff_ffff_fffcn, [1, 2, 3, 4]);
    machine.write(0, [5, 6, 7, 8]);
    machine.step();
    expect(machine.registers.rax).toBe(0x0807_0605_0403_0201n);
    machine.unmap(0, 1);
    machine.registers.rip = CODE;
    expect(machine.step()).toMatchObject({ name: '#PF', linearAddress: 0n });
  });

  test('an effective address wraps at 2^64', () => {
    const { register } = run({
      code: '8a 84 cb 00 00 10 00', // mov al,[rbx+rcx*8+100000h]
      with: { rbx: 0x7fff_ffff_ffff_fff8n, rcx: 0x1000_0000_0000_0001n },
      memory: { [`${DATA}`]: '5a' },
    });
    expect(register('al')).toBe(0x5an);
  });

  test.each([
    ['ff e3', 'jmp rbx', 0x8000_0000_0000n],
    ['ff d3', 'call rbx', 0xffff_7fff_ffff_ffffn],
    ['53 c3', 'push rbx; ret', 1n << 63n],
  ])('%s, %s: a branch to %i is #GP(0) at the branch', (code, _text, rbx) => {
    const { ended, exit, register } = run({ code, with: { rbx } });
    const pushed = code.startsWith('53');
    expect(ended).toBe('#GP(0)');
    expect(exit).toMatchObject({ rip: pushed ? CODE + 1n : CODE, cause: 'canonical' });
    expect(register('rsp')).toBe(STACK_TOP - (pushed ? 0x108n : 0x100n));
  });
});

describe('linear-address masking', () => {
  const U57 = 1n << 61n;
  const U48 = 1n << 62n;
  const KERNEL = 0xffff_ffff_8000_0000n;

  const rows = [
    // CR3 bits, CR4 bits, pointer, address after masking or none.
    ['off', 0n, [], 0x0001_0000_0010_0000n, undefined],
    ['U48', U48, [], 0x7fff_0000_0010_0000n, DATA],
    ['U48', U48, [], 0x0001_0000_0010_0000n, DATA],
    ['U48: bit 47 is set', U48, [], 0x7fff_8000_0010_0000n, undefined],
    ['U48: no pointer of the user', U48, [], 0xfffe_ffff_8000_0000n, undefined],
    ['U57', U57, [], 0x7e00_0000_0010_0000n, DATA],
    ['U57: bit 56 is set', U57, [], 0x7f00_0000_0010_0000n, undefined],
    ['U57: bits 56 to 48 are no metadata', U57, [], 0x7e01_0000_0010_0000n, undefined],
    ['U57 wins over U48', U57 | U48, [], 0x7e01_0000_0010_0000n, undefined],
    ['U57 wins over U48', U57 | U48, [], 0x7e00_0000_0010_0000n, DATA],
    ['U48, 5 levels', U48, ['la57'], 0x7fff_0000_0010_0000n, DATA],
    ['U48, 5 levels: bit 47 is set', U48, ['la57'], 0x7fff_8000_0010_0000n, undefined],
    ['U57, 5 levels', U57, ['la57'], 0x7e00_0000_0010_0000n, DATA],
    ['SUP off', 0n, [], 0x8000_ffff_8000_0000n, undefined],
    ['SUP', 0n, ['lam_sup'], 0x8000_ffff_8000_0000n, KERNEL],
    ['SUP: bit 47 is clear', 0n, ['lam_sup'], 0xffff_7fff_8000_0000n, undefined],
    ['SUP: no pointer of the kernel', 0n, ['lam_sup'], 0x0001_0000_0010_0000n, undefined],
    ['SUP, 5 levels', 0n, ['lam_sup', 'la57'], 0x81ff_ffff_8000_0000n, KERNEL],
    ['SUP, 5 levels: bit 56', 0n, ['lam_sup', 'la57'], 0x80ff_ffff_8000_0000n, undefined],
    ['SUP, 5 levels: bit 48', 0n, ['lam_sup', 'la57'], 0x81fe_ffff_8000_0000n, 'elsewhere'],
  ] as const;

  test.each(rows)('%s: CR3 %i, CR4 %j, pointer %i reaches %s', (_w, cr3, cr4, pointer, target) => {
    for (const cpl of [0, 3]) {
      const machine = prepare({ cpl, cr4, code: '8a 03  88 43 01', with: { rbx: pointer } });
      machine.map(KERNEL, 0x1000, 'rwu');
      for (const address of [DATA, KERNEL]) {
        machine.write(address, [address === target ? 0x5a : 0x11]);
      }
      machine.registers.cr3 |= cr3;
      const exit = machine.run({ until: CODE + 5n });
      if (target === undefined) {
        expect(exit).toMatchObject({ name: '#GP', errorCode: 0, cause: 'canonical' });
      } else if (target === 'elsewhere') {
        expect(exit).toMatchObject({ name: '#PF', linearAddress: 0xfffe_ffff_8000_0000n });
      } else {
        expect(exit.reason).toBe('until');
        expect(machine.registers.al).toBe(0x5an);
        expect(machine.read(target, 2)).toEqual(Uint8Array.of(0x5a, 0x5a));
      }
    }
  });

  /** Runs with LAM_U48. */
  function withU48(code: string, registers: Record<string, bigint | number>, cr4: Cr4Name[] = []) {
    const machine = prepare({ code, cr4, with: registers });
    machine.registers.cr3 |= U48;
    const exit = machine.run({ until: CODE + BigInt(code.replaceAll(' ', '').length / 2) });
    return { machine, exit, registers: machine.registers };
  }

  const TAG = 0x5555n << 48n;

  test('pointers with other tags reach the same bytes, from the TLB too', () => {
    const { registers } = withU48('48 89 1b  48 8b 01  48 8b 12  48 8b 36', {
      rbx: DATA | TAG,
      rcx: DATA,
      rdx: DATA | (0x2aaan << 48n),
      rsi: DATA | TAG,
    });
    expect(registers.rax).toBe(DATA | TAG);
    expect(registers.rdx).toBe(DATA | TAG);
    expect(registers.rsi).toBe(DATA | TAG);
  });

  test('works for accesses across pages, strings and the stack, which keeps its tag', () => {
    const top = (STACK_TOP - 0x100n) | TAG;
    const { exit, registers, machine } = withU48('48 89 03  f3 a4  50', {
      rbx: (DATA + 0xffcn) | TAG,
      rax: 0x0102_0304_0506_0708n,
      rsi: (DATA + 0xffcn) | TAG,
      rdi: DATA | TAG,
      rcx: 8,
      rsp: top,
    });
    expect(exit.reason).toBe('until');
    expect(registers.rsp).toBe(top - 8n);
    expect(registers.rsi).toBe((DATA + 0x1004n) | TAG);
    expect(machine.read(DATA, 8)).toEqual(Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1));
    expect(machine.read(STACK_TOP - 0x108n, 1)).toEqual(Uint8Array.of(8));
  });

  test('masks what an FS base and an offset make together', () => {
    const { machine } = withU48('64 c6 03 5a', { fs_base: DATA - 1n, rbx: TAG | 1n });
    expect(machine.read(DATA, 1)).toEqual(Uint8Array.of(0x5a));
  });

  test('a page fault reports the address without its metadata', () => {
    const { exit, registers } = withU48('8a 03', { rbx: 0x6000_0000n | TAG });
    expect(exit).toMatchObject({ name: '#PF', linearAddress: 0x6000_0000n });
    expect(registers.cr2).toBe(0x6000_0000n);
  });

  test('does not apply to branch targets', () => {
    expect(withU48('ff e3', { rbx: CODE | TAG }).exit).toMatchObject({
      name: '#GP',
      cause: 'canonical',
      rip: CODE,
    });
  });

  test('nor to LEA', () => {
    expect(withU48('48 8d 03', { rbx: DATA | TAG }).registers.rax).toBe(DATA | TAG);
  });

  test('LASS judges the masked pointer, whose bit 63 is kept', () => {
    const cr4 = ['lass', 'smap', 'lam_sup'] as const;
    const user = run({ code: '8a 03', cr4, with: { rbx: 0x8000_ffff_8000_0000n } });
    expect(user.exit).toMatchObject({
      cause: 'lass',
      lassRule: 'R1',
      linearAddress: KERNEL,
    });
    const code = KERNEL + 0x10_0000n;
    const machine = prepare({ cpl: 0, cr4, at: code, code: '8a 03', with: { rbx: DATA | TAG } });
    machine.registers.cr3 |= U48;
    expect(machine.run()).toMatchObject({ cause: 'lass', lassRule: 'R4', linearAddress: DATA });
  });

  test('compatibility mode does not know it', () => {
    const machine = prepare({ mode: 'compat', code: '8a 03', with: { ebx: DATA } });
    machine.registers.cr3 |= U48;
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
  });
});
