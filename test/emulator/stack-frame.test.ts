import { describe, expect, test } from 'vitest';
import { DATA, fromHex, prepare, run, STACK_TOP, toHex } from './driver.ts';

/** The first byte of the mapped stack. */
const BOTTOM = STACK_TOP - 0x2000n;
const RSP = STACK_TOP - 0x100n;

const Flag = { CF: 1n, TF: 0x100n, IF: 0x200n, DF: 0x400n, IOPL: 0x3000n, NT: 0x4000n } as const;
const AC = 0x4_0000n;
const ID = 0x20_0000n;

/** The registers that a faulting instruction must not have changed. */
function expectUnchanged(machine: ReturnType<typeof prepare>, before: Record<string, bigint>) {
  const exit = machine.run({ maxInstructions: 1 });
  for (const [name, value] of Object.entries(before)) {
    expect(machine.registers.get(name), name).toBe(value);
  }
  return exit;
}

describe('ENTER', () => {
  test('of nesting level 0 pushes rBP and allocates', () => {
    const { register, memory } = run({ code: 'c8 20 00 00', with: { rbp: 0x1122_3344n } });
    expect(memory(RSP - 8n, 8)).toBe('4433221100000000');
    expect(register('rbp')).toBe(RSP - 8n);
    expect(register('rsp')).toBe(RSP - 0x28n);
  });

  test('of level 3 copies two frame pointers and adds its own', () => {
    const { register, memory } = run({
      code: 'c8 00 00 03',
      with: { rbp: DATA + 0x40n },
      memory: { [`${DATA + 0x30n}`]: '22222222222222221111111111111111' },
    });
    expect(memory(RSP - 16n, 8)).toBe('1111111111111111');
    expect(memory(RSP - 24n, 8)).toBe('2222222222222222');
    expect(memory(RSP - 32n, 8)).toBe('f81e7f0000000000');
    expect(register('rsp')).toBe(RSP - 32n);
    expect(register('rbp')).toBe(RSP - 8n);
  });

  test('takes the level modulo 32', () => {
    expect(run({ code: 'c8 00 00 20' }).register('rsp')).toBe(RSP - 8n);
  });

  test('in real mode keeps the upper halves of ESP and EBP', () => {
    const { register, memory } = run({
      mode: 16,
      code: 'c8 04 00 01',
      with: { esp: 0x1111_f000, ebp: 0x2222_abcd },
    });
    expect(memory(0xeffen, 2)).toBe('cdab');
    expect(memory(0xeffcn, 2)).toBe('feef');
    expect(register('esp')).toBe(0x1111_eff8n);
    expect(register('ebp')).toBe(0x2222_effen);
  });

  test('with a 32-bit operand in real mode writes all of EBP', () => {
    const { register } = run({
      mode: 16,
      code: '66 c8 00 00 00',
      with: { esp: 0x1111_f000, ebp: 0x2222_abcd },
    });
    expect(register('esp')).toBe(0x1111_effcn);
    expect(register('ebp')).toBe(0x1111_effcn);
  });

  test.each([
    ['the push', 0n, 'c8 00 00 00', DATA + 0x40n, ''],
    ['a later push', 12n, 'c8 00 00 02', DATA + 0x40n, '4000100000000000'],
    ['the frame pointers read', 0x40n, 'c8 00 00 04', DATA + 0x10n, '1000100000000000'],
    ['the final stack pointer', 0x40n, 'c8 00 01 00', DATA + 0x40n, '4000100000000000'],
  ])('changes no register when %s faults, but leaves in memory what it pushed', (...row) => {
    const [, above, code, rbp, pushed] = row;
    const before = { rsp: BOTTOM + above, rbp };
    const machine = prepare({ code, with: before });
    machine.write(BOTTOM, new Uint8Array(0x80).fill(0xee));
    expect(expectUnchanged(machine, before)).toMatchObject({ name: '#PF' });
    const first = above === 0n ? '' : toHex(machine.read(BOTTOM + above - 8n, 8));
    expect(first).toBe(pushed);
    expect(toHex(machine.read(BOTTOM + above, 8))).toBe('ee'.repeat(8));
  });

  test('a push that LASS refuses is #SS', () => {
    const { exit } = run({
      code: 'c8 00 00 00',
      cr4: ['lass'],
      with: { rsp: 0xffff_8000_0000_1000n },
    });
    expect(exit).toMatchObject({ name: '#SS', errorCode: 0, cause: 'lass' });
  });
});

describe('LEAVE', () => {
  test('undoes ENTER', () => {
    const { register } = run({ code: 'c8 20 00 00  c9', with: { rbp: 0x55 } });
    expect(register('rsp')).toBe(RSP);
    expect(register('rbp')).toBe(0x55n);
  });

  test('with a 16-bit operand pops into BP alone', () => {
    const { register } = run({
      code: '66 c9',
      with: { rbp: DATA },
      memory: { [`${DATA}`]: 'cdab' },
    });
    expect(register('rsp')).toBe(DATA + 2n);
    expect(register('rbp')).toBe((DATA & ~0xffffn) | 0xabcdn);
  });

  test('in real mode takes SP from BP', () => {
    const { register } = run({
      mode: 16,
      code: 'c9',
      with: { esp: 0x1111_f000, ebp: 0x2222_4000 },
      memory: { 16384: '7856' },
    });
    expect(register('esp')).toBe(0x1111_4002n);
    expect(register('ebp')).toBe(0x2222_5678n);
  });

  test('changes nothing when it cannot pop', () => {
    const before = { rsp: RSP, rbp: 0x1000n };
    expect(expectUnchanged(prepare({ code: 'c9', with: before }), before)).toMatchObject({
      name: '#PF',
      access: 'read',
    });
  });
});

