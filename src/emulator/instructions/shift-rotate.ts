import { type Instruction, OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
  store64,
} from './operands.ts';
import { family, type Rows, type Size } from './rows.ts';
import {
  type DoubleShiftOperation,
  rcl,
  rcr,
  rol,
  rolNarrow,
  rolWide,
  ror,
  rorNarrow,
  rorWide,
  type ShiftOperation,
  sar,
  sarNarrow,
  sarWide,
  shl,
  shld,
  shlNarrow,
  shlWide,
  shr,
  shrd,
  shrNarrow,
  shrWide,
} from './shift-operations.ts';

const { HIGH } = Word;
const CL = 8;

const FORMS =
  'rm8_imm8 rm16_imm8 rm32_imm8 rm64_imm8 rm8_1 rm16_1 rm32_1 rm64_1 rm8_CL rm16_CL rm32_CL rm64_CL';
const DOUBLE_FORMS =
  'rm16_r16_imm8 rm32_r32_imm8 rm64_r64_imm8 rm16_r16_CL rm32_r32_CL rm64_r64_CL';

/** Handlers of a shift of a register that programs are full of. */
interface HotHandlers {
  readonly immediate32: Handler;
  readonly immediate64: Handler;
  /** By CL. */
  readonly count32?: Handler;
  readonly count64?: Handler;
}

const hotShl: HotHandlers = {
  immediate32: ({ state: s }, { slot0, immediateLo }) => {
    setRegister32(s, slot0, shlNarrow(s, s[slot0], immediateLo, 32));
  },
  immediate64: ({ state: s }, { slot0, immediateLo }) => {
    setRegister64(s, slot0, shlWide(s, s[slot0], s[slot0 + 1], immediateLo), s[HIGH]);
  },
  count32: ({ state: s, registers8 }, { slot0 }) => {
    setRegister32(s, slot0, shlNarrow(s, s[slot0], registers8[CL], 32));
  },
  count64: ({ state: s, registers8 }, { slot0 }) => {
    setRegister64(s, slot0, shlWide(s, s[slot0], s[slot0 + 1], registers8[CL]), s[HIGH]);
  },
};

const hotShr: HotHandlers = {
  immediate32: ({ state: s }, { slot0, immediateLo }) => {
    setRegister32(s, slot0, shrNarrow(s, s[slot0], immediateLo, 32));
  },
  immediate64: ({ state: s }, { slot0, immediateLo }) => {
    setRegister64(s, slot0, shrWide(s, s[slot0], s[slot0 + 1], immediateLo), s[HIGH]);
  },
  count32: ({ state: s, registers8 }, { slot0 }) => {
    setRegister32(s, slot0, shrNarrow(s, s[slot0], registers8[CL], 32));
  },
  count64: ({ state: s, registers8 }, { slot0 }) => {
    setRegister64(s, slot0, shrWide(s, s[slot0], s[slot0 + 1], registers8[CL]), s[HIGH]);
  },
};

const hotSar: HotHandlers = {
  immediate32: ({ state: s }, { slot0, immediateLo }) => {
    setRegister32(s, slot0, sarNarrow(s, s[slot0], immediateLo, 32));
  },
  immediate64: ({ state: s }, { slot0, immediateLo }) => {
    setRegister64(s, slot0, sarWide(s, s[slot0], s[slot0 + 1], immediateLo), s[HIGH]);
  },
  count32: ({ state: s, registers8 }, { slot0 }) => {
    setRegister32(s, slot0, sarNarrow(s, s[slot0], registers8[CL], 32));
  },
  count64: ({ state: s, registers8 }, { slot0 }) => {
    setRegister64(s, slot0, sarWide(s, s[slot0], s[slot0 + 1], registers8[CL]), s[HIGH]);
  },
};

const hotRol: HotHandlers = {
  immediate32: ({ state: s }, { slot0, immediateLo }) => {
    setRegister32(s, slot0, rolNarrow(s, s[slot0], immediateLo, 32));
  },
  immediate64: ({ state: s }, { slot0, immediateLo }) => {
    setRegister64(s, slot0, rolWide(s, s[slot0], s[slot0 + 1], immediateLo), s[HIGH]);
  },
};

const hotRor: HotHandlers = {
  immediate32: ({ state: s }, { slot0, immediateLo }) => {
    setRegister32(s, slot0, rorNarrow(s, s[slot0], immediateLo, 32));
  },
  immediate64: ({ state: s }, { slot0, immediateLo }) => {
    setRegister64(s, slot0, rorWide(s, s[slot0], s[slot0 + 1], immediateLo), s[HIGH]);
  },
};

function setRegister32(s: Int32Array, slot: number, value: number): void {
  s[slot] = value;
  s[slot + 1] = 0;
}

/** The count of a shift, not yet masked: operand 1 is an immediate or CL. */
function countOf(cpu: Cpu, i: Instruction): number {
  return i.kind1 === OperandKind.Immediate ? i.immediateLo : cpu.registers8[CL];
}

