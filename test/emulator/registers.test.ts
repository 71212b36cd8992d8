import { describe, expect, test } from 'vitest';
import { REGISTER_NAMES, registerBits } from '../../src/emulator/machine/registers.ts';
import { Machine } from '../../src/index.ts';

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const LOW_BYTES = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'];
const HIGH_BYTES = ['ah', 'ch', 'dh', 'bh'];
const NUMBERED = Array.from({ length: 8 }, (_, n) => `r${n + 8}`);
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

const BITS: Readonly<Record<string, number>> = Object.fromEntries([
  ...LEGACY.flatMap((name, n) => [
    [`r${name}`, 64],
    [`e${name}`, 32],
    [name, 16],
    [LOW_BYTES[n], 8],
  ]),
  ...HIGH_BYTES.map((name) => [name, 8]),
  ...NUMBERED.flatMap((name) => [
    [name, 64],
    [`${name}d`, 32],
    [`${name}w`, 16],
    [`${name}b`, 8],
  ]),
  ...SEGMENTS.flatMap((name) => [
    [name, 16],
    [`${name}_base`, 64],
  ]),
  ...[['rip', 64]],
  ...[['rflags', 32]],
  ...[['cpl', 2]],
  ...['cr0', 'cr4', 'efer', 'tsc_aux'].map((name) => [name, 32]),
  ...['cr2', 'cr3', 'kernel_gs_base'].map((name) => [name, 64]),
]);
const NAMES = Object.keys(BITS);

const machine = new Machine({ ramSize: 1 << 20 });
const { registers } = machine;

test('have exactly these names and widths', () => {
  expect([...REGISTER_NAMES].sort()).toEqual([...NAMES].sort());
  expect(Object.fromEntries(REGISTER_NAMES.map((name) => [name, registerBits(name)]))).toEqual(
    BITS,
  );
  const own = Object.keys(registers).filter((name) => name !== 'get' && name !== 'set');
  expect(own.sort()).toEqual([...NAMES].sort());
});

test.each(NAMES.filter((name) => name !== 'rflags'))('%s keeps what is written', (name) => {
  const guest = new Machine({ ramSize: 1 << 20 });
  const top = (1n << BigInt(BITS[name] as number)) - 1n;
  for (const value of [top, 0n, 1n, (top >> 1n) + 1n, top ^ (top / 3n)]) {
    guest.registers.set(name, value);
    expect(guest.registers.get(name)).toBe(value);
    expect(guest.registers[name as 'rax']).toBe(value);
  }
});

test.each(NAMES.filter((name) => name !== 'rflags'))('%s does not disturb the others', (name) => {
  const guest = new Machine({ ramSize: 1 << 20 });
  const family = (n: string): string =>
    LEGACY.find((legacy) => n.endsWith(legacy) && n.length <= 3) ??
    LEGACY[LOW_BYTES.indexOf(n)] ??
    LEGACY[HIGH_BYTES.indexOf(n)] ??
    n.replace(/^(r\d+)[dwb]$/, '$1');
  const before = NAMES.map((other) => guest.registers.get(other));
  guest.registers.set(name, guest.registers.get(name) ^ 1n);
  NAMES.forEach((other, n) => {
    if (family(other) !== family(name)) {
      expect(guest.registers.get(other), other).toBe(before[n]);
    }
  });
});

describe.each([
  ...LEGACY.map((name, n) => [n, `r${name}`] as const),
  ...NUMBERED.map((name, n) => [n + 8, name] as const),
])('general register %i, %s', (n, name) => {
  const part = (suffix: 'd' | 'w' | 'b'): string => {
    if (n >= 8) {
      return name + suffix;
    }
    const legacy = LEGACY[n] as string;
    return { d: `e${legacy}`, w: legacy, b: LOW_BYTES[n] as string }[suffix];
  };
  const ALL = 0x8899_aabb_ccdd_eeffn;

  test('is read in parts', () => {
    registers.set(name, ALL);
    expect(registers.get(part('d'))).toBe(0xccdd_eeffn);
    expect(registers.get(part('w'))).toBe(0xeeffn);
    expect(registers.get(part('b'))).toBe(0xffn);
    if (n < 4) {
      expect(registers.get(HIGH_BYTES[n] as string)).toBe(0xeen);
    }
  });

  test('loses its upper half when 32 bits are written, and nothing otherwise', () => {
    registers.set(name, ALL);
    registers.set(part('b'), 0x11);
    expect(registers.get(name)).toBe(0x8899_aabb_ccdd_ee11n);
    registers.set(part('w'), 0x2233);
    expect(registers.get(name)).toBe(0x8899_aabb_ccdd_2233n);
    if (n < 4) {
      registers.set(HIGH_BYTES[n] as string, 0x44);
      expect(registers.get(name)).toBe(0x8899_aabb_ccdd_4433n);
    }
    registers.set(part('d'), 0x5566_7788);
    expect(registers.get(name)).toBe(0x5566_7788n);
  });
});

