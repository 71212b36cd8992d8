import { describe, expect, test } from 'vitest';
import { type Exit, Machine, type MachineOptions } from '../../src/index.ts';
import { fromHex } from './driver.ts';

const PAGE = 0x40_0000n;
const NEXT_PAGE = PAGE + 0x1000n;
const KERNEL = 0xffff_8000_0000_0000n;
const HOLE = 0x0000_8000_0000_0000n;
const TOP_PAGE = 0xffff_ffff_ffff_f000n;
const OLD_CR2 = 0x123n;

/** Bits of a page-fault error code. */
const P = 1;
const U = 4;
const I = 16;

/** Rights of an executable page that both user and supervisor may reach. */
const USER = 'rwxu';
const SUPERVISOR = 'rwx';

interface Code {
  readonly at: bigint;
  readonly hex: string;
}

/** A machine with pages of NOPs and pieces of code in them, about to run the first piece. */
function machineWith(
  options: MachineOptions,
  pages: Readonly<Record<string, string>>,
  ...pieces: readonly Code[]
): Machine {
  const machine = new Machine({ ramSize: 1 << 20, ...options });
  for (const [address, rights] of Object.entries(pages)) {
    machine.map(BigInt(address), 0x1000, rights);
    machine.write(BigInt(address), new Uint8Array(0x1000).fill(0x90));
  }
  for (const { at, hex } of pieces) {
    machine.write(at, fromHex(hex));
  }
  machine.registers.rip = pieces[0].at;
  machine.registers.cr2 = OLD_CR2;
  return machine;
}

const run = (machine: Machine, until?: bigint): Exit =>
  machine.run({ maxInstructions: 100, ...(until === undefined ? {} : { until }) });

describe('at the end of the last mapped page', () => {
  const oneUserPage = { [`${PAGE}`]: USER };

  test.each([
    ['48 b8 11 22 33 44 55 66 77 88', 'mov rax,imm64'],
    ['0f b6 c0', 'movzx eax,al'],
    ['8b 04 8e', 'mov eax,[rsi+rcx*4]'],
    ['f0 48 0f c1 07', 'lock xadd [rdi],rax'],
    ['66 66 66 90', 'a NOP with prefixes'],
    ['0f 0b', 'ud2'],
    ['f0 90', 'lock nop: which opcode stands behind the prefix is in the next page'],
  ])('%s, %s, that goes on in the next is #PF there', (hex, _text) => {
    const size = fromHex(hex).length;
    for (let inside = 1; inside < size; inside++) {
      const at = NEXT_PAGE - BigInt(inside);
      const part = hex.replaceAll(' ', '').slice(0, 2 * inside);
      const machine = machineWith({}, oneUserPage, { at, hex: part });
      expect(run(machine)).toMatchObject({
        name: '#PF',
        errorCode: U | I,
        cause: 'not-present',
        access: 'execute',
        rip: at,
        linearAddress: NEXT_PAGE,
      });
      expect(machine.registers.cr2).toBe(NEXT_PAGE);
      expect(machine.instructionsRetired).toBe(0);
    }
  });

  test.each(['06', '27', '60', '82', 'ce', 'ea', '48 d4', '66 2e 9a', 'f0 1f'])(
    '%s, which 64-bit mode does not have, is #UD without a look at the next page',
    (hex) => {
      const at = NEXT_PAGE - BigInt(fromHex(hex).length);
      const machine = machineWith({}, oneUserPage, { at, hex });
      expect(run(machine)).toMatchObject({ name: '#UD', rip: at });
      expect(machine.registers.cr2).toBe(OLD_CR2);
    },
  );

  test.each(['06', '27', '60', 'ce'])('%s is an instruction in 32-bit mode', (hex) => {
    const machine = machineWith(
      { mode: 32 },
      { ...oneUserPage, [`${PAGE - 0x1000n}`]: USER },
      { at: NEXT_PAGE - 1n, hex },
    );
    machine.registers.esp = PAGE;
    expect(run(machine)).toMatchObject({ name: '#PF', rip: NEXT_PAGE });
    expect(machine.instructionsRetired).toBe(1);
  });

  test.each(['90', 'b0 2a', '48 b8 2a 00 00 00 00 00 00 00'])(
    '%s that ends there is executed, and the fetch after it is #PF',
    (hex) => {
      const at = NEXT_PAGE - BigInt(fromHex(hex).length);
      const machine = machineWith({}, oneUserPage, { at, hex });
      expect(run(machine)).toMatchObject({
        name: '#PF',
        errorCode: U | I,
        rip: NEXT_PAGE,
        linearAddress: NEXT_PAGE,
      });
      expect(machine.registers.al).toBe(hex === '90' ? 0n : 0x2an);
      expect(machine.instructionsRetired).toBe(1);
    },
  );

  test('a branch that ends there is taken without a look at the next page', () => {
    const machine = machineWith({}, oneUserPage, { at: NEXT_PAGE - 2n, hex: 'eb 80' });
    expect(run(machine, NEXT_PAGE - 0x80n).reason).toBe('until');
  });

  test('a NOP of 15 bytes that ends there is legal, one of 16 is #GP and not #PF', () => {
    const legal = machineWith({}, oneUserPage, {
      at: NEXT_PAGE - 15n,
      hex: `${'66'.repeat(14)}90`,
    });
    expect(run(legal)).toMatchObject({ name: '#PF', rip: NEXT_PAGE });
    const long = machineWith({}, oneUserPage, { at: NEXT_PAGE - 15n, hex: '66'.repeat(15) });
    expect(run(long)).toMatchObject({ name: '#GP', errorCode: 0, rip: NEXT_PAGE - 15n });
    expect(long.registers.cr2).toBe(OLD_CR2);
  });

  test('the fault is raised again and again, and cured by mapping the page', () => {
    const at = NEXT_PAGE - 2n;
    const machine = machineWith({}, oneUserPage, { at, hex: 'b8 11' });
    expect(run(machine)).toMatchObject({ name: '#PF', rip: at });
    expect(run(machine)).toMatchObject({ name: '#PF', rip: at });
    machine.map(NEXT_PAGE, 0x1000, USER);
    machine.write(NEXT_PAGE, fromHex('22 33 44'));
    expect(run(machine, NEXT_PAGE + 3n).reason).toBe('until');
    expect(machine.registers.rax).toBe(0x4433_2211n);
  });
});