/** The count of a double shift, operand 2. */
function doubleCountOf(cpu: Cpu, i: Instruction): number {
  return i.kind2 === OperandKind.Immediate ? i.immediateLo : cpu.registers8[CL];
}

/** A count of 0 still accesses its operand, and a 32-bit register's upper half is still cleared. */
function shift(operation: ShiftOperation, hot?: HotHandlers): (size: Size) => Binder {
  return (size) => {
    const [register, memory] =
      size === 8 ? shiftWide(operation.wide) : shiftNarrow(operation.narrow, size);
    const immediate = hotHandler(size, hot?.immediate32, hot?.immediate64) ?? register;
    const count = hotHandler(size, hot?.count32, hot?.count64) ?? register;
    return (i) => {
      if (i.kind0 === OperandKind.Memory) {
        return memory;
      }
      return i.kind1 === OperandKind.Immediate ? immediate : count;
    };
  };
}

function hotHandler(
  size: Size,
  of32: Handler | undefined,
  of64: Handler | undefined,
): Handler | undefined {
  if (size === 8) {
    return of64;
  }
  return size === 4 ? of32 : undefined;
}

function shiftNarrow(operation: ShiftOperation['narrow'], size: NarrowSize): [Handler, Handler] {
  const bits = 8 * size;
  return [
    (cpu, i) => {
      const value = getRegister(cpu, i.slot0, size);
      setRegister(cpu, i.slot0, size, operation(cpu.state, value, countOf(cpu, i), bits));
    },
    (cpu, i) => {
      const { memory } = cpu;
      const pointer = memory.updatePointer(i, size);
      const value = load(memory, pointer, size);
      store(memory, pointer, size, operation(cpu.state, value, countOf(cpu, i), bits));
    },
  ];
}

function shiftWide(operation: ShiftOperation['wide']): [Handler, Handler] {
  return [
    (cpu, i) => {
      const { state: s } = cpu;
      const lo = operation(s, s[i.slot0], s[i.slot0 + 1], countOf(cpu, i));
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    (cpu, i) => {
      const { state: s, memory } = cpu;
      const p = memory.updatePointer(i, 8);
      const lo = memory.view.getInt32(p, true);
      const result = operation(s, lo, memory.view.getInt32(p + 4, true), countOf(cpu, i));
      store64(memory, p, result, s[HIGH]);
    },
  ];
}

function doubleShift(operation: DoubleShiftOperation): (size: Size) => Binder {
  return (size) => {
    const [register, memory] =
      size === 8 ? doubleShiftWide(operation.wide) : doubleShiftNarrow(operation.narrow, size);
    return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
  };
}

function doubleShiftNarrow(
  operation: DoubleShiftOperation['narrow'],
  size: NarrowSize,
): [Handler, Handler] {
  const bits = 8 * size;
  return [
    (cpu, i) => {
      const value = getRegister(cpu, i.slot0, size);
      const fill = getRegister(cpu, i.slot1, size);
      const result = operation(cpu.state, value, fill, doubleCountOf(cpu, i), bits);
      setRegister(cpu, i.slot0, size, result);
    },
    (cpu, i) => {
      const { memory } = cpu;
      const pointer = memory.updatePointer(i, size);
      const value = load(memory, pointer, size);
      const fill = getRegister(cpu, i.slot1, size);
      const result = operation(cpu.state, value, fill, doubleCountOf(cpu, i), bits);
      store(memory, pointer, size, result);
    },
  ];
}

function doubleShiftWide(operation: DoubleShiftOperation['wide']): [Handler, Handler] {
  return [
    (cpu, i) => {
      const { state: s } = cpu;
      const { slot0, slot1 } = i;
      const count = doubleCountOf(cpu, i);
      const lo = operation(s, s[slot0], s[slot0 + 1], s[slot1], s[slot1 + 1], count);
      setRegister64(s, slot0, lo, s[HIGH]);
    },
    (cpu, i) => {
      const { state: s, memory } = cpu;
      const { slot1 } = i;
      const p = memory.updatePointer(i, 8);
      const lo = memory.view.getInt32(p, true);
      const hi = memory.view.getInt32(p + 4, true);
      const result = operation(s, lo, hi, s[slot1], s[slot1 + 1], doubleCountOf(cpu, i));
      store64(memory, p, result, s[HIGH]);
    },
  ];
}

/** SDM vol. 1, "Shift and Rotate Instructions". */
export const shiftRotate: Rows = {
  ...family('Shl', FORMS, shift(shl, hotShl)),
  ...family('Sal', FORMS, shift(shl, hotShl)),
  ...family('Shr', FORMS, shift(shr, hotShr)),
  ...family('Sar', FORMS, shift(sar, hotSar)),
  ...family('Rol', FORMS, shift(rol, hotRol)),
  ...family('Ror', FORMS, shift(ror, hotRor)),
  ...family('Rcl', FORMS, shift(rcl)),
  ...family('Rcr', FORMS, shift(rcr)),
  ...family('Shld', DOUBLE_FORMS, doubleShift(shld)),
  ...family('Shrd', DOUBLE_FORMS, doubleShift(shrd)),
};
