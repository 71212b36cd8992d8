import { describe, expect, test } from 'vitest';
import { DATA, run } from './driver.ts';

const A = 0x8421_0f0f_1234_5678n;
const B = 0xff00_ff00_0ff0_0ff0n;
const VIRTUAL_8086 = 0x2_0202;

/** PDEP and PEXT bit by bit, as the manual writes them. */
function depositBits(source: bigint, mask: bigint): bigint {
  let result = 0n;
  let k = 0n;
  for (let bit = 0n; bit < 64n; bit++) {
    if (((mask >> bit) & 1n) !== 0n) {
      result |= ((source >> k) & 1n) << bit;
      k++;
    }
  }
  return result;
}

function extractBits(source: bigint, mask: bigint): bigint {
  let result = 0n;
  let k = 0n;
  for (let bit = 0n; bit < 64n; bit++) {
    if (((mask >> bit) & 1n) !== 0n) {
      result |= ((source >> bit) & 1n) << k;
      k++;
    }
  }
  return result;
}

const MASKS = [
  0n,
  1n,
  B,
  ~B & (2n ** 64n - 1n),
  2n ** 64n - 1n,
  2n ** 63n,
  0xffff_ffffn,
  2n ** 32n,
  A,
];

test.each(MASKS)('PDEP and PEXT scatter and gather the bits that mask %i names', (mask) => {
  const { register } = run({
    code: 'c4 e2 e3 f5 c1  c4 e2 e2 f5 d1', // pdep rax,rbx,rcx; pext rdx,rbx,rcx
    with: { rbx: A, rcx: mask },
  });
  expect(register('rax')).toBe(depositBits(A, mask));
  expect(register('rdx')).toBe(extractBits(A, mask));
});

describe('shifts and rotates without flags', () => {
  const COUNTS = [0n, 1n, 31n, 32n, 33n, 63n, 64n + 5n];

  test.each(COUNTS)('64 bits by %i', (count) => {
    const n = count & 63n;
    const { register } = run({
      // shlx rax,rbx,rcx; shrx rdx,rbx,rcx; sarx rsi,rbx,rcx
      code: 'c4 e2 f1 f7 c3  c4 e2 f3 f7 d3  c4 e2 f2 f7 f3',
      with: { rbx: A, rcx: count, rflags: 0xad7 },
    });
    expect(register('rax')).toBe(BigInt.asUintN(64, A << n));
    expect(register('rdx')).toBe(A >> n);
    expect(register('rsi')).toBe(BigInt.asUintN(64, BigInt.asIntN(64, A) >> n));
    expect(register('rflags')).toBe(0xad7n);
  });

  test.each(COUNTS)('RORX by %i takes its count from the immediate', (count) => {
    const n = count & 63n;
    const immediate = count.toString(16).padStart(2, '0');
    const { register } = run({
      code: `c4 e3 fb f0 03 ${immediate}  c4 e3 7b f0 cb ${immediate}`, // rorx rax,[rbx],n; rorx ecx,ebx,n
      with: { rbx: DATA },
      memory: { [`${DATA}`]: '785634120f0f2184' },
    });
    expect(register('rax')).toBe(BigInt.asUintN(64, (A >> n) | (A << (64n - n))));
    const m = count & 31n;
    expect(register('rcx')).toBe(BigInt.asUintN(32, (DATA >> m) | (DATA << (32n - m))));
  });
});

test.each([
  // bextr rax,rbx,rcx
  ['c4 e2 f0 f7 c3', 0x0804n, 0x67n],
  ['c4 e2 f0 f7 c3', 0x2014n, 0x10f0_f123n],
  ['c4 e2 f0 f7 c3', 0xff00n, A],
  ['c4 e2 f0 f7 c3', 0x0840n, 0n],
  // bextr eax,ebx,ecx
  ['c4 e2 70 f7 c3', 0x0804n, 0x67n],
  ['c4 e2 70 f7 c3', 0x0820n, 0n],
  // bzhi rax,rbx,rcx
  ['c4 e2 f0 f5 c3', 0n, 0n],
  ['c4 e2 f0 f5 c3', 0xff28n, 0x0f_1234_5678n],
  ['c4 e2 f0 f5 c3', 0x80n, A],
  // bzhi eax,ebx,ecx
  ['c4 e2 70 f5 c3', 0x1fn, 0x1234_5678n],
  ['c4 e2 70 f5 c3', 0x0cn, 0x678n],
])('%s with control %i extracts %i', (code, control, result) => {
  const { register } = run({ code, with: { rax: -1n, rbx: A, rcx: control } });
  expect(register('rax')).toBe(result);
});

test.each([
  ['bextr', 'c4 e2 f0 f7 c3', 0xff00n, 0x12n],
  ['andn', 'c4 e2 f0 f2 c3', 0n, 0x82n],
])('%s leaves AF and SF as the recorded processor does', (_name, code, rcx, flags) => {
  const { register } = run({ code, with: { rbx: 2n ** 63n + 1n, rcx, rflags: 0xad7 } });
  expect(register('rflags') & 0x8d7n).toBe(flags);
});

