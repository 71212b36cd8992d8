import { describe, expect, test } from 'vitest';
import { DATA, fromHex, prepare, run, toHex } from './driver.ts';

const CF = 1n << 0n;
const ZF = 1n << 6n;
const OF = 1n << 11n;
const ARITHMETIC = 0x8d5n;
/** The last bytes before a page boundary within the data, and before its end. */
const CROSSING = DATA + 0xffdn;
const LAST_BYTES = DATA + 0x1ffdn;

describe('XCHG', () => {
  test('of 32-bit registers clears both upper halves, also of one register', () => {
    const { register } = run({
      code: '87 d8  87 c9', // xchg eax,ebx; xchg ecx,ecx
      with: { rax: 0x1_0000_0001n, rbx: 0x2_0000_0002n, rcx: 0x3_0000_0003n },
    });
    expect(register('rax')).toBe(2n);
    expect(register('rbx')).toBe(1n);
    expect(register('rcx')).toBe(3n);
  });

  test.each([
    ['90', 'nop'],
    ['48 90', 'rex.w nop'],
    ['66 90', 'data16 nop'],
    ['f3 90', 'pause'],
  ])('%s, %s, changes nothing', (code) => {
    const { ended, register } = run({ code, with: { rax: -1n, rflags: 0xad7 } });
    expect(ended).toBe('end');
    expect(register('rax')).toBe(0xffff_ffff_ffff_ffffn);
    expect(register('rflags')).toBe(0xad7n);
  });

  test('of 16-bit registers in real mode leaves the upper halves', () => {
    const { register } = run({
      mode: 16,
      code: '93', // xchg bx,ax
      with: { eax: 0x1111_aaaa, ebx: 0x2222_bbbb },
    });
    expect(register('eax')).toBe(0x1111_bbbbn);
    expect(register('ebx')).toBe(0x2222_aaaan);
  });

  test('of AL and AH swaps the bytes of AX', () => {
    const { register } = run({ code: '86 e0', with: { rax: 0x99_1234 } }); // xchg al,ah
    expect(register('rax')).toBe(0x99_3412n);
  });

  test('with memory works across a page boundary', () => {
    const { ended, register, memory } = run({
      code: '48 87 03', // xchg [rbx],rax
      with: { rax: 0x8877_6655_4433_2211n, rbx: CROSSING },
      memory: { [`${CROSSING}`]: 'a1a2a3a4a5a6a7a8' },
    });
    expect(ended).toBe('end');
    expect(register('rax')).toBe(0xa8a7_a6a5_a4a3_a2a1n);
    expect(memory(CROSSING, 8)).toBe('1122334455667788');
  });

  test('with memory that ends in an unmapped page changes nothing', () => {
    const { ended, register, memory } = run({
      code: '48 87 03', // xchg [rbx],rax
      with: { rax: 1, rbx: LAST_BYTES },
      memory: { [`${LAST_BYTES}`]: 'a1a2a3' },
    });
    expect(ended).toBe('#PF(6)');
    expect(register('rax')).toBe(1n);
    expect(register('cr2')).toBe(DATA + 0x2000n);
    expect(memory(LAST_BYTES, 3)).toBe('a1a2a3');
  });

  test.each([
    ['f0 87 c3', 'lock xchg ebx,eax'],
    ['f0 0f c1 c3', 'lock xadd ebx,eax'],
    ['f0 0f b1 cb', 'lock cmpxchg ebx,ecx'],
  ])('%s, %s, is #UD: LOCK is for memory', (code) => {
    expect(run({ code }).ended).toBe('#UD');
  });
});

describe('XADD', () => {
  test('returns the old value of memory and sets the flags of an addition', () => {
    const { register, memory } = run({
      code: 'f0 48 0f c1 03', // lock xadd [rbx],rax
      with: { rax: 1, rbx: DATA, rflags: 0x202 },
      memory: { [`${DATA}`]: 'ffffffffffffff7f' },
    });
    expect(register('rax')).toBe(0x7fff_ffff_ffff_ffffn);
    expect(memory(DATA, 8)).toBe('0000000000000080');
    expect(register('rflags') & (CF | OF)).toBe(OF);
  });

  test('of a register with itself doubles it', () => {
    const { register } = run({ code: '0f c1 c0', with: { rax: 0x7_0000_0021n } }); // xadd eax,eax
    expect(register('rax')).toBe(0x42n);
  });

  test('of AL and AH keeps the rest of RAX', () => {
    const { register } = run({ code: '0f c0 e0', with: { rax: 0x55_0302 } }); // xadd al,ah
    expect(register('rax')).toBe(0x55_0205n);
  });

  test('works in real mode through a segment', () => {
    const { register, memory } = run({
      mode: 16,
      code: '26 0f c1 07', // xadd es:[bx],ax
      with: { es: 0x200, bx: 4, ax: 0x10 },
      memory: { 8196: 'f0ff' },
    });
    expect(register('ax')).toBe(0xfff0n);
    expect(memory(0x2004n, 2)).toBe('0000');
    expect(register('rflags') & (CF | ZF)).toBe(CF | ZF);
  });
});

