import { describe, expect, test } from 'vitest';
import { Replayer } from '../../src/cli/conform/replay.ts';
import { readVector, type VectorMode } from '../../src/cli/conform/vector.ts';
import { ADD, FAULT, type Line, STORE, UNKNOWN } from './support.ts';

const exactly = { strict: false, faultAddress: true };

/** The differences as `part: expected / got`, or what else came of a vector. */
function replay(line: Line, tolerance = exactly, mode: VectorMode = 64): string[] {
  const verdict = new Replayer(mode, 'amd', tolerance).replay(
    readVector(JSON.stringify(line), mode),
  );
  return verdict.kind === 'failed'
    ? verdict.differences.map(({ part, expected, got, note }) =>
        [`${part}: ${expected} / ${got}`, note].filter((text) => text !== undefined).join(' / '),
      )
    : [verdict.kind];
}

describe('a vector passes', () => {
  test.each([
    ['whose registers and flags come out as recorded', ADD],
    ['whose memory does', STORE],
    ['whose exception does', FAULT],
    [
      'that lists memory outside of scratch',
      {
        ...ADD,
        i: {
          ...(ADD.i as Line),
          mem: [
            ['c6', '42'],
            ['10000000000000000', '42'],
          ],
        },
      },
    ],
  ])('%s', (_, line) => {
    expect(replay(line)).toEqual(['passed']);
  });

  test('whose REP instruction takes more than one run of the machine', () => {
    const line = {
      b: 'f3aa',
      c: 'Stosb_m8_AL',
      m: 'rep stosb',
      i: { rax: '55', rcx: '1fff', rdi: '10001001' },
      f: { rcx: '0', rdi: '10003000', mem: [['10001001', '55'.repeat(0x1fff)]] },
    };
    expect(replay(line)).toEqual(['passed']);
  });

  test('in 32-bit mode, low scratch memory included', () => {
    const line = {
      b: '678807',
      c: 'Mov_rm8_r8',
      m: 'mov [bx],al',
      i: { eax: '12', ebx: '4010' },
      f: { mem: [['4010', '12']] },
    };
    expect(replay(line, exactly, 32)).toEqual(['passed']);
  });
});

