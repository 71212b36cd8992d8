import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Exit, Machine } from '../../src/index.ts';
import { fromHex } from './driver.ts';

/**
 * The rows of test/lass/lass-rules.json executed as instructions: the answer of a processor, not
 * only of the check.
 */
interface Row {
  readonly id: string;
  readonly mode: '64bit' | 'compat' | 'legacy32' | 'real';
  readonly cpl: 0 | 1 | 2 | 3;
  readonly cr4_lass: 0 | 1;
  readonly cr4_smap: 0 | 1;
  readonly rflags_ac: 0 | 1;
  readonly kind: string;
  readonly seg: string;
  readonly la: string;
  readonly size: number;
  readonly expect: string;
  readonly rule: string;
  readonly la57?: number;
  readonly override?: string;
}

const { vectors: ROWS } = JSON.parse(
  readFileSync(new URL('../lass/lass-rules.json', import.meta.url), 'utf8'),
) as { vectors: Row[] };

const MODES = { '64bit': 64, compat: 'compat', legacy32: 32, real: 16 } as const;
const LOWER = { code: 0x40_0000n, stack: 0x7f_1000n };
const UPPER = { code: 0xffff_ffff_8101_0000n, stack: 0xffff_ffff_8200_1000n };
const REAL = { code: 0x1000n, stack: 0xf000n };
const OLD_CR2 = 0x123n;
const PAGE = 4096n;
const SS_PREFIX = 0x36;

/** An instruction that makes the access of a row. */
interface Program {
  readonly text: string;
  readonly code: string;
  /** The registers that make the address. */
  readonly registers: Readonly<Record<string, bigint>>;
}

const LOADS: Readonly<Record<number, string>> = { 1: '8a', 2: '66 8b', 4: '8b', 8: '48 8b' };
const STORES: Readonly<Record<number, string>> = { 1: '88', 2: '66 89', 4: '89', 8: '48 89' };
const COMPARES: Readonly<Record<number, string>> = { 1: '3a', 2: '66 3b', 4: '3b', 8: '48 3b' };

function stackReads(at: bigint): Program[] {
  const byRsp = { rsp: at };
  return [
    { text: 'mov rax,[rbp]', code: '48 8b 45 00', registers: { rbp: at } },
    { text: 'leave', code: 'c9', registers: { rbp: at } },
    { text: 'mov rax,[rsp]', code: '48 8b 04 24', registers: byRsp },
    { text: 'pop rax', code: '58', registers: byRsp },
    { text: 'ret', code: 'c3', registers: byRsp },
    { text: 'popfq', code: '9d', registers: byRsp },
  ];
}

function stackWrites(at: bigint, size: number): Program[] {
  const registers = { rsp: BigInt.asUintN(64, at + BigInt(size)) };
  return [
    { text: 'push', code: '50', registers },
    { text: 'pushf', code: '9c', registers },
    { text: 'call', code: 'e8 00 00 00 00', registers },
    { text: 'enter 0,0', code: 'c8 00 00 00', registers },
  ];
}

/** [RBX], or with 16-bit addresses [BX], with an opcode for the operand size. */
function operand(row: Row, table: typeof LOADS): string {
  const opcode = table[row.size] as string;
  return row.mode === 'real' ? `${opcode.replace('66 ', '')} 07` : `${opcode} 03`;
}

function reads(row: Row): Program[] {
  const at = BigInt(row.la);
  if (row.override !== undefined && Number.parseInt(row.override, 16) === SS_PREFIX) {
    return [{ text: 'mov rax,ss:[rax]', code: '36 48 8b 00', registers: { rax: at } }];
  }
  if (row.override !== undefined) {
    return [{ text: 'mov rax,ds:[rbp]', code: '3e 48 8b 45 00', registers: { rbp: at } }];
  }
  if (row.seg === 'SS') {
    return stackReads(at);
  }
  if (row.seg === 'FS' || row.seg === 'GS') {
    const prefix = row.seg === 'FS' ? '64' : '65';
    const registers = { [`${row.seg.toLowerCase()}_base`]: at - PAGE, rbx: PAGE };
    return [{ text: `load, ${row.seg}`, code: `${prefix} ${operand(row, LOADS)}`, registers }];
  }
  return [
    { text: 'load', code: operand(row, LOADS), registers: { rbx: at } },
    { text: 'compare', code: operand(row, COMPARES), registers: { rbx: at } },
  ];
}

