import { describe, expect, test } from 'vitest';
import { DATA, prepare, run } from './driver.ts';
import { instructionRows } from './instruction-rows.ts';

const ALL = 'flags=cf,pf,af,zf,sf,of';

describe('bit tests of registers', () => {
  instructionRows(64, [
    ['48 0f a3 c8', 'bt rax,rcx', 'rax=8000000000000000 rcx=ff', 'flags=cf'],
    ['48 0f ab c8', 'bts rax,rcx', 'rax=1 rcx=20', 'rax=100000001'],
    ['0f ab c8', 'bts eax,ecx', 'rax=1100000001 rcx=3f', 'rax=80000001'],
    ['0f a3 c8', 'bt eax,ecx', 'rax=1100000001 rcx=20', 'flags=cf'],
    ['66 0f b3 c8', 'btr ax,cx', 'rax=118000 rcx=1f', 'rax=110000 flags=cf'],
    ['48 0f ba f8 3f', 'btc rax,0x3f', 'rax=1', 'rax=8000000000000001'],
    ['0f ba f0 24', 'btr eax,0x24', `rax=10 ${ALL}`, 'rax=0'],
    ['0f ba e0 05', 'bt eax,5', `rax=10 ${ALL}`, 'flags=pf,af,zf,sf,of'],
  ]);
});

describe('bit strings in memory', () => {
  instructionRows(64, [
    ['48 0f ab 0b', 'bts [rbx],rcx', 'rbx=100100 rcx=41 [100108]=0000', '[100108]=0200'],
    ['48 0f ab 0b', 'bts [rbx],rcx', 'rbx=100100 rcx=ffffffffffffffff [1000ff]=00', '[1000ff]=80'],
    [
      '48 0f a3 0b',
      'bt [rbx],rcx',
      'rbx=ffff000000100100 rcx=8000000000000 [100100]=01',
      'flags=cf',
    ],
    ['48 0f a3 0b', 'bt [rbx],rcx', 'rbx=100100 rcx=8000000000000', '#GP(0)'],
    [
      '48 0f b3 0b',
      'btr [rbx],rcx',
      'rbx=100100 rcx=24 [100100]=ffffffffff',
      '[100104]=ef flags=cf [100100]=ffffffffef',
    ],
    ['0f bb 0b', 'btc [rbx],ecx', 'rbx=100100 rcx=ffffffe0 [1000fc]=0f', '[1000fc]=0e flags=cf'],
    ['66 0f ab 0b', 'bts [rbx],cx', 'rbx=100100 rcx=1ffff [1000ff]=00', '[1000ff]=80'],
    [
      '0f ba 2b 2a',
      'bts dword ptr [rbx],0x2a',
      'rbx=100100 [100100]=00000000',
      '[100100]=00040000',
    ],
    [
      '48 0f ba 33 2a',
      'btr qword ptr [rbx],0x2a',
      'rbx=100100 [100105]=ff',
      '[100105]=fb flags=cf',
    ],
    ['67 0f ab 0b', 'bts [ebx],ecx', 'rbx=7700100100 rcx=20 [100104]=00', '[100104]=01'],
    ['67 0f ab 0b', 'bts [ebx],ecx', 'rbx=f0100104 rcx=7fffffe0 [100100]=00', '[100100]=01'],
    ['67 0f ab 8b 04 00 f0 ff', 'bts [ebx-0xffffc],ecx', 'rbx=200000 rcx=ffffffc0', '#PF(6)'],
  ]);

  test('carry from the low half of the address into the high half', () => {
    const machine = prepare({
      code: '48 0f ab 0b', // bts [rbx],rcx
      with: { rbx: 0xffff_fff8n, rcx: 0x40 },
    });
    machine.map(0x1_0000_0000n, 0x1000, 'rwu');
    expect(machine.run({ maxInstructions: 1 }).reason).not.toBe('exception');
    expect(machine.read(0x1_0000_0000n, 1)).toEqual(Uint8Array.of(1));
  });

  test('access as many bytes as the operand has, at the address of the unit with the bit', () => {
    for (const [code, size] of [
      ['66 0f a3 0b', 2], // bt [rbx],cx
      ['0f a3 0b', 4], // bt [rbx],ecx
      ['48 0f a3 0b', 8], // bt [rbx],rcx
    ] as const) {
      const end = DATA + 0x2000n;
      const within = run({ code, with: { rbx: end - BigInt(2 * size), rcx: 16 * size - 1 } });
      expect(within.ended).toBe('end');
      const beyond = run({ code, with: { rbx: end - BigInt(2 * size) + 1n, rcx: 8 * size } });
      expect(beyond.ended).toBe('#PF(4)');
      expect(beyond.exit).toMatchObject({ linearAddress: end });
    }
  });

  test('work across pages, also with LOCK', () => {
    const rbx = DATA + 0xffdn;
    const { ended, register, memory } = run({
      code: 'f0 48 0f bb 0b', // lock btc [rbx],rcx
      with: { rbx, rcx: 63 },
      memory: { [`${rbx}`]: '00000000000000ff' },
    });
    expect(ended).toBe('end');
    expect(memory(rbx, 8)).toBe('000000000000007f');
    expect(register('rflags') & 1n).toBe(1n);
  });

  test('BT does not need the right to write, BTS does', () => {
    for (const [code, name] of [
      ['0f a3 0b', undefined], // bt [rbx],ecx
      ['0f ab 0b', '#PF'], // bts [rbx],ecx
    ] as const) {
      const machine = prepare({ code, with: { rbx: DATA, rcx: 0 } });
      machine.protect(DATA, 0x1000, 'ru');
      const exit = machine.run({ maxInstructions: 1 });
      expect(exit.reason === 'exception' ? exit.name : undefined).toBe(name);
    }
  });
});

