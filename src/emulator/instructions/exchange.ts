import { type Instruction, OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access, Vector } from '../fault.ts';
import type { Binder, Handler } from '../operation.ts';
import { setZeroFlag, zeroFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { addNarrow, addWide, subtractNarrow, subtractWide } from './alu.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
  store64,
} from './operands.ts';
import { each, family, type Rows, type Size } from './rows.ts';

const { HIGH } = Word;
const RAX = 0;
const RCX = 2;
const RDX = 4;
const RBX = 6;

const RM_FORMS = 'rm8_r8 rm16_r16 rm32_r32 rm64_r64';

/** Chooses by whether the destination, operand 0, is memory. */
function byDestination(register: Handler, memory: Handler): Binder {
  return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
}

function xchg(size: Size): Binder {
  return size === 8
    ? byDestination(
        ({ state: s }, i) => {
          const lo = s[i.slot0];
          const hi = s[i.slot0 + 1];
          setRegister64(s, i.slot0, s[i.slot1], s[i.slot1 + 1]);
          setRegister64(s, i.slot1, lo, hi);
        },
        ({ state: s, memory }, i) => {
          const p = memory.updatePointer(i, 8);
          const lo = memory.view.getInt32(p, true);
          const hi = memory.view.getInt32(p + 4, true);
          store64(memory, p, s[i.slot1], s[i.slot1 + 1]);
          setRegister64(s, i.slot1, lo, hi);
        },
      )
    : byDestination(
        (cpu, i) => {
          const value = getRegister(cpu, i.slot0, size);
          setRegister(cpu, i.slot0, size, getRegister(cpu, i.slot1, size));
          setRegister(cpu, i.slot1, size, value);
        },
        (cpu, i) => {
          const { memory } = cpu;
          const p = memory.updatePointer(i, size);
          const value = load(memory, p, size);
          store(memory, p, size, getRegister(cpu, i.slot1, size));
          setRegister(cpu, i.slot1, size, value);
        },
      );
}

/** XADD writes its destination last: with one register as both operands the sum stays. */
function xadd(size: Size): Binder {
  return size === 8 ? xaddWide() : xaddNarrow(size);
}

function xaddNarrow(size: NarrowSize): Binder {
  const shift = 32 - 8 * size;
  return byDestination(
    (cpu, i) => {
      const a = getRegister(cpu, i.slot0, size);
      const sum = addNarrow(cpu.state, a, getRegister(cpu, i.slot1, size), 0, shift);
      setRegister(cpu, i.slot1, size, a);
      setRegister(cpu, i.slot0, size, sum);
    },
    (cpu, i) => {
      const { memory } = cpu;
      const p = memory.updatePointer(i, size);
      const a = load(memory, p, size);
      const sum = addNarrow(cpu.state, a, getRegister(cpu, i.slot1, size), 0, shift);
      store(memory, p, size, sum);
      setRegister(cpu, i.slot1, size, a);
    },
  );
}

