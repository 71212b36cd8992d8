import { describe, expect, test } from 'vitest';
import { type Machine, REGISTER_NAMES } from '../../src/index.ts';
import { CODE, DATA, fromHex, prepare, run, STACK_TOP } from './driver.ts';

/** The byte behind the code pages of the driver. */
const CODE_END = CODE + 0x2000n;

const registersOf = (machine: Machine): Record<string, bigint> =>
  Object.fromEntries(REGISTER_NAMES.map((name) => [name, machine.registers[name]]));

/** All that a guest can tell of its state. */
function stateOf(machine: Machine) {
  const memory = [CODE, DATA, STACK_TOP - 0x2000n].map((at) =>
    Buffer.from(machine.read(at, 0x2000)).toString('latin1'),
  );
  return { registers: registersOf(machine), memory, retired: machine.instructionsRetired };
}

/** Programs to be cut at every instruction. */
const PROGRAMS: readonly [string, string, Record<string, bigint | number>][] = [
  ['straight code of 80 instructions', 'ff c0 01 c3'.repeat(40), {}],
  ['a loop', '01 c3 ff c9 75 fa', { ecx: 20, eax: 3 }],
  ['calls', 'e8 05 00 00 00 ff c9 75 f7 90 ff c0 c3', { ecx: 6 }],
  ['a loop that overwrites itself', '05 00 00 00 00 ff 05 f6 ff ff ff ff c9 75 f1', { ecx: 8 }],
  [
    'string instructions',
    '89 d1 f3 aa 89 d1 f3 a4 ff c8 75 f2',
    { rax: 4, rdx: 9, rdi: DATA, rsi: CODE },
  ],
  ['a fault in the middle', 'ff c0 ff c3 ff c1 8b 02 ff c0', { rdx: 0x123 }],
  ['an invalid opcode in the middle', 'ff c0 ff c3 ff c1 06 ff c0', {}],
  ['stack and flags', '50 9c 9d 58 48 01 c3 9f 48 0f ba e0 03 48 11 c3', { rax: 0x1_0203n }],
];

describe('an instruction limit', () => {
  const STEPS = 90;

  test.each(PROGRAMS)('that ends anywhere in %s is as so many single steps', (_text, code, at) => {
    const scenario = { code, with: at };
    const stepped = prepare(scenario);
    for (let count = 1; count <= STEPS; count++) {
      stepped.step();
      const limited = prepare(scenario);
      const exit = limited.run({ maxInstructions: count });
      const state = stateOf(limited);
      expect(state).toEqual(stateOf(stepped));
      if (exit.reason !== 'limit') {
        break;
      }
      expect(state.retired).toBe(count);
    }
  });

  test.each(PROGRAMS)('cuts %s into pieces of 3 with the same end', (_text, code, at) => {
    const whole = prepare({ code, with: at });
    const cut = prepare({ code, with: at });
    const exit = whole.run({ maxInstructions: STEPS });
    let last = cut.run({ maxInstructions: 3 });
    for (let done = 3; done < STEPS && last.reason === 'limit'; done += 3) {
      last = cut.run({ maxInstructions: 3 });
    }
    expect(last).toEqual(exit);
    expect(stateOf(cut)).toEqual(stateOf(whole));
  });

  test.each(PROGRAMS)('finds %s the same when it is watched', (_text, code, at) => {
    const plain = prepare({ code, with: at });
    const watched = prepare({ code, with: at });
    let seen = 0;
    watched.hook({
      instruction: () => {
        seen++;
        return undefined;
      },
    });
    for (const count of [1, 5, 7, 33, 44]) {
      expect(watched.run({ maxInstructions: count })).toEqual(
        plain.run({ maxInstructions: count }),
      );
      expect(stateOf(watched)).toEqual(stateOf(plain));
    }
    expect(seen).toBeGreaterThanOrEqual(watched.instructionsRetired);
  });

  test('of 0 does nothing', () => {
    const machine = prepare({ code: 'ff c0' });
    expect(machine.run({ maxInstructions: 0 })).toEqual({
      reason: 'limit',
      limit: 'instructions',
      rip: CODE,
    });
    expect(machine.registers.rax).toBe(0n);
  });
});