describe('a value', () => {
  test.each([
    ['rax', -1, 0xffff_ffff_ffff_ffffn],
    ['rax', -(2n ** 63n), 0x8000_0000_0000_0000n],
    ['rax', Number.MAX_SAFE_INTEGER, 0x1f_ffff_ffff_ffffn],
    ['eax', -1, 0xffff_ffffn],
    ['ax', -2, 0xfffen],
    ['al', -128, 0x80n],
    ['ah', -1n, 0xffn],
    ['fs_base', -0x1000n, 0xffff_ffff_ffff_f000n],
  ] as const)('%s = %i is stored in two’s complement', (name, value, stored) => {
    registers.set(name, value);
    expect(registers[name]).toBe(stored);
  });

  test.each([
    ['al', 256, 'al has 8 bits; 0x100 does not fit'],
    ['ah', -129, 'ah has 8 bits; -0x81 does not fit'],
    ['ax', 0x1_0000, 'ax has 16 bits; 0x10000 does not fit'],
    ['eax', 2n ** 32n, 'eax has 32 bits; 0x100000000 does not fit'],
    ['rax', 2n ** 64n, 'rax has 64 bits; 0x10000000000000000 does not fit'],
    ['rax', -(2n ** 63n) - 1n, 'rax has 64 bits; -0x8000000000000001 does not fit'],
    ['cpl', 4, 'cpl has 2 bits; 0x4 does not fit'],
    ['ds', 0x1_0000, 'ds has 16 bits; 0x10000 does not fit'],
    ['rax', 1.5, 'rax takes an integer; 1.5 is not one'],
    ['rax', Number.NaN, 'rax takes an integer; NaN is not one'],
    ['rax', Number.POSITIVE_INFINITY, 'rax takes an integer; Infinity is not one'],
    ['rax', 2 ** 53, 'rax takes an integer; 9007199254740992 is not one'],
    ['xmm99', 1, 'no register is named xmm99'],
    ['RAX', 1, 'no register is named RAX'],
    ['', 1, 'no register is named '],
    ['toString', 1, 'no register is named toString'],
  ])('%s = %s is refused', (name, value, message) => {
    const before = registers.rax;
    expect(() => registers.set(name, value)).toThrow(new RangeError(message));
    expect(registers.rax).toBe(before);
  });

  test('of an unknown register cannot be read', () => {
    expect(() => registers.get('eip')).toThrow(new RangeError('no register is named eip'));
  });
});

describe('RFLAGS', () => {
  test.each([
    [0n, 0x2n, 'bit 1 is always 1'],
    [0xffff_ffffn, 0x3f_7fd7n, 'reserved bits stay 0'],
    [0x8d5n, 0x8d7n, 'all arithmetic flags'],
    [0x4_0000n, 0x4_0002n, 'AC'],
  ])('written as %i is %i: %s', (written, read) => {
    registers.rflags = written;
    expect(registers.rflags).toBe(read);
  });

  test.each([0, 2, 4, 6, 7, 8, 9, 10, 11, 14, 16, 17, 18, 19, 20, 21])(
    'bit %i is of its own',
    (bit) => {
      registers.rflags = 1n << BigInt(bit);
      expect(registers.rflags).toBe((1n << BigInt(bit)) | 2n);
      registers.rflags = 0x3f_7fd7n & ~(1n << BigInt(bit));
      expect(registers.rflags).toBe((0x3f_7fd7n & ~(1n << BigInt(bit))) | 2n);
    },
  );
});

test('a segment register of real mode takes its base along', () => {
  const real = new Machine({ mode: 16, ramSize: 1 << 20 });
  for (const name of ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const) {
    real.registers[name] = 0xffffn;
    expect(real.registers[`${name}_base`]).toBe(0xf_fff0n);
  }
  registers.ds = 0xffffn;
  expect(registers.ds_base).toBe(0n);
});
