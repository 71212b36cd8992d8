import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODE, DATA, fromHex, prepare, run, STACK_TOP, toHex } from './driver.ts';

const HIGH_HALF = 0xdead_0000_0000n;
const ZF = 1n << 6n;
const DF = 1n << 10n;
/** Behind the last byte of mapped data. */
const END = DATA + 0x2000n;

describe('a string instruction', () => {
  test('moves one element and both pointers', () => {
    const { register, memory } = run({
      code: '48 a5', // movsq
      with: { rsi: DATA, rdi: DATA + 0x100n, rcx: 7 },
      memory: { [`${DATA}`]: '1122334455667788' },
    });
    expect(memory(DATA + 0x100n, 8)).toBe('1122334455667788');
    expect(register('rsi')).toBe(DATA + 8n);
    expect(register('rdi')).toBe(DATA + 0x108n);
    expect(register('rcx')).toBe(7n);
  });

  test('goes downwards when DF is set', () => {
    const { register, memory } = run({
      code: 'f3 66 a5', // rep movsw
      with: { rsi: DATA + 4n, rdi: DATA + 0x104n, rcx: 3, rflags: DF },
      memory: { [`${DATA}`]: '010203040506' },
    });
    expect(memory(DATA + 0x100n, 6)).toBe('010203040506');
    expect(register('rsi')).toBe(DATA - 2n);
    expect(register('rdi')).toBe(DATA + 0xfen);
    expect(register('rcx')).toBe(0n);
  });

  test('loads EAX with its upper half cleared', () => {
    const { register } = run({
      code: 'ad', // lodsd
      with: { rsi: DATA, rax: -1n },
      memory: { [`${DATA}`]: '00000080' },
    });
    expect(register('rax')).toBe(0x8000_0000n);
  });

  test.each([
    ['a4', 'movsb'],
    ['a6', 'cmpsb'],
    ['ac', 'lodsb'],
  ])('%s takes a segment prefix for its source: fs %s', (opcode) => {
    const { ended, register } = run({
      code: `64 ${opcode}`,
      with: { fs_base: DATA, rsi: 3, rdi: DATA, rax: 0 },
      memory: { [`${DATA}`]: '00000077' },
    });
    expect(ended).toBe('end');
    expect(register('rsi')).toBe(4n);
  });

  test.each(['aa', 'ae'])('ignores a segment prefix for its destination: %s', (opcode) => {
    const { ended, register } = run({
      code: `64 ${opcode}`,
      with: { fs_base: 0x4000_0000n, rdi: DATA },
    });
    expect(ended).toBe('end');
    expect(register('rdi')).toBe(DATA + 1n);
  });

  test('in real mode uses SI, DI, DS and ES and keeps the upper halves', () => {
    const { register, memory } = run({
      mode: 16,
      code: 'a4', // movsb
      with: { ds: 0x200, es: 0x300, esi: 0x1234_ffff, edi: 0x5678_0010 },
      memory: { [`${0x2000 + 0xffff}`]: '5a' },
    });
    expect(memory(0x3010n, 1)).toBe('5a');
    expect(register('esi')).toBe(0x1234_0000n);
    expect(register('edi')).toBe(0x5678_0011n);
  });

  test('compares the source with the destination', () => {
    const { register } = run({
      code: 'a6', // cmpsb
      with: { rsi: DATA, rdi: DATA + 1n },
      memory: { [`${DATA}`]: '0102' },
    });
    expect(register('rflags') & 1n).toBe(1n);
  });

  test('CMPS that cannot read either operand reports the one at rDI', () => {
    const { exit } = run({ code: 'a6', with: { rsi: 0x1000, rdi: 0x2000 } });
    expect(exit).toMatchObject({ name: '#PF', linearAddress: 0x2000n });
  });

  test('MOVS that can neither read nor write reports the read', () => {
    const { exit } = run({ code: 'a4', with: { rsi: 0x1000, rdi: 0x2000 } });
    expect(exit).toMatchObject({ name: '#PF', linearAddress: 0x1000n, access: 'read' });
  });
});