test.each([
  // blsr rax,rbx; blsmsk rax,rbx; blsi rax,rbx
  ['c4 e2 f8 f3 cb', 2n ** 40n, 0n, 0x46n],
  ['c4 e2 f8 f3 cb', 0n, 0n, 0x47n],
  ['c4 e2 f8 f3 d3', 2n ** 40n, 2n ** 41n - 1n, 0x06n],
  ['c4 e2 f8 f3 d3', 0n, 2n ** 64n - 1n, 0x87n],
  ['c4 e2 f8 f3 db', 3n << 40n, 2n ** 40n, 0x07n],
  ['c4 e2 f8 f3 db', 0n, 0n, 0x46n],
])('%s of %i is %i', (code, rbx, result, flags) => {
  const { register } = run({ code, with: { rax: 5, rbx, rflags: 0xad7 } });
  expect(register('rax')).toBe(result);
  expect(register('rflags') & 0x8d7n).toBe(flags);
});

test.each([
  ['andn', 'c4 e2 f0 f2'],
  ['bextr', 'c4 e2 f0 f7'],
  ['bzhi', 'c4 e2 f0 f5'],
  ['mulx', 'c4 e2 f3 f6'],
  ['pdep', 'c4 e2 f3 f5'],
  ['pext', 'c4 e2 f2 f5'],
  ['sarx', 'c4 e2 f2 f7'],
  ['shlx', 'c4 e2 f1 f7'],
  ['shrx', 'c4 e2 f3 f7'],
])('%s gives the same from a register as from memory, which may cross pages', (_name, wide) => {
  const narrow = wide.replace(/f(\d) f/, '7$1 f');
  for (const opcode of [wide, narrow]) {
    const before = { rax: -1n, rcx: 0x1305n, rdx: A, rflags: 0x202 };
    const rbx = DATA + 0xffdn;
    const expected = run({ code: `${opcode} c3`, with: { ...before, rbx: B } });
    const { ended, register } = run({
      code: `${opcode} 03`,
      with: { ...before, rbx },
      memory: { [`${rbx}`]: 'f00ff00f00ff00ff' },
    });
    expect(ended).toBe('end');
    for (const name of ['rax', 'rcx', 'rdx', 'rflags']) {
      expect(register(name)).toBe(expected.register(name));
    }
  }
});

test.each(['cb', 'd3', 'db'])('f3 %s gives the same from a register as from memory', (modrm) => {
  for (const opcode of ['c4 e2 f8 f3', 'c4 e2 78 f3']) {
    const expected = run({ code: `${opcode} ${modrm}`, with: { rbx: B } });
    const memoryForm = (Number.parseInt(modrm, 16) & 0x3f).toString(16).padStart(2, '0');
    const { register } = run({
      code: `${opcode} ${memoryForm}`,
      with: { rbx: DATA },
      memory: { [`${DATA}`]: 'f00ff00f00ff00ff' },
    });
    expect(register('rax')).toBe(expected.register('rax'));
    expect(register('rflags')).toBe(expected.register('rflags'));
  }
});

describe('MULX', () => {
  test('multiplies 64 by 64 bits and touches no flag', () => {
    const { register } = run({
      code: 'c4 e2 fb f6 cb', // mulx rcx,rax,rbx
      with: { rdx: A, rbx: B, rflags: 0xad7 },
    });
    expect((register('rcx') << 64n) | register('rax')).toBe(A * B);
    expect(register('rflags')).toBe(0xad7n);
  });

  test('with one destination for both halves keeps the high one', () => {
    const { register } = run({ code: 'c4 e2 fb f6 c3', with: { rdx: A, rbx: B } }); // mulx rax,rax,rbx
    expect(register('rax')).toBe((A * B) >> 64n);
  });

  test('can write RDX itself', () => {
    const { register } = run({ code: 'c4 e2 6b f6 c3', with: { rdx: 0xffff_ffff, rbx: -1n } }); // mulx eax,edx,ebx
    expect(register('rax')).toBe(0xffff_fffen);
    expect(register('rdx')).toBe(1n);
  });

  test('that faults on its source changes nothing', () => {
    const { ended, register } = run({
      code: 'c4 e2 fb f6 0b', // mulx rcx,rax,[rbx]
      with: { rax: 1, rcx: 2, rdx: 3, rbx: DATA + 0x1ffcn },
    });
    expect(ended).toBe('#PF(4)');
    expect(register('rax')).toBe(1n);
    expect(register('rcx')).toBe(2n);
  });
});

describe('VEX-encoded forms', () => {
  const code = 'c4 e2 70 f2 c3'; // andn eax,ecx,ebx

  test('work in 32-bit and compatibility mode, where W1 changes nothing', () => {
    for (const mode of [32, 'compat'] as const) {
      for (const bytes of [code, 'c4 e2 f0 f2 c3']) {
        const { register } = run({ mode, code: bytes, with: { ebx: 0xff, ecx: 0x0f } });
        expect(register('eax')).toBe(0xf0n);
      }
    }
  });

  test('are #UD in real-address and virtual-8086 mode', () => {
    expect(run({ mode: 16, code }).ended).toBe('#UD');
    expect(run({ mode: 32, code, with: { rflags: VIRTUAL_8086 } }).ended).toBe('#UD');
  });

  test.each([
    ['f0 c4 e2 70 f2 c3', 'LOCK'],
    ['66 c4 e2 70 f2 c3', 'an operand-size prefix'],
    ['48 c4 e2 70 f2 c3', 'REX'],
    ['c4 e2 74 f2 c3', 'VEX.L = 1'],
  ])('%s is #UD: %s does not go with them', (bytes) => {
    expect(run({ code: bytes }).ended).toBe('#UD');
  });
});
