import { describe, expect, test } from 'vitest';
import { CODE, DATA, fromHex, prepare, STACK_TOP } from './driver.ts';

const IOPL_3 = 0x3202n;
/** jmp $ */
const FOREVER = 'eb fe';

describe('until', () => {
  const NOPS = '90 90 90 90';

  test.each([0, 1, 2, 3, 4])(
    'stops before the instruction at +%i, in the middle of a block too',
    (n) => {
      const machine = prepare({ code: `${NOPS} 90` });
      const rip = CODE + BigInt(n);
      expect(machine.run({ until: rip })).toEqual({ reason: 'until', rip });
      expect(machine.registers.rip).toBe(rip);
      expect(machine.instructionsRetired).toBe(n);
    },
  );

  test('takes numbers, bigints, and any collection of them', () => {
    const machine = prepare({ code: NOPS });
    expect(machine.run({ until: Number(CODE) + 1 }).rip).toBe(CODE + 1n);
    expect(machine.run({ until: [CODE + 2n, Number(CODE) + 3] }).rip).toBe(CODE + 2n);
    expect(machine.run({ until: new Set([CODE + 3n]) }).rip).toBe(CODE + 3n);
  });

  test('is for one run', () => {
    const machine = prepare({ code: NOPS });
    machine.run({ until: CODE + 1n });
    expect(machine.run({ until: CODE + 4n }).rip).toBe(CODE + 4n);
  });

  test('inside an instruction never comes', () => {
    const machine = prepare({ code: '48 c7 c0 01 00 00 00 90' });
    expect(machine.run({ until: [CODE + 3n, CODE + 8n] }).rip).toBe(CODE + 8n);
  });

  test('an empty collection is no stop', () => {
    const machine = prepare({ code: FOREVER });
    expect(machine.run({ until: [], maxInstructions: 10 }).reason).toBe('limit');
  });
});

describe('maxInstructions', () => {
  /** Branches, a REP, memory, calls: sum of all counts is the same however it is cut. */
  const CODE_HEX =
    'b9 05 00 00 00  51  b1 07  f3 aa  59  e8 02 00 00 00  eb 04  48 ff c6  c3  ff c9  75 eb  90';
  const END = CODE + BigInt(fromHex(CODE_HEX).length);
  const start = () => prepare({ code: CODE_HEX, with: { rdi: DATA } });

  test('is exact, in the middle of blocks too', () => {
    const whole = start();
    expect(whole.run({ until: END, maxInstructions: 10_000 }).reason).toBe('until');
    const total = whole.instructionsRetired;
    for (let n = 0; n <= total; n++) {
      const cut = start();
      const single = start();
      const exit = cut.run({ until: END, maxInstructions: n });
      for (let step = 0; step < n; step++) {
        single.step();
      }
      expect(exit.reason).toBe(n === total ? 'until' : 'limit');
      expect(cut.instructionsRetired).toBe(n);
      for (const name of ['rip', 'rcx', 'rdi', 'rsi', 'rsp', 'rflags'] as const) {
        expect(cut.registers[name], `${name} after ${n}`).toBe(single.registers[name]);
      }
    }
  });

  test('0 executes nothing, and tells so', () => {
    const machine = start();
    expect(machine.run({ maxInstructions: 0 })).toEqual({
      reason: 'limit',
      limit: 'instructions',
      rip: CODE,
    });
    expect(machine.run({ maxInstructions: 0, until: CODE }).reason).toBe('until');
  });

  test.each([99_999, 100_000, 100_001, 250_000])('%i is exact over many slices', (count) => {
    const machine = prepare({ code: '90 90 eb fc' });
    expect(machine.run({ maxInstructions: count }).reason).toBe('limit');
    expect(machine.instructionsRetired).toBe(count);
  });

  test('an instruction that faults counts, but is not retired', () => {
    const machine = prepare({ code: '90 8b 12', with: { rdx: 0x6000_0000 } });
    expect(machine.run({ maxInstructions: 2 })).toMatchObject({ reason: 'exception' });
    expect(machine.instructionsRetired).toBe(1);
    machine.registers.rip = CODE;
    expect(machine.run({ maxInstructions: 1 })).toMatchObject({ reason: 'limit', rip: CODE + 1n });
  });

  test('the last instruction may still end the run by itself', () => {
    const machine = prepare({ code: '90 f4', cpl: 0 });
    expect(machine.run({ maxInstructions: 2 }).reason).toBe('halt');
  });
});

