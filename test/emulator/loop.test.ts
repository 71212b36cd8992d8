import { describe, expect, test } from 'vitest';
import { CODE, prepare, run } from './driver.ts';

const ZF = 0x40n;

describe('LOOP', () => {
  test('repeats until rCX is 0', () => {
    const { register } = run({ code: '48 ff c0  e2 fb', with: { rcx: 5, rax: 0 } });
    expect(register('rax')).toBe(5n);
    expect(register('rcx')).toBe(0n);
  });

  test.each([
    ['e2 02', 0x1_0000_0000n, true, 0xffff_ffffn],
    ['67 e2 02', 0x1_0000_0000n, true, 0xffff_ffffn],
    ['67 e2 02', 0x1_0000_0001n, false, 0n],
    ['e2 02', 0x1_0000_0001n, true, 0x1_0000_0000n],
  ])('%s counts rCX = %x down in its address size', (code, rcx, taken, after) => {
    const machine = prepare({ code: `${code} 90 90`, with: { rcx } });
    const length = BigInt(code.split(' ').length);
    machine.step();
    expect(machine.registers.rip).toBe(CODE + length + (taken ? 2n : 0n));
    expect(machine.registers.rcx).toBe(after);
  });

  test.each([
    ['e1', 0n, false],
    ['e1', ZF, true],
    ['e0', 0n, true],
    ['e0', ZF, false],
  ])('%s with RFLAGS %x is taken: %s', (opcode, rflags, taken) => {
    const machine = prepare({ code: `${opcode} 02 90 90`, with: { rcx: 2, rflags } });
    machine.step();
    expect(machine.registers.rip).toBe(CODE + (taken ? 4n : 2n));
    expect(machine.registers.rcx).toBe(1n);
    expect(machine.registers.rflags & ZF).toBe(rflags);
  });

  test('in real mode counts in CX and wraps IP', () => {
    const machine = prepare({ mode: 16, code: 'e2 fe', with: { ecx: 0x5555_0000 } });
    machine.step();
    expect(machine.registers.ecx).toBe(0x5555_ffffn);
    expect(machine.registers.rip).toBe(0x1000n);
  });

  test('to a target that is not canonical faults with the count kept', () => {
    const machine = prepare({ code: '90', at: 0x7fff_ffff_e000n, with: { rcx: 5 } });
    machine.write(0x7fff_ffff_fff0n, [0xe2, 0x20]);
    machine.registers.rip = 0x7fff_ffff_fff0n;
    expect(machine.run()).toMatchObject({ name: '#GP', cause: 'canonical', access: 'execute' });
    expect(machine.registers.rcx).toBe(5n);
  });

  test('with a 16-bit operand in 32-bit mode goes to the first 64 KiB', () => {
    const machine = prepare({ mode: 32, code: '66 e2 10', with: { ecx: 5 } });
    machine.step();
    expect(machine.registers.rip).toBe(0x13n);
    expect(machine.registers.ecx).toBe(4n);
  });
});

describe('JCXZ', () => {
  test.each([
    ['e3 02', 64, 0n, true],
    ['e3 02', 64, 0x1_0000_0000n, false],
    ['67 e3 02', 64, 0x1_0000_0000n, true],
    ['e3 02', 32, 0x1_0000n, false],
    ['67 e3 02', 32, 0x1_0000n, true],
    ['e3 02', 16, 0x1_0000n, true],
    ['67 e3 02', 16, 0x1_0000n, false],
  ] as const)('%s in %i-bit mode with rCX = %x is taken: %s', (code, mode, rcx, taken) => {
    const machine = prepare({ mode, code: `${code} 90 90`, with: { rcx } });
    const before = machine.registers.rip;
    machine.step();
    const length = BigInt(code.split(' ').length);
    expect(machine.registers.rip - before).toBe(length + (taken ? 2n : 0n));
    expect(machine.registers.rcx).toBe(rcx);
  });
});
