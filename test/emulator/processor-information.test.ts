import { describe, expect, test } from 'vitest';
import { Code } from '../../src/decoder/index.ts';
import { cpuid, FEATURES, type FeatureName, requiredFeature } from '../../src/emulator/cpuid.ts';
import { prepare, run } from './driver.ts';

const ARITHMETIC = 0x8d5n;

function leaf(eax: number, ecx = 0, features: Iterable<FeatureName> = []): number[] {
  const out = new Uint32Array(4);
  cpuid('intel', new Set(features), eax, ecx, out);
  return [...out];
}

function text(...words: number[]): string {
  const bytes = words.flatMap((word) => [0, 8, 16, 24].map((n) => (word >>> n) & 255));
  return String.fromCharCode(...bytes.filter((byte) => byte !== 0));
}

describe('CPUID', () => {
  test('tells the vendor, upper halves cleared', () => {
    const { register } = run({ code: '0f a2', with: { rax: 0xf_0000_0000n, rbx: -1n } });
    expect(register('rax')).toBe(0xdn);
    const [ebx, edx, ecx] = ['rbx', 'rdx', 'rcx'].map((name) => Number(register(name)));
    expect(text(ebx, edx, ecx)).toBe('GenuineIntel');
  });

  test('tells of LASS in leaf 7, subleaf 1', () => {
    const { register } = run({ code: '0f a2', with: { rax: 7, rcx: 1 } });
    expect((register('rax') >> 6n) & 1n).toBe(1n);
  });

  test('spells its name', () => {
    expect(text(...[2, 3, 4].flatMap((n) => leaf(0x8000_0000 + n)))).toBe('bit63');
  });

  test('reports exactly the features there are', () => {
    for (const [name, { leaf: eax, subleaf, register, bit }] of Object.entries(FEATURES)) {
      const index = ['eax', 'ebx', 'ecx', 'edx'].indexOf(register);
      const difference = leaf(eax, subleaf, [name as FeatureName]).map(
        (word, n) => word ^ leaf(eax, subleaf)[n],
      );
      const expected = [0, 0, 0, 0];
      expected[index] = 1 << bit;
      expect(difference, name).toEqual(expected);
    }
  });

  test('ignores the subleaf where there is none', () => {
    expect(leaf(1, 5, ['cmov'])).toEqual(leaf(1, 0, ['cmov']));
    expect(leaf(7, 2, ['lass', 'smap'])).toEqual([0, 0, 0, 0]);
  });

  test('tells the widths of addresses', () => {
    expect(leaf(0x8000_0008)[0]).toBe(46 | (48 << 8));
    expect(leaf(0x8000_0008, 0, ['la57'])[0]).toBe(46 | (57 << 8));
  });

  test.each([0x4, 0xb, 0xd, 0x15, 0x4000_0000, 0x8000_0009])('leaf %x is all zeros', (eax) => {
    expect(leaf(eax)).toEqual([0, 0, 0, 0]);
  });
});

describe('the feature that an instruction needs', () => {
  test.each([
    ['Cmpxchg16b_m128', 64, 'cx16'],
    ['VEX_Andn_r64_r64_rm64', 64, 'bmi1'],
    ['Stac', 64, 'smap'],
    ['Lahf', 64, 'lahf_lm'],
    ['Lahf', 32, undefined],
    ['Tzcnt_r64_rm64', 64, undefined],
    ['Lzcnt_r64_rm64', 64, undefined],
    ['Prefetchw_m8', 64, undefined],
    ['Add_rm64_r64', 64, undefined],
  ] as const)('%s in %i-bit mode: %s', (code, mode, feature) => {
    expect(requiredFeature(Code[code], mode)).toBe(feature);
  });
});

describe('RDTSC', () => {
  test('counts instructions', () => {
    const machine = prepare({ code: '90 90 0f31 89c3 0f31', with: { rax: -1n, rdx: -1n } });
    machine.run({ maxInstructions: 5 });
    expect(machine.registers.rbx).toBe(2n);
    expect(machine.registers.rax).toBe(4n);
    expect(machine.registers.rdx).toBe(0n);
  });

  test('with CR4.TSD is for CPL 0 alone', () => {
    for (const code of ['0f 31', '0f 01 f9']) {
      expect(run({ code, cr4: ['tsd'] }).ended).toBe('#GP(0)');
      expect(run({ code, cr4: ['tsd'], cpl: 0 }).ended).toBe('end');
    }
  });

  test('RDTSCP and RDPID tell TSC_AUX', () => {
    const { register } = run({
      code: '0f01f9 f30fc7fe', // rdtscp; rdpid rsi
      with: { tsc_aux: 0x8000_0007, rcx: -1n, rsi: -1n },
    });
    expect(register('rcx')).toBe(0x8000_0007n);
    expect(register('rsi')).toBe(0x8000_0007n);
  });
});

describe('RDRAND and RDSEED', () => {
  test.each(['0f c7 f0', '0f c7 f8'])('%s sets CF and clears the other flags', (code) => {
    const { register } = run({ code, with: { rax: -1n, rflags: 0x8d5 } });
    expect(register('rflags') & ARITHMETIC).toBe(1n);
    expect(register('rax') >> 32n).toBe(0n);
  });

  test('give the same numbers for the same seed, others for another', () => {
    const numbers = [5, 5, 6].map((seed) =>
      run({ code: '48 0f c7 f0  48 0f c7 fb', seed }).register('rax'),
    );
    expect(numbers[0]).toBe(numbers[1]);
    expect(numbers[0]).not.toBe(numbers[2]);
  });

  test('of 16 bits leave the rest of the register', () => {
    const { register } = run({ code: '66 0f c7 f0', with: { rax: 0x1122_3344_5566_0000n } });
    expect(register('rax') >> 16n).toBe(0x1122_3344_5566n);
  });
});
