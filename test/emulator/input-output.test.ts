import { describe, expect, test } from 'vitest';
import { CODE, DATA, prepare, run } from './driver.ts';

const IOPL3 = 3n << 12n;

describe('IN and OUT', () => {
  test('without a device end the run behind them', () => {
    const { exit } = run({ code: 'e4 60', cpl: 0 }); // in al,60h
    expect(exit).toEqual({
      reason: 'io',
      direction: 'in',
      port: 0x60,
      size: 1,
      value: 0,
      string: false,
      rip: CODE + 2n,
    });
  });

  test('OUT tells the value it sent, unsigned', () => {
    const { exit } = run({ code: 'ef', cpl: 0, with: { rdx: 0xf_0cf8, rax: 0x1_8000_0000n } });
    expect(exit).toMatchObject({ direction: 'out', port: 0x0cf8, size: 4, value: 0x8000_0000 });
  });

  test.each([
    ['ec', 1, 0x1122_3344_5566_77abn],
    ['66 ed', 2, 0x1122_3344_5566_12abn],
    ['ed', 4, 0x8765_12abn],
  ])('%s takes %i bytes from a device', (code, size, rax) => {
    const machine = prepare({ code, cpl: 0, with: { rdx: 0x3f8, rax: 0x1122_3344_5566_7788n } });
    const seen: unknown[] = [];
    machine.hook({
      in: ({ port, size }) => {
        seen.push([port, size]);
        return 0x8765_12ab;
      },
    });
    machine.step();
    expect(machine.registers.rax).toBe(rax);
    expect(seen).toEqual([[0x3f8, size]]);
  });

  test('a device takes what OUT sends', () => {
    const machine = prepare({ code: 'e6 80', cpl: 0, with: { rax: 0x1234 } });
    const seen: unknown[] = [];
    machine.hook({ out: ({ port, size, value }) => seen.push([port, size, value]) > 0 });
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    expect(seen).toEqual([[0x80, 1, 0x34]]);
  });

  test.each([
    [3, 0n, '#GP(0)'],
    [3, IOPL3, 'io'],
    [0, 0n, 'io'],
  ])('at CPL %i with IOPL %i end with %s', (cpl, rflags, ended) => {
    for (const code of ['ec', 'ee', '6c', '6e', 'f3 6c']) {
      const outcome = run({ code, cpl, with: { rflags, rsi: DATA, rdi: DATA, rcx: 1 } });
      expect(outcome.ended).toBe(ended);
    }
  });

  test('need no privilege in real mode', () => {
    expect(run({ code: 'ec', mode: 16 }).ended).toBe('io');
  });

  test('a device may send the guest elsewhere', () => {
    const machine = prepare({ code: 'ec 90 90', cpl: 0 });
    machine.hook({
      in: () => {
        machine.registers.rip = CODE + 2n;
        return 1;
      },
    });
    machine.step();
    expect(machine.registers.rip).toBe(CODE + 2n);
  });
});

describe('INS and OUTS', () => {
  test('REP INS fills memory from a device', () => {
    const machine = prepare({ code: 'f3 66 6d', cpl: 0, with: { rdi: DATA, rcx: 3 } });
    let next = 0x0101;
    machine.hook({ in: () => next++ });
    expect(machine.run({ until: CODE + 3n }).reason).toBe('until');
    expect([...machine.read(DATA, 7)]).toEqual([1, 1, 2, 1, 3, 1, 0]);
    expect(machine.registers.rdi).toBe(DATA + 6n);
    expect(machine.registers.rcx).toBe(0n);
  });

  test('REP OUTS sends memory to a device', () => {
    const machine = prepare({
      code: 'f3 6e',
      cpl: 0,
      with: { rsi: DATA, rcx: 3, rdx: 0xe9 },
      memory: { [`${DATA}`]: '414243' },
    });
    const sent: number[] = [];
    machine.hook({ out: ({ value }) => sent.push(value) > 0 });
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    expect(sent).toEqual([0x41, 0x42, 0x43]);
  });

  test('without a device the run ends before the element, with those before it done', () => {
    const machine = prepare({ code: 'f3 6c', cpl: 0, with: { rdi: DATA, rcx: 4 } });
    let answers = 2;
    machine.hook({ in: () => (answers-- > 0 ? 0x55 : undefined) });
    expect(machine.run()).toMatchObject({ reason: 'io', direction: 'in', string: true, rip: CODE });
    expect(machine.registers.rcx).toBe(2n);
    expect(machine.registers.rdi).toBe(DATA + 2n);
    expect(machine.instructionsRetired).toBe(0);
    answers = 2;
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    expect([...machine.read(DATA, 5)]).toEqual([0x55, 0x55, 0x55, 0x55, 0]);
  });

  test('OUTS without a device tells the value that has not been sent', () => {
    const { exit, register } = run({
      code: '6f', // outsd
      cpl: 0,
      with: { rsi: DATA, rdx: 0x70 },
      memory: { [`${DATA}`]: '010203ff' },
    });
    expect(exit).toMatchObject({ value: 0xff03_0201, size: 4, string: true, rip: CODE });
    expect(register('rsi')).toBe(DATA);
  });

  test('INS to memory that cannot be written does not read the port', () => {
    const machine = prepare({ code: '6c', cpl: 0, with: { rdi: 0x1000 } });
    let reads = 0;
    machine.hook({ in: () => ++reads });
    expect(machine.run()).toMatchObject({ name: '#PF', access: 'write' });
    expect(reads).toBe(0);
  });

  test('a device that sends the guest elsewhere ends the repetition', () => {
    const machine = prepare({ code: 'f3 6c 90 90', cpl: 0, with: { rdi: DATA, rcx: 4 } });
    machine.hook({
      in: () => {
        machine.registers.rip = CODE + 3n;
        return 1;
      },
    });
    machine.step();
    expect(machine.registers.rip).toBe(CODE + 3n);
    expect(machine.registers.rcx).toBe(3n);
  });
});