describe('time', () => {
  test('a timeout ends a loop', () => {
    const machine = prepare({ code: FOREVER });
    const before = performance.now();
    expect(machine.run({ timeout: 20 })).toEqual({ reason: 'limit', limit: 'time', rip: CODE });
    expect(performance.now() - before).toBeGreaterThanOrEqual(20);
    expect(machine.instructionsRetired).toBeGreaterThan(0);
  });

  test('a timeout of 0 executes nothing', () => {
    const machine = prepare({ code: FOREVER });
    expect(machine.run({ timeout: 0 })).toMatchObject({ limit: 'time' });
    expect(machine.instructionsRetired).toBe(0);
  });

  test('a signal that is aborted executes nothing', () => {
    const machine = prepare({ code: FOREVER });
    expect(machine.run({ signal: { aborted: true } })).toEqual({ reason: 'aborted', rip: CODE });
    expect(machine.instructionsRetired).toBe(0);
  });

  test('a signal that a hook aborts is seen', () => {
    const machine = prepare({ code: `e6 10 ${FOREVER}`, with: { rflags: IOPL_3 } });
    const controller = new AbortController();
    machine.hook({
      out: () => {
        controller.abort();
        return true;
      },
    });
    expect(machine.run({ signal: controller.signal }).reason).toBe('aborted');
  });

  test('runAsync lets a signal arrive', async () => {
    const machine = prepare({ code: FOREVER });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const exit = await machine.runAsync({ signal: controller.signal });
    expect(exit).toEqual({ reason: 'aborted', rip: CODE });
    expect(machine.run({ maxInstructions: 5 }).reason).toBe('limit');
  });

  test('runAsync lets stop() arrive', async () => {
    const machine = prepare({ code: FOREVER });
    setTimeout(() => machine.stop(), 5);
    expect(await machine.runAsync()).toEqual({ reason: 'stop', rip: CODE });
  });

  test('runAsync ends as run does', async () => {
    const machine = prepare({ code: '90 90' });
    expect(await machine.runAsync({ until: CODE + 2n })).toEqual({
      reason: 'until',
      rip: CODE + 2n,
    });
    machine.registers.rip = CODE;
    expect(await machine.runAsync({ maxInstructions: 1 })).toMatchObject({ reason: 'limit' });
    expect(await machine.runAsync({ timeout: 0 })).toMatchObject({ limit: 'time' });
  });

  test('while runAsync is under way no other run begins', async () => {
    const machine = prepare({ code: FOREVER });
    const running = machine.runAsync({ timeout: 30 });
    const turn = new Promise<void>((resolve) => {
      setTimeout(() => {
        expect(() => machine.run()).toThrow('the machine is running');
        expect(() => machine.restore(machine.snapshot())).toThrow('the machine is running');
        resolve();
      }, 1);
    });
    await expect(machine.runAsync()).rejects.toThrow('the machine is running');
    await turn;
    expect(await running).toMatchObject({ limit: 'time' });
    expect(machine.step().reason).toBe('limit');
  });

  test('an error of a hook rejects what runAsync returned', async () => {
    const machine = prepare({ code: '90' });
    const remove = machine.hook({
      instruction: () => {
        throw new Error('from the hook');
      },
    });
    await expect(machine.runAsync()).rejects.toThrow('from the hook');
    remove();
    expect((await machine.runAsync({ until: CODE + 1n })).reason).toBe('until');
  });

  test('stop() before a run does not end it', () => {
    const machine = prepare({ code: '90' });
    machine.stop();
    expect(machine.run({ until: CODE + 1n }).reason).toBe('until');
  });
});

