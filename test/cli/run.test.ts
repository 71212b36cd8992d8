import { describe, expect, test } from 'vitest';
import { headline, statusOf } from '../../src/cli/run/describe.ts';
import { parseRunFlags } from '../../src/cli/run/options.ts';
import { Machine } from '../../src/index.ts';
import { bit63, example, json, temporary } from './harness.ts';

/** The registers after a run, by its JSON. */
async function registers(command: string | readonly string[]) {
  return (await json(command)).registers;
}

describe('bit63 run: where code and stack go', () => {
  test.each([
    ['', { rip: '0x400001', rsp: '0x7ffffffff000', cs: '0x33' }],
    ['--cpl 0', { rip: '0xffffffff80000001', rsp: '0xffffc90000010000', cs: '0x10' }],
    ['--base 0xffff_8880_0000_1000', { rip: '0xffff888000001001', rsp: '0xffffc90000010000' }],
    ['--base 0x1_0000', { rip: '0x10001', rsp: '0x7ffffffff000' }],
    ['--base 0xffff888000001000 --cpl 3', { rip: '0xffff888000001001', rsp: '0x7ffffffff000' }],
    ['--mode 32', { rip: '0x400001', rsp: '0xc0000000', cs: '0x23' }],
    ['--mode compat', { rip: '0x400001', rsp: '0xc0000000', cs: '0x23' }],
    ['--mode 16', { rip: '0x7c01', rsp: '0x7c00', cs: '0x0', ss: '0x0' }],
    ['--mode 16 --base 0x100', { rip: '0x101', rsp: '0x0', ss: '0x8000' }],
    ['--mode 16 --base 0x12345', { rip: '0x6', cs: '0x1234', ds: '0x1234' }],
    ['--stack 0x10000:4K', { rsp: '0x11000' }],
    ['--stack 0x10000:4090', { rsp: '0x10ff0' }],
    ['--stack 0xfffffffffffff000:4K', { rsp: '0x0' }],
    ['--mode 16 --stack 0x20000:0x100', { rsp: '0x100', ss: '0x2000' }],
    ['--mode 16 --stack 0x1000:0x100', { rsp: '0x1100', ss: '0x0' }],
    ['--base 0xfffffffffffff000', { rip: '0xfffffffffffff001' }],
  ])('%s', async (options, expected) => {
    const { exit, registers } = await json(`run --json --hex 90 ${options}`.trim());
    expect(exit.reason).toBe('end');
    expect(registers).toMatchObject(expected);
  });

  test('the code runs to its very last byte at the end of a page', async () => {
    const code = temporary('page.bin', new Uint8Array(4096).fill(0x90));
    const { exit, instructions } = await json(['run', '--json', code]);
    expect(exit).toEqual({ reason: 'end', rip: '0x401000' });
    expect(instructions).toBe(4096);
  });

  test('--entry begins elsewhere, and so does --reg rip', async () => {
    // mov al, 1 / mov al, 2
    expect((await registers('run --json --hex b001b102 --entry 0x400002')).rax).toBe('0x0');
    expect((await registers('run --json --hex b001b102 --reg eip=0x400002')).rax).toBe('0x0');
  });

  test('in real mode addresses are linear, whatever CS is', async () => {
    const { exit, registers } = await json(
      'run --json --mode 16 --hex 9090 --base 0x7c00 --reg cs=0x7c0 --until 0x7c01',
    );
    expect(exit).toEqual({ reason: 'until', rip: '0x1' });
    expect(registers).toMatchObject({ cs: '0x7c0', rip: '0x1' });
  });
});

