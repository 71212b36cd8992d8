import { type Instruction, OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Vector } from '../fault.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import { getRegister, load, type NarrowSize, setRegister, setRegister64 } from './operands.ts';
import { family, type Rows, type Size } from './rows.ts';
import {
  DIVISION,
  divide128,
  multiply64,
  multiplyHigh32,
  multiplySigned64,
  PRODUCT,
} from './wide-integer.ts';

const { HIGH, RESULT, CARRIES } = Word;
const RAX = Word.GPR;
const RDX = Word.GPR + 4;
/** Slots of the same registers as 8 and 16 bits. */
const AL = 0;
const AH = 1;
const AX = 0;
const DX = 8;

const TWO_32 = 0x1_0000_0000;
const MIN_32 = -0x8000_0000;

const RM_FORMS = 'rm8 rm16 rm32 rm64';
const IMUL_FORMS =
  'r16_rm16 r32_rm32 r64_rm64 r16_rm16_imm16 r32_rm32_imm32 r64_rm64_imm32 ' +
  'r16_rm16_imm8 r32_rm32_imm8 r64_rm64_imm8';

/** CF and OF tell that the product does not fit; the other four stay, where they are undefined. */
function setMultiplyFlags(s: Int32Array, overflows: boolean): void {
  const carries = s[CARRIES] & 0x3fff_ffff;
  s[CARRIES] = overflows ? carries | MIN_32 : carries;
}

/** All six are undefined: AF is set, SF, ZF and PF are cleared, CF and OF stay. */
function setDivideFlags(s: Int32Array): void {
  s[RESULT] = 1;
  s[RESULT + 1] = 0;
  s[CARRIES] = (s[CARRIES] & (3 << 30)) | (1 << 3);
}

/** The operand of an instruction that has only one. @throws Fault */
function source(cpu: Cpu, i: Instruction, size: NarrowSize): number {
  const { memory } = cpu;
  return i.kind0 === OperandKind.Memory
    ? load(memory, memory.readPointer(i, size), size)
    : getRegister(cpu, i.slot0, size);
}

/** The same of 64 bits: the high half is left in `Word.HIGH`. @throws Fault */
function source64({ state: s, memory }: Cpu, i: Instruction): number {
  if (i.kind0 === OperandKind.Memory) {
    const p = memory.readPointer(i, 8);
    s[HIGH] = memory.view.getInt32(p + 4, true);
    return memory.view.getInt32(p, true);
  }
  s[HIGH] = s[i.slot0 + 1];
  return s[i.slot0];
}

/** One handler a size, none of which needs to know more about the operand than `source` does. */
function bySize(handlers: Readonly<Record<Size, Handler>>): (size: Size) => Binder {
  return (size) => () => handlers[size];
}

const mul = bySize({
  1: (cpu, i) => {
    const product = cpu.registers8[AL] * source(cpu, i, 1);
    cpu.registers16[AX] = product;
    setMultiplyFlags(cpu.state, product > 0xff);
  },
  2: (cpu, i) => {
    const product = cpu.registers16[AX] * source(cpu, i, 2);
    cpu.registers16[AX] = product;
    cpu.registers16[DX] = product >>> 16;
    setMultiplyFlags(cpu.state, product > 0xffff);
  },
  4: (cpu, i) => {
    const { state: s } = cpu;
    const b = source(cpu, i, 4);
    const a = s[RAX];
    const high = multiplyHigh32(a, b);
    setRegister64(s, RAX, Math.imul(a, b), 0);
    setRegister64(s, RDX, high, 0);
    setMultiplyFlags(s, high !== 0);
  },
  8: (cpu, i) => {
    const { state: s } = cpu;
    const bLo = source64(cpu, i);
    multiply64(s[RAX], s[RAX + 1], bLo, s[HIGH]);
    setRegister64(s, RAX, PRODUCT[0], PRODUCT[1]);
    setRegister64(s, RDX, PRODUCT[2], PRODUCT[3]);
    setMultiplyFlags(s, (PRODUCT[2] | PRODUCT[3]) !== 0);
  },
});

