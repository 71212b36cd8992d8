import { describe, expect, test } from 'vitest';
import type { Cr4Name, Machine } from '../../src/index.ts';
import { CODE, DATA, fromHex, prepare, toHex } from './driver.ts';

const KERNEL = 0xffff_ffff_8100_0000n;
const LASS: readonly Cr4Name[] = ['lass', 'smap'];

/** Kernel code with DATA as a page of its own in the lower half. */
function kernel(code: string, registers: Record<string, bigint | number> = {}): Machine {
  const machine = prepare({
    cpl: 0,
    cr4: LASS,
    audit: true,
    at: KERNEL,
    code,
    with: { rbx: DATA, rsp: KERNEL + 0x1f00n, ...registers },
  });
  machine.map(DATA, 0x2000, 'rw');
  return machine;
}

const end = (code: string): bigint => KERNEL + BigInt(fromHex(code).length);

test('a violation is recorded, and execution goes on as if LASS were off', () => {
  const code = '48 89 0b  48 8b 03'; // mov [rbx],rcx; mov rax,[rbx]
  const machine = kernel(code, { rcx: 0x1234, cr2: 7 });
  expect(machine.run({ until: end(code) }).reason).toBe('until');
  expect(machine.registers.rax).toBe(0x1234n);
  expect(machine.registers.cr2).toBe(7n);
  expect(machine.auditRecords).toEqual([
    {
      rip: KERNEL,
      instruction: 'mov [rbx],rcx',
      linearAddress: DATA,
      access: 'write',
      size: 8,
      rule: 'R4',
      explanation: expect.stringContaining('0x0000000000100000'),
      count: 1,
    },
    {
      rip: KERNEL + 3n,
      instruction: 'mov rax,[rbx]',
      linearAddress: DATA,
      access: 'read',
      size: 8,
      rule: 'R4',
      explanation: expect.any(String),
      count: 1,
    },
  ]);
});

test('what comes after LASS still counts: paging, SMAP', () => {
  const machine = kernel('8a 03  8a 01', { rcx: CODE });
  machine.map(CODE, 0x1000, 'rwu');
  expect(machine.run()).toMatchObject({ name: '#PF', cause: 'smap', rip: KERNEL + 2n });
  expect(machine.auditRecords.map(({ rip }) => rip)).toEqual([KERNEL, KERNEL + 2n]);
  machine.unmap(CODE, 0x1000);
  expect(machine.run()).toMatchObject({ name: '#PF', cause: 'not-present' });
  expect(machine.auditRecords[1]?.count).toBe(2);
});

test('a loop is one record with its count and its first address', () => {
  const code = 'b9 64 00 00 00  8a 03  48 ff c3  ff c9  75 f7'; // 100 times mov al,[rbx]; inc rbx
  const machine = kernel(code);
  machine.run({ until: end(code) });
  expect(machine.auditRecords).toMatchObject([
    { rip: KERNEL + 5n, instruction: 'mov al,[rbx]', linearAddress: DATA, count: 100 },
  ]);
});

test('each element of a REP counts', () => {
  const machine = kernel('f3 a4', { rsi: DATA, rdi: DATA + 0x100n, rcx: 10 });
  machine.write(DATA, [1, 2, 3]);
  machine.run({ until: KERNEL + 2n });
  expect(machine.auditRecords).toMatchObject([
    { rip: KERNEL, access: 'read', linearAddress: DATA, count: 10, size: 1 },
    { rip: KERNEL, access: 'write', linearAddress: DATA + 0x100n, count: 10, size: 1 },
  ]);
  expect(toHex(machine.read(DATA + 0x100n, 3))).toBe('010203');
});

test('an access through the stack is one too', () => {
  const machine = kernel('50', { rsp: DATA + 0x800n });
  machine.run({ until: KERNEL + 1n });
  expect(machine.auditRecords).toMatchObject([
    { instruction: 'push rax', access: 'write', linearAddress: DATA + 0x7f8n },
  ]);
  expect(machine.auditRecords[0]?.explanation).toContain('#SS');
});

test('a legal access, and one in the window of STAC, is none', () => {
  const code = '48 8b 04 24  0f 01 cb  8a 03  0f 01 ca'; // mov rax,[rsp]; stac; mov al,[rbx]; clac
  const machine = kernel(code);
  machine.run({ until: end(code) });
  expect(machine.auditRecords).toEqual([]);
});

test('an address that is not canonical faults as ever', () => {
  const machine = kernel('8a 03', { rbx: 1n << 60n });
  expect(machine.run()).toMatchObject({ name: '#GP', cause: 'canonical' });
  expect(machine.auditRecords).toEqual([]);
});

describe('a fetch', () => {
  test('in the wrong half is recorded without an instruction', () => {
    const machine = kernel('ff e3'); // jmp rbx
    machine.map(DATA, 0x1000, 'rwx');
    machine.write(DATA, fromHex('90 90'));
    expect(machine.run({ until: DATA + 2n }).reason).toBe('until');
    expect(machine.auditRecords).toMatchObject([
      { rip: DATA, access: 'execute', linearAddress: DATA, rule: 'R3' },
    ]);
    expect(machine.auditRecords[0]).not.toHaveProperty('instruction');
  });

  test('by user code from the upper half goes on to paging', () => {
    const machine = prepare({ cr4: LASS, audit: true, code: 'ff e3', with: { rbx: KERNEL } });
    expect(machine.run()).toMatchObject({ name: '#PF', cause: 'not-present', rip: KERNEL });
    expect(machine.auditRecords).toMatchObject([{ access: 'execute', rule: 'R2', rip: KERNEL }]);
  });
});

test('a user read of the upper half is R1', () => {
  const machine = prepare({ cr4: LASS, audit: true, code: '8a 03', with: { rbx: KERNEL } });
  machine.map(KERNEL, 0x1000, 'ru');
  machine.run({ until: CODE + 2n });
  expect(machine.auditRecords).toMatchObject([{ rule: 'R1', access: 'read', rip: CODE }]);
});

test('records are a copy, and there are none without audit', () => {
  const machine = kernel('8a 03 8a 03');
  machine.step();
  const before = machine.auditRecords;
  machine.step();
  expect(before).toHaveLength(1);
  expect(machine.auditRecords).toHaveLength(2);
  expect(prepare({ code: '90' }).auditRecords).toEqual([]);
});

test('the list stays within 65,536 places', () => {
  // 8a 03 all over 136 KiB: 69,632 instructions.
  const machine = kernel('8a 03');
  const size = 0x2_2000;
  machine.map(KERNEL, size);
  machine.write(
    KERNEL,
    Uint8Array.from({ length: size }, (_, n) => (n % 2 === 0 ? 0x8a : 0x03)),
  );
  expect(machine.run({ until: KERNEL + BigInt(size) }).reason).toBe('until');
  expect(machine.auditRecords).toHaveLength(65_536);
  expect(machine.auditDropped).toBe(size / 2 - 65_536);
  expect(machine.instructionsRetired).toBe(size / 2);
});

test('hooks work next to it', () => {
  const machine = kernel('8a 03  ff c0');
  const seen: string[] = [];
  machine.hook({
    read: () => void seen.push('read'),
    instruction: () => void seen.push('instruction'),
  });
  machine.run({ until: KERNEL + 4n });
  expect(seen).toEqual(['instruction', 'read', 'instruction']);
  expect(machine.auditRecords).toHaveLength(1);
});
