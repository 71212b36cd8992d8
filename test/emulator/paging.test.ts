import { describe, expect, test } from 'vitest';
import { Segment } from '../../src/decoder/index.ts';
import { Access, Vector } from '../../src/emulator/fault.ts';
import { Cr0, Cr4, Efer } from '../../src/emulator/state/control.ts';
import { Word } from '../../src/emulator/state/layout.ts';
import { CODE, DATA, prepare, run, STACK_TOP, toHex } from './driver.ts';
import {
  A,
  type AccessOutcome,
  D,
  FRAME,
  NEXT_FRAME,
  P,
  PhysicalGuest,
  PS,
  RW,
  TABLES,
  US,
  XD,
} from './physical-guest.ts';

const { Read, Write, Execute } = Access;

/** Bits of a page-fault error code. */
const PRESENT = 1;
const WRITE = 2;
const USER = 4;
const RESERVED = 8;
const FETCH = 16;

/** Index 1 in every paging structure; the byte 0x123 of the page. */
const LINEAR = 0x0080_4020_1123n;
const LINEAR_57 = 0x0001_0080_4020_1123n;
/** The same with bits 63:47 set. */
const UPPER = 0xffff_8080_4020_1123n;
const PAE_LINEAR = 0x4020_1123n;
const OFFSET = 0x123;

/** Physical address of the entry for LINEAR at a level. */
const entryAt = (level: number): number => TABLES[level as 1] + 8;
const frame = (physical: number): bigint => BigInt(physical);

interface Options {
  mode?: 32 | 64;
  levels?: 3 | 4 | 5;
  cpl?: number;
  cr4?: number;
  ac?: boolean;
}

/** A guest whose structures map LINEAR and the page after it, with all rights unless told. */
function mapped(options: Options = {}, bits = RW | US, leafBits = bits): PhysicalGuest {
  const { mode = 64, levels = mode === 32 ? 3 : 4 } = options;
  const la57 = levels === 5 ? Cr4.LA57 : 0;
  const guest = new PhysicalGuest(mode, { ...options, levels, cr4: (options.cr4 ?? 0) | la57 });
  for (let level = levels; level > 1; level--) {
    const pointer = mode === 32 && level === 3;
    guest.setEntry(entryAt(level), frame(TABLES[(level - 1) as 1]) | P | (pointer ? 0n : bits));
  }
  guest.setEntry(entryAt(1), frame(FRAME) | P | leafBits);
  guest.setEntry(entryAt(1) + 8, frame(NEXT_FRAME) | P | leafBits);
  return guest;
}

function pageFault(errorCode: number, cause: string, linearAddress = LINEAR): AccessOutcome {
  return { vector: Vector.PF, errorCode, cause, linearAddress };
}

const LAYOUTS = [
  ['4-level paging', { mode: 64, levels: 4 }, LINEAR],
  ['5-level paging', { mode: 64, levels: 5 }, LINEAR_57],
  ['PAE paging', { mode: 32, levels: 3 }, PAE_LINEAR],
] as const satisfies readonly (readonly [string, Options, bigint])[];