/** IMUL with one operand. */
const imul = bySize({
  1: (cpu, i) => {
    const product = ((cpu.registers8[AL] << 24) >> 24) * ((source(cpu, i, 1) << 24) >> 24);
    cpu.registers16[AX] = product;
    setMultiplyFlags(cpu.state, (product << 24) >> 24 !== product);
  },
  2: (cpu, i) => {
    const product = ((cpu.registers16[AX] << 16) >> 16) * ((source(cpu, i, 2) << 16) >> 16);
    cpu.registers16[AX] = product;
    cpu.registers16[DX] = product >> 16;
    setMultiplyFlags(cpu.state, (product << 16) >> 16 !== product);
  },
  4: (cpu, i) => {
    const { state: s } = cpu;
    const b = source(cpu, i, 4);
    const a = s[RAX];
    const low = Math.imul(a, b);
    const high = (multiplyHigh32(a, b) - ((a >> 31) & b) - ((b >> 31) & a)) | 0;
    setRegister64(s, RAX, low, 0);
    setRegister64(s, RDX, high, 0);
    setMultiplyFlags(s, high !== low >> 31);
  },
  8: (cpu, i) => {
    const { state: s } = cpu;
    const bLo = source64(cpu, i);
    multiplySigned64(s[RAX], s[RAX + 1], bLo, s[HIGH]);
    setRegister64(s, RAX, PRODUCT[0], PRODUCT[1]);
    setRegister64(s, RDX, PRODUCT[2], PRODUCT[3]);
    setMultiplyFlags(s, productOverflows());
  },
});

/** Whether the signed product in `PRODUCT` does not fit in 64 bits. */
function productOverflows(): boolean {
  const sign = PRODUCT[1] >> 31;
  return PRODUCT[2] !== sign || PRODUCT[3] !== sign;
}

function imul16(s: Int32Array, a: number, b: number): number {
  const product = ((a << 16) >> 16) * ((b << 16) >> 16);
  setMultiplyFlags(s, (product << 16) >> 16 !== product);
  return product;
}

function imul32(s: Int32Array, a: number, b: number): number {
  const product = Math.imul(a, b);
  // Rounding cannot bring a product out of range back into it.
  setMultiplyFlags(s, a * b !== product);
  return product;
}

/** Truncated product; the high half is left in `Word.HIGH`. */
function imul64(s: Int32Array, aLo: number, aHi: number, bLo: number, bHi: number): number {
  const low = Math.imul(aLo, bLo);
  s[HIGH] = multiplyHigh32(aLo, bLo) + Math.imul(aLo, bHi) + Math.imul(aHi, bLo);
  setMultiplyFlags(s, imulOverflows(aLo, aHi, bLo, bHi));
  return low;
}

/** Whether a signed product does not fit in 64 bits; exact arithmetic is for those near 2^63. */
function imulOverflows(aLo: number, aHi: number, bLo: number, bHi: number): boolean {
  const magnitude = Math.abs((aHi * TWO_32 + (aLo >>> 0)) * (bHi * TWO_32 + (bLo >>> 0)));
  if (magnitude < 2 ** 62) {
    return false;
  }
  if (magnitude > 2 ** 64) {
    return true;
  }
  multiplySigned64(aLo, aHi, bLo, bHi);
  return productOverflows();
}

/** Handlers of IMUL with two and three operands: what is multiplied, going to operand 0. */
interface ImulHandlers {
  /** Operands 0 and 1. */
  readonly register: Handler;
  readonly memory: Handler;
  /** Operand 1 and an immediate. */
  readonly registerImmediate: Handler;
  readonly memoryImmediate: Handler;
}

const imulHandlers16: ImulHandlers = {
  register: ({ state: s, registers16: r }, i) => {
    r[i.slot0] = imul16(s, r[i.slot0], r[i.slot1]);
  },
  memory: ({ state: s, registers16: r, memory }, i) => {
    const b = load(memory, memory.readPointer(i, 2), 2);
    r[i.slot0] = imul16(s, r[i.slot0], b);
  },
  registerImmediate: ({ state: s, registers16: r }, i) => {
    r[i.slot0] = imul16(s, r[i.slot1], i.immediateLo);
  },
  memoryImmediate: ({ state: s, registers16: r, memory }, i) => {
    const a = load(memory, memory.readPointer(i, 2), 2);
    r[i.slot0] = imul16(s, a, i.immediateLo);
  },
};

const imulHandlers32: ImulHandlers = {
  register: ({ state: s }, i) => {
    setRegister64(s, i.slot0, imul32(s, s[i.slot0], s[i.slot1]), 0);
  },
  memory: ({ state: s, memory }, i) => {
    const b = memory.view.getInt32(memory.readPointer(i, 4), true);
    setRegister64(s, i.slot0, imul32(s, s[i.slot0], b), 0);
  },
  registerImmediate: ({ state: s }, i) => {
    setRegister64(s, i.slot0, imul32(s, s[i.slot1], i.immediateLo), 0);
  },
  memoryImmediate: ({ state: s, memory }, i) => {
    const a = memory.view.getInt32(memory.readPointer(i, 4), true);
    setRegister64(s, i.slot0, imul32(s, a, i.immediateLo), 0);
  },
};