function xaddWide(): Binder {
  return byDestination(
    ({ state: s }, i) => {
      const aLo = s[i.slot0];
      const aHi = s[i.slot0 + 1];
      const lo = addWide(s, aLo, aHi, s[i.slot1], s[i.slot1 + 1], 0);
      setRegister64(s, i.slot1, aLo, aHi);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    ({ state: s, memory }, i) => {
      const p = memory.updatePointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const aHi = memory.view.getInt32(p + 4, true);
      const lo = addWide(s, aLo, aHi, s[i.slot1], s[i.slot1 + 1], 0);
      store64(memory, p, lo, s[HIGH]);
      setRegister64(s, i.slot1, aLo, aHi);
    },
  );
}

/**
 * CMPXCHG writes either the destination or the accumulator, so that a 32-bit form clears the upper
 * half of one of them only. A destination in memory is written in any case.
 */
function cmpxchg(size: Size): Binder {
  return size === 8 ? cmpxchgWide() : cmpxchgNarrow(size);
}

function cmpxchgNarrow(size: NarrowSize): Binder {
  const shift = 32 - 8 * size;
  return byDestination(
    (cpu, i) => {
      const value = getRegister(cpu, i.slot0, size);
      if (subtractNarrow(cpu.state, getRegister(cpu, RAX, size), value, 0, shift) === 0) {
        setRegister(cpu, i.slot0, size, getRegister(cpu, i.slot1, size));
      } else {
        setRegister(cpu, RAX, size, value);
      }
    },
    (cpu, i) => {
      const { memory } = cpu;
      const p = memory.updatePointer(i, size);
      const value = load(memory, p, size);
      if (subtractNarrow(cpu.state, getRegister(cpu, RAX, size), value, 0, shift) === 0) {
        store(memory, p, size, getRegister(cpu, i.slot1, size));
      } else {
        store(memory, p, size, value);
        setRegister(cpu, RAX, size, value);
      }
    },
  );
}

function cmpxchgWide(): Binder {
  return byDestination(
    ({ state: s }, i) => {
      const lo = s[i.slot0];
      const hi = s[i.slot0 + 1];
      subtractWide(s, s[RAX], s[RAX + 1], lo, hi, 0);
      if (zeroFlag(s) === 1) {
        setRegister64(s, i.slot0, s[i.slot1], s[i.slot1 + 1]);
      } else {
        setRegister64(s, RAX, lo, hi);
      }
    },
    ({ state: s, memory }, i) => {
      const p = memory.updatePointer(i, 8);
      const lo = memory.view.getInt32(p, true);
      const hi = memory.view.getInt32(p + 4, true);
      subtractWide(s, s[RAX], s[RAX + 1], lo, hi, 0);
      if (zeroFlag(s) === 1) {
        store64(memory, p, s[i.slot1], s[i.slot1 + 1]);
      } else {
        store64(memory, p, lo, hi);
        setRegister64(s, RAX, lo, hi);
      }
    },
  );
}

const cmpxchg8b: Handler = ({ state: s, memory }, i) => {
  const p = memory.updatePointer(i, 8);
  const lo = memory.view.getInt32(p, true);
  const hi = memory.view.getInt32(p + 4, true);
  const isEqual = lo === s[RAX] && hi === s[RDX];
  if (isEqual) {
    store64(memory, p, s[RBX], s[RCX]);
  } else {
    store64(memory, p, lo, hi);
    setRegister64(s, RAX, lo, 0);
    setRegister64(s, RDX, hi, 0);
  }
  setZeroFlag(s, isEqual ? 1 : 0);
};

/** Pointer to the operand of CMPXCHG16B. Its alignment is checked after LASS and before paging. */
function pointerAligned16({ state: s, segmentation, memory, fault }: Cpu, i: Instruction): number {
  const lo = segmentation.operandAddress(i, 16, Access.Write);
  const hi = s[HIGH];
  if ((lo & 15) !== 0) {
    memory.checkLinear(lo, hi, 16, i.segment, Access.Write);
    fault.raiseAt(Vector.GP, 0, 'alignment', Access.Write, lo, hi, 16);
  }
  return memory.updateLinear(lo, hi, 16, i.segment);
}

const cmpxchg16b: Handler = (cpu, i) => {
  const { state: s, memory } = cpu;
  const { view } = memory;
  const p = pointerAligned16(cpu, i);
  const w0 = view.getInt32(p, true);
  const w1 = view.getInt32(p + 4, true);
  const w2 = view.getInt32(p + 8, true);
  const w3 = view.getInt32(p + 12, true);
  const isEqual = w0 === s[RAX] && w1 === s[RAX + 1] && w2 === s[RDX] && w3 === s[RDX + 1];
  if (isEqual) {
    view.setInt32(p, s[RBX], true);
    view.setInt32(p + 4, s[RBX + 1], true);
    view.setInt32(p + 8, s[RCX], true);
    view.setInt32(p + 12, s[RCX + 1], true);
  } else {
    setRegister64(s, RAX, w0, w1);
    setRegister64(s, RDX, w2, w3);
  }
  memory.commit(p);
  setZeroFlag(s, isEqual ? 1 : 0);
};

/** SDM vol. 1, "Exchange Instructions", less BSWAP. */
export const exchange: Rows = {
  ...family('Xchg', `${RM_FORMS} r16_AX r32_EAX r64_RAX`, xchg),
  ...family('Xadd', RM_FORMS, xadd),
  ...family('Cmpxchg', RM_FORMS, cmpxchg),
  ...each('Cmpxchg8b_m64', cmpxchg8b),
  ...each('Cmpxchg16b_m128', cmpxchg16b),
};