const SIMPLE: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  rmw: [
    ['lock inc dword [rbx]', 'f0 ff 03'],
    ['add [rbx],eax', '01 03'],
    ['xchg [rbx],eax', '87 03'],
    ['lock cmpxchg [rbx],ecx', 'f0 0f b1 0b'],
  ],
  clflush: [
    ['clflush [rbx]', '0f ae 3b'],
    ['clflushopt [rbx]', '66 0f ae 3b'],
    ['clwb [rbx]', '66 0f ae 33'],
  ],
  prefetch: [
    ['prefetcht0 [rbx]', '0f 18 0b'],
    ['prefetchw [rbx]', '0f 0d 0b'],
    ['cldemote [rbx]', '0f 1c 03'],
  ],
  lea: [['lea rax,[rbx]', '48 8d 03']],
};

/** The instructions for a row; none for what no instruction of this machine does. */
function programs(row: Row): Program[] {
  const at = BigInt(row.la);
  switch (row.kind) {
    case 'read':
      return reads(row);
    case 'write':
      return row.seg === 'SS'
        ? stackWrites(at, row.size)
        : [{ text: 'store', code: operand(row, STORES), registers: { rbx: at } }];
    case 'string_src':
      return [
        { text: 'rep movsb', code: 'f3 a4', registers: { rsi: at, rdi: at, rcx: 3n } },
        { text: 'lodsb', code: 'ac', registers: { rsi: at } },
      ];
    case 'string_dst':
      return [
        { text: 'rep stosb', code: 'f3 aa', registers: { rdi: at, rcx: 3n } },
        { text: 'scasb', code: 'ae', registers: { rdi: at } },
      ];
    default:
      return (SIMPLE[row.kind] ?? []).map(([text, code]) => ({
        text,
        code,
        registers: { rbx: at },
      }));
  }
}

/** Rows that instructions to come would have to make, besides those of implicit accesses. */
const NOT_YET = new Set([
  ...['gather_elem', 'xsave', 'monitor', 'shadow_stack', 'sgdt_store', 'lgdt_operand', 'fxsave'],
  ...['vmx_operand', 'invpcid_operand', 'wruss', 'rip_load_lstar', 'invlpg'],
  ...['invpcid_desc_addr', 'invvpid_desc_addr'],
]);

const isFetch = ({ kind }: Row): boolean => kind === 'fetch' || kind === 'branch_target';
const isPossible = ({ kind }: Row): boolean => !kind.startsWith('implicit_') && !NOT_YET.has(kind);
const isCanonical = ({ rule }: Row): boolean => !rule.includes('R14');
const isRefused = (row: Row): boolean => row.expect.startsWith('#');

/** Supervisor code in compatibility mode cannot be fetched while LASS is on: L103. */
function cannotRun(row: Row): boolean {
  return row.mode === 'compat' && row.cpl < 3 && row.cr4_lass === 1;
}

const DATA_ROWS = ROWS.filter((row) => isPossible(row) && !isFetch(row));
const FETCH_ROWS = ROWS.filter(isFetch);

function machineFor(row: Row, audit = false): Machine {
  const machine = new Machine({
    mode: MODES[row.mode],
    cpl: row.cpl,
    cr4: [
      ...(row.cr4_lass ? (['lass'] as const) : []),
      ...(row.cr4_smap ? (['smap'] as const) : []),
      ...(row.la57 ? (['la57'] as const) : []),
    ],
    ac: row.rflags_ac === 1,
    ramSize: 1 << 20,
    audit,
  });
  const lower = row.mode === 'real' ? REAL : LOWER;
  const { code, stack } = row.mode === '64bit' && row.cpl < 3 ? UPPER : lower;
  machine.map(code, 4096);
  machine.map(stack - PAGE, 4096);
  machine.registers.rip = code;
  machine.registers.rsp = stack - 0x100n;
  machine.registers.cr2 = OLD_CR2;
  return machine;
}

/** Maps the pages of an access, with all rights that LASS does not take. */
function mapTarget(machine: Machine, row: Row): void {
  const first = BigInt(row.la);
  const last = BigInt.asUintN(64, first + BigInt(Math.max(row.size, 1)) - 1n);
  for (const address of [first, last]) {
    machine.map(address, 1);
  }
}

function load(machine: Machine, program: Program): void {
  machine.write(machine.registers.rip, fromHex(program.code));
  for (const [name, value] of Object.entries(program.registers)) {
    machine.registers.set(name, value);
  }
}

