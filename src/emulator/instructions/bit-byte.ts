import { type Instruction, OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder, Handler } from '../operation.ts';
import {
  carriesFrom,
  overflowFlag,
  setCarryFlag,
  setFlags32,
  setZeroFlag,
} from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { CONDITIONS, type Condition } from './conditions.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
} from './operands.ts';
import { family, type Rows, type Size } from './rows.ts';

const { HIGH } = Word;

const BIT_TEST_FORMS = 'rm16_r16 rm32_r32 rm64_r64 rm16_imm8 rm32_imm8 rm64_imm8';
const SCAN_FORMS = 'r16_rm16 r32_rm32 r64_rm64';

/** What BTS, BTR and BTC do to the word with the bit; `mask` has that bit alone. */
type BitChange = (word: number, mask: number) => number;

const set: BitChange = (word, mask) => word | mask;
const reset: BitChange = (word, mask) => word & ~mask;
const complement: BitChange = (word, mask) => word ^ mask;

/** Only CF changes: the other five, undefined but for ZF, stay. */
function bitTest(change?: BitChange): (size: Size) => Binder {
  return (size) => {
    const narrow = size === 2 ? 2 : 4;
    const bits = 8 * size;
    const register = change === undefined ? testRegister(size) : changeRegister(size, change);
    const memory: Handler = (cpu, i) => {
      const bit = bitOffset(cpu, i, size) & (bits - 1);
      const p = bitPointer(cpu, i, size, change !== undefined);
      // Of 64 bits, the half that has the bit.
      const half = p + ((bit >> 5) << 2);
      const word = load(cpu.memory, half, narrow);
      if (change !== undefined) {
        storeHalf(cpu, p, half, narrow, change(word, 1 << bit));
      }
      setCarryFlag(cpu.state, (word >>> bit) & 1);
    };
    return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
  };
}

function testRegister(size: Size): Handler {
  return size === 2
    ? (cpu, i) => {
        const bit = bitOffset(cpu, i, 2) & 15;
        setCarryFlag(cpu.state, (cpu.registers16[i.slot0] >>> bit) & 1);
      }
    : (cpu, i) => {
        const { state: s } = cpu;
        const bit = bitOffset(cpu, i, size) & (8 * size - 1);
        setCarryFlag(s, (s[i.slot0 + (bit >> 5)] >>> bit) & 1);
      };
}

function changeRegister(size: Size, change: BitChange): Handler {
  return size === 2
    ? (cpu, i) => {
        const bit = bitOffset(cpu, i, 2) & 15;
        const word = cpu.registers16[i.slot0];
        cpu.registers16[i.slot0] = change(word, 1 << bit);
        setCarryFlag(cpu.state, (word >>> bit) & 1);
      }
    : (cpu, i) => {
        const { state: s } = cpu;
        const bit = bitOffset(cpu, i, size) & (8 * size - 1);
        const at = i.slot0 + (bit >> 5);
        const word = s[at];
        s[at] = change(word, 1 << bit);
        if (size === 4) {
          s[i.slot0 + 1] = 0;
        }
        setCarryFlag(s, (word >>> bit) & 1);
      };
}

/** Low half of the bit offset, operand 1. */
function bitOffset(cpu: Cpu, i: Instruction, size: Size): number {
  if (i.kind1 === OperandKind.Immediate) {
    return i.immediateLo;
  }
  return size === 2 ? cpu.registers16[i.slot1] : cpu.state[i.slot1];
}

/**
 * Pointer to the operand-sized unit of memory with the bit. A bit offset in a register is signed
 * and reaches beyond the operand. SDM vol. 2, "BT - Bit Test", and section 3.1.1.9, "Bit(BitBase,
 * BitOffset)".
 *
 * @throws Fault
 */
function bitPointer(cpu: Cpu, i: Instruction, size: Size, writes: boolean): number {
  const { state: s, memory } = cpu;
  if (i.kind1 === OperandKind.Immediate) {
    return writes ? memory.updatePointer(i, size) : memory.readPointer(i, size);
  }
  const base = cpu.segmentation.effectiveAddress(i);
  const delta = unitOffset(cpu, i, size);
  const sum = (base + delta) | 0;
  let lo = sum;
  let hi = 0;
  if (i.addressSize === 64) {
    const sign = size === 8 ? s[i.slot1 + 1] >> 3 : delta >> 31;
    const carry = ((base & delta) | ((base | delta) & ~sum)) >>> 31;
    hi = (s[HIGH] + sign + carry) | 0;
  } else if (i.addressSize === 16) {
    lo = sum & 0xffff;
  }
  return writes ? memory.updateAt(i.segment, lo, hi, size) : memory.readAt(i.segment, lo, hi, size);
}

/** Low half of the distance in bytes from the operand to the unit with the bit. */
function unitOffset(cpu: Cpu, i: Instruction, size: Size): number {
  const { state: s } = cpu;
  if (size === 2) {
    return ((cpu.registers16[i.slot1] << 16) >> 19) & -2;
  }
  const offset = s[i.slot1];
  return size === 4 ? (offset >> 3) & -4 : ((offset >>> 3) | (s[i.slot1 + 1] << 29)) & -8;
}

/** Writes a part of what `pointer` points to and completes the write of the whole. */
function storeHalf(cpu: Cpu, pointer: number, half: number, size: 2 | 4, value: number): void {
  const { view } = cpu.memory;
  if (size === 2) {
    view.setUint16(half, value, true);
  } else {
    view.setInt32(half, value, true);
  }
  cpu.memory.commit(pointer);
}