describe('bit63 run: what it starts from', () => {
  test('--reg sets registers of all widths, and negative values', async () => {
    const given = 'rax=-1 ebx=0x80000000 r8=0b101 ah=0x12 EFLAGS=0x203 fs_base=1_000';
    const args = given.split(' ').flatMap((reg) => ['--reg', reg]);
    expect(await registers(['run', '--json', '--hex', '90', ...args])).toMatchObject({
      rax: '0xffffffffffff12ff',
      rbx: '0x80000000',
      r8: '0x5',
      rflags: '0x203',
      fs_base: '0x3e8',
    });
  });

  test('--map maps zeroed memory with rights', async () => {
    const read = 'run --json --hex 488b07 --reg rdi=0x500000';
    expect((await json(read)).exit).toMatchObject({ cause: 'not-present' });
    expect((await json(`${read} --map 0x500000:8`)).exit.reason).toBe('end');
    expect((await json(`${read} --map 0x500000:4K:rw`)).exit).toMatchObject({ cause: 'user' });
    const write = 'run --json --hex 488907 --reg rdi=0x500000';
    expect((await json(`${write} --map 0x500000:4K:ru`)).exit).toMatchObject({
      cause: 'write-protect',
      errorCode: 7,
    });
  });

  test('--map changes the rights of the code itself', async () => {
    const { exit } = await json('run --json --hex 90 --map 0x400000:1:rwu');
    expect(exit).toMatchObject({ cause: 'no-execute', access: 'execute' });
  });

  test.each(['64', '16'])('--load fills memory, read-only memory too (%s bits)', async (mode) => {
    const file = temporary('data.bin', 'LASS');
    const { memory } = await json([
      ...['run', '--json', '--mode', mode, '--hex', '90', '--load', `0x5000=${file}`],
      ...['--map', '0x5000:4K:r', '--dump', '0x5000:6'],
    ]);
    expect(memory).toEqual([{ address: '0x5000', bytes: '4c4153530000' }]);
  });

  test('--load does not take away rights that --map gave', async () => {
    const file = temporary('data.bin', 'LASS');
    const { exit } = await json([
      ...['run', '--json', '--hex', '488907', '--reg', 'rdi=0x500000'],
      ...['--map', '0x500000:4K:ru', '--load', `0x500000=${file}`],
    ]);
    expect(exit.cause).toBe('write-protect');
  });

  test('--cr4, --lass and --ac reach the processor', async () => {
    const read = 'run --json --hex 488b07 --cpl 0 --map 0x500000:4K:rwu --reg rdi=0x500000';
    expect((await json(read)).exit.reason).toBe('end');
    expect((await json(`${read} --cr4 smap`)).exit.cause).toBe('smap');
    expect((await json(`${read} --cr4 SMEP,lass`)).exit.reason).toBe('end');
    expect((await json(`${read} --lass`)).exit).toMatchObject({ cause: 'lass', lassRule: 'R4' });
    expect((await json(`${read} --lass --ac`)).exit.reason).toBe('end');
  });

  test('--seed makes random numbers repeatable', async () => {
    const draw = async (seed: string) =>
      (await json(`run --json --hex 480fc7f0 --seed ${seed}`)).registers.rax;
    expect(await draw('1')).toBe(await draw('1'));
    expect(await draw('1')).not.toBe(await draw('2'));
  });

  test('--ram bounds the guest', async () => {
    const { status, stderr } = await bit63('run --hex 90 --map 0x500000:2M --ram 1M');
    expect(status).toBe(2);
    expect(stderr).toBe(
      "bit63 run: --map 0x500000:2M: does not fit into the guest's RAM of 1 MiB; give a larger --ram\n",
    );
    expect((await bit63('run --hex 90 --map 0x500000:200M --ram 256M')).status).toBe(0);
    expect((await bit63('run --hex 90 --map 0x500000:1500K:rwu --ram 2M')).status).toBe(0);
  });

  test('code comes from a file, from standard input or from --hex', async () => {
    const code = Uint8Array.of(0xb0, 0x2a);
    const file = temporary('code.bin', code);
    expect((await json(['run', '--json', file])).registers.rax).toBe('0x2a');
    expect((await json('run --json -', { stdin: code })).registers.rax).toBe('0x2a');
    expect((await json(['run', '--json', '--hex', '0xb0, 0x2a'])).registers.rax).toBe('0x2a');
  });
});