/** The rule that refuses: of `R13+R4+R12` it is R4. */
function deciding(rule: string): string {
  return rule.split('+').find((name) => /^R[1-5]$/.test(name)) ?? rule;
}

function expectViolation(exit: Exit, row: Row, rip: bigint): void {
  const stack = row.expect.startsWith('#SS');
  expect(exit).toMatchObject({
    reason: 'exception',
    name: stack ? '#SS' : '#GP',
    vector: stack ? 12 : 13,
    errorCode: 0,
    rip,
    cause: isCanonical(row) ? 'lass' : 'canonical',
  });
  if (isCanonical(row)) {
    expect((exit as { lassRule: string }).lassRule.split('+')).toContain(deciding(row.rule));
  }
}

const CASES = DATA_ROWS.filter((row) => !cannotRun(row)).flatMap((row) =>
  programs(row).map(
    (program) => [row.id, program.text, row.expect, row.rule, row, program] as const,
  ),
);

describe.each(CASES)('%s: %s is %s by %s', (_id, _text, _verdict, _rule, row, program) => {
  test.each([false, true])('where it is mapped (watched: %s)', (watched) => {
    const machine = machineFor(row);
    if (isCanonical(row)) {
      mapTarget(machine, row);
    }
    load(machine, program);
    let accesses = 0;
    if (watched) {
      const count = (): undefined => {
        accesses++;
      };
      machine.hook({ read: count, write: count });
    }
    const { rip, rflags } = machine.registers;
    const exit = machine.step();
    expect(machine.registers.cr2).toBe(OLD_CR2);
    if (!isRefused(row)) {
      expect(exit.reason).toBe('limit');
      return;
    }
    expectViolation(exit, row, rip);
    expect(accesses).toBe(0);
    expect(machine.registers.rflags).toBe(rflags);
    for (const [name, value] of Object.entries(program.registers)) {
      expect(machine.registers.get(name), name).toBe(value);
    }
  });

  test('where it is not mapped', () => {
    const machine = machineFor(row);
    load(machine, program);
    const { rip } = machine.registers;
    const exit = machine.step();
    if (isRefused(row)) {
      expectViolation(exit, row, rip);
      expect(machine.registers.cr2).toBe(OLD_CR2);
    } else if (row.mode !== 'real' && row.expect === 'ok' && row.kind !== 'lea') {
      expect(exit).toMatchObject({ name: '#PF', cause: 'not-present' });
      expect(machine.registers.cr2).toBe(BigInt(row.la));
    } else {
      expect(exit.reason).toBe('limit');
      expect(machine.registers.cr2).toBe(OLD_CR2);
    }
  });

  test('an audit lets it pass and tells of it', () => {
    const machine = machineFor(row, true);
    if (isCanonical(row)) {
      mapTarget(machine, row);
    }
    load(machine, program);
    const { rip } = machine.registers;
    const exit = machine.step();
    if (!isCanonical(row)) {
      expectViolation(exit, row, rip);
      expect(machine.auditRecords).toEqual([]);
      return;
    }
    expect(exit.reason).toBe('limit');
    if (!isRefused(row)) {
      expect(machine.auditRecords).toEqual([]);
      return;
    }
    const [record] = machine.auditRecords;
    expect(record).toMatchObject({ rip, linearAddress: BigInt(row.la) });
    expect(record?.rule.split('+')).toContain(deciding(row.rule));
  });
});

const FETCH_CASES = FETCH_ROWS.map(
  (row) => [row.id, row.kind, row.la, row.expect, row.rule, row] as const,
);