describe('an instruction that crosses into a page that may not be executed', () => {
  const crossing = (options: MachineOptions, first: string, second: string): Exit =>
    run(
      machineWith(
        options,
        { [`${PAGE}`]: first, [`${NEXT_PAGE}`]: second },
        { at: NEXT_PAGE - 1n, hex: 'b0 2a' },
      ),
    );

  test.each<[string, MachineOptions, string, string, number, string]>([
    ['NX', {}, USER, 'rwu', P | U | I, 'no-execute'],
    ['a supervisor page', {}, USER, SUPERVISOR, P | U | I, 'user'],
    ['NX at CPL 0', { cpl: 0 }, SUPERVISOR, 'rw', P | I, 'no-execute'],
    ['a user page under SMEP', { cpl: 0, cr4: ['smep'] }, SUPERVISOR, USER, P | I, 'smep'],
    ['NX in 32-bit mode', { mode: 32 }, USER, 'rwu', P | U | I, 'no-execute'],
    ['NX in compatibility mode', { mode: 'compat' }, USER, 'rwu', P | U | I, 'no-execute'],
  ])('%s', (_text, options, first, second, errorCode, cause) => {
    expect(crossing(options, first, second)).toMatchObject({
      name: '#PF',
      errorCode,
      cause,
      rip: NEXT_PAGE - 1n,
      linearAddress: NEXT_PAGE,
    });
  });
});