describe('bit63 run: how it ends', () => {
  test.each([
    ['--hex 90', 0, 'reached the end of the code at 0x400001'],
    ['--hex f4 --cpl 0', 0, 'halted by HLT'],
    ['--hex 9090 --until 0x400001', 0, 'reached --until at 0x400001'],
    ['--hex c3 --call --reg rax=-5', 0, 'returned rax = 0xfffffffffffffffb (-5)'],
    ['--hex c3 --call --cpl 0', 0, 'returned rax = 0x0 (0)'],
    ['--hex c3 --call --mode 32 --reg eax=7', 0, 'returned eax = 0x7 (7)'],
    ['--hex c3 --call --mode compat', 0, 'returned eax = 0x0 (0)'],
    ['--hex c3 --call --mode 16 --reg ax=0xffff', 0, 'returned ax = 0xffff (-1)'],
    ['--hex 0f0b', 3, 'stopped by #UD, invalid opcode, at 0x400000'],
    ['--hex f7f1', 3, 'stopped by #DE, divide error, at 0x400000'],
    ['--hex cc', 3, 'stopped by #BP, breakpoint, at 0x400001'],
    ['--hex 0f0b --mode 16 --base 0x12340', 3, 'stopped by #UD, invalid opcode, at 1234:0000'],
    [
      '--hex ebfe --max-instructions 3K',
      4,
      'stopped at 0x400000 after 3,000 instructions, the limit (--max-instructions)',
    ],
    ['--hex cd80', 1, 'stopped by INT 0x80: there is nothing to serve it'],
    ['--hex 0f05 --reg rax=60', 1, 'stopped by SYSCALL number 60: there is no kernel to serve it'],
    [
      '--hex e6e9 --cpl 0 --reg al=65',
      1,
      'stopped by a write of 0x41 to port 0xe9 (1 byte): there is no device',
    ],
    ['--hex 66e560 --cpl 0', 1, 'stopped by a read of port 0x60 (2 bytes): there is no device'],
  ])('%s', async (options, status, headline) => {
    const finished = await bit63(`run ${options}`);
    expect(finished.stdout.split('\n')[0]).toBe(headline);
    expect(finished.status).toBe(status);
    expect(finished.stderr).toBe('');
  });

  test('--timeout ends an endless loop', async () => {
    const { status, stdout } = await bit63('run --hex ebfe --timeout 0.05 --max-instructions 9G');
    expect(stdout).toMatch(/^stopped at 0x400000 after \d+ ms, the limit \(--timeout\)\n/);
    expect(status).toBe(4);
    const { exit } = await json('run --hex ebfe --timeout 0.05 --max-instructions 9G --json');
    expect(exit).toEqual({ reason: 'limit', limit: 'time', rip: '0x400000' });
  });

  test('Ctrl-C ends it with a report of what was done', async () => {
    const world = { interruptAfter: 50 };
    const { status, stdout } = await bit63('run --hex ebfe --max-instructions 9G', world);
    expect(stdout).toMatch(/^interrupted at 0x400000\n/);
    expect(status).toBe(130);
  });

  test('--max-instructions is exact', async () => {
    const { instructions, registers, exit } = await json(
      'run --json --hex 48ffc0ebfb --max-instructions 300_001',
    );
    expect(exit).toEqual({ reason: 'limit', limit: 'instructions', rip: '0x400003' });
    expect(instructions).toBe(300_001);
    expect(registers.rax).toBe('0x249f1');
  });

  test('a long run on a terminal shows how far it is, and cleans up', async () => {
    const { stderr } = await bit63('run --hex ebfe --timeout 1.3 --max-instructions 90G', {
      terminal: true,
    });
    expect(stderr).toMatch(
      /[\d,]+ instructions in 1\.\d s, [\d.]+ million a second; Ctrl-C ends it/,
    );
    expect(stderr.startsWith('\r\x1b[K')).toBe(true);
    expect(stderr.endsWith('\r\x1b[K')).toBe(true);
  });
});

