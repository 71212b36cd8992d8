import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { overflowFlag, setFlags32, setFlags64, signFlag, zeroFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { addNarrow, addWide, subtractNarrow, subtractWide } from './alu.ts';
import { jumpRelative } from './branch.ts';
import { type CodeName, relativeForms } from './rows.ts';

/*
 * The forms that programs execute most, each as a function of its own. They do what the general
 * forms do, and a test holds the two against each other. What they save is the call through a
 * function value that many operations share, which V8 cannot inline.
 */

const { CARRIES, HIGH, RESULT } = Word;

const add64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = addWide(s, s[slot0], s[slot0 + 1], s[i.slot1], s[i.slot1 + 1], 0);
  s[slot0 + 1] = s[HIGH];
};

const add32Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = addNarrow(s, s[slot0], s[i.slot1], 0, 0);
  s[slot0 + 1] = 0;
};

const add64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = addWide(s, s[slot0], s[slot0 + 1], i.immediateLo, i.immediateHi, 0);
  s[slot0 + 1] = s[HIGH];
};

const add32Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = addNarrow(s, s[slot0], i.immediateLo, 0, 0);
  s[slot0 + 1] = 0;
};

const sub64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = subtractWide(s, s[slot0], s[slot0 + 1], s[i.slot1], s[i.slot1 + 1], 0);
  s[slot0 + 1] = s[HIGH];
};

const sub32Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = subtractNarrow(s, s[slot0], s[i.slot1], 0, 0);
  s[slot0 + 1] = 0;
};

const sub64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = subtractWide(s, s[slot0], s[slot0 + 1], i.immediateLo, i.immediateHi, 0);
  s[slot0 + 1] = s[HIGH];
};

const sub32Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  s[slot0] = subtractNarrow(s, s[slot0], i.immediateLo, 0, 0);
  s[slot0 + 1] = 0;
};

const cmp64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  subtractWide(s, s[slot0], s[slot0 + 1], s[i.slot1], s[i.slot1 + 1], 0);
};

const cmp32Register: Handler = ({ state: s }, i) => {
  subtractNarrow(s, s[i.slot0], s[i.slot1], 0, 0);
};

const test64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  setFlags64(s, s[slot0] & s[i.slot1], s[slot0 + 1] & s[i.slot1 + 1], 0);
};

const test32Register: Handler = ({ state: s }, i) => {
  setFlags32(s, s[i.slot0] & s[i.slot1], 0);
};

const cmp64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  subtractWide(s, s[slot0], s[slot0 + 1], i.immediateLo, i.immediateHi, 0);
};

const cmp32Immediate: Handler = ({ state: s }, i) => {
  subtractNarrow(s, s[i.slot0], i.immediateLo, 0, 0);
};

const test64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  setFlags64(s, s[slot0] & i.immediateLo, s[slot0 + 1] & i.immediateHi, 0);
};

const test32Immediate: Handler = ({ state: s }, i) => {
  setFlags32(s, s[i.slot0] & i.immediateLo, 0);
};

const and64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] & s[i.slot1];
  const hi = s[slot0 + 1] & s[i.slot1 + 1];
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const and32Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] & s[i.slot1];
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const and64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] & i.immediateLo;
  const hi = s[slot0 + 1] & i.immediateHi;
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const and32Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] & i.immediateLo;
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const or64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] | s[i.slot1];
  const hi = s[slot0 + 1] | s[i.slot1 + 1];
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const or32Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] | s[i.slot1];
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const or64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] | i.immediateLo;
  const hi = s[slot0 + 1] | i.immediateHi;
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const or32Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] | i.immediateLo;
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const xor64Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] ^ s[i.slot1];
  const hi = s[slot0 + 1] ^ s[i.slot1 + 1];
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const xor32Register: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] ^ s[i.slot1];
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const xor64Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const lo = s[slot0] ^ i.immediateLo;
  const hi = s[slot0 + 1] ^ i.immediateHi;
  setFlags64(s, lo, hi, 0);
  s[slot0] = lo;
  s[slot0 + 1] = hi;
};