/** Number of zeros below the lowest one of a word that is not 0. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function trailingZeros64(lo: number, hi: number): number {
  return lo !== 0 ? trailingZeros(lo) : 32 + trailingZeros(hi);
}

function leadingZeros64(lo: number, hi: number): number {
  return hi !== 0 ? Math.clz32(hi) : 32 + Math.clz32(lo);
}

/**
 * What is done with a source that has been read; `lo` is zero-extended and `hi` is 0 if it has less
 * than 64 bits.
 */
type ScanOperation = (cpu: Cpu, i: Instruction, size: Size, lo: number, hi: number) => void;

function scan(operation: ScanOperation): (size: Size) => Binder {
  return (size) => {
    const [register, memory] = size === 8 ? scanWide(operation) : scanNarrow(operation, size);
    return (i) => (i.kind1 === OperandKind.Memory ? memory : register);
  };
}

function scanNarrow(operation: ScanOperation, size: NarrowSize): [Handler, Handler] {
  return [
    (cpu, i) => operation(cpu, i, size, getRegister(cpu, i.slot1, size), 0),
    (cpu, i) => {
      const { memory } = cpu;
      operation(cpu, i, size, load(memory, memory.readPointer(i, size), size), 0);
    },
  ];
}

function scanWide(operation: ScanOperation): [Handler, Handler] {
  return [
    (cpu, i) => operation(cpu, i, 8, cpu.state[i.slot1], cpu.state[i.slot1 + 1]),
    (cpu, i) => {
      const p = cpu.memory.readPointer(i, 8);
      const { view } = cpu.memory;
      operation(cpu, i, 8, view.getInt32(p, true), view.getInt32(p + 4, true));
    },
  ];
}

/** Sets operand 0 to a number from 0 to 64. */
function setCount(cpu: Cpu, i: Instruction, size: Size, count: number): void {
  if (size === 2) {
    setRegister(cpu, i.slot0, 2, count);
  } else {
    setRegister64(cpu.state, i.slot0, count, 0);
  }
}

/** A source of 0 leaves the whole destination alone; of the flags only ZF changes. */
const bsf: ScanOperation = (cpu, i, size, lo, hi) => {
  const isZero = (lo | hi) === 0;
  if (!isZero) {
    setCount(cpu, i, size, trailingZeros64(lo, hi));
  }
  setZeroFlag(cpu.state, isZero ? 1 : 0);
};

const bsr: ScanOperation = (cpu, i, size, lo, hi) => {
  const isZero = (lo | hi) === 0;
  if (!isZero) {
    setCount(cpu, i, size, 63 - leadingZeros64(lo, hi));
  }
  setZeroFlag(cpu.state, isZero ? 1 : 0);
};

/** CF for a source of 0, ZF for a count of 0; OF, undefined, stays, SF, AF and PF are cleared. */
function setCountFlags(s: Int32Array, isZero: boolean, count: number): void {
  const zf = count === 0 ? 1 : 0;
  const carries = carriesFrom(isZero ? 1 : 0, overflowFlag(s), 0);
  setFlags32(s, zf ^ 1, carries | (zf << 8));
}

const tzcnt: ScanOperation = (cpu, i, size, lo, hi) => {
  const isZero = (lo | hi) === 0;
  const count = isZero ? 8 * size : trailingZeros64(lo, hi);
  setCount(cpu, i, size, count);
  setCountFlags(cpu.state, isZero, count);
};

const lzcnt: ScanOperation = (cpu, i, size, lo, hi) => {
  const count = leadingZeros64(lo, hi) - 64 + 8 * size;
  setCount(cpu, i, size, count);
  setCountFlags(cpu.state, (lo | hi) === 0, count);
};

/** Number of ones of a 32-bit word. */
function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  const bytes = (nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(bytes, 0x0101_0101) >>> 24;
}

/** ZF for a source of 0; all others are cleared, also PF, which a result of 0 would set. */
const popcnt: ScanOperation = (cpu, i, size, lo, hi) => {
  const isZero = (lo | hi) === 0;
  setCount(cpu, i, size, ones(lo) + ones(hi));
  setFlags32(cpu.state, isZero ? 0 : 1, isZero ? 1 << 8 : 0);
};

function setByCondition({ holds }: Condition): Binder {
  const register: Handler = (cpu, i) => {
    cpu.registers8[i.slot0] = holds(cpu.state) ? 1 : 0;
  };
  const memory: Handler = (cpu, i) => {
    store(cpu.memory, cpu.memory.writePointer(i, 1), 1, holds(cpu.state) ? 1 : 0);
  };
  return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
}

/** SDM vol. 1, "Bit and Byte Instructions", with TZCNT and LZCNT, less TEST and CRC32. */
export const bitByte: Rows = {
  ...family('Bt', BIT_TEST_FORMS, bitTest()),
  ...family('Bts', BIT_TEST_FORMS, bitTest(set)),
  ...family('Btr', BIT_TEST_FORMS, bitTest(reset)),
  ...family('Btc', BIT_TEST_FORMS, bitTest(complement)),
  ...family('Bsf', SCAN_FORMS, scan(bsf)),
  ...family('Bsr', SCAN_FORMS, scan(bsr)),
  ...family('Tzcnt', SCAN_FORMS, scan(tzcnt)),
  ...family('Lzcnt', SCAN_FORMS, scan(lzcnt)),
  ...family('Popcnt', SCAN_FORMS, scan(popcnt)),
  ...Object.assign(
    {},
    ...CONDITIONS.map((c) => family(`Set${c.name}`, 'rm8', () => setByCondition(c))),
  ),
};