describe.each(LAYOUTS)('%s', (_name, options, linear) => {
  test('leads to the page and the offset in it', () => {
    const guest = mapped(options);
    for (const access of [Read, Write, Execute]) {
      expect(guest.access(access, linear)).toEqual({ physical: FRAME + OFFSET });
    }
    expect(guest.access(Read, linear + 0x1000n)).toEqual({ physical: NEXT_FRAME + OFFSET });
  });

  const levels = Array.from({ length: options.levels }, (_, n) => n + 1);

  test.each(levels)('an absent entry at level %i is #PF with P = 0', (level) => {
    const guest = mapped(options);
    // All other bits of an absent entry are ignored, reserved ones too.
    guest.setEntry(entryAt(level), ~P & (2n ** 64n - 1n));
    const expected = { vector: 14, cause: 'not-present', linearAddress: linear };
    expect(guest.access(Read, linear)).toEqual({ ...expected, errorCode: USER });
    expect(guest.access(Write, linear)).toEqual({ ...expected, errorCode: USER | WRITE });
    expect(guest.access(Execute, linear)).toEqual({ ...expected, errorCode: USER | FETCH });
    expect(guest.cr2).toBe(linear);
  });

  test('a structure where no memory is counts as absent', () => {
    const guest = mapped(options);
    guest.setEntry(entryAt(2), 0x3f_ffff_f000n | P | RW | US);
    expect(guest.access(Read, linear)).toMatchObject({ cause: 'not-present', errorCode: USER });
  });

  test.each(levels.slice(3))('at level %i there are no pages: its bit 7 is reserved', (level) => {
    const guest = mapped(options);
    guest.setEntry(entryAt(level), guest.entry(entryAt(level)) | PS);
    expect(guest.access(Read, linear)).toEqual(
      pageFault(PRESENT | USER | RESERVED, 'reserved-bit', linear),
    );
  });

  test('a read and a fetch set accessed bits, a write the dirty bit of the page too', () => {
    for (const [access, bits] of [
      [Read, A],
      [Execute, A],
      [Write, A | D],
    ] as const) {
      const guest = mapped(options);
      guest.access(access, linear);
      for (const level of levels) {
        const hasNone = options.mode === 32 && level === 3;
        const expected = hasNone ? 0n : level === 1 ? bits : A;
        expect(guest.entry(entryAt(level)) & (A | D), `level ${level}`).toBe(expected);
      }
      expect(guest.entry(entryAt(1) + 8) & (A | D)).toBe(0n);
    }
  });

  test('a write sets the dirty bit although a read has been there before', () => {
    const guest = mapped(options);
    guest.access(Read, linear);
    guest.access(Write, linear);
    expect(guest.entry(entryAt(1)) & (A | D)).toBe(A | D);
  });

  test.each([
    ['an absent page', 0n, Read],
    ['a write to a read-only page', P | US, Write],
    ['a page of the supervisor', P | RW, Read],
    ['a fetch from an XD page', P | RW | US | XD, Execute],
    ['a page with reserved bits', P | RW | US | (1n << 50n), Write],
  ])('%s changes no paging structure', (_what, bits, access) => {
    const guest = mapped(options);
    guest.setEntry(entryAt(1), frame(FRAME) | bits);
    expect(guest.access(access, linear).vector).toBe(Vector.PF);
    for (const level of levels) {
      expect(guest.entry(entryAt(level)) & (A | D), `level ${level}`).toBe(0n);
    }
  });

  test('of a crossing access only the second page of which is refused no page is marked', () => {
    const guest = mapped(options);
    guest.setEntry(entryAt(1) + 8, 0n);
    const last = (linear | 0xfffn) - 1n;
    expect(guest.access(Write, last, 8).linearAddress).toBe((linear | 0xfffn) + 1n);
    for (const level of levels) {
      expect(guest.entry(entryAt(level)) & (A | D), `level ${level}`).toBe(0n);
    }
  });

  test('a crossing write marks both pages', () => {
    const guest = mapped(options);
    guest.access(Write, linear | 0xfffn, 2);
    expect(guest.entry(entryAt(1)) & (A | D)).toBe(A | D);
    expect(guest.entry(entryAt(1) + 8) & (A | D)).toBe(A | D);
  });

  const beyond = levels.flatMap((level) => [46n, 48n, 51n].map((bit) => [bit, level] as const));
  test.each(beyond)('bit %i at level %i is beyond MAXPHYADDR: reserved', (bit, level) => {
    const guest = mapped(options);
    guest.setEntry(entryAt(level), guest.entry(entryAt(level)) | (1n << bit));
    for (const [access, errorCode] of [
      [Read, 0],
      [Write, WRITE],
      [Execute, FETCH],
    ] as const) {
      expect(guest.access(access, linear)).toEqual(
        pageFault(PRESENT | USER | RESERVED | errorCode, 'reserved-bit', linear),
      );
    }
  });

  test('a reserved bit comes before missing rights', () => {
    const guest = mapped(options, RW | US, 1n << 47n);
    expect(guest.access(Write, linear)).toMatchObject({ cause: 'reserved-bit' });
  });

  test.each([52n, 58n, 62n])(
    'bit %i is ignored in IA-32e paging, reserved in PAE paging',
    (bit) => {
      const guest = mapped(options);
      guest.setEntry(entryAt(1), guest.entry(entryAt(1)) | (1n << bit));
      guest.setEntry(entryAt(2), guest.entry(entryAt(2)) | (1n << bit));
      expect(guest.access(Read, linear)).toEqual(
        options.mode === 32
          ? pageFault(PRESENT | USER | RESERVED, 'reserved-bit', linear)
          : { physical: FRAME + OFFSET },
      );
    },
  );

  test.each([3n, 4n, 8n, 9n, 10n, 11n])('bit %i of an entry changes nothing', (bit) => {
    const guest = mapped(options);
    guest.setEntry(entryAt(1), guest.entry(entryAt(1)) | (1n << bit));
    expect(guest.access(Write, linear)).toEqual({ physical: FRAME + OFFSET });
  });

  test('bit 7 of a page-table entry is PAT, not a page size', () => {
    const guest = mapped(options);
    guest.setEntry(entryAt(1), guest.entry(entryAt(1)) | PS);
    expect(guest.access(Write, linear)).toEqual({ physical: FRAME + OFFSET });
  });

  test('XD is a reserved bit while EFER.NXE = 0', () => {
    const guest = mapped(options);
    guest.setWord(Word.EFER, guest.cpu.state[Word.EFER] & ~Efer.NXE);
    expect(guest.access(Execute, linear)).toEqual({ physical: FRAME + OFFSET });
    guest.setEntry(entryAt(1), guest.entry(entryAt(1)) | XD);
    expect(guest.access(Read, linear)).toEqual(
      pageFault(PRESENT | USER | RESERVED, 'reserved-bit', linear),
    );
  });
});

