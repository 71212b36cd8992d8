import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bit63, json, temporary } from './harness.ts';

const rules = fileURLToPath(new URL('../lass/lass-rules.json', import.meta.url));

const row = {
  id: 'T1',
  mode: '64bit',
  cpl: 3,
  cr4_lass: 1,
  cr4_smap: 0,
  rflags_ac: 0,
  kind: 'read',
  seg: 'DS',
  la: '0xffff888000001000',
  size: 8,
  expect: '#GP(0)',
  rule: 'R1',
};

describe('bit63 check', () => {
  test('gives a verdict, the rule and the reason', async () => {
    const { status, stdout } = await bit63('check --lass 0xffff888000001000 read --size 8');
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        '#GP(0)  rule R1',
        'Read of 8 bytes at 0xffff888000001000 (upper half), user access at CPL 3 in 64-bit mode with',
        'CR4.SMAP=0 and RFLAGS.AC=0. User-mode data must have bit 63 clear: the upper half belongs to the',
        'kernel, and neither SMAP nor AC changes that for user code. #GP(0) before paging: no page walk, and',
        'CR2 keeps its value.',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['0xffff888000001000 read', 'ok', 'R0'],
    ['--lass --cpl 0 0x1000 fetch', '#GP(0)', 'R3'],
    ['--lass --cpl 0 0x1000 write', 'ok', 'R7'],
    ['--lass --smap --cpl 0 0x1000 write', '#GP(0)', 'R4'],
    ['--lass --smap --cpl 0 --ac 0x1000 write', 'ok', 'R8'],
    ['--lass --smap --cpl 0 --segment ss 0x1000 write', '#SS(0)', 'R4+R12'],
    ['--lass --smap --cpl 0 --segment ss --override 0x36 0x1000 read', '#GP(0)', 'R4+R12n'],
    ['--lass --smap --mode compat --cpl 0 0x80001000 read', '#GP(0)', 'R11+R4'],
    ['--lass --mode 32 0x80001000 read', 'ok', 'R0'],
    ['--lass --mode 16 0x1000 read', 'ok', 'R0'],
    ['--lass --smap --cpl 0 --size 16 0xfffffffffffffff8 read', '#GP(0)', 'R13+R4'],
    ['--lass 0xffff888000001000 prefetch', 'suppressed', 'R10'],
    ['--lass 0x0000900000001000 read', '#GP(0)', 'R14'],
    ['--lass --la57 0x0000900000001000 read', 'ok', 'R6'],
    ['--lass 0xffff888000001000 lea', 'ok', 'R9'],
  ])('%s: %s by %s', async (options, verdict, rule) => {
    const answer = await json(`check --json ${options}`);
    expect(answer).toEqual({ verdict, rule, explanation: expect.any(String) });
  });

  test.each([
    ['', 'no access: give an address and a kind, or --rules'],
    ['0x1000', 'no access: give an address and a kind, or --rules'],
    ['x read', 'address x: expected an address'],
    [
      '0x1_0000_0000_0000_0000 read',
      'address 0x1_0000_0000_0000_0000: 0x1_0000_0000_0000_0000 is not an address of 64 bits',
    ],
    ['--mode 8 0 read', '--mode 8: expected 64, compat, 32 or 16'],
    ['--cpl 4 0 read', '--cpl 4: expected a number from 0 to 3'],
    ['--segment xs 0 read', '--segment xs: expected es, cs, ss, ds, fs or gs'],
    ['--size big 0 read', '--size big: expected bytes, 0 to 2G'],
    ['--override 1 0 read', '--override 1: expected one of 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65'],
    ['--rules /none', '/none: no such file or directory'],
    ['--rules /none 0x1000', '0x1000: --rules brings its own accesses'],
    [
      '--rules /none --lass',
      "option '--rules <file>' cannot be used with option '--lass'; see bit63 check --help",
    ],
  ])('refuses %s', async (options, line) => {
    const { status, stdout, stderr } = await bit63(`check ${options}`.trim());
    expect(stderr).toBe(`bit63 check: ${line}\n`);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('lists the kinds for one that it does not know', async () => {
    const { status, stderr } = await bit63('check 0 poke');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bit63 check: poke: is no kind of access; expected one of read, write/);
  });
});

describe('bit63 check --rules', () => {
  test('agrees with all published rows', async () => {
    const { status, stdout } = await bit63(['check', '--rules', rules]);
    expect(stdout).toBe('106 rows: all as expected\n');
    expect(status).toBe(0);
    expect(await json(['check', '--json', '--rules', rules])).toEqual({
      rows: 106,
      differences: [],
    });
  });

  test('prints the rows that differ', async () => {
    const vectors = [row, { ...row, id: 'T2', expect: 'ok' }, { ...row, id: 'T3', rule: 'R2' }];
    const file = temporary('rules.json', JSON.stringify({ vectors }));
    const { status, stdout } = await bit63(['check', '--rules', file]);
    expect(status).toBe(1);
    expect(stdout).toBe(
      [
        'row  expected  by rule  here    by rule',
        'T2   ok        R1       #GP(0)  R1',
        'T3   #GP(0)    R2       #GP(0)  R1',
        '',
        '3 rows: 2 differ',
        '',
      ].join('\n'),
    );
    const { differences } = await json(['check', '--json', '--rules', file]);
    expect(differences[0]).toEqual({
      id: 'T2',
      expected: { verdict: 'ok', rule: 'R1' },
      actual: { verdict: '#GP(0)', rule: 'R1' },
    });
  });

  test('compares verdicts alone where a row names no rule', async () => {
    const { rule: _, ...ruleless } = row;
    const file = temporary('rules.json', JSON.stringify([ruleless]));
    expect((await bit63(['check', '--rules', file])).stdout).toBe('1 row: all as expected\n');
  });

  test.each([
    ['{', /is not JSON: /],
    ['{"rows": []}', /expected an object with a list 'vectors'/],
    ['[1]', /row 1 is not an object/],
    [JSON.stringify([{ ...row, cpl: '3' }]), /row T1 lacks a number 'cpl'/],
    [JSON.stringify([{ ...row, kind: 7 }]), /row T1 lacks a text 'kind'/],
    [JSON.stringify([{ ...row, la: 'here' }]), /row T1: 'here' is not an address/],
    [JSON.stringify([{ ...row, kind: 'poke' }]), /row T1: kind must be one of read, /],
  ])('refuses a file with %s', async (contents, message) => {
    const file = temporary('rules.json', contents);
    const { status, stderr } = await bit63(['check', '--rules', file]);
    expect(stderr).toMatch(message);
    expect(stderr.startsWith(`bit63 check: ${file}: `)).toBe(true);
    expect(status).toBe(2);
  });
});