const xor32Immediate: Handler = ({ state: s }, i) => {
  const { slot0 } = i;
  const result = s[slot0] ^ i.immediateLo;
  setFlags32(s, result, 0);
  s[slot0] = result;
  s[slot0 + 1] = 0;
};

const add64Memory: Handler = ({ state: s, memory }, i) => {
  const { slot0 } = i;
  const p = memory.readPointer(i, 8);
  const { view } = memory;
  const lo = view.getInt32(p, true);
  s[slot0] = addWide(s, s[slot0], s[slot0 + 1], lo, view.getInt32(p + 4, true), 0);
  s[slot0 + 1] = s[HIGH];
};

const add32Memory: Handler = ({ state: s, memory }, i) => {
  const { slot0 } = i;
  const value = memory.view.getInt32(memory.readPointer(i, 4), true);
  s[slot0] = addNarrow(s, s[slot0], value, 0, 0);
  s[slot0 + 1] = 0;
};

const cmp64Memory: Handler = ({ state: s, memory }, i) => {
  const { slot0 } = i;
  const p = memory.readPointer(i, 8);
  const { view } = memory;
  const lo = view.getInt32(p, true);
  subtractWide(s, s[slot0], s[slot0 + 1], lo, view.getInt32(p + 4, true), 0);
};

const cmp32Memory: Handler = ({ state: s, memory }, i) => {
  const value = memory.view.getInt32(memory.readPointer(i, 4), true);
  subtractNarrow(s, s[i.slot0], value, 0, 0);
};

const cmpMemory32Register: Handler = ({ state: s, memory }, i) => {
  const value = memory.view.getInt32(memory.readPointer(i, 4), true);
  subtractNarrow(s, value, s[i.slot1], 0, 0);
};

const cmpMemory8Immediate: Handler = ({ state: s, memory }, i) => {
  const value = memory.view.getUint8(memory.readPointer(i, 1));
  subtractNarrow(s, value, i.immediateLo, 0, 24);
};

const cmp8Immediate: Handler = ({ state: s, registers8 }, i) => {
  subtractNarrow(s, registers8[i.slot0], i.immediateLo, 0, 24);
};

const test8Register: Handler = ({ state: s, registers8 }, i) => {
  const value = registers8[i.slot0] & registers8[i.slot1];
  setFlags32(s, (value << 24) >> 24, 0);
};

const mov64Register: Handler = ({ state: s }, i) => {
  s[i.slot0] = s[i.slot1];
  s[i.slot0 + 1] = s[i.slot1 + 1];
};

const mov64Load: Handler = ({ state: s, memory }, i) => {
  const p = memory.readPointer(i, 8);
  s[i.slot0] = memory.view.getInt32(p, true);
  s[i.slot0 + 1] = memory.view.getInt32(p + 4, true);
};

const mov64Store: Handler = ({ state: s, memory }, i) => {
  const p = memory.writePointer(i, 8);
  memory.view.setInt32(p, s[i.slot1], true);
  memory.view.setInt32(p + 4, s[i.slot1 + 1], true);
  memory.commit(p);
};

const mov8StoreImmediate: Handler = ({ memory }, i) => {
  const p = memory.writePointer(i, 1);
  memory.view.setUint8(p, i.immediateLo);
  memory.commit(p);
};

const lea64: Handler = ({ state: s, segmentation }, i) => {
  s[i.slot0] = segmentation.effectiveAddress(i);
  s[i.slot0 + 1] = s[HIGH];
};

const mov32Register: Handler = ({ state: s }, i) => {
  s[i.slot0] = s[i.slot1];
  s[i.slot0 + 1] = 0;
};

const mov32Immediate: Handler = ({ state: s }, i) => {
  s[i.slot0] = i.immediateLo;
  s[i.slot0 + 1] = 0;
};