describe('large pages', () => {
  const MIB_2 = 0x20_0000n;
  const GIB = 0x4000_0000n;

  test.each([32, 64] as const)('a 2 MiB page keeps the low 21 bits (mode %i)', (mode) => {
    const guest = mapped({ mode });
    guest.setEntry(entryAt(2), P | RW | US | PS);
    const linear = (mode === 32 ? PAE_LINEAR : LINEAR) - 0x1000n + 0x8_0000n;
    expect(guest.access(Read, linear)).toEqual({ physical: 0x8_0123 });
    expect(guest.entry(entryAt(2)) & (A | D)).toBe(A);
    guest.access(Write, linear);
    expect(guest.entry(entryAt(2)) & (A | D)).toBe(A | D);
  });

  test('a 1 GiB page keeps the low 30 bits', () => {
    const guest = mapped();
    guest.setEntry(entryAt(3), P | RW | US | PS);
    const linear = (LINEAR & ~(GIB - 1n)) | 0x9_0456n;
    expect(guest.access(Write, linear)).toEqual({ physical: 0x9_0456 });
    expect(guest.entry(entryAt(3)) & (A | D)).toBe(A | D);
  });

  test('peeking finds pages of every size, without rights and marks', () => {
    const guest = mapped({ cpl: 3 }, 0n, XD);
    const { paging } = guest.cpu;
    const lo = Number(BigInt.asIntN(32, LINEAR));
    const hi = Number(LINEAR >> 32n);
    expect(paging.peek(lo, hi)).toBe(FRAME + OFFSET);
    guest.setEntry(entryAt(2), P | PS);
    expect(paging.peek(lo, hi)).toBe(Number(LINEAR % MIB_2));
    guest.setEntry(entryAt(3), P | PS);
    expect(paging.peek(lo, hi)).toBe(Number(LINEAR % GIB));
    expect(guest.entry(entryAt(3))).toBe(P | PS);
    guest.setEntry(entryAt(3), 0n);
    expect(paging.peek(lo, hi)).toBe(-1);
  });

  test('PAT of a large page is bit 12, which is no part of its address', () => {
    const guest = mapped();
    guest.setEntry(entryAt(2), P | RW | US | PS | (1n << 12n));
    expect(guest.access(Read, LINEAR)).toEqual({ physical: Number(LINEAR % MIB_2) });
    guest.setEntry(entryAt(3), P | RW | US | PS | (1n << 12n));
    const linear = (LINEAR & ~(GIB - 1n)) | 0x9_0456n;
    expect(guest.access(Read, linear)).toEqual({ physical: 0x9_0456 });
  });

  test.each([13n, 20n])('bit %i of a 2 MiB page is reserved', (bit) => {
    const guest = mapped();
    guest.setEntry(entryAt(2), P | RW | US | PS | (1n << bit));
    expect(guest.access(Read, LINEAR)).toEqual(
      pageFault(PRESENT | USER | RESERVED, 'reserved-bit'),
    );
  });

  test.each([13n, 21n, 29n])('bit %i of a 1 GiB page is reserved', (bit) => {
    const guest = mapped();
    guest.setEntry(entryAt(3), P | RW | US | PS | (1n << bit));
    expect(guest.access(Write, LINEAR)).toEqual(
      pageFault(PRESENT | USER | RESERVED | WRITE, 'reserved-bit'),
    );
  });

  test('rights of a large page count like those of a small one', () => {
    const guest = mapped({}, RW | US);
    guest.setEntry(entryAt(2), P | US | PS | XD);
    expect(guest.access(Read, LINEAR)).toEqual({ physical: Number(LINEAR % MIB_2) });
    expect(guest.access(Write, LINEAR)).toEqual(pageFault(PRESENT | USER | WRITE, 'write-protect'));
    expect(guest.access(Execute, LINEAR)).toEqual(pageFault(PRESENT | USER | FETCH, 'no-execute'));
  });
});