test('bit63 run names an instruction that it does not implement', () => {
  const exit = { reason: 'unimplemented', instruction: 'Fadd_st0_sti', rip: 0x1000n } as const;
  const options = parseRunFlags({ mode: '64', ram: '1M', maxInstructions: '1' });
  expect(headline({ exit, milliseconds: 1 }, new Machine(), options)).toBe(
    'stopped at 0x1000: bit63 does not implement Fadd_st0_sti',
  );
  expect(statusOf(exit)).toBe(1);
});

describe('bit63 run --call', () => {
  test('enters as System V wants it: RSP + 8 is a multiple of 16', async () => {
    // mov rax, rsp / ret
    const { registers } = await json('run --json --call --hex 4889e0c3');
    expect(BigInt(registers.rax) % 16n).toBe(8n);
    expect(BigInt(registers.rsp) % 16n).toBe(0n);
  });

  test('returns from the outermost call only', async () => {
    // call +1 / ret / inc eax / ret
    const { exit, registers } = await json('run --json --call --hex e801000000c3ffc0c3');
    expect(exit.reason).toBe('return');
    expect(registers.rax).toBe('0x1');
  });

  test('returns to where nothing is mapped', async () => {
    const all = '--map 0x7ffffffff000:4K --map 0x7fffffff0000:0xf000';
    const { exit } = await json(`run --json --call --hex c3 ${all}`);
    expect(exit).toEqual({ reason: 'return', rip: expect.not.stringMatching('0x7ffffffff000') });
  });

  test('pushes from the very top of the address space', async () => {
    const { exit } = await json('run --json --call --hex c3 --stack 0xfffffffffffff000:4K');
    expect(exit.reason).toBe('return');
  });

  test('needs a stack', async () => {
    const { status, stderr } = await bit63('run --call --hex c3 --reg rsp=0x1000');
    expect(status).toBe(2);
    expect(stderr).toBe('bit63 run: --call: the stack: no guest memory is mapped at 0xff8\n');
  });

  test('is what the hint for a RET without a caller says', async () => {
    const { stdout } = await bit63('run --hex c3');
    expect(stdout).toContain('Hint: nothing called this code; --call does');
    expect((await bit63('run --hex c3 --reg rsp=0x1000')).stdout).not.toContain('Hint');
  });
});

