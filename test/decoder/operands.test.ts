import { describe, expect, test } from 'vitest';
import {
  AddressForm,
  type CodeMode,
  OperandKind,
  Segment,
  ZERO_SLOT,
} from '../../src/decoder/index.ts';
import { run } from '../emulator/driver.ts';
import { decode, RIP } from './decode.ts';

const { Branch, FarBranch, Immediate, Memory, Register } = OperandKind;

/** Register numbers as instructions encode them. */
const [AX, CX, DX, BX, SP, BP, SI, DI] = [0, 1, 2, 3, 4, 5, 6, 7];
const R8 = 8;
const R12 = 12;
const R13 = 13;
const R15 = 15;

/** Slots by width, as the doc comment of `Instruction` defines them. */
const wide = (n: number): number => 2 * n;
const word = (n: number): number => 4 * n;
const byte = (n: number): number => 8 * n;
const high = (n: number): number => 8 * n + 1;

describe('register operands', () => {
  test.each<[CodeMode, string, string, number[]]>([
    [64, '48 89 c8', 'mov rax,rcx', [wide(AX), wide(CX)]],
    [64, '89 d3', 'mov ebx,edx', [wide(BX), wide(DX)]],
    [64, '4d 89 fc', 'mov r12,r15', [wide(R12), wide(R15)]],
    [64, '45 89 c5', 'mov r13d,r8d', [wide(R13), wide(R8)]],
    [64, '66 89 f7', 'mov di,si', [word(DI), word(SI)]],
    [64, '66 45 89 c7', 'mov r15w,r8w', [word(R15), word(R8)]],
    [64, '88 c8', 'mov al,cl', [byte(AX), byte(CX)]],
    [64, '88 e0', 'mov al,ah', [byte(AX), high(AX)]],
    [64, '88 fd', 'mov ch,bh', [high(CX), high(BX)]],
    [64, '88 f6', 'mov dh,dh', [high(DX), high(DX)]],
    [64, '40 88 e0', 'mov al,spl', [byte(AX), byte(SP)]],
    [64, '40 88 fd', 'mov bpl,dil', [byte(BP), byte(DI)]],
    [64, '40 88 f6', 'mov sil,sil', [byte(SI), byte(SI)]],
    [64, '45 88 c7', 'mov r15b,r8b', [byte(R15), byte(R8)]],
    [32, '88 e0', 'mov al,ah', [byte(AX), high(AX)]],
    [32, '66 89 ec', 'mov sp,bp', [word(SP), word(BP)]],
    [32, '89 ec', 'mov esp,ebp', [wide(SP), wide(BP)]],
    [16, '89 ec', 'mov sp,bp', [word(SP), word(BP)]],
    [16, '66 89 ec', 'mov esp,ebp', [wide(SP), wide(BP)]],
    [64, '0f b6 cc', 'movzx ecx,ah', [wide(CX), high(AX)]],
    [64, '48 0f b7 c1', 'movzx rax,cx', [wide(AX), word(CX)]],
    [64, '0f 20 e0', 'mov rax,cr4', [wide(AX), 4]],
    [64, '44 0f 20 c0', 'mov rax,cr8', [wide(AX), 8]],
    [64, '0f 23 f8', 'mov dr7,rax', [7, wide(AX)]],
    [64, '8c e8', 'mov eax,gs', [wide(AX), Segment.GS]],
    [64, '8e e0', 'mov fs,eax', [Segment.FS, wide(AX)]],
    [64, '66 45 0f ef ff', 'pxor xmm15,xmm15', [15, 15]],
    [64, 'd8 c3', 'fadd st,st(3)', [0, 3]],
    [64, 'c4 e2 60 f2 c1', 'andn eax,ebx,ecx', [wide(AX), wide(BX), wide(CX)]],
  ])('%i-bit: %s, %s', (mode, hex, _text, slots) => {
    const i = decode(mode, hex);
    expect(i.kinds).toEqual(slots.map(() => Register));
    expect(i.slots).toEqual(slots);
    expect(i).toMatchObject({ base: ZERO_SLOT, index: ZERO_SLOT, displacement: 0n, memorySize: 0 });
  });
});