/** SDM vol. 3, "Determination of Access Rights", sentence by sentence. */
function isAllowed(state: {
  access: Access;
  cpl: number;
  ac: boolean;
  wp: boolean;
  smep: boolean;
  smap: boolean;
  userPage: boolean;
  writable: boolean;
  executeDisable: boolean;
}): boolean {
  const { access, cpl, ac, wp, smep, smap, userPage, writable, executeDisable } = state;
  if (cpl === 3) {
    if (!userPage) {
      return false;
    }
    return access === Read || (access === Write ? writable : !executeDisable);
  }
  if (access === Execute) {
    return userPage && smep ? false : !executeDisable;
  }
  if (userPage && smap && !ac) {
    return false;
  }
  return access === Read || !wp || writable;
}

describe('access rights', () => {
  const BOOLEANS = [false, true];

  test.each([0, 1, 2, 3])('at CPL %i are those of the manual, in all combinations', (cpl) => {
    let cases = 0;
    for (const smep of BOOLEANS) {
      for (const smap of BOOLEANS) {
        const cr4 = (smep ? Cr4.SMEP : 0) | (smap ? Cr4.SMAP : 0);
        const guest = mapped({ cpl, cr4 });
        for (let bits = 0; bits < 2 ** 9; bits++) {
          const bit = (n: number): boolean => ((bits >> n) & 1) === 1;
          const ac = bit(0);
          const wp = bit(1);
          guest.setAlignmentCheck(ac);
          const cr0 = guest.cpu.state[Word.CR0];
          guest.setWord(Word.CR0, wp ? cr0 | Cr0.WP : cr0 & ~Cr0.WP);
          // The page's own rights, and those of a structure above it.
          const rights = (n: number): bigint =>
            (bit(n) ? US : 0n) | (bit(n + 1) ? RW : 0n) | (bit(n + 2) ? XD : 0n);
          guest.setEntry(entryAt(1), frame(FRAME) | P | rights(2));
          guest.setEntry(entryAt(3), frame(TABLES[2]) | P | rights(5));
          const userPage = bit(2) && bit(5);
          const writable = bit(3) && bit(6);
          const executeDisable = bit(4) || bit(7);
          const access = bit(8) ? Write : Read;
          for (const kind of [access, Execute]) {
            const state = { access: kind, cpl, ac, wp, smep, smap };
            const allowed = isAllowed({ ...state, userPage, writable, executeDisable });
            const outcome = guest.access(kind, LINEAR);
            const errorCode =
              PRESENT |
              (cpl === 3 ? USER : 0) |
              (kind === Write ? WRITE : 0) |
              (kind === Execute ? FETCH : 0);
            if (allowed ? outcome.physical !== FRAME + OFFSET : outcome.errorCode !== errorCode) {
              expect.fail(
                JSON.stringify({ ...state, userPage, writable, executeDisable, outcome }),
              );
            }
            cases++;
          }
        }
      }
    }
    expect(cases).toBe(4 * 2 ** 9 * 2);
  });

  test('the I/D bit tells of a fetch only with SMEP or NXE', () => {
    for (const [smep, nxe, bit] of [
      [false, false, 0],
      [true, false, FETCH],
      [false, true, FETCH],
    ] as const) {
      const guest = mapped({ cr4: smep ? Cr4.SMEP : 0 }, RW | US, RW);
      const efer = guest.cpu.state[Word.EFER];
      guest.setWord(Word.EFER, nxe ? efer : efer & ~Efer.NXE);
      expect(guest.access(Execute, LINEAR).errorCode).toBe(PRESENT | USER | bit);
    }
  });

  test.each([
    ['user', { cpl: 3 }, RW, Read],
    ['write-protect', { cpl: 3 }, US, Write],
    ['write-protect', { cpl: 0 }, 0n, Write],
    ['no-execute', { cpl: 3 }, US | XD, Execute],
    ['no-execute', { cpl: 0 }, XD, Execute],
    ['smap', { cpl: 0, cr4: Cr4.SMAP }, US | RW, Read],
    ['smap', { cpl: 0, cr4: Cr4.SMAP }, US, Write],
    ['smep', { cpl: 0, cr4: Cr4.SMEP }, US, Execute],
    ['smep', { cpl: 0, cr4: Cr4.SMEP }, US | XD, Execute],
  ] as const)('tell %s as the cause: %j, entry %x, access %i', (cause, options, bits, access) => {
    expect(mapped(options, RW | US, bits).access(access, LINEAR).cause).toBe(cause);
  });
});