describe.each(FETCH_CASES)('%s: %s of %s is %s by %s', (_id, kind, _la, _verdict, _rule, row) => {
  const target = BigInt(row.la);
  const branches =
    row.mode === '64bit'
      ? [
          ['jmp rbx', 'ff e3', 1],
          ['call rbx', 'ff d3', 1],
          ['push rbx; ret', '53 c3', 2],
        ]
      : [['jmp ebx', 'ff e3', 1]];

  test.each(branches as [string, string, number][])('through %s', (text, code, branchCount) => {
    const machine = machineFor(row);
    if (isCanonical(row)) {
      mapTarget(machine, row);
      // A NOP of the row's length; one that wraps goes on at address 0.
      const nop = row.rule.includes('R13')
        ? fromHex('0f 1f 84')
        : fromHex(`${'66'.repeat(Math.max(row.size, 1) - 1)}90`);
      machine.write(target, nop);
    }
    const { rip: start, rsp } = machine.registers;
    machine.write(start, fromHex(code));
    machine.registers.rbx = target;
    const retired = cannotRun(row) ? 0 : branchCount;
    const exit = machine.run({ maxInstructions: retired + 1 });
    expect(machine.registers.cr2).toBe(OLD_CR2);
    if (!isCanonical(row)) {
      expectViolation(exit, row, start + BigInt(branchCount - 1));
    } else if (kind === 'fetch' && !isRefused(row)) {
      expect(exit.reason).toBe('limit');
      expect(machine.registers.rip).toBe(target + BigInt(row.size));
    } else {
      // The branch has retired in full; the fetch at its target is what faults.
      expect(exit).toMatchObject({ name: '#GP', errorCode: 0, cause: 'lass', access: 'execute' });
      expect(exit.rip).toBe(retired === 0 ? start : target);
      expect(machine.instructionsRetired).toBe(retired);
      expect(machine.registers.rsp).toBe(text.startsWith('call') ? rsp - 8n : rsp);
    }
  });
});

describe('rows that no program can show', () => {
  test('supervisor code in compatibility mode does not get beyond its first fetch', () => {
    const rows = DATA_ROWS.filter(cannotRun);
    expect(rows.map(({ id }) => id)).toEqual(['L100', 'L101', 'L102']);
    for (const row of rows) {
      const exit = machineFor(row).step();
      expect(exit).toMatchObject({ name: '#GP', cause: 'lass', access: 'execute' });
      expect(exit.rip).toBe(LOWER.code);
    }
  });

  test('all others are of kinds that need instructions to come', () => {
    const shown = new Set([...CASES.map(([id]) => id), ...FETCH_ROWS.map(({ id }) => id)]);
    const rest = ROWS.filter((row) => !shown.has(row.id) && !cannotRun(row));
    expect(rest.filter(isPossible).map(({ id }) => id)).toEqual([]);
    expect(shown.size).toBe(ROWS.length - rest.length - 3);
  });
});

describe('LASS and the window of STAC', () => {
  function kernel(code: string): Machine {
    const machine = new Machine({ cpl: 0, cr4: ['lass', 'smap'], ramSize: 1 << 20 });
    machine.map(UPPER.code, 4096);
    machine.map(LOWER.code, 4096, 'rwu');
    machine.write(UPPER.code, fromHex(code));
    machine.registers.rip = UPPER.code;
    machine.registers.rbx = LOWER.code;
    return machine;
  }

  test('CLAC closes it for pages that it has reached', () => {
    const machine = kernel('0f 01 cb  8a 03  88 03  0f 01 ca  8a 03'); // stac; ...; clac; mov al,[rbx]
    expect(machine.run({ maxInstructions: 9 })).toMatchObject({
      cause: 'lass',
      lassRule: 'R4',
      rip: UPPER.code + 10n,
      linearAddress: LOWER.code,
    });
  });

  test('a fetch from the lower half is refused in it too', () => {
    const machine = kernel('0f 01 cb  ff e3'); // stac; jmp rbx
    const exit = machine.run({ maxInstructions: 9 });
    expect(exit).toMatchObject({ lassRule: 'R3', rip: LOWER.code, access: 'execute' });
  });

  test('LASS comes before the alignment of CMPXCHG16B', () => {
    const machine = kernel('48 0f c7 0b');
    machine.registers.rbx = LOWER.code + 8n;
    expect(machine.step()).toMatchObject({ name: '#GP', cause: 'lass' });
    const stack = kernel('48 0f c7 4d 00'); // cmpxchg16b [rbp]
    stack.registers.rbp = LOWER.code + 8n;
    expect(stack.step()).toMatchObject({ name: '#SS', cause: 'lass' });
  });

  test('CR4.LASS set by the host counts at once, for what the TLB holds too', () => {
    const machine = new Machine({ ramSize: 1 << 20 });
    machine.map(UPPER.code, 4096, 'rwu');
    machine.map(LOWER.code, 4096);
    machine.write(LOWER.code, fromHex('8a 03 8a 03'));
    machine.registers.rip = LOWER.code;
    machine.registers.rbx = UPPER.code;
    expect(machine.step().reason).toBe('limit');
    machine.registers.cr4 |= 1n << 27n;
    const exit = machine.step();
    expect(exit).toMatchObject({ cause: 'lass', lassRule: 'R1', rip: LOWER.code + 2n });
  });
});