const imulHandlers64: ImulHandlers = {
  register: ({ state: s }, { slot0, slot1 }) => {
    const lo = imul64(s, s[slot0], s[slot0 + 1], s[slot1], s[slot1 + 1]);
    setRegister64(s, slot0, lo, s[HIGH]);
  },
  memory: ({ state: s, memory }, i) => {
    const p = memory.readPointer(i, 8);
    const bLo = memory.view.getInt32(p, true);
    const bHi = memory.view.getInt32(p + 4, true);
    const lo = imul64(s, s[i.slot0], s[i.slot0 + 1], bLo, bHi);
    setRegister64(s, i.slot0, lo, s[HIGH]);
  },
  registerImmediate: ({ state: s }, i) => {
    const lo = imul64(s, s[i.slot1], s[i.slot1 + 1], i.immediateLo, i.immediateHi);
    setRegister64(s, i.slot0, lo, s[HIGH]);
  },
  memoryImmediate: ({ state: s, memory }, i) => {
    const p = memory.readPointer(i, 8);
    const aLo = memory.view.getInt32(p, true);
    const aHi = memory.view.getInt32(p + 4, true);
    const lo = imul64(s, aLo, aHi, i.immediateLo, i.immediateHi);
    setRegister64(s, i.slot0, lo, s[HIGH]);
  },
};

/** IMUL with two and three operands. */
function imulTruncated(size: Size): Binder {
  let handlers = imulHandlers64;
  if (size !== 8) {
    handlers = size === 4 ? imulHandlers32 : imulHandlers16;
  }
  return (i) => {
    if (i.kind2 === OperandKind.Immediate) {
      return i.kind1 === OperandKind.Memory ? handlers.memoryImmediate : handlers.registerImmediate;
    }
    return i.kind1 === OperandKind.Memory ? handlers.memory : handlers.register;
  };
}

function raiseDivideError(cpu: Cpu): never {
  return cpu.fault.raise(Vector.DE, 0, 'divide');
}

const div = bySize({
  1: (cpu, i) => divideNarrow(cpu, cpu.registers16[AX], source(cpu, i, 1), 1, 0, 0xff),
  2: (cpu, i) => {
    const divisor = source(cpu, i, 2);
    divideNarrow(cpu, dividend32(cpu) >>> 0, divisor, 2, 0, 0xffff);
  },
  4: (cpu, i) => {
    const { state: s } = cpu;
    const divisor = source(cpu, i, 4);
    const low = s[RAX];
    const high = s[RDX];
    if (high === 0 && divisor !== 0) {
      const quotient = ((low >>> 0) / (divisor >>> 0)) | 0;
      setQuotient32(s, quotient, low - Math.imul(quotient, divisor));
    } else if (high >>> 0 < divisor >>> 0) {
      divide128(low, high, 0, 0, divisor, 0);
      setQuotient32(s, DIVISION[0], DIVISION[2]);
    } else {
      raiseDivideError(cpu);
    }
  },
  8: (cpu, i) => {
    const { state: s } = cpu;
    const divisorLo = source64(cpu, i);
    if (!divide128(s[RAX], s[RAX + 1], s[RDX], s[RDX + 1], divisorLo, s[HIGH])) {
      raiseDivideError(cpu);
    }
    setRegister64(s, RAX, DIVISION[0], DIVISION[1]);
    setRegister64(s, RDX, DIVISION[2], DIVISION[3]);
    setDivideFlags(s);
  },
});