describe.each([false, true])('exits (watched: %s)', (watched) => {
  const run = (code: string, options: object) => {
    const machine = prepare({ ...options, code: `90 ${code} 90` });
    if (watched) {
      machine.hook({ instruction: () => undefined });
    }
    return { machine, exit: machine.run({ maxInstructions: 100 }) };
  };
  const START = CODE + 1n;

  test.each([
    ['hlt', 'f4', { cpl: 0 }, { reason: 'halt', rip: START + 1n }],
    ['int 80h', 'cd 80', {}, { reason: 'interrupt', vector: 0x80, rip: START + 2n }],
    ['syscall', '0f 05', {}, { reason: 'syscall', instruction: 'syscall', rip: START + 2n }],
    ['sysenter', '0f 34', {}, { reason: 'syscall', instruction: 'sysenter', rip: START + 2n }],
    [
      'in al,60h',
      'e4 60',
      { cpl: 0 },
      {
        ...{ reason: 'io', direction: 'in', port: 0x60, size: 1 },
        ...{ value: 0, string: false, rip: START + 2n },
      },
    ],
    [
      'out dx,eax',
      'ef',
      { cpl: 0, with: { rdx: 0x3f8, rax: 0x8765_4321 } },
      {
        ...{ reason: 'io', direction: 'out', port: 0x3f8, size: 4 },
        ...{ value: 0x8765_4321, string: false, rip: START + 1n },
      },
    ],
    [
      'outsb',
      '6e',
      { cpl: 0, with: { rdx: 0x3f8, rsi: DATA }, memory: { [`${DATA}`]: '41' } },
      {
        ...{ reason: 'io', direction: 'out', port: 0x3f8, size: 1 },
        ...{ value: 0x41, string: true, rip: START },
      },
    ],
    [
      'rdmsr at CPL 0',
      '0f 32',
      { cpl: 0 },
      { reason: 'unimplemented', instruction: 'Rdmsr', rip: START },
    ],
  ] as const)('%s', (_text, code, options, expected) => {
    const { machine, exit } = run(code, options);
    expect(exit).toEqual(expected);
    expect(machine.registers.rip).toBe(expected.rip);
    const happened = expected.rip > START;
    expect(machine.instructionsRetired).toBe(happened ? 2 : 1);
  });

  test.each([
    ['div by 0', 'f7 f1', { vector: 0, name: '#DE', cause: 'divide' }, {}],
    ['int3', 'cc', { vector: 3, name: '#BP', cause: 'breakpoint', rip: START + 1n }, {}],
    ['ud2', '0f 0b', { vector: 6, name: '#UD', cause: 'invalid-opcode' }, {}],
    ['hlt at CPL 3', 'f4', { vector: 13, name: '#GP', errorCode: 0, cause: 'privilege' }, {}],
    ['in at CPL 3', 'e4 60', { vector: 13, name: '#GP', errorCode: 0, cause: 'io-privilege' }, {}],
    [
      'a read of nothing',
      '48 8b 02',
      {
        ...{ vector: 14, name: '#PF', errorCode: 4, cause: 'not-present' },
        ...{ linearAddress: 0x6000_0000n, access: 'read', size: 8 },
      },
      { with: { rdx: 0x6000_0000 } },
    ],
    [
      'a stack outside',
      '50',
      {
        ...{ vector: 12, name: '#SS', errorCode: 0, cause: 'canonical' },
        ...{ linearAddress: (1n << 62n) - 8n, access: 'write', size: 8 },
      },
      { with: { rsp: 1n << 62n } },
    ],
    [
      'a LASS violation',
      '8a 02',
      {
        ...{ vector: 13, name: '#GP', errorCode: 0, cause: 'lass', lassRule: 'R1' },
        ...{ linearAddress: 0xffff_8000_0000_0000n, access: 'read', size: 1 },
      },
      { cr4: ['lass'], with: { rdx: 0xffff_8000_0000_0000n } },
    ],
  ] as const)('%s', (_text, code, expected, options) => {
    const { machine, exit } = run(code, options);
    const { explanation, ...fields } = exit as { explanation: string };
    expect(fields).toEqual({
      reason: 'exception',
      rip: START,
      ...expected,
    });
    expect(explanation).toMatch(/\w.*\.$/s);
    expect(machine.registers.rip).toBe('rip' in expected ? expected.rip : START);
  });

  test('after an exit the run goes on behind it', () => {
    const machine = prepare({ code: 'cd 80 0f 05 e4 60 f4 48 ff c3', cpl: 0 });
    const reasons: string[] = [];
    for (let n = 0; n < 5; n++) {
      const exit = machine.run({ until: CODE + 10n });
      reasons.push(exit.reason);
      if (exit.reason === 'io') {
        machine.registers.al = 0x5an;
      }
    }
    expect(reasons).toEqual(['interrupt', 'syscall', 'io', 'halt', 'until']);
    expect(machine.registers.al).toBe(0x5an);
    expect(machine.registers.rbx).toBe(1n);
    expect(machine.registers.rsp).toBe(STACK_TOP - 0x100n);
  });
});

describe('instructionBytes', () => {
  test('are those at RIP, as far as they are mapped', () => {
    const machine = prepare({ code: '90 48 ff c0' });
    expect([...machine.instructionBytes().subarray(0, 4)]).toEqual([0x90, 0x48, 0xff, 0xc0]);
    expect(machine.instructionBytes()).toHaveLength(15);
    machine.registers.rip = CODE + 0x2000n - 3n;
    expect(machine.instructionBytes()).toHaveLength(3);
    machine.registers.rip = 0x6000_0000n;
    expect(machine.instructionBytes()).toHaveLength(0);
    machine.registers.rip = 1n << 60n;
    expect(machine.instructionBytes()).toHaveLength(0);
  });

  test('come from both sides of a page boundary', () => {
    const machine = prepare({ code: '90', memory: { [`${CODE + 0xffen}`]: '01020304' } });
    machine.registers.rip = CODE + 0xffen;
    expect([...machine.instructionBytes().subarray(0, 4)]).toEqual([1, 2, 3, 4]);
  });
});