describe('LASS comes before paging', () => {
  test.each([
    ['a user read of the upper half', { cpl: 3, cr4: Cr4.LASS }, UPPER, Read],
    ['a user write to the upper half', { cpl: 3, cr4: Cr4.LASS }, UPPER, Write],
    ['a user fetch from the upper half', { cpl: 3, cr4: Cr4.LASS }, UPPER, Execute],
    ['a supervisor read of the lower half', { cpl: 0, cr4: Cr4.LASS | Cr4.SMAP }, LINEAR, Read],
    ['a supervisor fetch from the lower half', { cpl: 0, cr4: Cr4.LASS }, LINEAR, Execute],
    ['a non-canonical read', { cpl: 3 }, 0x8000_0000_0000n, Read],
  ] as const)('%s touches no paging structure and not CR2', (_what, options, linear, access) => {
    const guest = mapped(options);
    guest.setEntry(TABLES[4] + 8 * 0x101, frame(TABLES[3]) | P | RW | US);
    guest.cr2 = 0x77n;
    expect(guest.access(access, linear)).toMatchObject({ vector: Vector.GP, errorCode: 0 });
    for (const level of [1, 2, 3, 4]) {
      expect(guest.entry(entryAt(level)) & (A | D)).toBe(0n);
    }
    expect(guest.entry(TABLES[4] + 8 * 0x101) & A).toBe(0n);
    expect(guest.cr2).toBe(0x77n);
  });

  test('and a violation after a hit in the TLB is seen all the same', () => {
    const guest = mapped({ cpl: 0, cr4: Cr4.LASS | Cr4.SMAP, ac: true });
    expect(guest.access(Read, LINEAR)).toEqual({ physical: FRAME + OFFSET });
    guest.setAlignmentCheck(false);
    expect(guest.access(Read, LINEAR)).toMatchObject({ vector: Vector.GP, cause: 'lass' });
    guest.setAlignmentCheck(true);
    expect(guest.access(Read, LINEAR)).toEqual({ physical: FRAME + OFFSET });
  });
});