const mov32Load: Handler = ({ state: s, memory }, i) => {
  s[i.slot0] = memory.view.getInt32(memory.readPointer(i, 4), true);
  s[i.slot0 + 1] = 0;
};

const mov32Store: Handler = ({ state: s, memory }, i) => {
  const p = memory.writePointer(i, 4);
  memory.view.setInt32(p, s[i.slot1], true);
  memory.commit(p);
};

const mov8Store: Handler = ({ registers8, memory }, i) => {
  const p = memory.writePointer(i, 1);
  memory.view.setUint8(p, registers8[i.slot1]);
  memory.commit(p);
};

const movzx32Byte: Handler = ({ state: s, memory }, i) => {
  s[i.slot0] = memory.view.getUint8(memory.readPointer(i, 1));
  s[i.slot0 + 1] = 0;
};

const movzx32ByteRegister: Handler = ({ state: s, registers8 }, i) => {
  s[i.slot0] = registers8[i.slot1];
  s[i.slot0 + 1] = 0;
};

const jb: Handler = (cpu, i) => {
  const s = cpu.state;
  if (s[CARRIES] < 0) {
    jumpRelative(cpu, i);
  }
};

const jae: Handler = (cpu, i) => {
  const s = cpu.state;
  if (s[CARRIES] >= 0) {
    jumpRelative(cpu, i);
  }
};

const je: Handler = (cpu, i) => {
  const s = cpu.state;
  if ((s[RESULT] | s[RESULT + 1]) === 0) {
    jumpRelative(cpu, i);
  }
};

const jne: Handler = (cpu, i) => {
  const s = cpu.state;
  if ((s[RESULT] | s[RESULT + 1]) !== 0) {
    jumpRelative(cpu, i);
  }
};

const jbe: Handler = (cpu, i) => {
  const s = cpu.state;
  if (s[CARRIES] < 0 || (s[RESULT] | s[RESULT + 1]) === 0) {
    jumpRelative(cpu, i);
  }
};

const ja: Handler = (cpu, i) => {
  const s = cpu.state;
  if (s[CARRIES] >= 0 && (s[RESULT] | s[RESULT + 1]) !== 0) {
    jumpRelative(cpu, i);
  }
};

const js: Handler = (cpu, i) => {
  const s = cpu.state;
  if (signFlag(s) !== 0) {
    jumpRelative(cpu, i);
  }
};

const jns: Handler = (cpu, i) => {
  const s = cpu.state;
  if (signFlag(s) === 0) {
    jumpRelative(cpu, i);
  }
};

const jl: Handler = (cpu, i) => {
  const s = cpu.state;
  if (signFlag(s) !== overflowFlag(s)) {
    jumpRelative(cpu, i);
  }
};

const jge: Handler = (cpu, i) => {
  const s = cpu.state;
  if (signFlag(s) === overflowFlag(s)) {
    jumpRelative(cpu, i);
  }
};

const jle: Handler = (cpu, i) => {
  const s = cpu.state;
  if (zeroFlag(s) !== 0 || signFlag(s) !== overflowFlag(s)) {
    jumpRelative(cpu, i);
  }
};

const jg: Handler = (cpu, i) => {
  const s = cpu.state;
  if (zeroFlag(s) === 0 && signFlag(s) === overflowFlag(s)) {
    jumpRelative(cpu, i);
  }
};

const { Immediate, Memory, Register } = OperandKind;

/** A fast path and the kinds of the two operands that it is for. */
export interface FastPath {
  /** Code names, separated by spaces. */
  readonly codes: string;
  readonly kinds: readonly [OperandKind, OperandKind];
  readonly handler: Handler;
}