describe('memory operands in 64-bit code', () => {
  const none = ZERO_SLOT;
  const { Flat, FlatIndexed, General } = AddressForm;
  type Where = [base: number, index: number, scale: number, displacement: bigint];

  test.each<[string, string, Where, number]>([
    ['48 8b 07', 'mov rax,[rdi]', [wide(DI), none, 0, 0n], Flat],
    ['48 8b 47 7f', '[rdi+7fh]', [wide(DI), none, 0, 0x7fn], Flat],
    ['48 8b 47 80', '[rdi-80h]', [wide(DI), none, 0, -0x80n], Flat],
    ['48 8b 87 00 00 00 80', '[rdi-80000000h]', [wide(DI), none, 0, -0x8000_0000n], Flat],
    ['48 8b 87 ff ff ff 7f', '[rdi+7fffffffh]', [wide(DI), none, 0, 0x7fff_ffffn], Flat],
    ['49 8b 45 00', '[r13]', [wide(R13), none, 0, 0n], Flat],
    ['49 8b 04 24', '[r12]', [wide(R12), none, 0, 0n], Flat],
    ['48 8b 04 8e', '[rsi+rcx*4]', [wide(SI), wide(CX), 2, 0n], FlatIndexed],
    ['4b 8b 44 fd f8', '[r13+r15*8-8]', [wide(R13), wide(R15), 3, -8n], FlatIndexed],
    ['4a 8b 04 63', '[rbx+r12*2]: r12 may be an index', [wide(BX), wide(R12), 1, 0n], FlatIndexed],
    ['48 8b 04 24', '[rsp]: no index', [wide(SP), none, 0, 0n], Flat],
    ['48 8b 04 cd 10 00 00 00', '[rcx*8+10h]', [none, wide(CX), 3, 0x10n], FlatIndexed],
    ['48 8b 04 25 00 00 00 80', '[0ffffffff80000000h]', [none, none, 0, -0x8000_0000n], Flat],
    ['48 8b 05 10 00 00 00', '[rip+10h]', [none, none, 0, RIP + 7n + 0x10n], Flat],
    ['48 8b 05 f0 ff ff ff', '[rip-10h]', [none, none, 0, RIP + 7n - 0x10n], Flat],
    [
      'c7 05 10 00 00 00 01 00 00 00',
      '[rip+10h] counts the immediate',
      [none, none, 0, RIP + 26n],
      Flat,
    ],
    ['67 8b 07', '[edi]', [wide(DI), none, 0, 0n], General],
    ['67 8b 47 ff', '[edi-1]', [wide(DI), none, 0, -1n], General],
    [
      '67 8b 04 25 00 00 00 80',
      '[80000000h], not sign-extended',
      [none, none, 0, 0x8000_0000n],
      General,
    ],
    ['67 8b 05 10 00 00 00', '[eip+10h]', [none, none, 0, RIP + 7n + 0x10n], General],
    [
      '48 a1 88 77 66 55 44 33 22 91',
      'mov rax,moffs64',
      [none, none, 0, -0x6eddccbbaa998878n],
      Flat,
    ],
    ['67 a1 00 00 00 80', 'mov eax,moffs32', [none, none, 0, 0x8000_0000n], General],
    ['64 48 8b 07', 'fs:[rdi]', [wide(DI), none, 0, 0n], General],
    ['65 48 8b 04 25 28 00 00 00', 'gs:[28h]', [none, none, 0, 0x28n], General],
  ])('%s, %s', (hex, _text, [base, index, scale, displacement], addressForm) => {
    const addressSize = hex.startsWith('67') ? 32 : 64;
    expect(decode(64, hex)).toMatchObject({ base, index, scale, addressForm, addressSize });
    const i = decode(64, hex);
    const bits = addressSize === 32 ? 32 : 64;
    expect(BigInt.asIntN(bits, i.displacement)).toBe(BigInt.asIntN(bits, displacement));
  });

  test('RIP-relative addresses wrap at both ends of the address space', () => {
    const low = decode(64, '48 8b 05 00 00 00 80', 0x1000n);
    expect(low.displacement).toBe(0x1007n - 0x8000_0000n);
    const top = decode(64, '48 8b 05 ff ff ff 7f', 0xffff_ffff_ffff_fff0n);
    expect(top.displacement).toBe(0x7fff_fff6n);
  });

  test('EIP-relative addresses are of 32 bits whatever RIP is', () => {
    const i = decode(64, '67 8b 05 10 00 00 00', 0xffff_8000_ffff_fff0n);
    expect(i.addressSize).toBe(32);
    expect(BigInt.asUintN(32, i.displacement)).toBe(7n);
  });
});