describe('bit63 run: the report', () => {
  test('tells all about a fault', async () => {
    const { stdout } = await bit63('run --hex 8807 --reg rdi=0x500123 --map 0x500000:4K:ru');
    expect(stdout.split('\n\n').slice(0, 2).join('\n\n')).toBe(
      [
        'stopped by #PF(0x7), page fault, at 0x400000',
        '',
        '  instruction   0x400000  88 07  mov [rdi],al',
        '  access        write of 1 byte at 0x500123',
        '  failed check  paging: R/W, a read-only page',
        '  error code    0x7, user write, page present',
        '  why           User write of 1 byte at 0x500123: the page is read-only (R/W = 0).',
      ].join('\n'),
    );
  });

  test('shows INT3 although RIP is behind it', async () => {
    expect((await bit63('run --hex 90cc')).stdout).toContain('instruction   0x400001  cc  int3');
  });

  test('shows registers in columns that fit, and flags by name', async () => {
    const run = 'run --hex f9 --reg rax=0x1234 --reg gs_base=0xabc';
    const wide = (await bit63(run)).stdout.split('\n');
    expect(wide[2]).toMatch(/^ {2}rax {5}0000000000001234 {3}rbx /);
    expect(wide).toContainEqual(expect.stringMatching(/gs_base 0000000000000abc/));
    expect(wide).toContainEqual(expect.stringMatching(/rflags 00000203 {2}CF IF$/));
    const narrow = (await bit63(run, { columns: 60 })).stdout.split('\n');
    expect(Math.max(...narrow.slice(2, -2).map((line) => line.length))).toBeLessThanOrEqual(60);
  });

  test('shows segments in real mode and 32-bit names outside 64-bit mode', async () => {
    const { stdout } = await bit63('run --mode 16 --hex 90');
    expect(stdout).toContain('  eax 00000000   ebx 00000000');
    expect(stdout).toContain('  cs  0000   ds  0000');
    expect(stdout).toContain('eflags 00000002  (none set)');
    expect((await bit63('run --mode compat --hex 90')).stdout).toContain('esp c0000000');
  });

  test('is coloured on a terminal only', async () => {
    const plain = (await bit63('run --hex 90')).stdout;
    expect(plain).not.toContain('\x1b');
    const coloured = (await bit63('run --hex 90', { terminal: true })).stdout;
    expect(coloured).toContain('\x1b[32mreached the end');
    const forced = await bit63('run --hex 0f0b', { environment: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain('\x1b[31mstopped by #UD');
    const world = { terminal: true, environment: { NO_COLOR: '1' } };
    expect((await bit63('run --hex 90', world)).stdout).not.toContain('\x1b');
  });

  test('dumps memory, by register too, as far as it is mapped', async () => {
    const { stdout, status } = await bit63([
      ...['run', '--hex', '6a41', '--dump', 'rsp:8', '--dump', '0x7fffffffeff0:32'],
      ...['--dump', '0x1000:4'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toContain(
      '0x7fffffffeff8  41 00 00 00 00 00 00 00                           |A',
    );
    expect(stdout).toContain('0x7ffffffff000  not mapped');
    expect(stdout).toContain('0x1000  not mapped');
    const { memory } = await json('run --json --hex 6a41 --dump rsp:2 --dump 0x1000:4');
    expect(memory).toEqual([
      { address: '0x7fffffffeff8', bytes: '4100' },
      { address: '0x1000', bytes: '', unmapped: '0x1000' },
    ]);
  });
});

describe('bit63 run --json', () => {
  test('is one object of a known shape', async () => {
    const report = await json('run --json --lass --hex 488b03 --reg rbx=0xffff888000001000');
    expect(report).toEqual({
      exit: {
        reason: 'exception',
        vector: 13,
        name: '#GP',
        errorCode: 0,
        rip: '0x400000',
        linearAddress: '0xffff888000001000',
        access: 'read',
        size: 8,
        cause: 'lass',
        lassRule: 'R1',
        explanation: expect.stringContaining('the upper half belongs to the kernel'),
        instruction: 'mov rax,[rbx]',
      },
      instructions: 0,
      milliseconds: expect.any(Number),
      registers: expect.objectContaining({
        rax: '0x0',
        rbx: '0xffff888000001000',
        r15: '0x0',
        rip: '0x400000',
        rflags: '0x202',
        gs_base: '0x0',
      }),
    });
  });

  test.each([
    ['--hex cd80', { reason: 'interrupt', vector: 128, rip: '0x400002' }],
    ['--hex 0f05', { reason: 'syscall', instruction: 'syscall', rip: '0x400002' }],
    ['--hex c3 --call', { reason: 'return', rip: '0x7ffffffff000' }],
    ['--hex f4 --cpl 0', { reason: 'halt', rip: '0xffffffff80000001' }],
    ['--hex 9090 --until 0x400001', { reason: 'until', rip: '0x400001' }],
  ])('%s', async (options, exit) => {
    expect((await json(`run --json ${options}`)).exit).toEqual(exit);
  });
});

describe('bit63 run: the examples', () => {
  test('hello-kernel: LASS stops a user program that reads the kernel', async () => {
    const { status, stdout } = await bit63(['run', '--lass', example('hello-kernel')]);
    expect(status).toBe(3);
    expect(stdout.split('\n\n').slice(0, 2).join('\n\n')).toBe(
      [
        'stopped by #GP(0), general protection, at 0x40001f',
        '',
        '  instruction   0x40001f  48 8b 03  mov rax,[rbx]',
        '  access        read of 8 bytes at 0xffff888000001000',
        '  failed check  LASS, rule R1',
        '  why           Read of 8 bytes at 0xffff888000001000 (upper half), user access at CPL 3 in 64-bit',
        '                mode with CR4.SMAP=1 and RFLAGS.AC=0. User-mode data must have bit 63 clear: the',
        '                upper half belongs to the kernel, and neither SMAP nor AC changes that for user',
        '                code. #GP(0) before paging: no page walk, and CR2 keeps its value.',
      ].join('\n'),
    );
    expect(stdout).toContain('rax 0000000000000037');
  });

  test('hello-kernel without LASS: paging is asked', async () => {
    const { exit } = await json(['run', '--json', example('hello-kernel')]);
    expect(exit).toMatchObject({ name: '#PF', cause: 'not-present', errorCode: 4 });
    const mapped = ['--map', '0xffff888000001000:8:rw'];
    const seen = await json(['run', '--json', ...mapped, example('hello-kernel')]);
    expect(seen.exit).toMatchObject({ name: '#PF', cause: 'user', errorCode: 5 });
  });

  const buffer = ['--map', '0x500000:4K:rwu', '--reg', 'rdi=0x500000', '--cpl', '0'];

  test('kernel-forgets-stac: LASS stops a kernel that reads the user half', async () => {
    const args = ['run', '--json', '--lass', ...buffer, example('kernel-forgets-stac')];
    const { exit } = await json(args);
    expect(exit).toMatchObject({ name: '#GP', lassRule: 'R4', linearAddress: '0x500000' });
  });

  test('kernel-copy-from-user: between STAC and CLAC it may', async () => {
    const numbers = new BigUint64Array([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
    const data = temporary('data.bin', new Uint8Array(numbers.buffer));
    const load = ['--load', `0x500000=${data}`];
    const args = ['run', '--json', '--lass', ...buffer, ...load, example('kernel-copy-from-user')];
    const { exit, registers } = await json(args);
    expect(exit.reason).toBe('halt');
    expect(registers.rax).toBe('0x24');
  });

  test('fibonacci, realmode-sum and self-modifying come to their results', async () => {
    const rax = async (...args: string[]) => {
      const { exit, registers } = await json(['run', '--json', ...args]);
      expect(exit.reason).toBe('end');
      return registers.rax;
    };
    expect(await rax(example('fibonacci'))).toBe('0x2ee333961');
    expect(await rax('--mode', '16', example('realmode-sum'))).toBe('0x27');
    expect(await rax(example('self-modifying'))).toBe('0x63');
  });
});

describe('bit63 run --audit', () => {
  const kernel = ['--cpl', '0', '--map', '0x500000:4K:rw', '--reg', 'rdi=0x500000'];

  test('goes on and lists what LASS would have refused', async () => {
    const { status, stdout } = await bit63([
      ...['run', '--audit', ...kernel],
      example('kernel-forgets-stac'),
    ]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^halted by HLT\n/);
    expect(stdout).toContain(
      [
        'LASS audit: it would have refused 8 accesses at 1 place',
        '',
        '  count  rip                 access        address   rule  instruction',
        '      8  0xffffffff80000007  read 8 bytes  0x500000  R4    add rax,[rdi]',
        '',
        '  R4    A supervisor-mode data access must have bit 63 set while CR4.SMAP=1 and RFLAGS.AC=0.',
      ].join('\n'),
    );
  });

  test('says so when there is nothing', async () => {
    const { stdout } = await bit63('run --audit --hex 90');
    expect(stdout).toContain('LASS audit: it would have refused nothing');
  });

  test('gives the same as JSON', async () => {
    const { audit } = await json([
      ...['run', '--audit', '--json', ...kernel],
      example('kernel-forgets-stac'),
    ]);
    expect(audit).toEqual([
      {
        rip: '0xffffffff80000007',
        instruction: 'add rax,[rdi]',
        linearAddress: '0x500000',
        access: 'read',
        size: 8,
        rule: 'R4',
        explanation: expect.any(String),
        count: 8,
      },
    ]);
  });

  test('counts fetches and stack accesses', async () => {
    // A kernel in the lower half that pushes to a stack in the lower half.
    const { audit } = await json('run --audit --json --cpl 0 --base 0x400000 --hex 5058');
    expect(
      audit.map(({ access, rule }: { access: string; rule: string }) => [access, rule]),
    ).toEqual([
      ['execute', 'R3'],
      ['write', 'R4+R12'],
      ['read', 'R4+R12'],
    ]);
  });
});