const FAST_PATHS: readonly FastPath[] = [
  { codes: 'Add_rm64_r64 Add_r64_rm64', kinds: [Register, Register], handler: add64Register },
  {
    codes: 'Add_rm64_imm8 Add_rm64_imm32 Add_RAX_imm32',
    kinds: [Register, Immediate],
    handler: add64Immediate,
  },
  { codes: 'Add_rm32_r32 Add_r32_rm32', kinds: [Register, Register], handler: add32Register },
  {
    codes: 'Add_rm32_imm8 Add_rm32_imm32 Add_EAX_imm32',
    kinds: [Register, Immediate],
    handler: add32Immediate,
  },
  { codes: 'Sub_rm64_r64 Sub_r64_rm64', kinds: [Register, Register], handler: sub64Register },
  {
    codes: 'Sub_rm64_imm8 Sub_rm64_imm32 Sub_RAX_imm32',
    kinds: [Register, Immediate],
    handler: sub64Immediate,
  },
  { codes: 'Sub_rm32_r32 Sub_r32_rm32', kinds: [Register, Register], handler: sub32Register },
  {
    codes: 'Sub_rm32_imm8 Sub_rm32_imm32 Sub_EAX_imm32',
    kinds: [Register, Immediate],
    handler: sub32Immediate,
  },
  { codes: 'And_rm64_r64 And_r64_rm64', kinds: [Register, Register], handler: and64Register },
  {
    codes: 'And_rm64_imm8 And_rm64_imm32 And_RAX_imm32',
    kinds: [Register, Immediate],
    handler: and64Immediate,
  },
  { codes: 'And_rm32_r32 And_r32_rm32', kinds: [Register, Register], handler: and32Register },
  {
    codes: 'And_rm32_imm8 And_rm32_imm32 And_EAX_imm32',
    kinds: [Register, Immediate],
    handler: and32Immediate,
  },
  { codes: 'Or_rm64_r64 Or_r64_rm64', kinds: [Register, Register], handler: or64Register },
  {
    codes: 'Or_rm64_imm8 Or_rm64_imm32 Or_RAX_imm32',
    kinds: [Register, Immediate],
    handler: or64Immediate,
  },
  { codes: 'Or_rm32_r32 Or_r32_rm32', kinds: [Register, Register], handler: or32Register },
  {
    codes: 'Or_rm32_imm8 Or_rm32_imm32 Or_EAX_imm32',
    kinds: [Register, Immediate],
    handler: or32Immediate,
  },
  { codes: 'Xor_rm64_r64 Xor_r64_rm64', kinds: [Register, Register], handler: xor64Register },
  {
    codes: 'Xor_rm64_imm8 Xor_rm64_imm32 Xor_RAX_imm32',
    kinds: [Register, Immediate],
    handler: xor64Immediate,
  },
  { codes: 'Xor_rm32_r32 Xor_r32_rm32', kinds: [Register, Register], handler: xor32Register },
  {
    codes: 'Xor_rm32_imm8 Xor_rm32_imm32 Xor_EAX_imm32',
    kinds: [Register, Immediate],
    handler: xor32Immediate,
  },
  { codes: 'Cmp_rm64_r64 Cmp_r64_rm64', kinds: [Register, Register], handler: cmp64Register },
  {
    codes: 'Cmp_rm64_imm8 Cmp_rm64_imm32 Cmp_RAX_imm32',
    kinds: [Register, Immediate],
    handler: cmp64Immediate,
  },
  { codes: 'Cmp_rm32_r32 Cmp_r32_rm32', kinds: [Register, Register], handler: cmp32Register },
  {
    codes: 'Cmp_rm32_imm8 Cmp_rm32_imm32 Cmp_EAX_imm32',
    kinds: [Register, Immediate],
    handler: cmp32Immediate,
  },
  { codes: 'Test_rm64_r64', kinds: [Register, Register], handler: test64Register },
  {
    codes: 'Test_rm64_imm32 Test_RAX_imm32',
    kinds: [Register, Immediate],
    handler: test64Immediate,
  },
  { codes: 'Test_rm32_r32', kinds: [Register, Register], handler: test32Register },
  {
    codes: 'Test_rm32_imm32 Test_EAX_imm32',
    kinds: [Register, Immediate],
    handler: test32Immediate,
  },
  { codes: 'Add_r64_rm64', kinds: [Register, Memory], handler: add64Memory },
  { codes: 'Add_r32_rm32', kinds: [Register, Memory], handler: add32Memory },
  { codes: 'Cmp_r64_rm64', kinds: [Register, Memory], handler: cmp64Memory },
  { codes: 'Cmp_r32_rm32', kinds: [Register, Memory], handler: cmp32Memory },
  { codes: 'Cmp_rm32_r32', kinds: [Memory, Register], handler: cmpMemory32Register },
  { codes: 'Cmp_rm8_imm8', kinds: [Memory, Immediate], handler: cmpMemory8Immediate },
  { codes: 'Cmp_rm8_imm8 Cmp_AL_imm8', kinds: [Register, Immediate], handler: cmp8Immediate },
  { codes: 'Test_rm8_r8', kinds: [Register, Register], handler: test8Register },
  { codes: 'Mov_r64_rm64 Mov_rm64_r64', kinds: [Register, Register], handler: mov64Register },
  { codes: 'Mov_r64_rm64', kinds: [Register, Memory], handler: mov64Load },
  { codes: 'Mov_rm64_r64', kinds: [Memory, Register], handler: mov64Store },
  { codes: 'Mov_rm8_imm8', kinds: [Memory, Immediate], handler: mov8StoreImmediate },
  { codes: 'Lea_r64_m', kinds: [Register, Memory], handler: lea64 },
  { codes: 'Mov_r32_rm32 Mov_rm32_r32', kinds: [Register, Register], handler: mov32Register },
  { codes: 'Mov_r32_imm32 Mov_rm32_imm32', kinds: [Register, Immediate], handler: mov32Immediate },
  { codes: 'Mov_r32_rm32', kinds: [Register, Memory], handler: mov32Load },
  { codes: 'Mov_rm32_r32', kinds: [Memory, Register], handler: mov32Store },
  { codes: 'Mov_rm8_r8', kinds: [Memory, Register], handler: mov8Store },
  { codes: 'Movzx_r32_rm8', kinds: [Register, Memory], handler: movzx32Byte },
  { codes: 'Movzx_r32_rm8', kinds: [Register, Register], handler: movzx32ByteRegister },
];