describe('memory operands in 32-bit and 16-bit code', () => {
  const none = ZERO_SLOT;
  const { DS, SS } = Segment;
  type Where = [base: number, index: number, scale: number, displacement: bigint, segment: number];

  test.each<[CodeMode, number, string, string, Where]>([
    [32, 32, '8b 44 8e fc', '[esi+ecx*4-4]', [wide(SI), wide(CX), 2, -4n, DS]],
    [
      32,
      32,
      '8b 05 00 00 00 80',
      '[80000000h]: not EIP-relative',
      [none, none, 0, 0x8000_0000n, DS],
    ],
    [32, 32, 'a1 78 56 34 12', 'mov eax,moffs32', [none, none, 0, 0x1234_5678n, DS]],
    [32, 32, '8b 45 08', '[ebp+8]', [wide(BP), none, 0, 8n, SS]],
    [32, 32, '8b 04 24', '[esp]', [wide(SP), none, 0, 0n, SS]],
    [32, 32, '8b 04 2b', '[ebx+ebp]: EBP as index', [wide(BX), wide(BP), 0, 0n, DS]],
    [32, 32, '8b 04 6d 00 00 00 00', '[ebp*2]: no base', [none, wide(BP), 1, 0n, DS]],
    [32, 16, '67 8b 00', '[bx+si]', [wide(BX), wide(SI), 0, 0n, DS]],
    [32, 16, '67 8b 42 fe', '[bp+si-2]', [wide(BP), wide(SI), 0, -2n, SS]],
    [32, 16, '67 8b 06 34 12', '[1234h]', [none, none, 0, 0x1234n, DS]],
    [32, 16, '67 a1 34 12', 'mov eax,moffs16', [none, none, 0, 0x1234n, DS]],
    [16, 16, '8b 01', '[bx+di]', [wide(BX), wide(DI), 0, 0n, DS]],
    [16, 16, '8b 03', '[bp+di]', [wide(BP), wide(DI), 0, 0n, SS]],
    [16, 16, '8b 04', '[si]', [wide(SI), none, 0, 0n, DS]],
    [16, 16, '8b 05', '[di]', [wide(DI), none, 0, 0n, DS]],
    [16, 16, '8b 46 00', '[bp]', [wide(BP), none, 0, 0n, SS]],
    [16, 16, '8b 87 00 80', '[bx+8000h]', [wide(BX), none, 0, -0x8000n, DS]],
    [16, 16, 'a0 ff ff', 'mov al,moffs16', [none, none, 0, -1n, DS]],
    [16, 32, '67 8b 45 08', '[ebp+8]', [wide(BP), none, 0, 8n, SS]],
    [16, 32, '67 a1 78 56 34 12', 'mov ax,moffs32', [none, none, 0, 0x1234_5678n, DS]],
  ])('%i-bit code, %i-bit addresses: %s, %s', (mode, addressSize, hex, _text, where) => {
    const [base, index, scale, displacement, segment] = where;
    const i = decode(mode, hex);
    expect(i).toMatchObject({ base, index, scale, segment, addressSize });
    expect(i.addressForm).toBe(AddressForm.General);
    expect(BigInt.asIntN(addressSize, i.displacement)).toBe(
      BigInt.asIntN(addressSize, displacement),
    );
  });
});

