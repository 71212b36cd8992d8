import { describe, expect, test } from 'vitest';
import {
  Machine,
  MachineArgumentError,
  type MachineOptions,
  OutOfGuestMemoryError,
  type RunOptions,
  UnmappedMemoryError,
} from '../../src/index.ts';
import { prepare } from './driver.ts';

const RAM = 1 << 20;

function refusal(action: () => unknown): MachineArgumentError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(MachineArgumentError);
    expect(error).toBeInstanceOf(RangeError);
    return error as MachineArgumentError;
  }
  return expect.fail('nothing was refused');
}

describe('a machine is not created with', () => {
  test.each([
    [{ mode: 8 }, 'mode', '8'],
    [{ mode: '64' }, 'mode', '64'],
    [{ cpl: 4 }, 'cpl', '4'],
    [{ cpl: -1 }, 'cpl', '-1'],
    [{ cpl: 1.5 }, 'cpl', '1.5'],
    [{ mode: 16, cpl: 3 }, 'cpl', '3'],
    [{ cr4: ['lass', 'nonsense'] }, 'cr4', 'nonsense'],
    [{ cr4: ['toString'] }, 'cr4', 'toString'],
    [{ cr4: ['PAE'] }, 'cr4', 'PAE'],
    [{ cr4: ['lass'], features: ['smap'] }, 'cr4', 'lass'],
    [{ features: ['avx10000'] }, 'features', 'avx10000'],
    [{ ramSize: 0 }, 'ramSize', '0'],
    [{ ramSize: RAM - 1 }, 'ramSize', `${RAM - 1}`],
    [{ ramSize: RAM + 0.5 }, 'ramSize', `${RAM + 0.5}`],
    [{ ramSize: 2 ** 31 }, 'ramSize', `${2 ** 31}`],
    [{ ramSize: Number.NaN }, 'ramSize', 'NaN'],
    [{ vendor: 'via' }, 'vendor', 'via'],
    [{ seed: 1.5 }, 'seed', '1.5'],
    [{ seed: Number.NaN }, 'seed', 'NaN'],
    [{ seed: 'x' }, 'seed', 'x'],
  ])('%j', (options, argument, shown) => {
    const error = refusal(() => new Machine(options as MachineOptions));
    expect(error.argument).toBe(argument);
    expect(error.message).toMatch(new RegExp(`^${argument} must be .*; got ${shown}$`));
    expect(error.name).toBe('MachineArgumentError');
  });
});

describe('an address is not', () => {
  test.each([
    [64, -1, '-1'],
    [64, -1n, '-0x1'],
    [64, 2n ** 64n, '0x10000000000000000'],
    [64, 1.5, '1.5'],
    [64, Number.NaN, 'NaN'],
    [64, 2 ** 53, `${2 ** 53}`],
    [64, '0x1000', '0x1000'],
    [64, undefined, 'undefined'],
    ['compat', 2n ** 64n, '0x10000000000000000'],
    [32, 2n ** 32n, '0x100000000'],
    [16, 2 ** 32, '0x100000000'],
  ] as const)('of mode %s: %s', (mode, value, shown) => {
    const machine = new Machine({ mode, ramSize: RAM });
    const address = value as bigint;
    for (const action of [
      () => machine.map(address, 4096),
      () => machine.unmap(address, 4096),
      () => machine.protect(address, 4096, 'r'),
      () => machine.isMapped(address),
      () => machine.read(address, 1),
      () => machine.write(address, [1]),
      () => machine.mapDevice(address, 4096, { read: () => {}, write: () => {} }),
      () => machine.run({ until: [address] }),
    ]) {
      const error = refusal(action);
      expect(error.argument).toBe('address');
      expect(error.message).toContain(shown === '-1' ? '-' : shown);
    }
  });

  test.each([
    [64, [], 0x8000_0000_0000n, 1],
    [64, [], 0x7fff_ffff_f000n, 4097],
    [64, [], 0xffff_7fff_ffff_ffffn, 1],
    [64, [], 0xffff_ffff_ffff_f000n, 4097],
    [64, ['la57'], 0x0100_0000_0000_0000n, 1],
    [32, [], 0xffff_f000n, 4097],
    [16, [], 0xffff_f000n, 8192],
  ] as const)(
    'mapped where there can be nothing: mode %i, %j, %i, %i bytes',
    (mode, cr4, address, size) => {
      const machine = new Machine({ mode, cr4, ramSize: RAM });
      expect(refusal(() => machine.map(address, size)).argument).toBe('address');
      const device = { read: () => {}, write: () => {} };
      const page = address - (address % 4096n);
      expect(refusal(() => machine.mapDevice(page, size + 4096, device)).argument).toBe('address');
    },
  );

  test.each([0x0001_0000_0040_0000n, 0x4000_0000_0040_0000n])(
    '%i, an alias of 400000h',
    (alias) => {
      const machine = new Machine({ ramSize: RAM });
      machine.map(0x40_0000, 4096);
      for (const action of [
        () => machine.isMapped(alias),
        () => machine.read(alias, 1),
        () => machine.write(alias, [1]),
        () => machine.unmap(alias, 4096),
      ]) {
        expect(refusal(action).argument).toBe('address');
      }
      expect(machine.isMapped(0x40_0000)).toBe(true);
    },
  );

  test('one whose bytes go beyond the last one: they are not mapped', () => {
    const machine = new Machine({ ramSize: RAM });
    const last = 0xffff_ffff_ffff_f000n;
    machine.map(0, 4096);
    machine.map(last, 4096);
    expect(() => machine.read(last, 4097)).toThrow(UnmappedMemoryError);
    expect(() => machine.write(last, new Uint8Array(4097))).toThrow(UnmappedMemoryError);
    machine.unmap(last, 4097);
    expect(machine.isMapped(0)).toBe(true);
  });
});