describe('a mismatch is reported', () => {
  test('in a register', () => {
    expect(replay({ ...ADD, f: { rax: '21', fl: '212' } })).toEqual(['rax: 0x21 / 0x20']);
  });

  test('in a register that should not have changed', () => {
    expect(replay({ ...ADD, f: { fl: '212' } })).toEqual(['rax: 0x18 / 0x20']);
  });

  test('in RIP', () => {
    expect(replay({ ...ADD, f: { ...(ADD.f as Line), rip: '20000900' } })).toEqual([
      'rip: 0x20000900 / 0x20000802',
    ]);
  });

  test('in a segment base', () => {
    expect(replay({ ...ADD, f: { ...(ADD.f as Line), gsb: '1000' } })).toEqual([
      'gs_base: 0x1000 / 0x0',
    ]);
  });

  test('in flags, by name', () => {
    expect(replay({ ...ADD, f: { rax: '20', fl: '2c3' } })).toEqual([
      'rflags: 0x2c3 (CF ZF SF IF) / 0x212 (AF IF) / CF AF ZF SF',
    ]);
  });

  test('in memory that should have changed', () => {
    expect(replay({ ...STORE, f: { mem: [['10001100', '11223355']] } })).toEqual([
      'memory 0x10001103: 55 / 44',
    ]);
  });

  test('in memory that should not have changed, a run of bytes at a time', () => {
    expect(replay({ ...STORE, f: {} })).toEqual(['memory 0x10001100: 00 00 00 00 / 11 22 33 44']);
  });

  test('in the first and the last byte of scratch memory', () => {
    const line = { b: '90', c: 'Nopd', m: 'nop', i: {} };
    expect(
      replay({
        ...line,
        f: {
          mem: [
            ['10001000', '00'],
            ['10002fff', '00'],
          ],
        },
      }),
    ).toEqual([
      expect.stringMatching(/^memory 0x10001000: 00 \/ [\da-f]{2}$/),
      expect.stringMatching(/^memory 0x10002fff: 00 \/ [\da-f]{2}$/),
    ]);
  });

  test('in much memory, shortened', () => {
    const line = {
      b: 'f3aa',
      c: 'Stosb_m8_AL',
      m: 'rep stosb',
      i: { rax: '55', rcx: '20', rdi: '10001000', mem: [['10001000', '00'.repeat(32)]] },
    };
    expect(replay({ ...line, f: { rcx: '0', rdi: '10001020' } })).toEqual([
      `memory 0x10001000: ${'00 '.repeat(16)}… (32 bytes) / ${'55 '.repeat(16)}… (32 bytes)`,
    ]);
    const apart = Array.from({ length: 10 }, (_, n) => [(0x1000_1000 + 2 * n).toString(16), '00']);
    const places = replay({
      ...line,
      f: { rcx: '0', rdi: '10001020', mem: [['10001000', '55'.repeat(32)], ...apart] },
    });
    expect(places).toHaveLength(9);
    expect(places[8]).toBe('memory:  / and 2 more places');
  });

  test('where an exception is missing', () => {
    expect(replay({ ...ADD, x: '#GP' })[0]).toBe('exception: #GP / none');
  });

  test('where there should be none, with its explanation', () => {
    const { x: _, ...line } = FAULT;
    expect(replay(line)[0]).toMatch(/^exception: none \/ #PF: .*0x10003000/);
  });

  test('where another exception was recorded', () => {
    expect(replay({ ...FAULT, x: '#SS' })[0]).toMatch(/^exception: #SS \/ #PF: /);
  });

  test('in the address of a page fault', () => {
    expect(replay({ ...FAULT, xa: '10003001' })).toEqual(['cr2: 0x10003001 / 0x10003000']);
  });

  test('in RIP after an exception', () => {
    expect(replay({ ...FAULT, f: { rip: '20000802' } })).toEqual(['rip: 0x20000802 / 0x20000800']);
  });

  test('where the machine leaves to the host', () => {
    const line = { b: 'cd80', c: 'Int_imm8', m: 'int 80h', i: {}, f: {} };
    expect(replay(line)).toEqual(['exception: none / exit to the host: interrupt']);
  });
});

describe('not compared', () => {
  test('are undefined flags, unless strictness is asked for', () => {
    const line = { ...ADD, f: { rax: '20', fl: '202' }, u: 0x10 };
    expect(replay(line)).toEqual(['passed']);
    expect(replay(line, { ...exactly, strict: true })).toEqual([
      'rflags: 0x202 (IF) / 0x212 (AF IF) / AF',
    ]);
  });

  test('are IF, TF and RF', () => {
    expect(replay({ ...ADD, f: { rax: '20', fl: '10112' } })).toEqual(['passed']);
  });

  test('is memory that the vector tells to ignore', () => {
    const line = { ...STORE, f: {}, im: [['10001100', 3]] };
    expect(replay(line)).toEqual(['memory 0x10001103: 00 / 44']);
    expect(replay({ ...line, im: [['10001100', 4]] })).toEqual(['passed']);
  });

  test('is the address of a page fault, unless asked for', () => {
    const line = { ...FAULT, xa: '10003001' };
    expect(replay(line, { strict: false, faultAddress: false })).toEqual(['passed']);
  });

  test('is an instruction that the machine does not know', () => {
    expect(replay(UNKNOWN)).toEqual(['unimplemented']);
  });
});

test('a vector finds the same machine whatever came before it', () => {
  const replayer = new Replayer(64, 'amd', exactly);
  const read = (line: Line) => readVector(JSON.stringify(line), 64);
  const dirty = read({ ...STORE, i: { ...(STORE.i as Line), fsb: '5000', r15: '1' }, f: {} });
  const load = { b: '8b07', c: 'Mov_r32_rm32', m: 'mov eax,[rdi]', i: { rdi: '10001100' } };
  const clean = read({ ...load, f: { rax: defaults(0x1000_1100) } });
  expect(replayer.replay(clean)).toEqual({ kind: 'passed' });
  expect(replayer.replay(dirty).kind).toBe('failed');
  expect(replayer.replay(clean)).toEqual({ kind: 'passed' });
  expect(replayer.replay(read(FAULT))).toEqual({ kind: 'passed' });
  expect(replayer.replay(read(UNKNOWN))).toEqual({ kind: 'unimplemented' });
  expect(replayer.replay(clean)).toEqual({ kind: 'passed' });
});

/** Four bytes of scratch memory as the format defines them, as a number in hex. */
function defaults(address: number): string {
  const byte = (n: number) => ((BigInt(address + n) * 0x9e37_79b1n) % (1n << 32n)) >> 24n;
  return (byte(0) | (byte(1) << 8n) | (byte(2) << 16n) | (byte(3) << 24n)).toString(16);
}