describe('segments', () => {
  const { CS, DS, ES, FS, GS, SS } = Segment;

  test.each<[CodeMode, string, string, number]>([
    [64, '48 8b 00', '[rax]', DS],
    [64, '48 8b 04 24', '[rsp]', SS],
    [64, '48 8b 45 00', '[rbp]', SS],
    [64, '67 8b 45 00', '[ebp]', SS],
    [64, '49 8b 45 00', '[r13], which shares its encoding with RBP', DS],
    [64, '49 8b 04 24', '[r12], which shares its encoding with RSP', DS],
    [64, '48 8b 04 2b', '[rbx+rbp]', DS],
    [64, '48 8b 05 00 00 00 00', '[rip]', DS],
    [64, '36 48 8b 00', 'ss: ignored, [rax]', DS],
    [64, '2e 48 8b 00', 'cs: ignored, [rax]', DS],
    [64, '26 48 8b 04 24', 'es: ignored, [rsp]', SS],
    [64, '3e 48 8b 45 00', 'ds: ignored, [rbp]', SS],
    [64, '64 48 8b 04 24', 'fs:[rsp]', FS],
    [64, '65 48 8b 45 00', 'gs:[rbp]', GS],
    [64, '64 3e 48 8b 00', 'fs: then ds:, which 64-bit mode ignores', FS],
    [64, '65 a4', 'movsb from gs:[rsi]', GS],
    [64, '3e ac', 'lodsb, ds: ignored', DS],
    [32, '36 8b 00', 'ss:[eax]', SS],
    [32, '3e 8b 45 00', 'ds:[ebp]', DS],
    [32, '26 8b 04 24', 'es:[esp]', ES],
    [32, '2e a1 00 00 00 00', 'cs:[0]', CS],
    [32, '26 a4', 'movsb from es:[esi]', ES],
    [32, '64 3e 8b 00', 'the last of two prefixes counts', DS],
    [16, '2e 8b 00', 'cs:[bx+si]', CS],
    [16, '65 d7', 'xlat gs:', GS],
  ])('%i-bit: %s, %s', (mode, hex, _text, segment) => {
    expect(decode(mode, hex).segment).toBe(segment);
  });

  const NON_CANONICAL = 0x8000_0000_0000_0000n;
  test.each([
    ['48 8b 00', '[rax]', '#GP(0)'],
    ['36 48 8b 00', 'ss:[rax]', '#GP(0)'],
    ['48 8b 45 00', '[rbp]', '#SS(0)'],
    ['3e 48 8b 45 00', 'ds:[rbp]', '#SS(0)'],
    ['64 48 8b 45 00', 'fs:[rbp]', '#GP(0)'],
    ['49 8b 45 00', '[r13]', '#GP(0)'],
  ])('%s, %s, at a non-canonical address is %s', (code, _text, ended) => {
    const at = { rax: NON_CANONICAL, rbp: NON_CANONICAL, r13: NON_CANONICAL };
    expect(run({ code, with: at }).ended).toBe(ended);
  });
});

describe('size of the memory operand', () => {
  test.each([
    ['88 07', 'mov [rdi],al', 1],
    ['66 89 07', 'mov [rdi],ax', 2],
    ['89 07', 'mov [rdi],eax', 4],
    ['48 89 07', 'mov [rdi],rax', 8],
    ['48 0f c7 0f', 'cmpxchg16b [rdi]', 16],
    ['0f c7 0f', 'cmpxchg8b [rdi]', 8],
    ['48 8d 07', 'lea rax,[rdi]', 0],
    ['0f b6 07', 'movzx eax,byte [rdi]', 1],
    ['a5', 'movsd', 4],
    ['48 ab', 'stosq', 8],
    ['d7', 'xlat', 1],
    ['66 0f 6f 07', 'movdqa xmm0,[rdi]', 16],
  ])('%s, %s: %i', (hex, _text, size) => {
    expect(decode(64, hex).memorySize).toBe(size);
  });
});