describe('an access across a page boundary', () => {
  const END = DATA + 0x2000n;

  test.each([
    ['first', 0n, US | RW, LINEAR | 0xffcn],
    ['second', US | RW, 0n, (LINEAR | 0xfffn) + 1n],
    ['first of two bad ones', 0n, 0n, LINEAR | 0xffcn],
  ])('faults at the %s page, with its address in CR2', (_which, first, second, address) => {
    const guest = mapped();
    guest.setEntry(entryAt(1), frame(FRAME) | P | first);
    guest.setEntry(entryAt(1) + 8, frame(NEXT_FRAME) | P | second);
    const linear = (LINEAR & ~0xfffn) | 0xffcn;
    const expected = address === (LINEAR | 0xffcn) ? linear : address;
    expect(guest.access(Read, linear, 8)).toEqual(pageFault(PRESENT | USER, 'user', expected));
    expect(guest.cr2).toBe(expected);
  });

  test('an update asks for a write right in both pages', () => {
    const guest = mapped();
    guest.setEntry(entryAt(1) + 8, frame(NEXT_FRAME) | P | US);
    const second = (LINEAR | 0xfffn) + 1n;
    expect(guest.update(LINEAR | 0xfffn, 4)).toEqual(
      pageFault(PRESENT | USER | WRITE, 'write-protect', second),
    );
  });

  const BYTES = '000102030405060708090a0b0c0d0e0f';
  test.each([
    ['66 89 03', 'mov [rbx],ax', 2],
    ['89 03', 'mov [rbx],eax', 4],
    ['48 89 03', 'mov [rbx],rax', 8],
    ['48 c7 03 01 00 00 00', 'mov qword [rbx],1', 8],
    ['48 01 03', 'add [rbx],rax', 8],
    ['f0 48 01 03', 'lock add [rbx],rax', 8],
    ['48 ff 03', 'inc qword [rbx]', 8],
    ['48 87 03', 'xchg [rbx],rax', 8],
    ['48 0f c1 03', 'xadd [rbx],rax', 8],
    ['48 0f b1 03', 'cmpxchg [rbx],rax', 8],
    ['0f c7 0b', 'cmpxchg8b [rbx]', 8],
    ['48 0f ab 0b', 'bts [rbx],rcx', 8],
    ['48 d1 23', 'shl qword [rbx],1', 8],
    ['0f c0 03', 'xadd [rbx],al: one byte, no crossing', 0],
  ])('%s, %s, writes nothing when the second page is absent', (code, _text, size) => {
    const { exit, ended, register, memory } = run({
      code,
      with: { rbx: END - 1n, rax: -1n, rcx: 0, rdx: 5, cr2: 9, rflags: 0x8d5 },
      memory: { [`${END - 16n}`]: BYTES },
    });
    if (size === 0) {
      expect(ended).toBe('end');
      return;
    }
    expect(ended).toBe('#PF(6)');
    expect(exit).toMatchObject({ rip: CODE, linearAddress: END, access: 'write', size });
    expect(register('cr2')).toBe(END);
    expect(memory(END - 16n, 16)).toBe(BYTES);
    expect(register('rax')).toBe(0xffff_ffff_ffff_ffffn);
    expect(register('rflags')).toBe(0x8d7n);
  });

  test.each([
    ['50', 'push rax'],
    ['ff 33', 'push [rbx]'],
    ['ff d0', 'call rax'],
    ['9c', 'pushfq'],
    ['c8 10 00 00', 'enter 16,0'],
    ['8f 04 24', 'pop [rsp]'],
  ])('%s, %s, leaves RSP alone when the stack crosses into an absent page', (code) => {
    const below = 0x20_0000n;
    const machine = prepare({ code, with: { rbx: DATA, rax: CODE } });
    machine.map(below, 0x1000, 'rwu');
    const pops = code.startsWith('8f');
    machine.registers.rsp = pops ? below + 0xffcn : below + 4n;
    const before = machine.registers.rsp;
    expect(machine.run()).toMatchObject({
      name: '#PF',
      linearAddress: pops ? below + 0x1000n : below - 4n,
    });
    expect(machine.registers.rsp).toBe(before);
    expect(toHex(machine.read(below, 8))).toBe('0000000000000000');
  });

  test('16 bytes: CMPXCHG16B at the last aligned place works, behind it faults', () => {
    const scenario = { code: '48 0f c7 0b', with: { rbx: END - 16n, rax: 0, rdx: 0, rcx: 7 } };
    expect(run(scenario).memory(END - 16n, 16)).toBe('f01f1000000000000700000000000000');
    expect(run({ ...scenario, with: { rbx: END } }).ended).toBe('#PF(6)');
  });

  test('an access is put together from both pages', () => {
    const guest = mapped();
    const { memory } = guest.cpu;
    new Uint8Array(guest.ram.buffer, guest.ram.byteOffset + FRAME + 0xffe, 2).set([1, 2]);
    new Uint8Array(guest.ram.buffer, guest.ram.byteOffset + NEXT_FRAME, 2).set([3, 4]);
    const linear = Number((LINEAR & 0xffff_f000n) | 0xffen) | 0;
    const pointer = memory.readLinear(linear, 0x80, 4, Segment.DS);
    expect(memory.view.getUint32(pointer, true)).toBe(0x0403_0201);
    const target = memory.writeLinear(linear, 0x80, 4, Segment.DS);
    memory.view.setUint32(target, 0x0d0c_0b0a, true);
    memory.commit(target);
    expect(guest.ram.getUint16(FRAME + 0xffe, true)).toBe(0x0b0a);
    expect(guest.ram.getUint16(NEXT_FRAME, true)).toBe(0x0d0c);
    expect(guest.ram.getUint16(FRAME + 0x1000, true)).toBe(0);
  });

  test('a fetch across it faults at the second page, with the instruction as RIP', () => {
    const { exit } = run({
      code: '90',
      at: CODE,
      memory: { [`${CODE + 0x1ffen}`]: '48b8' },
      with: { rip: CODE + 0x1ffen },
    });
    expect(exit).toMatchObject({
      name: '#PF',
      errorCode: USER | FETCH,
      rip: CODE + 0x1ffen,
      linearAddress: CODE + 0x2000n,
      access: 'execute',
    });
  });
});