describe('PUSHA and POPA', () => {
  const all = {
    eax: 0xa0n,
    ecx: 0xc1n,
    edx: 0xd2n,
    ebx: 0xb3n,
    ebp: 0xb5n,
    esi: 0x56n,
    edi: 0xd7n,
  };

  test('push the registers in order, with ESP as it was', () => {
    const { register, memory } = run({ mode: 32, code: '60', with: all });
    expect(register('esp')).toBe(RSP - 32n);
    expect(memory(RSP - 32n, 32)).toBe(
      'd7000000 56000000 b5000000 001f7f00 b3000000 d2000000 c1000000 a0000000'.replaceAll(' ', ''),
    );
  });

  test('pop all but ESP', () => {
    const { register } = run({
      mode: 32,
      code: '61',
      with: { esp: DATA },
      memory: { [`${DATA}`]: Array.from({ length: 32 }, (_, n) => `0${n >> 2}`).join('') },
    });
    expect(register('esp')).toBe(DATA + 32n);
    expect(register('edi')).toBe(0n);
    expect(register('ebp')).toBe(0x0202_0202n);
    expect(register('eax')).toBe(0x0707_0707n);
  });

  test('with 16-bit operands keep the upper halves', () => {
    const { register } = run({
      mode: 32,
      code: '66 60  66 b8 00 00  66 61', // pusha; mov ax,0; popa
      with: { eax: 0x1234_5678 },
    });
    expect(register('eax')).toBe(0x1234_5678n);
    expect(register('esp')).toBe(RSP);
  });

  test('change nothing when a push faults on the way', () => {
    const before = { esp: BOTTOM + 16n, eax: 5n };
    const machine = prepare({ mode: 32, code: '60', with: before });
    expect(expectUnchanged(machine, before)).toMatchObject({ name: '#PF', access: 'write' });
    expect(machine.read(BOTTOM, 16)).toEqual(new Uint8Array(16));
  });

  test('a pop that faults on the way leaves the registers popped before it, and the stack pointer', () => {
    const machine = prepare({
      mode: 32,
      code: '61', // popad
      with: { esp: STACK_TOP - 16n, edi: 5n, esi: 5n, ebp: 5n, ebx: 5n, eax: 5n },
      memory: { [`${STACK_TOP - 16n}`]: '01000000 02000000 03000000 04000000' },
    });
    expect(machine.run()).toMatchObject({ name: '#PF', access: 'read', linearAddress: STACK_TOP });
    const { edi, esi, ebp, esp, ebx, eax } = machine.registers;
    expect([edi, esi, ebp, esp, ebx, eax]).toEqual([1n, 2n, 3n, STACK_TOP - 16n, 5n, 5n]);
  });
});

describe('PUSHF', () => {
  test('stores RF and VM as 0', () => {
    const { memory } = run({ code: '9c', with: { rflags: 0x1_0000n | AC | ID | 0xad5n } });
    expect(memory(RSP - 8n, 8)).toBe('d70a240000000000');
  });

  test('of 16 bits stores the lower half', () => {
    const { register, memory } = run({ code: '66 9c', with: { rflags: AC | 1n } });
    expect(register('rsp')).toBe(RSP - 2n);
    expect(memory(RSP - 2n, 2)).toBe('0300');
  });
});

describe('POPF', () => {
  const everything = 'ffffffffffffffff';
  const anyone = 0xdd5n & ~Flag.IF;

  test.each([
    ['9d', 3, 0n, anyone | Flag.NT | AC | ID],
    ['66 9d', 3, 0n, anyone | Flag.NT],
    ['9d', 3, Flag.IOPL, anyone | Flag.NT | AC | ID | Flag.IF | Flag.IOPL],
    ['9d', 0, 0n, anyone | Flag.NT | AC | ID | Flag.IF | Flag.IOPL],
  ])('%s at CPL %i with RFLAGS %x sets %x', (code, cpl, rflags, expected) => {
    const outcome = run({
      code,
      cpl,
      with: { rflags, rsp: DATA },
      memory: { [`${DATA}`]: everything },
    });
    expect(outcome.ended).toBe('end');
    expect(outcome.register('rflags')).toBe(expected | 2n);
  });

  test('clears what it may clear', () => {
    const { register } = run({
      code: '9d',
      with: { rflags: 0xed5n | Flag.NT | AC | ID | 0x1_0000n, rsp: DATA },
    });
    expect(register('rflags')).toBe(Flag.IF | 2n);
  });

  test('that sets AC opens user pages to the supervisor', () => {
    const scenario = {
      cpl: 0,
      cr4: ['smap'],
      code: '9d 8a 00', // popf; mov al,[rax]
      with: { rax: DATA, rsp: 0x60_0000n },
    } as const;
    for (const [image, ended] of [
      ['0000040000000000', 'until'],
      ['0000000000000000', 'exception'],
    ] as const) {
      const machine = prepare(scenario);
      machine.map(0x40_0000n, 0x2000, 'rx');
      machine.protect(0x40_0000n, 0x2000, 'rx');
      machine.map(0x60_0000n, 0x1000, 'rw');
      machine.write(0x60_0000n, fromHex(image));
      expect(machine.run({ until: 0x40_0003n }).reason).toBe(ended);
    }
  });

  test('changes nothing when it cannot pop', () => {
    const before = { rsp: 0x1000n, rflags: 0x202n };
    expect(expectUnchanged(prepare({ code: '9d', with: before }), before)).toMatchObject({
      name: '#PF',
    });
  });
});