describe('immediates', () => {
  test.each<[CodeMode, string, string, bigint]>([
    [64, 'b0 ff', 'mov al,0ffh', 0xffn],
    [64, '66 b8 ff ff', 'mov ax,0ffffh', 0xffffn],
    [64, 'b8 ff ff ff ff', 'mov eax,0ffffffffh', 0xffff_ffffn],
    [64, '48 b8 88 77 66 55 44 33 22 91', 'mov rax,imm64', -0x6eddccbbaa998878n],
    [64, '48 c7 c0 ff ff ff ff', 'mov rax,-1 from 32 bits', -1n],
    [64, '48 83 c0 80', 'add rax,-80h from 8 bits', -0x80n],
    [64, '48 05 00 00 00 80', 'add rax,-80000000h', -0x8000_0000n],
    [64, '6a ff', 'push -1', -1n],
    [64, '68 00 00 00 80', 'push -80000000h', -0x8000_0000n],
    [64, 'c1 e0 1f', 'shl eax,31', 31n],
    [64, 'c2 ff ff', 'ret 0ffffh', 0xffffn],
    [64, 'cd 80', 'int 80h', 0x80n],
    [64, 'e4 ff', 'in al,0ffh', 0xffn],
  ])('%i-bit: %s, %s', (mode, hex, _text, immediate) => {
    const i = decode(mode, hex);
    expect(i.kinds.at(-1)).toBe(Immediate);
    expect(i.immediate).toBe(immediate);
  });

  test.each<[CodeMode, string, string, bigint, number]>([
    [64, '83 c0 ff', 'add eax,-1', 0xffff_ffffn, 32],
    [64, '66 83 c0 ff', 'add ax,-1', 0xffffn, 16],
    [32, '6a 80', 'push -80h', 0xffff_ff80n, 32],
    [16, '6a 80', 'push -80h', 0xff80n, 16],
    [16, '83 c0 ff', 'add ax,-1', 0xffffn, 16],
    [16, '66 83 c0 ff', 'add eax,-1', 0xffff_ffffn, 32],
    [64, '6b c0 80', 'imul eax,eax,-80h', 0xffff_ff80n, 32],
  ])('%i-bit: %s, %s, is extended to the operand size', (mode, hex, _text, value, bits) => {
    expect(BigInt.asUintN(bits, decode(mode, hex).immediate)).toBe(value);
  });

  test('ENTER has the bytes to reserve and the nesting level', () => {
    const i = decode(64, 'c8 34 82 1f');
    expect(i.kinds).toEqual([Immediate, Immediate]);
    expect(i).toMatchObject({ immediate: 0x8234n, immediate2: 0x1f });
  });
});