describe('mappings changed by the host take effect at once', () => {
  /** mov rax,[rbx]; out 1,al; mov [rbx],rax */
  const PROGRAM = '48 8b 03  e6 01  48 89 03';
  const IOPL_3 = 0x3202;
  const WRITES = CODE + 5n;

  test.each([
    ['protect', { cause: 'write-protect', errorCode: PRESENT | WRITE | USER }],
    ['unmap', { cause: 'not-present', errorCode: WRITE | USER }],
    ['make supervisor', { cause: 'user', errorCode: PRESENT | WRITE | USER }],
  ])('%s', (how, expected) => {
    for (const observed of [false, true]) {
      const machine = prepare({ code: PROGRAM, with: { rbx: DATA, rflags: IOPL_3 } });
      // The write is in the TLB before it is forbidden.
      machine.registers.rip = WRITES;
      machine.run({ until: WRITES + 3n });
      machine.registers.rip = CODE;
      machine.hook({
        out: () => {
          if (how === 'unmap') {
            machine.unmap(DATA, 1);
          } else {
            machine.protect(DATA, 1, how === 'protect' ? 'ru' : 'rw');
          }
          return true;
        },
        ...(observed ? { instruction: () => undefined } : {}),
      });
      expect(machine.run()).toMatchObject({ ...expected, rip: WRITES, linearAddress: DATA });
    }
  });

  test('protect gives back a right at once too', () => {
    const machine = prepare({ code: PROGRAM, with: { rbx: DATA, rflags: IOPL_3 } });
    machine.protect(DATA, 0x1000, 'ru');
    machine.hook({
      fault: ({ cause }) => {
        expect(cause).toBe('write-protect');
        machine.protect(DATA, 0x1000, 'rwu');
        return 'retry';
      },
      out: () => true,
    });
    expect(machine.run({ until: CODE + 8n }).reason).toBe('until');
  });

  test('code that may no longer be executed faults, in the middle of a loop', () => {
    const machine = prepare({
      code: 'e6 01  eb fc', // out 1,al; jmp $-2
      with: { rflags: IOPL_3 },
    });
    let turns = 0;
    machine.hook({
      out: () => {
        if (++turns === 3) {
          machine.protect(CODE, 0x1000, 'ru');
        }
        return true;
      },
    });
    expect(machine.run({ maxInstructions: 100 })).toMatchObject({
      cause: 'no-execute',
      errorCode: PRESENT | USER | FETCH,
      rip: CODE + 2n,
    });
  });

  test('memory mapped anew is zeroed and has nothing of its past', () => {
    const machine = prepare({ code: '48 8b 03', with: { rbx: DATA } });
    machine.write(DATA, [1, 2, 3]);
    machine.unmap(DATA, 0x1000);
    expect(machine.isMapped(DATA)).toBe(false);
    machine.map(DATA, 0x1000, 'rwu');
    expect(machine.run({ until: CODE + 3n }).reason).toBe('until');
    expect(machine.registers.rax).toBe(0n);
  });

  test('mapping a page again keeps its bytes and changes its rights', () => {
    const machine = prepare({ code: '88 03', with: { rbx: DATA, rax: 9 } });
    machine.write(DATA, [1, 2]);
    machine.map(DATA, 0x1000, 'ru');
    expect(machine.run()).toMatchObject({ cause: 'write-protect' });
    expect(toHex(machine.read(DATA, 2))).toBe('0102');
  });
});

