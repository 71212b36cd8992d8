import { describe, expect, test } from 'vitest';
import { CODE, DATA, run } from './driver.ts';

const OF = 0x800;

test.each([
  ['cc', '#BP', 1n],
  ['3e cc', '#BP', 2n],
  ['f1', '#DB', 1n],
])('%s is a trap: %s with RIP behind it', (code, name, length) => {
  const { exit, machine } = run({ code: `${code} 90` });
  expect(exit).toMatchObject({ name, rip: CODE + length });
  expect(machine.instructionsRetired).toBe(1);
});

test('INT n ends the run behind it with the vector', () => {
  const { exit } = run({ code: 'cd 80 90' });
  expect(exit).toEqual({ reason: 'interrupt', vector: 0x80, rip: CODE + 2n });
});

test('INTO is a trap when OF is set, and nothing otherwise', () => {
  const trap = run({ mode: 32, code: 'ce 90', with: { rflags: OF } });
  expect(trap.exit).toMatchObject({ name: '#OF', rip: CODE + 1n });
  expect(run({ mode: 32, code: 'ce 90' }).ended).toBe('end');
});

test('INTO is invalid in 64-bit mode', () => {
  expect(run({ code: 'ce' }).ended).toBe('#UD');
});

describe('BOUND', () => {
  test.each([
    ['-2', 0xffff_fffen, 'end'],
    ['-3', 0xffff_fffdn, '#BR'],
    ['5', 5n, 'end'],
    ['6', 6n, '#BR'],
  ])('of %s with bounds -2 and 5', (_index, eax, ended) => {
    const { exit, ...outcome } = run({
      mode: 32,
      code: '62 03', // bound eax,[ebx]
      with: { eax, ebx: DATA },
      memory: { [`${DATA}`]: 'feffffff05000000' },
    });
    expect(outcome.ended).toBe(ended);
    expect(exit.rip).toBe(ended === 'end' ? CODE + 2n : CODE);
  });

  test('of 16 bits is signed too', () => {
    const scenario = { mode: 16, code: '62 06 00 20', memory: { 8192: 'feff0500' } } as const;
    expect(run({ ...scenario, with: { eax: 0x1_ffff } }).ended).toBe('end');
    expect(run({ ...scenario, with: { eax: 0x8000 } }).ended).toBe('#BR');
  });
});

test.each(['0f 0b', '0f b9 00', '0f ff 00'])('%s is #UD without an access', (code) => {
  expect(run({ code, with: { rax: 0x1000 } }).exit).toMatchObject({ name: '#UD', rip: CODE });
});