describe('branches', () => {
  test.each<[CodeMode, string, string, bigint, bigint]>([
    [64, 'eb fe', 'jmp to itself', RIP, RIP],
    [64, '74 7f', 'jz forth', RIP, RIP + 0x81n],
    [64, 'e8 00 00 00 80', 'call far back', 0x1000n, -0x7fff_effbn],
    [64, 'e9 fb ff ff 7f', 'jmp to the hole', 0x7fff_8000_0000n, 0x8000_0000_0000n],
    [64, '66 eb 00', 'data16 jmp: 66h has no effect on Intel', RIP, RIP + 3n],
    [64, 'e3 10', 'jrcxz', RIP, RIP + 0x12n],
    [64, '67 e2 f0', 'loop by ECX', RIP, RIP - 13n],
    [32, 'eb fe', 'jmp to itself', 0xffff_fff0n, 0xffff_fff0n],
    [32, 'e9 10 00 00 00', 'jmp beyond 4 GiB', 0xffff_fff0n, 5n],
    [32, '66 e9 00 10', 'jmp of 16 bits', 0x12_3456n, 0x445an],
    [32, '66 75 10', 'jnz of 16 bits', 0x12_fffen, 0x11n],
    [16, 'eb 80', 'jmp below 0', 0x10n, 0xff92n],
    [16, 'e9 00 80', 'jmp beyond 64 KiB', 0xfff0n, 0x7ff3n],
    [16, '66 e9 00 00 01 00', 'jmp of 32 bits', 0x10n, 0x1_0016n],
    [16, '0f 84 fc ff', 'jz near', 0x100n, 0x100n],
  ])('%i-bit: %s, %s, at %x', (mode, hex, _text, rip, target) => {
    const i = decode(mode, hex, rip);
    expect(i.kinds).toEqual([Branch]);
    expect(BigInt.asUintN(64, i.immediate)).toBe(BigInt.asUintN(64, target));
    expect(i.isBranch).toBe(true);
  });

  test.each<[CodeMode, string, bigint, number]>([
    [32, 'ea 78 56 34 92 cd ab', 0x9234_5678n, 0xabcd],
    [32, '66 ea 34 92 cd ab', 0x9234n, 0xabcd],
    [16, '9a 34 92 cd ab', 0x9234n, 0xabcd],
    [16, '66 9a 78 56 34 92 cd ab', 0x9234_5678n, 0xabcd],
  ])('%i-bit: %s is a far pointer', (mode, hex, offset, selector) => {
    const i = decode(mode, hex);
    expect(i.kinds).toEqual([FarBranch]);
    expect(BigInt.asUintN(32, i.immediate)).toBe(offset);
    expect(i.immediate2).toBe(selector);
    expect(i.isBranch).toBe(true);
  });

  test.each([
    ['ff e0', 'jmp rax', true],
    ['ff 20', 'jmp [rax]', true],
    ['c3', 'ret', true],
    ['cf', 'iret', true],
    ['cc', 'int3', true],
    ['cd 03', 'int 3', true],
    ['0f 05', 'syscall', true],
    ['0f 0b', 'ud2', true],
    ['0f 44 c1', 'cmovz eax,ecx', false],
    ['f4', 'hlt', false],
    ['90', 'nop', false],
    ['50', 'push rax', false],
  ])('%s, %s: goes elsewhere is %s', (hex, _text, isBranch) => {
    expect(decode(64, hex).isBranch).toBe(isBranch);
  });
});

describe('the address of the next instruction', () => {
  test.each<[CodeMode, bigint, bigint]>([
    [64, 0x7fff_ffff_ffffn, 0x8000_0000_0000n],
    [64, 0xffff_ffffn, 0x1_0000_0000n],
    [64, 0xffff_ffff_ffff_ffffn, 0n],
    [32, 0xffff_ffffn, 0n],
    [16, 0xffffn, 0x1_0000n],
  ])('%i-bit: NOP at %x', (mode, rip, next) => {
    expect(decode(mode, '90', rip)).toMatchObject({ rip, next, length: 1 });
  });
});

describe('string instructions', () => {
  test.each<[CodeMode, string, string, number]>([
    [64, 'a4', 'movsb', 64],
    [64, '67 a4', 'movsb by ESI and EDI', 32],
    [32, 'a4', 'movsb', 32],
    [32, '67 a4', 'movsb by SI and DI', 16],
    [16, 'a4', 'movsb', 16],
    [16, '67 a4', 'movsb by ESI and EDI', 32],
    [64, '67 aa', 'stosb by EDI', 32],
    [16, 'ae', 'scasb', 16],
    [16, 'ac', 'lodsb', 16],
    [32, '67 a6', 'cmpsb by SI and DI', 16],
  ])('%i-bit: %s, %s, has addresses of %i bits', (mode, hex, _text, addressSize) => {
    const i = decode(mode, hex);
    expect(i.kinds).toContain(Memory);
    expect(i.addressSize).toBe(addressSize);
  });
});
