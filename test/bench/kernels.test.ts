import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Kernel,
  KernelMachine,
  type KernelPlace,
  LOWER_HALF,
  loadKernels,
  UPPER_HALF,
} from '../../bench/support/kernel.ts';
import type { MachineOptions, RegisterName } from '../../src/index.ts';

const kernels = loadKernels();

function kernelNamed(name: string): Kernel {
  return kernels.find((kernel) => kernel.name === name)!;
}

const user: MachineOptions = { cpl: 3, cr4: ['lass', 'smap'] };
const supervisor: MachineOptions = { cpl: 0, cr4: ['lass', 'smap', 'smep'] };

describe('every kernel gives its result in its number of instructions', () => {
  const names = kernels.map(({ name }) => name);

  test.each(names)('%s as a user program in the lower half', (name) => {
    const kernel = kernelNamed(name);
    new KernelMachine(kernel, user, LOWER_HALF).call(kernel.quick);
  });

  test.each(names)('%s as a kernel in the upper half', (name) => {
    const kernel = kernelNamed(name);
    new KernelMachine(kernel, supervisor, UPPER_HALF).call(kernel.quick);
  });

  test('again when called again', () => {
    const kernel = kernelNamed('sieve');
    const machine = new KernelMachine(kernel, user);
    machine.call(kernel.quick);
    machine.call(kernel.quick);
  });

  test('and a wrong one is an error', () => {
    const kernel = kernelNamed('recursion');
    const machine = new KernelMachine(kernel, user);
    expect(() => machine.call({ ...kernel.quick, result: '0x1' })).toThrow('instead of 0x1');
    expect(() => machine.call({ ...kernel.quick, instructions: 1 })).toThrow('after 1');
  });
});

describe('LASS tells the halves apart', () => {
  test.each<[string, MachineOptions, KernelPlace]>([
    ['a user program in the upper half', user, UPPER_HALF],
    ['a kernel in the lower half', supervisor, LOWER_HALF],
  ])('%s fetches nothing', (_, options, place) => {
    const machine = new KernelMachine(kernelNamed('alu'), options, place);
    machine.begin(1);
    expect(machine.resume()).toMatchObject({
      reason: 'exception',
      name: '#GP',
      cause: 'lass',
      access: 'execute',
      rip: place.code,
    });
    expect(machine.machine.instructionsRetired).toBe(0);
  });
});

const REGISTERS: readonly RegisterName[] = [
  ...(['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
  ...(['rip', 'rflags'] as const),
];

/** All that a run leaves behind. */
function stateOf(machine: KernelMachine) {
  const { registers, instructionsRetired } = machine.machine;
  return {
    registers: Object.fromEntries(REGISTERS.map((name) => [name, registers.get(name)])),
    instructionsRetired,
    memory: Buffer.from(machine.memory()).toString('latin1'),
  };
}

/** The state after a call that nothing looks at. */
function straightThrough(kernel: Kernel) {
  const machine = new KernelMachine(kernel, user);
  machine.call(kernel.quick);
  return stateOf(machine);
}

describe.each(['string', 'bignum', 'sort'])('%s ends in the same state', (name) => {
  const kernel = kernelNamed(name);
  let expected: ReturnType<typeof stateOf>;

  beforeAll(() => {
    expected = straightThrough(kernel);
  });

  test.each([1_000, 33, 1])('when run in slices of %i instructions', (maxInstructions) => {
    const machine = new KernelMachine(kernel, user);
    machine.begin(kernel.quick.argument);
    let slices = 1;
    while (machine.resume({ maxInstructions }).reason === 'limit') {
      slices++;
    }
    expect(slices).toBe(Math.ceil(kernel.quick.instructions / maxInstructions));
    expect(stateOf(machine)).toEqual(expected);
  });

  test('when every instruction is watched', () => {
    const machine = new KernelMachine(kernel, user);
    let instructions = 0;
    machine.machine.hook({
      instruction: () => {
        instructions++;
        return undefined;
      },
    });
    machine.call(kernel.quick);
    expect(instructions).toBe(kernel.quick.instructions);
    expect(stateOf(machine)).toEqual(expected);
  });

  test('when every access to memory is watched', () => {
    const machine = new KernelMachine(kernel, user);
    let bytes = 0;
    const count = ({ data }: { data: Uint8Array }): undefined => {
      bytes += data.length;
    };
    machine.machine.hook({ read: count, write: count });
    machine.call(kernel.quick);
    expect(bytes).toBeGreaterThan(kernel.quick.instructions / 100);
    expect(stateOf(machine)).toEqual(expected);
  });

  test('when watched in every second slice only', () => {
    const machine = new KernelMachine(kernel, user);
    machine.begin(kernel.quick.argument);
    for (let slice = 0; ; slice++) {
      const unhook = slice % 2 === 0 ? machine.machine.hook({ block: () => undefined }) : () => {};
      const { reason } = machine.resume({ maxInstructions: 777 });
      unhook();
      if (reason !== 'limit') {
        break;
      }
    }
    expect(stateOf(machine)).toEqual(expected);
  });

  test('in audit mode, which has nothing to record', () => {
    const machine = new KernelMachine(kernel, { ...user, audit: true });
    machine.call(kernel.quick);
    expect(machine.machine.auditRecords).toEqual([]);
    expect(stateOf(machine)).toEqual(expected);
  });
});