describe('CMPXCHG', () => {
  test('32-bit and equal clears the upper half of the destination alone', () => {
    const { register } = run({
      code: '0f b1 cb', // cmpxchg ebx,ecx
      with: { rax: 0x1_0000_0005n, rbx: 0x2_0000_0005n, rcx: 0x3_0000_0007n },
    });
    expect(register('rax')).toBe(0x1_0000_0005n);
    expect(register('rbx')).toBe(7n);
    expect(register('rflags') & ZF).toBe(ZF);
  });

  test('32-bit and not equal clears the upper half of RAX alone', () => {
    const { register } = run({
      code: '0f b1 cb', // cmpxchg ebx,ecx
      with: { rax: 0x1_0000_0005n, rbx: 0x2_0000_0006n, rcx: 7 },
    });
    expect(register('rax')).toBe(6n);
    expect(register('rbx')).toBe(0x2_0000_0006n);
    expect(register('rflags') & (ZF | CF)).toBe(CF);
  });

  test('64-bit looks at both halves', () => {
    const { register, memory } = run({
      code: '48 0f b1 0b', // cmpxchg [rbx],rcx
      with: { rax: 0x1_0000_0005n, rbx: DATA, rcx: 9 },
      memory: { [`${DATA}`]: '0500000002000000' },
    });
    expect(register('rax')).toBe(0x2_0000_0005n);
    expect(memory(DATA, 8)).toBe('0500000002000000');
  });

  test('wants memory to be writable even if it would not store', () => {
    const machine = prepare({
      code: '0f b1 0b', // cmpxchg [rbx],ecx
      with: { rax: 1, rbx: DATA, rflags: 0x202 },
      memory: { [`${DATA}`]: '02000000' },
    });
    machine.protect(DATA, 4096, 'ru');
    expect(machine.run({ maxInstructions: 1 })).toMatchObject({ name: '#PF', errorCode: 7 });
    expect(machine.registers.rax).toBe(1n);
    expect(machine.registers.rflags).toBe(0x202n);
  });
});

const SIZES = [1, 2, 4, 8] as const;

/** Prefixes and last opcode byte of an operand size, for opcodes that come in pairs. */
function sized(size: 1 | 2 | 4 | 8, opcode: string, byteOpcode: number): string {
  const prefix = size === 2 ? '66' : size === 8 ? '48' : '';
  return `${prefix} ${opcode} ${(byteOpcode + (size === 1 ? 0 : 1)).toString(16)}`;
}

test.each([
  ['xchg', '', 0x86],
  ['xadd', '0f', 0xc0],
  ['cmpxchg', '0f', 0xb0],
])('%s does the same to a register and to memory at all sizes', (_name, opcode, byte) => {
  const value = 0x8070_6050_4030_2010n;
  for (const size of SIZES) {
    // The second accumulator is equal to the destination in all its sizes.
    for (const rax of [0x0102_0304_0506_0708n, value]) {
      const code = sized(size, opcode, byte);
      const before = { rax, rcx: 0x1122_3344_5566_7788n, rflags: 0x202 };
      const expected = run({ code: `${code} cb`, with: { ...before, rbx: value } });
      const { register, memory } = run({
        code: `${code} 0b`,
        with: { ...before, rbx: DATA },
        memory: { [`${DATA}`]: '1020304050607080' },
      });
      const bits = size * 8;
      const result = BigInt.asUintN(bits, expected.register('rbx'));
      const bytes =
        result
          .toString(16)
          .padStart(2 * size, '0')
          .match(/../g) ?? [];
      expect(memory(DATA, size)).toBe(bytes.reverse().join(''));
      for (const name of ['rax', 'rcx', 'rflags']) {
        expect(register(name)).toBe(expected.register(name));
      }
    }
  }
});