describe('a fetch that paging refuses', () => {
  test.each<[string, MachineOptions, string | undefined, number, string]>([
    ['a page that is not there', {}, undefined, U | I, 'not-present'],
    ['no page at CPL 0', { cpl: 0 }, undefined, I, 'not-present'],
    ['NX', {}, 'ru', P | U | I, 'no-execute'],
    ['NX at CPL 0', { cpl: 0 }, 'r', P | I, 'no-execute'],
    ['a supervisor page at CPL 3', {}, SUPERVISOR, P | U | I, 'user'],
    ['a user page at CPL 0 under SMEP', { cpl: 0, cr4: ['smep'] }, USER, P | I, 'smep'],
    ['the same at CPL 1', { cpl: 1, cr4: ['smep'] }, USER, P | I, 'smep'],
    [
      'SMEP with AC set, which is for SMAP alone',
      { cpl: 0, cr4: ['smep'], ac: true },
      USER,
      P | I,
      'smep',
    ],
    ['NX at CPL 3 in 32-bit mode', { mode: 32 }, 'ru', P | U | I, 'no-execute'],
  ])('%s', (_text, options, rights, errorCode, cause) => {
    const target = 0x50_0000n;
    const supervisor = options.cpl !== undefined;
    const pages = { [`${PAGE}`]: supervisor ? SUPERVISOR : USER };
    const machine = machineWith(
      options,
      rights === undefined ? pages : { ...pages, [`${target}`]: rights },
      { at: PAGE, hex: 'ff e0' }, // jmp rax
    );
    machine.registers.rax = target + 5n;
    expect(run(machine)).toMatchObject({
      name: '#PF',
      errorCode,
      cause,
      access: 'execute',
      rip: target + 5n,
      linearAddress: target + 5n,
    });
    expect(machine.registers.cr2).toBe(target + 5n);
    expect(machine.instructionsRetired).toBe(1);
  });

  test.each<[string, MachineOptions, string]>([
    ['a user page at CPL 0 without SMEP', { cpl: 0 }, USER],
    ['a user page at CPL 0 under SMAP, which is for data alone', { cpl: 0, cr4: ['smap'] }, USER],
    ['a page that may only be executed and read', {}, 'rxu'],
  ])('but %s is executed', (_text, options, rights) => {
    const machine = machineWith(options, { [`${PAGE}`]: rights }, { at: PAGE, hex: 'b0 2a' });
    expect(run(machine, PAGE + 2n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });

  test('rights that the host changes count from the next block on', () => {
    const machine = machineWith({}, { [`${PAGE}`]: USER }, { at: PAGE, hex: 'eb fe' });
    expect(run(machine).reason).toBe('limit');
    machine.protect(PAGE, 0x1000, 'rwu');
    expect(run(machine)).toMatchObject({ name: '#PF', errorCode: P | U | I, rip: PAGE });
    machine.protect(PAGE, 0x1000, SUPERVISOR);
    expect(run(machine)).toMatchObject({ name: '#PF', errorCode: P | U | I, cause: 'user' });
    machine.protect(PAGE, 0x1000, 'xu');
    expect(run(machine).reason).toBe('limit');
    machine.unmap(PAGE, 0x1000);
    expect(run(machine)).toMatchObject({ name: '#PF', errorCode: U | I, rip: PAGE });
  });

  test('privilege that the host changes counts too', () => {
    const machine = machineWith({}, { [`${PAGE}`]: USER }, { at: PAGE, hex: 'eb fe' });
    expect(run(machine).reason).toBe('limit');
    machine.registers.cr4 |= 1n << 20n; // SMEP
    expect(run(machine).reason).toBe('limit');
    machine.registers.cpl = 0n;
    expect(run(machine)).toMatchObject({ name: '#PF', cause: 'smep', errorCode: P | I });
  });
});

describe('a fetch that LASS refuses', () => {
  const lass = (cpl: number, ...more: ('smap' | 'smep')[]): MachineOptions => ({
    cpl,
    cr4: ['lass', ...more],
  });
  const both = { [`${PAGE}`]: USER, [`${KERNEL}`]: SUPERVISOR };

  test.each<[string, MachineOptions, bigint, bigint, string]>([
    ['a user jump to the upper half', lass(3), PAGE, KERNEL, 'R2'],
    [
      'a user jump to the upper half, nothing mapped there',
      lass(3),
      PAGE,
      KERNEL + 0x1_0000n,
      'R2',
    ],
    ['a supervisor jump to the lower half', lass(0), KERNEL, PAGE, 'R3'],
    ['the same at CPL 2', lass(2), KERNEL, PAGE, 'R3'],
    ['the same with SMEP: LASS comes before paging', lass(0, 'smep'), KERNEL, PAGE, 'R3'],
    ['the same with SMAP and AC', { ...lass(0, 'smap'), ac: true }, KERNEL, PAGE, 'R3'],
    ['the same with nothing mapped there', lass(0), KERNEL, PAGE + 0x1_0000n, 'R3'],
  ])('%s is #GP(0) at the target', (_text, options, from, target, lassRule) => {
    const machine = machineWith(options, both, { at: from, hex: 'ff e0' });
    machine.registers.rax = target;
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      cause: 'lass',
      lassRule,
      access: 'execute',
      rip: target,
      linearAddress: target,
    });
    expect(machine.registers.cr2).toBe(OLD_CR2);
    expect(machine.instructionsRetired).toBe(1);
  });

  test('a CALL has pushed its return address by then', () => {
    const machine = machineWith(lass(3), both, { at: PAGE, hex: 'ff d0' });
    machine.registers.rax = KERNEL;
    machine.registers.rsp = NEXT_PAGE;
    expect(run(machine)).toMatchObject({ name: '#GP', rip: KERNEL, lassRule: 'R2' });
    expect(machine.registers.rsp).toBe(NEXT_PAGE - 8n);
    expect([...machine.read(NEXT_PAGE - 8n, 8)]).toEqual([2, 0, 0x40, 0, 0, 0, 0, 0]);
  });

  test('each half is executed by whom it belongs to', () => {
    const user = machineWith(lass(3), both, { at: PAGE, hex: 'eb fe' });
    expect(run(user).reason).toBe('limit');
    const supervisor = machineWith(lass(0), both, { at: KERNEL, hex: 'eb fe' });
    expect(run(supervisor).reason).toBe('limit');
  });

  test('compatibility mode has no upper half, so all supervisor code there is refused', () => {
    const options: MachineOptions = { ...lass(0), mode: 'compat' };
    const machine = machineWith(options, { [`${PAGE}`]: SUPERVISOR }, { at: PAGE, hex: '90' });
    expect(run(machine)).toMatchObject({
      name: '#GP',
      lassRule: expect.stringContaining('R3'),
      rip: PAGE,
    });
    const user: MachineOptions = { ...lass(3), mode: 'compat' };
    const allowed = machineWith(user, { [`${PAGE}`]: USER }, { at: PAGE, hex: 'eb fe' });
    expect(run(allowed).reason).toBe('limit');
  });

  test('turning LASS on while code runs in the lower half refuses the very next fetch', () => {
    const machine = machineWith({ cpl: 0 }, both, { at: PAGE, hex: '90 eb fd' });
    expect(run(machine).reason).toBe('limit');
    machine.registers.cr4 |= 1n << 27n;
    const { rip } = machine.registers;
    expect(run(machine)).toMatchObject({ name: '#GP', lassRule: 'R3', rip });
  });
});