describe('an address to stop at', () => {
  const code = 'ff c0'.repeat(40); // inc eax, more than a block of them

  test('is found wherever it is in straight code', () => {
    for (let n = 0; n <= 40; n++) {
      const machine = prepare({ code });
      const until = CODE + 2n * BigInt(n);
      expect(machine.run({ until, maxInstructions: 100 })).toEqual({ reason: 'until', rip: until });
      expect(machine.registers.rax).toBe(BigInt(n));
      expect(machine.instructionsRetired).toBe(n);
    }
  });

  test('is found in code that has run before without it', () => {
    const machine = prepare({ code });
    machine.run({ until: CODE + 80n });
    machine.registers.rip = CODE;
    expect(machine.run({ until: CODE + 10n })).toMatchObject({ rip: CODE + 10n });
    expect(machine.run({ until: [CODE + 80n, CODE + 14n] })).toMatchObject({ rip: CODE + 14n });
    expect(machine.run({ until: CODE + 80n })).toMatchObject({ rip: CODE + 80n });
    expect(machine.registers.rax).toBe(80n);
  });

  test('may be one of several, and the first that is reached counts', () => {
    const machine = prepare({ code });
    const until = [CODE + 60n, CODE + 20n, CODE + 40n];
    const stops = [1, 2, 3].map(() => {
      const { rip } = machine.run({ until });
      machine.step();
      return rip - CODE;
    });
    expect(stops).toEqual([20n, 40n, 60n]);
  });

  test('stops before the first instruction too, as often as asked', () => {
    const machine = prepare({ code });
    expect(machine.run({ until: CODE })).toEqual({ reason: 'until', rip: CODE });
    expect(machine.run({ until: CODE })).toEqual({ reason: 'until', rip: CODE });
    expect(machine.instructionsRetired).toBe(0);
  });

  test('within an instruction is never reached', () => {
    const machine = prepare({ code });
    expect(machine.run({ until: CODE + 3n, maxInstructions: 40 }).reason).toBe('limit');
    expect(machine.registers.rax).toBe(40n);
  });

  test('is found as the target of a branch and in a loop that is linked already', () => {
    const machine = prepare({ code: 'ff c0 eb fc' }); // again: inc eax; jmp again
    machine.run({ maxInstructions: 100 });
    expect(machine.run({ until: CODE + 2n, maxInstructions: 5 }).reason).toBe('until');
    expect(machine.registers.rax).toBe(51n);
    machine.step();
    expect(machine.run({ until: CODE, maxInstructions: 5 })).toMatchObject({ reason: 'until' });
  });

  test('comes before the limit when both are reached', () => {
    const machine = prepare({ code });
    expect(machine.run({ until: CODE + 4n, maxInstructions: 2 }).reason).toBe('until');
  });

  test('that is not mapped is reached without a fetch', () => {
    const machine = prepare({ code: '90' });
    machine.registers.rip = CODE_END - 1n;
    machine.write(CODE_END - 1n, [0x90]);
    expect(machine.run({ until: CODE_END })).toEqual({ reason: 'until', rip: CODE_END });
  });
});

describe('blocks', () => {
  test('of more than 32 instructions run as any other code, fault included', () => {
    const count = 100;
    const { exit, register } = run({ code: `${'ff c0'.repeat(count)} 0f 0b` });
    expect(exit).toMatchObject({ name: '#UD', rip: CODE + 2n * BigInt(count) });
    expect(register('eax')).toBe(BigInt(count));
  });

  test('end where the page ends and go on in the next', () => {
    const machine = prepare({ code: '90' });
    machine.write(CODE, new Uint8Array(0x2000).fill(0x90));
    machine.run({ until: CODE_END, maxInstructions: 0x2000 });
    expect(machine.registers.rip).toBe(CODE_END);
    expect(machine.instructionsRetired).toBe(0x2000);
  });

  test('that start within an instruction of another are blocks of their own', () => {
    const machine = prepare({ code: 'b8 ff c3 ff c3' }); // mov eax,…; or inc ebx; inc ebx
    machine.run({ until: CODE + 5n });
    machine.registers.rip = CODE + 1n;
    machine.run({ until: CODE + 5n });
    expect(machine.registers).toMatchObject({ rax: 0xc3ff_c3ffn, rbx: 2n });
    machine.write(CODE + 1n, fromHex('90 90'));
    machine.registers.rip = CODE;
    machine.run({ until: CODE + 5n });
    expect(machine.registers.rax).toBe(0xc3ff_9090n);
    machine.registers.rip = CODE + 1n;
    machine.run({ until: CODE + 5n });
    expect(machine.registers.rbx).toBe(3n);
  });

  test('read from a device as FFh, which is no instruction', () => {
    const machine = prepare({ code: 'ff e0', with: { rax: 0x70_0000 } });
    machine.mapDevice(0x70_0000, 0x1000, { read: (_, data) => void data.fill(0x90), write() {} });
    expect(machine.run({ maxInstructions: 10 })).toMatchObject({ name: '#UD', rip: 0x70_0000n });
  });
});
