import { expect, test } from 'vitest';
import { Machine } from '../../src/index.ts';
import { CODE, fromHex } from './driver.ts';

/** rdrand rax; rdseed rcx; rdrand edx; rdrand si */
const PROGRAM = '48 0f c7 f0  48 0f c7 f9  0f c7 f2  66 0f c7 f6';

function numbers(seed?: number | bigint): bigint[] {
  const machine = new Machine({ ramSize: 1 << 20, ...(seed === undefined ? {} : { seed }) });
  machine.map(CODE, 4096);
  machine.write(CODE, fromHex(PROGRAM));
  const seen: bigint[] = [];
  for (let n = 0; n < 3; n++) {
    machine.registers.rip = CODE;
    machine.run({ until: CODE + 15n });
    const { rax, rcx, rdx, rsi, rflags } = machine.registers;
    expect(rflags & 0x8d5n).toBe(1n);
    expect(rdx >> 32n).toBe(0n);
    seen.push(rax, rcx, rdx, rsi);
  }
  return seen;
}

test('the same seed gives the same numbers', () => {
  expect(numbers(1)).toEqual(numbers(1n));
  expect(numbers(2n ** 63n)).toEqual(numbers(2n ** 63n));
  expect(numbers(-1)).toEqual(numbers(2n ** 64n - 1n));
});

test('other seeds, and no seed, give others', () => {
  const seen = [
    numbers(0),
    numbers(1),
    numbers(2n ** 32n),
    numbers(2n ** 63n),
    numbers(),
    numbers(),
  ];
  expect(new Set(seen.map(String)).size).toBe(seen.length);
});

test('the numbers of one machine differ', () => {
  const wide = numbers(7).filter((_, n) => n % 4 < 2);
  expect(new Set(wide).size).toBe(wide.length);
  // All bits come up, set and clear.
  const all = Array.from({ length: 20 }, (_, seed) => numbers(seed)[0]!);
  expect(all.reduce((a, b) => a | b)).toBe(2n ** 64n - 1n);
  expect(all.reduce((a, b) => a & b)).toBe(0n);
});