describe('addresses that are not canonical', () => {
  test.each([
    ['ff e0', 'jmp rax'],
    ['ff d0', 'call rax'],
    ['50 c3', 'push rax; ret'],
    ['50 ff 24 24', 'push rax; jmp [rsp]'],
    ['50 ff 14 24', 'push rax; call [rsp]'],
  ])('%s, %s, to one is #GP(0) at the branch, which changes nothing', (hex) => {
    for (const target of [HOLE, 0xffff_7fff_ffff_ffffn, 1n << 63n]) {
      const machine = machineWith({}, { [`${PAGE}`]: USER }, { at: PAGE, hex });
      machine.registers.rax = target;
      machine.registers.rsp = NEXT_PAGE;
      const pushed = hex.startsWith('50') ? 1n : 0n;
      expect(run(machine)).toMatchObject({ name: '#GP', errorCode: 0, rip: PAGE + pushed });
      expect(machine.registers.rsp).toBe(NEXT_PAGE - 8n * pushed);
    }
  });

  test('a direct jump across the end of the lower half is refused too', () => {
    const last = HOLE - 0x1000n;
    const machine = machineWith({}, { [`${last}`]: USER }, { at: last, hex: 'e9 00 10 00 00' });
    expect(run(machine)).toMatchObject({ name: '#GP', errorCode: 0, rip: last });
  });

  test('running off the end of the lower half faults behind it', () => {
    const machine = machineWith({}, { [`${HOLE - 0x1000n}`]: USER }, { at: HOLE - 1n, hex: '90' });
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      cause: 'canonical',
      rip: HOLE,
      access: 'execute',
    });
    expect(machine.instructionsRetired).toBe(1);
    expect(machine.registers.cr2).toBe(OLD_CR2);
  });

  test('an instruction across the end of the lower half is #GP, not #PF', () => {
    const machine = machineWith({}, { [`${HOLE - 0x1000n}`]: USER }, { at: HOLE - 1n, hex: 'b0' });
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      cause: 'canonical',
      rip: HOLE - 1n,
      linearAddress: HOLE,
    });
  });

  test('with 57-bit addresses the hole begins later', () => {
    const machine = machineWith(
      { cr4: ['la57'] },
      { [`${HOLE - 0x1000n}`]: USER, [`${HOLE}`]: USER },
      { at: HOLE - 1n, hex: 'b0 2a' },
    );
    expect(run(machine, HOLE + 1n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });
});