describe('CMPXCHG8B', () => {
  const code = '0f c7 0b'; // cmpxchg8b [rbx]

  test('stores ECX:EBX where EDX:EAX was found and changes ZF alone', () => {
    const { register, memory } = run({
      code: '0f c7 0e', // cmpxchg8b [rsi]
      with: {
        rax: 0x7_4433_2211n,
        rdx: 0x7_8877_6655n,
        rbx: 0x0a0b_0c0d,
        rcx: 0x0102_0304,
        rsi: CROSSING,
        rflags: 0x297,
      },
      memory: { [`${CROSSING}`]: '1122334455667788' },
    });
    expect(memory(CROSSING, 8)).toBe('0d0c0b0a04030201');
    expect(register('rax')).toBe(0x7_4433_2211n);
    expect(register('rdx')).toBe(0x7_8877_6655n);
    expect(register('rflags')).toBe(0x2d7n);
  });

  test('else loads EDX:EAX, clears their upper halves and ZF', () => {
    const { register, memory } = run({
      code,
      with: { rax: -1n, rdx: -1n, rbx: DATA, rcx: 1, rflags: 0xad7 },
      memory: { [`${DATA}`]: '1122334455667788' },
    });
    expect(register('rax')).toBe(0x4433_2211n);
    expect(register('rdx')).toBe(0x8877_6655n);
    expect(register('rflags')).toBe(0xa97n);
    expect(memory(DATA, 8)).toBe('1122334455667788');
  });

  test('works in 16-bit code, where its registers still have 32 bits', () => {
    const { memory, register } = run({
      mode: 16,
      code: '0f c7 0e 00 20', // cmpxchg8b [2000h]
      with: { eax: 0x4433_2211, edx: 0x8877_6655, ebx: 0x0101_0101, ecx: 0x0202_0202 },
      memory: { 8192: '1122334455667788' },
    });
    expect(memory(0x2000n, 8)).toBe('0101010102020202');
    expect(register('rflags') & ARITHMETIC).toBe(ZF);
  });
});

describe('CMPXCHG16B', () => {
  const code = '48 0f c7 0e'; // cmpxchg16b [rsi]
  const before = '00112233445566778899aabbccddeeff';
  const found = { rax: 0x7766_5544_3322_1100n, rdx: 0xffee_ddcc_bbaa_9988n };

  test('stores RCX:RBX where RDX:RAX was found', () => {
    const { memory, register } = run({
      code,
      with: { ...found, rbx: 1, rcx: 2, rsi: DATA + 16n },
      memory: { [`${DATA + 16n}`]: before },
    });
    expect(memory(DATA + 16n, 16)).toBe('01000000000000000200000000000000');
    expect(register('rflags') & ZF).toBe(ZF);
  });

  test.each([
    ['rax', 0x7766_5544_3322_1101n],
    ['rax', 0x6766_5544_3322_1100n],
    ['rdx', 0xffee_ddcc_bbaa_9989n],
    ['rdx', 0x7fee_ddcc_bbaa_9988n],
  ])('loads RDX:RAX when %s is %i', (name, value) => {
    const { memory, register } = run({
      code,
      with: { ...found, [name]: value, rbx: 1, rcx: 2, rsi: DATA },
      memory: { [`${DATA}`]: before },
    });
    expect(memory(DATA, 16)).toBe(before);
    expect(register('rax')).toBe(found.rax);
    expect(register('rdx')).toBe(found.rdx);
    expect(register('rflags') & ZF).toBe(0n);
  });

  test('is #GP(0) if not aligned to 16 bytes, before paging has its say', () => {
    const aligned = run({ code, with: { rsi: 0x5000_0000 } });
    expect(aligned.ended).toBe('#PF(6)');
    const misaligned = run({ code, with: { rsi: 0x5000_0008 } });
    expect(misaligned.ended).toBe('#GP(0)');
    expect(misaligned.exit).toMatchObject({ cause: 'alignment' });
  });

  test('aligns the linear address, not the offset', () => {
    const { ended } = run({
      code: '64 48 0f c7 0e', // cmpxchg16b fs:[rsi]
      with: { fs_base: 8, rsi: DATA + 8n },
    });
    expect(ended).toBe('end');
  });

  test('works on a device', () => {
    const machine = prepare({ code, with: { ...found, rbx: 3, rcx: 4, rsi: 0x9000_0000 } });
    const cells = fromHex(before);
    machine.mapDevice(
      0x9000_0000,
      4096,
      {
        read: (offset, data) => data.set(cells.subarray(offset, offset + data.length)),
        write: (offset, data) => cells.set(data, offset),
      },
      'rwu',
    );
    expect(machine.run({ maxInstructions: 1 }).reason).toBe('limit');
    expect(toHex(cells)).toBe('03000000000000000400000000000000');
  });
});