const idiv = bySize({
  1: (cpu, i) => {
    const divisor = (source(cpu, i, 1) << 24) >> 24;
    divideNarrow(cpu, (cpu.registers16[AX] << 16) >> 16, divisor, 1, -0x80, 0x7f);
  },
  2: (cpu, i) => {
    const divisor = (source(cpu, i, 2) << 16) >> 16;
    divideNarrow(cpu, dividend32(cpu), divisor, 2, -0x8000, 0x7fff);
  },
  4: (cpu, i) => {
    const { state: s } = cpu;
    const divisor = source(cpu, i, 4);
    const low = s[RAX];
    const high = s[RDX];
    if (high === low >> 31 && divisor !== 0 && divisor !== -1) {
      const quotient = (low / divisor) | 0;
      setQuotient32(s, quotient, low - Math.imul(quotient, divisor));
      return;
    }
    if (!divideSigned(low, high, high >> 31, high >> 31, divisor, divisor >> 31)) {
      raiseDivideError(cpu);
    }
    if (DIVISION[1] !== DIVISION[0] >> 31) {
      raiseDivideError(cpu);
    }
    setQuotient32(s, DIVISION[0], DIVISION[2]);
  },
  8: (cpu, i) => {
    const { state: s } = cpu;
    const divisorLo = source64(cpu, i);
    if (!divideSigned(s[RAX], s[RAX + 1], s[RDX], s[RDX + 1], divisorLo, s[HIGH])) {
      raiseDivideError(cpu);
    }
    setRegister64(s, RAX, DIVISION[0], DIVISION[1]);
    setRegister64(s, RDX, DIVISION[2], DIVISION[3]);
    setDivideFlags(s);
  },
});

/** DX:AX as an int32. */
function dividend32({ registers16: r }: Cpu): number {
  return (r[DX] << 16) | r[AX];
}

function setQuotient32(s: Int32Array, quotient: number, remainder: number): void {
  setRegister64(s, RAX, quotient, 0);
  setRegister64(s, RDX, remainder, 0);
  setDivideFlags(s);
}

/** 8 and 16 bits: operands are numbers with their sign. @throws Fault #DE */
function divideNarrow(
  cpu: Cpu,
  dividend: number,
  divisor: number,
  size: 1 | 2,
  least: number,
  greatest: number,
): void {
  const quotient = Math.trunc(dividend / divisor);
  if (divisor === 0 || quotient < least || quotient > greatest) {
    raiseDivideError(cpu);
  }
  const remainder = dividend - quotient * divisor;
  setRegister(cpu, size === 1 ? AL : AX, size, quotient);
  setRegister(cpu, size === 1 ? AH : DX, size, remainder);
  setDivideFlags(cpu.state);
}

/**
 * Signed 128 / 64 bits, into `DIVISION`, through the magnitudes.
 *
 * @returns Whether the quotient fits in 64 bits and the divisor is not zero.
 */
function divideSigned(
  n0: number,
  n1: number,
  n2: number,
  n3: number,
  d0: number,
  d1: number,
): boolean {
  const dividendSign = n3 >> 31;
  const divisorSign = d1 >> 31;
  const quotientSign = dividendSign ^ divisorSign;
  const m0 = (n0 ^ dividendSign) - dividendSign;
  const carry0 = dividendSign & (n0 === 0 ? 1 : 0);
  const m1 = (n1 ^ dividendSign) + carry0;
  const carry1 = carry0 & (n1 === 0 ? 1 : 0);
  const m2 = (n2 ^ dividendSign) + carry1;
  const m3 = (n3 ^ dividendSign) + (carry1 & (n2 === 0 ? 1 : 0));
  const e0 = (d0 ^ divisorSign) - divisorSign;
  const e1 = (d1 ^ divisorSign) + (divisorSign & (d0 === 0 ? 1 : 0));
  if (!divide128(m0 | 0, m1 | 0, m2 | 0, m3 | 0, e0 | 0, e1 | 0)) {
    return false;
  }
  negateIf(quotientSign, 0);
  negateIf(dividendSign, 2);
  // A quotient of the wrong sign was 2^63 or more; that of zero is never wrong.
  return (DIVISION[0] | DIVISION[1]) === 0 || DIVISION[1] >> 31 === quotientSign;
}

/** Negates the 64 bits of `DIVISION` from a word on if `sign` is -1. */
function negateIf(sign: number, word: number): void {
  const carry = sign & (DIVISION[word] === 0 ? 1 : 0);
  DIVISION[word] = (DIVISION[word] ^ sign) - sign;
  DIVISION[word + 1] = (DIVISION[word + 1] ^ sign) + carry;
}

/** SDM vol. 1, "Binary Arithmetic Instructions": multiplication and division. */
export const multiplyDivide: Rows = {
  ...family('Mul', RM_FORMS, mul),
  ...family('Imul', RM_FORMS, imul),
  ...family('Imul', IMUL_FORMS, imulTruncated),
  ...family('Div', RM_FORMS, div),
  ...family('Idiv', RM_FORMS, idiv),
};