describe('at the top of the address space', () => {
  const pages = { [`${TOP_PAGE}`]: SUPERVISOR, '0': SUPERVISOR };
  const last = 0xffff_ffff_ffff_ffffn;

  test('code goes on at 0', () => {
    const machine = machineWith(
      { cpl: 0 },
      pages,
      { at: last, hex: '90' },
      { at: 0n, hex: 'b0 2a' },
    );
    expect(run(machine, 2n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });

  test('an instruction goes on at 0', () => {
    const machine = machineWith({ cpl: 0 }, pages, { at: last, hex: 'b0' }, { at: 0n, hex: '2a' });
    expect(run(machine, 1n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });

  test('an instruction that goes on at 0 with nothing there is #PF at 0', () => {
    const machine = machineWith(
      { cpl: 0 },
      { [`${TOP_PAGE}`]: SUPERVISOR },
      { at: last, hex: 'b0' },
    );
    expect(run(machine)).toMatchObject({ name: '#PF', errorCode: I, rip: last, linearAddress: 0n });
    expect(machine.registers.cr2).toBe(0n);
  });

  test('LASS refuses its second part, which lies in the lower half', () => {
    const options: MachineOptions = { cpl: 0, cr4: ['lass'] };
    const machine = machineWith(options, pages, { at: last, hex: 'b0' }, { at: 0n, hex: '2a' });
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      lassRule: 'R3',
      rip: last,
      linearAddress: 0n,
    });
    expect(machine.registers.al).toBe(0n);
  });

  test.each([32, 'compat'] as const)('mode %s: 4 GiB is followed by 0', (mode) => {
    const machine = machineWith(
      { mode },
      { [`${0xffff_f000n}`]: USER, '0': USER },
      { at: 0xffff_ffffn, hex: 'b0' },
      { at: 0n, hex: '2a' },
    );
    expect(run(machine, 1n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });
});

describe('in real mode', () => {
  const LIMIT = 0xffffn;

  test('an instruction that would go beyond the segment is #GP', () => {
    const machine = new Machine({ mode: 16, ramSize: 1 << 20 });
    machine.map(0, 0x2_0000);
    machine.write(LIMIT, fromHex('b0 2a'));
    machine.registers.rip = LIMIT;
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      cause: 'segment-limit',
      rip: LIMIT,
    });
  });

  test('one that ends with the segment is followed by #GP at 10000h, as on processors', () => {
    const machine = new Machine({ mode: 16, ramSize: 1 << 20 });
    machine.map(0, 0x2_0000);
    machine.write(LIMIT - 1n, fromHex('b0 2a'));
    machine.registers.rip = LIMIT - 1n;
    expect(run(machine)).toMatchObject({ name: '#GP', cause: 'segment-limit', rip: LIMIT + 1n });
    expect(machine.registers.al).toBe(0x2an);
  });

  test('an undefined opcode that would go beyond the segment is #GP before #UD', () => {
    const machine = new Machine({ mode: 16, ramSize: 1 << 20 });
    machine.map(0, 0x2_0000);
    machine.write(LIMIT, fromHex('0f 04 00'));
    machine.registers.rip = LIMIT;
    expect(run(machine)).toMatchObject({ name: '#GP', cause: 'segment-limit', rip: LIMIT });
  });
});

describe('what is no instruction', () => {
  const MAPPED = { [`${PAGE}`]: USER };

  test.each(['06', '0f 04 00', 'f0 90', '8d c0', 'c4 e2 60 f2 c1'])('%s is #UD', (hex) => {
    const cpu = hex.startsWith('c4') ? 'f0' : '';
    const machine = machineWith({}, MAPPED, { at: PAGE, hex: cpu + hex });
    expect(run(machine)).toMatchObject({ name: '#UD', cause: 'invalid-opcode', rip: PAGE });
    expect(machine.instructionsRetired).toBe(0);
  });

  test.each([0n, 0x800n, 0xff8n])('over 15 bytes is #GP(0), at page offset %x', (offset) => {
    const at = PAGE + offset;
    const pages = { ...MAPPED, [`${NEXT_PAGE}`]: USER };
    const machine = machineWith({}, pages, { at, hex: `${'2e'.repeat(15)}90` });
    expect(run(machine)).toMatchObject({
      name: '#GP',
      errorCode: 0,
      cause: 'instruction-length',
      rip: at,
    });
    expect(machine.instructionsRetired).toBe(0);
  });

  test('in the middle of a block leaves what stood before it done', () => {
    const machine = machineWith({}, MAPPED, { at: PAGE, hex: 'b0 2a ff c3 06 b0 00' });
    expect(run(machine)).toMatchObject({ name: '#UD', rip: PAGE + 4n });
    expect(machine.registers).toMatchObject({ rax: 0x2an, rbx: 1n });
    expect(machine.instructionsRetired).toBe(2);
  });

  test('is found anew once it has been overwritten', () => {
    const machine = machineWith({}, MAPPED, { at: PAGE, hex: '06 90' });
    expect(run(machine)).toMatchObject({ name: '#UD' });
    machine.write(PAGE, [0xb0, 0x2a]);
    expect(run(machine, PAGE + 2n).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });
});
