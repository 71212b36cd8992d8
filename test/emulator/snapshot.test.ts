import { describe, expect, test } from 'vitest';
import { Machine, MachineArgumentError, type Snapshot } from '../../src/index.ts';
import { CODE, DATA, fromHex, prepare, toHex } from './driver.ts';

/** add [rbx],rcx; inc rcx; rdrand rdx; push rdx; jmp $-11 */
const LOOP = '48 01 0b  48 ff c1  48 0f c7 f2  52  eb f3';

function running(): Machine {
  return prepare({ code: LOOP, seed: 1, with: { rbx: DATA, rcx: 1 } });
}

function stateOf(machine: Machine) {
  const { rax, rcx, rdx, rsp, rip, rflags, cr2 } = machine.registers;
  const retired = machine.instructionsRetired;
  const memory = toHex(machine.read(DATA, 64));
  const stack = toHex(machine.read(rsp, 64));
  return { rax, rcx, rdx, rsp, rip, rflags, cr2, retired, memory, stack };
}

test('restoring goes back to registers, memory, random numbers and the count', () => {
  const machine = running();
  machine.run({ maxInstructions: 33 });
  const snapshot = machine.snapshot();
  const then = stateOf(machine);
  machine.run({ maxInstructions: 100 });
  const later = stateOf(machine);
  expect(later).not.toEqual(then);

  machine.restore(snapshot);
  expect(stateOf(machine)).toEqual(then);
  machine.run({ maxInstructions: 100 });
  expect(stateOf(machine)).toEqual(later);
  machine.restore(snapshot);
  expect(stateOf(machine)).toEqual(then);
});

test('what runs on does not change a snapshot', () => {
  const machine = running();
  const snapshot = machine.snapshot();
  const copy = structuredClone(snapshot);
  machine.run({ maxInstructions: 100 });
  machine.map(0x1000, 0x1000);
  expect(snapshot).toEqual(copy);
  machine.restore(snapshot);
  machine.run({ maxInstructions: 100 });
  expect(snapshot).toEqual(copy);
});

test('it is plain data that another machine takes', () => {
  const machine = running();
  machine.run({ maxInstructions: 20 });
  const snapshot = structuredClone(machine.snapshot());
  machine.run({ maxInstructions: 50 });

  const other = new Machine({ ramSize: 4 << 20, seed: 99 });
  other.map(0x5000, 0x3000);
  other.restore(snapshot);
  expect(other.isMapped(0x5000)).toBe(false);
  other.run({ maxInstructions: 50 });
  expect(stateOf(other)).toEqual(stateOf(machine));
});

test('mappings and their rights come back', () => {
  const machine = prepare({ code: '88 03', with: { rbx: DATA } });
  machine.write(DATA, [1, 2, 3]);
  const snapshot = machine.snapshot();

  machine.unmap(DATA, 0x2000);
  machine.map(0x77_0000, 0x1000, 'rwu');
  machine.write(0x77_0000, [9]);
  machine.restore(snapshot);
  expect(toHex(machine.read(DATA, 3))).toBe('010203');
  expect(machine.isMapped(0x77_0000)).toBe(false);

  machine.protect(DATA, 0x1000, 'ru');
  expect(machine.run()).toMatchObject({ cause: 'write-protect' });
  machine.restore(snapshot);
  expect(machine.run({ until: CODE + 2n }).reason).toBe('until');

  // A page given out anew after the restoring has nothing of what was written in between.
  machine.restore(snapshot);
  machine.map(0x77_0000, 0x1000, 'rwu');
  expect(toHex(machine.read(0x77_0000, 4))).toBe('00000000');
});

test('code that was overwritten since runs as it was', () => {
  const machine = prepare({ code: '48 ff c0' });
  machine.run({ until: CODE + 3n });
  machine.registers.rip = CODE;
  const snapshot = machine.snapshot();
  machine.write(CODE, fromHex('48 ff c8'));
  machine.run({ until: CODE + 3n });
  expect(machine.registers.rax).toBe(0n);
  machine.restore(snapshot);
  machine.run({ until: CODE + 3n });
  expect(machine.registers.rax).toBe(2n);
});

test('the lazy flags of the last instruction are part of it', () => {
  const machine = prepare({ code: '48 39 c8  0f 9c c2', with: { rax: -5n, rcx: 3 } }); // cmp; setl dl
  machine.step();
  const snapshot = machine.snapshot();
  machine.registers.rflags = 0n;
  machine.restore(snapshot);
  machine.step();
  expect(machine.registers.dl).toBe(1n);
});

test('real mode: the pages mapped come back', () => {
  const machine = prepare({ mode: 16, code: 'c6 06 00 30 07' }); // mov byte [3000h],7
  const snapshot = structuredClone(machine.snapshot());
  machine.step();
  machine.unmap(0x3000, 0x1000);
  machine.map(0x5_0000, 0x1000);
  machine.restore(snapshot);
  expect(machine.isMapped(0x5_0000)).toBe(false);
  expect(toHex(machine.read(0x3000, 1))).toBe('00');
  machine.step();
  expect(toHex(machine.read(0x3000, 1))).toBe('07');
});

test('control registers and the LASS policy that they make are part of it', () => {
  const machine = prepare({ code: '8a 03', cr4: ['lass'], with: { rbx: -4096n } });
  const snapshot = machine.snapshot();
  machine.registers.cr4 &= ~(1n << 27n);
  expect(machine.run()).toMatchObject({ name: '#PF' });
  machine.restore(snapshot);
  expect(machine.run()).toMatchObject({ name: '#GP', cause: 'lass' });
});

test('after a restoring in between two slices nothing is left of an exit', () => {
  const machine = prepare({ code: 'f4 48 ff c0', cpl: 0 });
  const snapshot = machine.snapshot();
  expect(machine.run().reason).toBe('halt');
  machine.restore(snapshot);
  machine.registers.rip = CODE + 1n;
  expect(machine.run({ until: CODE + 4n }).reason).toBe('until');
});

test('hooks stay', () => {
  const machine = prepare({ code: '90' });
  const snapshot = machine.snapshot();
  let calls = 0;
  machine.hook({ instruction: () => void calls++ });
  machine.restore(snapshot);
  machine.run({ until: CODE + 1n });
  expect(calls).toBe(1);
});

describe('a snapshot of another kind of machine is refused', () => {
  const taken = (machine: Machine): Snapshot => machine.snapshot();
  const RAM = 1 << 20;

  test.each([
    ['mode', taken(new Machine({ mode: 32, ramSize: RAM })), 'snapshot.mode must be 64; got 32'],
    [
      'RAM size',
      taken(new Machine({ ramSize: 2 * RAM })),
      'snapshot.ramSize must be 1048576; got 2097152',
    ],
    [
      'format',
      { ...taken(new Machine({ ramSize: RAM })), format: 'other' as never },
      'snapshot.format must be bit63-snapshot-1; got other',
    ],
    [
      'paging',
      taken(new Machine({ ramSize: RAM, cr4: ['la57'] })),
      'snapshot.levels must be 4; got 5',
    ],
  ])('%s', (_what, snapshot, message) => {
    const machine = new Machine({ ramSize: RAM });
    machine.registers.rax = 5n;
    expect(() => machine.restore(snapshot)).toThrow(MachineArgumentError);
    expect(() => machine.restore(snapshot)).toThrow(message);
    expect(machine.registers.rax).toBe(5n);
  });
});