describe('in real mode', () => {
  instructionRows(16, [
    ['0f ab 0f', 'bts [bx],cx', 'rbx=2000 rcx=fff0 [1ffe]=00', '[1ffe]=01'],
    ['0f ab 0f', 'bts [bx],cx', 'rbx=fffe rcx=20 [2]=00', '[2]=01'],
    [
      '66 0f ab 0f',
      'bts [bx],ecx',
      'rbx=2000 rcx=7fffffff [2000]=00 [1ffc]=00000000',
      '[1ffc]=00000080',
    ],
    ['0f bc c3', 'bsf ax,bx', 'rax=110000 rbx=8', 'rax=110003'],
    ['f3 0f bc c3', 'tzcnt ax,bx', 'rax=110000 rbx=10000', 'rax=110010 flags=cf'],
    ['0f 94 07', 'sete [bx]', 'rbx=2000 [2000]=77 flags=zf', '[2000]=01'],
  ]);
});

describe('bit scans', () => {
  instructionRows(64, [
    ['48 0f bc c3', 'bsf rax,rbx', `rbx=8000000000000000 ${ALL}`, 'rax=3f flags=cf,pf,af,sf,of'],
    ['48 0f bd c3', 'bsr rax,rbx', 'rbx=100000000 flags=pf', 'rax=20'],
    [
      '0f bd c3',
      'bsr eax,ebx',
      `rax=1100000000 rbx=ff80000000 ${ALL}`,
      'rax=1f flags=cf,pf,af,sf,of',
    ],
  ]);
  describe('of 0 set ZF and leave the whole destination', () => {
    instructionRows(64, [
      ['0f bc c3', 'bsf eax,ebx', 'rax=1122334455667788 rbx=ff00000000 flags=sf', 'flags=zf,sf'],
      ['66 0f bd c3', 'bsr ax,bx', `rax=1122 rbx=10000 ${ALL}`, ''],
      ['48 0f bd c3', 'bsr rax,rbx', 'rax=1122 rbx=0 flags=cf,pf', 'flags=cf,pf,zf'],
    ]);
  });
});

describe('bit counts', () => {
  instructionRows(64, [
    ['f3 48 0f bc c3', 'tzcnt rax,rbx', `rbx=100000000 ${ALL}`, 'rax=20 flags=of'],
    ['f3 48 0f bc c3', 'tzcnt rax,rbx', 'rbx=0', 'rax=40 flags=cf'],
    ['f3 0f bc c3', 'tzcnt eax,ebx', 'rax=1100000000 rbx=1', 'rax=0 flags=zf'],
    ['f3 48 0f bd c3', 'lzcnt rax,rbx', 'rbx=1', 'rax=3f flags=none'],
    ['f3 0f bd c3', 'lzcnt eax,ebx', 'rbx=ff00000000', 'rax=20 flags=cf'],
    ['66 f3 0f bd c3', 'lzcnt ax,bx', 'rax=ff0000 rbx=8000', 'flags=zf'],
    ['f3 48 0f b8 c3', 'popcnt rax,rbx', `rbx=ffffffffffffffff ${ALL}`, 'rax=40 flags=none'],
    ['f3 0f b8 c3', 'popcnt eax,ebx', `rax=1100000000 rbx=ff00000000 ${ALL}`, 'rax=0 flags=zf'],
    ['66 f3 0f b8 c3', 'popcnt ax,bx', 'rax=ff0000 rbx=10101', 'rax=ff0002'],
  ]);
});

describe('SETcc', () => {
  /** By encoding: the flags that make each even condition hold, and some that do not. */
  const conditions: readonly (readonly [number, number])[] = [
    [0x800, 0x0d5],
    [0x001, 0x8d4],
    [0x040, 0x895],
    [0x041, 0x894],
    [0x080, 0x855],
    [0x004, 0x8d1],
    [0x880, 0x880 ^ 0x800],
    [0x040, 0x880],
  ];

  test.each(conditions.map((flags, n) => [n, ...flags] as const))(
    'stores whether condition %i holds, and the condition after it the opposite',
    (n, first, second) => {
      const code = `0f ${(0x90 + 2 * n).toString(16)} c0  0f ${(0x91 + 2 * n).toString(16)} c4`;
      const results = [first, second].map(
        (rflags) => run({ code, with: { rax: 0xffff_7777, rflags } }).register('rax') & 0xffffn,
      );
      // SETL is the one of which the flags first given, SF and OF alike, do not hold.
      expect(results).toEqual(n === 6 ? [0x0100n, 0x0001n] : [0x0001n, 0x0100n]);
    },
  );

  test('leaves the flags and writes a single byte, of which a fault changes none', () => {
    const last = DATA + 0x1fffn;
    const code = '0f 93 03'; // setae [rbx]
    const { ended, register, memory } = run({ code, with: { rbx: last, rflags: 0xad6 } });
    expect(ended).toBe('end');
    expect(memory(last, 1)).toBe('01');
    expect(register('rflags')).toBe(0xad6n);
    expect(run({ code, with: { rbx: last + 1n } }).ended).toBe('#PF(6)');
  });
});