describe('the TLB serves only the access context that filled it', () => {
  const STAC = '0f 01 cb';
  const CLAC = '0f 01 ca';
  const READ = '8a 03'; // mov al,[rbx]
  const STORE = '88 03';
  const supervisor = { cpl: 0, cr4: ['smap'] as const, with: { rbx: DATA } };

  test.each([
    ['AC = 0 refuses', `${READ}`, 0],
    ['AC = 1 allows', `${STAC} ${READ}`, -1],
    ['after CLAC it is refused again', `${STAC} ${READ} ${CLAC} ${READ}`, 8],
    ['a write after CLAC too', `${STAC} ${STORE} ${CLAC} ${STORE}`, 8],
    ['and STAC opens it again', `${STAC} ${READ} ${CLAC} ${STAC} ${READ}`, -1],
  ])('supervisor access to a user page with SMAP: %s', (_what, code, faultsAt) => {
    const { ended, exit } = run({ ...supervisor, code });
    if (faultsAt < 0) {
      expect(ended).toBe('end');
    } else {
      expect(ended).toBe(`#PF(${code.includes(STORE) ? 3 : 1})`);
      expect(exit).toMatchObject({ cause: 'smap', rip: CODE + BigInt(faultsAt) });
    }
  });

  test('POPFQ opens and closes the window as STAC and CLAC do', () => {
    const code = `68 02 00 04 00 9d ${READ} 6a 02 9d ${READ}`; // push 40002h; popfq; ...
    const machine = prepare({ ...supervisor, code });
    machine.map(STACK_TOP - 0x2000n, 0x2000, 'rw');
    expect(machine.run()).toMatchObject({ cause: 'smap', rip: CODE + 11n });
  });

  test('a page of the supervisor that CPL 0 has read is not there for CPL 3', () => {
    const machine = prepare({ cpl: 0, code: READ, with: { rbx: DATA } });
    machine.map(DATA, 0x1000, 'rw');
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    machine.registers.cpl = 3n;
    machine.registers.rip = CODE;
    expect(machine.run()).toMatchObject({ cause: 'user', errorCode: PRESENT | USER });
    machine.registers.cpl = 0n;
    machine.registers.rip = CODE;
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
  });

  test('CR0.WP and CR4.SMEP written by the host count at once', () => {
    const machine = prepare({ cpl: 0, code: STORE, with: { rbx: DATA } });
    machine.map(DATA, 0x1000, 'r');
    machine.registers.cr0 &= ~BigInt(Cr0.WP);
    expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
    machine.registers.cr0 |= BigInt(Cr0.WP);
    machine.registers.rip = CODE;
    expect(machine.run()).toMatchObject({ cause: 'write-protect', errorCode: PRESENT | WRITE });
    machine.registers.cr4 |= BigInt(Cr4.SMEP);
    machine.registers.rip = CODE;
    expect(machine.run()).toMatchObject({ cause: 'smep', errorCode: PRESENT | FETCH, rip: CODE });
  });
});

test.each([
  [32, ['lass', 'smap'], 0xc000_0000n],
  [64, [], 0x7fff_ffff_f000n],
  [64, [], 0xffff_8000_0000_0000n],
  [64, ['la57'], 0x00ff_0000_0000_0000n],
  [64, ['la57'], 0xff00_0000_0000_0000n],
] as const)('in mode %s with CR4 bits %j the machine maps %i', (mode, cr4, address) => {
  const machine = prepare({ mode, cr4, code: '8a 03', with: { rbx: address } });
  machine.map(address, 1, 'ru');
  machine.write(address, [0xa5]);
  expect(machine.run({ until: CODE + 2n }).reason).toBe('until');
  expect(machine.registers.al).toBe(0xa5n);
});