const JUMPS: Readonly<Record<string, Handler>> = {
  Jb: jb,
  Jae: jae,
  Je: je,
  Jne: jne,
  Jbe: jbe,
  Ja: ja,
  Js: js,
  Jns: jns,
  Jl: jl,
  Jge: jge,
  Jle: jle,
  Jg: jg,
};

/** Fast paths by code name. */
const BY_CODE = new Map<CodeName, FastPath[]>();
for (const path of FAST_PATHS) {
  for (const code of path.codes.split(' ') as CodeName[]) {
    BY_CODE.set(code, [...(BY_CODE.get(code) ?? []), path]);
  }
}
for (const [mnemonic, handler] of Object.entries(JUMPS)) {
  for (const code of relativeForms(mnemonic)) {
    BY_CODE.set(code, [{ codes: code, kinds: [OperandKind.Branch, OperandKind.None], handler }]);
  }
}

/** All fast paths by code name, for the test that compares them with the general handlers. */
export const fastPaths: ReadonlyMap<CodeName, readonly FastPath[]> = BY_CODE;

/** The binder of a form with its fast paths put before the general one. */
export function withFastPaths(code: CodeName, general: Binder): Binder {
  const paths = BY_CODE.get(code);
  if (paths === undefined) {
    return general;
  }
  return (i) =>
    paths.find(({ kinds }) => kinds[0] === i.kind0 && kinds[1] === i.kind1)?.handler ?? general(i);
}