describe('a size is not', () => {
  test.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [RAM + 1, `${RAM + 1}`],
    [2n ** 64n, '0x10000000000000000'],
  ])('%s', (value, shown) => {
    const machine = new Machine({ ramSize: RAM });
    const size = value as number;
    for (const action of [
      () => machine.map(0x1000, size),
      () => machine.unmap(0x1000, size),
      () => machine.protect(0x1000, size, 'r'),
      () => machine.read(0x1000, size),
    ]) {
      const error = refusal(action);
      expect(error.argument).toBe('size');
      expect(error.message).toBe(`size must be a number of bytes from 1 to ${RAM}; got ${shown}`);
    }
  });
});

test.each(['', 'q', 'RW', 'r w', 'rwxs'])('rights are not %j', (rights) => {
  const machine = new Machine({ ramSize: RAM });
  const error = refusal(() => machine.map(0x1000, 1, rights));
  expect(error.argument).toBe('rights');
  expect(error.message).toBe(`rights must be letters out of r, w, x and u; got ${rights}`);
  expect(machine.isMapped(0x1000)).toBe(false);
});

test.each([
  [{ maxInstructions: -1 }, 'maxInstructions', '-1'],
  [{ maxInstructions: 2.5 }, 'maxInstructions', '2.5'],
  [{ maxInstructions: Number.NaN }, 'maxInstructions', 'NaN'],
  [{ maxInstructions: '5' }, 'maxInstructions', '5'],
  [{ timeout: -1 }, 'timeout', '-1'],
  [{ timeout: Number.NaN }, 'timeout', 'NaN'],
  [{ until: 1.5 }, 'address', '1.5'],
  [{ until: [0x1000, -1] }, 'address', '-'],
])('a run is not made with %j, nor is anything executed', async (options, argument, shown) => {
  const machine = prepare({ code: '90' });
  const error = refusal(() => machine.run(options as RunOptions));
  expect(error.argument).toBe(argument);
  expect(error.message).toContain(shown);
  await expect(machine.runAsync(options as RunOptions)).rejects.toThrow(MachineArgumentError);
  expect(machine.instructionsRetired).toBe(0);
  // The machine is not taken to be running.
  expect(machine.step().reason).toBe('limit');
});

test('a device is mapped at a page', () => {
  const machine = new Machine({ ramSize: RAM });
  const device = { read: () => {}, write: () => {} };
  expect(refusal(() => machine.mapDevice(0x1001, 1, device)).message).toBe(
    'address must be a multiple of 4096; got 0x1001',
  );
});

describe('memory that is not mapped', () => {
  const machine = new Machine({ ramSize: RAM });
  machine.map(0x1000, 0x1000);

  test.each([
    ['read', () => machine.read(0x1ff0, 0x20)],
    ['write', () => machine.write(0x1ff0, new Uint8Array(0x20))],
    ['protect', () => machine.protect(0x1000, 0x2000, 'r')],
  ])('%s tells the first address that is not', (_what, action) => {
    expect(action).toThrow(UnmappedMemoryError);
    expect(action).toThrow('no guest memory is mapped at 0x2000');
    try {
      action();
    } catch (error) {
      expect((error as UnmappedMemoryError).address).toBe(0x2000n);
    }
  });

  test('protect that fails has changed nothing', () => {
    expect(() => machine.protect(0x1000, 0x2000, 'r')).toThrow();
    machine.write(0x1000, [0xc6, 0x03, 0x05]); // mov byte [rbx],5
    machine.registers.rip = 0x1000n;
    machine.registers.rbx = 0x1800n;
    expect(machine.step().reason).toBe('limit');
  });

  test('can be unmapped again and again', () => {
    expect(() => machine.unmap(0x9000, 0x1000)).not.toThrow();
  });

  test('an empty write goes anywhere', () => {
    expect(() => machine.write(0x9000, [])).not.toThrow();
  });
});

test.each([16, 32, 64] as const)('RAM that is used up is refused by name (mode %i)', (mode) => {
  const machine = new Machine({ mode, ramSize: RAM });
  const filled = (): void => {
    for (let at = 0; at < 2 * RAM; at += 0x1_0000) {
      machine.map(at, 0x1_0000);
    }
  };
  expect(filled).toThrow(OutOfGuestMemoryError);
  expect(filled).toThrow(`the guest's RAM of ${RAM} bytes is used up`);
});

test('unmapped pages can be mapped again without end', () => {
  const machine = new Machine({ ramSize: RAM });
  for (let n = 0; n < 100; n++) {
    machine.map(0x40_0000, 0x8_0000);
    machine.unmap(0x40_0000, 0x8_0000);
  }
  expect(machine.isMapped(0x40_0000)).toBe(false);
});