describe('REP', () => {
  test('with a count of 0 does nothing, not even a check', () => {
    const { ended, register } = run({
      code: 'f3 a4',
      with: { rcx: 0, rsi: 0x1000, rdi: 0x8000_0000_0000_0000n },
    });
    expect(ended).toBe('end');
    expect(register('rsi')).toBe(0x1000n);
  });

  test.each(['f3', 'f2'])('%s repeats STOS over a page boundary', (prefix) => {
    const { register, memory } = run({
      code: `${prefix} 48 ab`, // stosq
      with: { rcx: 0x110, rdi: DATA + 0x7fcn, rax: 0x0807_0605_0403_0201n },
    });
    expect(memory(DATA + 0x7f8n, 20)).toBe('000000000102030405060708' + '0102030405060708');
    expect(memory(DATA + 0xff4n, 16)).toBe('01020304050607080102030405060708');
    expect(register('rdi')).toBe(DATA + 0x107cn);
    expect(register('rcx')).toBe(0n);
  });

  test('with 32-bit addresses uses and clears the upper halves', () => {
    const { ended, register } = run({
      code: 'f3 67 a4',
      with: {
        rcx: 0xdead_0000_0002n,
        rsi: 0xdead_0000_0000n | DATA,
        rdi: 0xbeef_0000_0000n | (DATA + 16n),
      },
    });
    expect(ended).toBe('end');
    expect(register('rcx')).toBe(0n);
    expect(register('rsi')).toBe(DATA + 2n);
    expect(register('rdi')).toBe(DATA + 18n);
  });

  test.each([
    ['rep movsb', 'f3 67 a4', 0n, 0n],
    ['rep stosb', 'f3 67 aa', HIGH_HALF, 0n],
    ['rep lodsb', 'f3 67 ac', HIGH_HALF, HIGH_HALF],
    ['repe cmpsb', 'f3 67 a6', HIGH_HALF, HIGH_HALF],
  ])('%s with ECX = 0 clears the upper halves that Intel clears', (_text, code, rsi, rdi) => {
    const { register } = run({
      code,
      with: { rcx: HIGH_HALF, rsi: HIGH_HALF, rdi: HIGH_HALF },
    });
    expect(register('rcx')).toBe(0n);
    expect(register('rsi')).toBe(rsi);
    expect(register('rdi')).toBe(rdi);
  });

  test('with 32-bit addresses and ECX = 0 keeps the upper halves on AMD', () => {
    const { register } = run({
      vendor: 'amd',
      code: 'f3 67 a4',
      with: { rcx: HIGH_HALF, rsi: HIGH_HALF },
    });
    expect(register('rcx')).toBe(HIGH_HALF);
    expect(register('rsi')).toBe(HIGH_HALF);
  });

  test('that faults leaves the registers of the elements done and can go on', () => {
    const machine = prepare({
      code: 'f3 a5', // rep movsd
      with: { rcx: 8, rsi: DATA, rdi: END - 14n },
      memory: { [`${DATA}`]: '000102030405060708090a0b0c0d0e0f1011121314151617' },
    });
    const exit = machine.run();
    expect(exit).toMatchObject({ name: '#PF', rip: CODE, linearAddress: END });
    expect(machine.registers.rcx).toBe(5n);
    expect(machine.registers.rsi).toBe(DATA + 12n);
    expect(machine.registers.rdi).toBe(END - 2n);
    expect(machine.instructionsRetired).toBe(0);

    machine.map(END, 4096, 'rwu');
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    expect(machine.registers.rcx).toBe(0n);
    expect(toHex(machine.read(END - 14n, 20))).toBe('000102030405060708090a0b0c0d0e0f10111213');
    expect(machine.instructionsRetired).toBe(1);
  });

  test('LODS keeps the last element', () => {
    const { register } = run({
      code: 'f3 ac',
      with: { rcx: 3, rsi: DATA, rax: 0x1100 },
      memory: { [`${DATA}`]: 'aabbcc' },
    });
    expect(register('rax')).toBe(0x11ccn);
  });

  test('in real mode wraps within the segment and counts in CX', () => {
    const { ended, register, memory } = run({
      mode: 16,
      code: 'f3 aa', // rep stosb
      with: { es: 0x1000, edi: 0xfffe, ecx: 0x7000_0004, eax: 0x5a },
    });
    expect(ended).toBe('end');
    expect(memory(0x1_0000n, 2)).toBe('5a5a');
    expect(memory(0x1_fffen, 2)).toBe('5a5a');
    expect(register('edi')).toBe(2n);
    expect(register('ecx')).toBe(0x7000_0000n);
  });

  test('an element across the end of a real-mode segment is #GP', () => {
    const { exit, register } = run({
      mode: 16,
      code: 'f3 ab', // rep stosw
      with: { es: 0x1000, edi: 0xfffd, ecx: 4 },
    });
    expect(exit).toMatchObject({ name: '#GP', cause: 'segment-limit' });
    expect(register('edi')).toBe(0xffffn);
    expect(register('ecx')).toBe(3n);
  });

  test('a LASS violation of the destination leaves the registers', () => {
    const { exit, register } = run({
      code: 'f3 a4',
      cr4: ['lass'],
      with: { rcx: 2, rsi: DATA, rdi: 0xffff_8000_0000_0000n },
    });
    expect(exit).toMatchObject({ name: '#GP', cause: 'lass', access: 'write' });
    expect(register('rcx')).toBe(2n);
  });

  test('counts as one instruction however long it is', () => {
    const machine = prepare({ code: 'f3 67 ac', with: { rcx: 100_000, rsi: DATA } });
    machine.map(0, 0x10_0000, 'ru');
    machine.map(DATA, 0x2_0000, 'ru');
    expect(machine.run({ until: CODE + 3n }).reason).toBe('until');
    expect(machine.registers.rcx).toBe(0n);
    expect(machine.instructionsRetired).toBe(1);
  });

  test('gives way to a limit of instructions and goes on later', () => {
    const machine = prepare({ code: 'f3 ac', with: { rcx: 6000, rsi: DATA } });
    expect(machine.step()).toMatchObject({ reason: 'limit', rip: CODE });
    expect(machine.registers.rcx).toBeGreaterThan(0n);
    expect(machine.instructionsRetired).toBe(0);
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    expect(machine.registers.rsi).toBe(DATA + 6000n);
    expect(machine.instructionsRetired).toBe(1);
  });

  test('gives way to a timeout', () => {
    const machine = prepare({
      code: 'f3 67 ae',
      with: { rcx: 0xffff_ffffn, rdi: DATA, rax: 0 },
    });
    // All that is mapped is zero; at its end the scan starts again.
    machine.hook({
      fault: () => {
        machine.registers.rdi = DATA;
        return 'retry';
      },
    });
    const before = performance.now();
    expect(machine.run({ timeout: 20 })).toMatchObject({ reason: 'limit', limit: 'time' });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('stops between two elements when a hook says so', () => {
    const machine = prepare({ code: 'f3 a4', with: { rcx: 5, rsi: DATA, rdi: DATA + 64n } });
    let writes = 0;
    machine.hook({ write: () => (++writes === 2 ? 'stop' : undefined) });
    expect(machine.run()).toMatchObject({ reason: 'stop', rip: CODE });
    expect(machine.registers.rcx).toBe(3n);
  });

  test('overwriting the code behind it makes the new code run', () => {
    const { ended, register } = run({
      code: 'f3 aa  90 90 90 90', // rep stosb; nop...
      with: { rcx: 2, rdi: CODE + 2n, rax: 0x40_48 }, // 48 48: two REX prefixes before nop
    });
    expect(ended).toBe('end');
    expect(register('rdi')).toBe(CODE + 4n);
  });
});

describe('REPE and REPNE', () => {
  test('REPE CMPS stops at the first difference', () => {
    const { register } = run({
      code: 'f3 a6',
      with: { rcx: 8, rsi: DATA, rdi: DATA + 0x10n },
      memory: { [`${DATA}`]: '01020304', [`${DATA + 0x10n}`]: '01020904' },
    });
    expect(register('rcx')).toBe(5n);
    expect(register('rflags') & ZF).toBe(0n);
  });

  test('REPNE SCAS finds the terminating zero', () => {
    const { register } = run({
      code: 'f2 ae',
      with: { rcx: -1n, rdi: DATA, rax: 0 },
      memory: { [`${DATA}`]: '414243' },
    });
    expect(register('rcx')).toBe(0xffff_ffff_ffff_fffbn);
    expect(register('rdi')).toBe(DATA + 4n);
    expect(register('rflags') & ZF).toBe(ZF);
  });

  test('with a count of 0 keep the flags', () => {
    const { register } = run({ code: 'f3 a6', with: { rcx: 0, rflags: ZF } });
    expect(register('rflags') & ZF).toBe(ZF);
  });

  test.each([
    ['the flags of before', 'intel', 0n],
    ['on AMD the flags of the last comparison', 'amd', ZF],
  ] as const)('a fault leaves %s', (_what, vendor, zf) => {
    const { exit, register } = run({
      vendor,
      code: 'f3 a6',
      with: { rcx: 8, rsi: DATA, rdi: END - 2n, rflags: 0x202 },
    });
    expect(exit).toMatchObject({ name: '#PF', linearAddress: END });
    expect(register('rcx')).toBe(6n);
    expect(register('rflags') & ZF).toBe(zf);
  });
});

describe('elements moved at once', () => {
  const SPACE = 0x2000;
  const CASES = {
    movsb: 'a4',
    movsw: '66 a5',
    movsd: 'a5',
    movsq: '48 a5',
    stosb: 'aa',
    stosw: '66 ab',
    stosd: 'ab',
    stosq: '48 ab',
  };

  /** Memory and registers after REP; watching reads and writes makes it go one by one. */
  function result(opcode: string, with_: Record<string, bigint | number>, watched: boolean) {
    const machine = prepare({ code: `f3 ${opcode}`, with: with_ });
    machine.write(
      DATA,
      Uint8Array.from({ length: SPACE }, (_, n) => (n * 37 + (n >> 8)) & 255),
    );
    if (watched) {
      machine.hook({ read: () => undefined, write: () => undefined });
    }
    const exit = machine.run({ until: CODE + BigInt(fromHex(`f3 ${opcode}`).length) });
    const { rcx, rsi, rdi } = machine.registers;
    const retired = machine.instructionsRetired;
    return { reason: exit.reason, rcx, rsi, rdi, retired, bytes: toHex(machine.read(DATA, SPACE)) };
  }

  test.each(Object.entries(CASES))('%s does what single elements do', (_name, opcode) => {
    const offset = fc.oneof(fc.nat(SPACE + 8), fc.integer({ min: 0xff0, max: 0x1010 }), fc.nat(32));
    fc.assert(
      fc.property(offset, offset, fc.nat(3000), fc.boolean(), (from, to, count, down) => {
        const registers = {
          rsi: DATA + BigInt(from),
          rdi: DATA + BigInt(to),
          rcx: count,
          rax: 0x1122_3344_5566_7788n,
          rflags: down ? DF : 0n,
        };
        expect(result(opcode, registers, false)).toEqual(result(opcode, registers, true));
      }),
      { numRuns: 40 },
    );
  });

  test.each([1, 2, 3, 8, 24])(
    'a destination %i bytes into the source repeats its start',
    (distance) => {
      const pattern = Array.from({ length: distance }, (_, n) => n + 1);
      const { memory } = run({
        code: 'f3 a4',
        with: { rsi: DATA, rdi: DATA + BigInt(distance), rcx: 100 },
        memory: { [`${DATA}`]: toHex(Uint8Array.from(pattern)) },
      });
      const expected = Uint8Array.from({ length: 100 + distance }, (_, n) => (n % distance) + 1);
      expect(memory(DATA, 100 + distance)).toBe(toHex(expected));
    },
  );

  test('ends where the count does', () => {
    const { memory } = run({
      code: 'f3 48 ab',
      with: { rdi: STACK_TOP - 0x800n, rcx: 0x80, rax: -1n },
    });
    expect(memory(STACK_TOP - 0x400n - 8n, 16)).toBe(`${'ff'.repeat(8)}${'00'.repeat(8)}`);
  });
});
