import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import {
  andn,
  type BmiOperation,
  type BmiUnaryOperation,
  bextr,
  blsi,
  blsmsk,
  blsr,
  bzhi,
  pdep,
  pext,
  rorx,
  sarx,
  shlx,
  shrx,
} from './bmi-operations.ts';
import { setRegister64 } from './operands.ts';
import { family, type Rows, type Size } from './rows.ts';
import { vex } from './vex.ts';
import { multiply64, multiplyHigh32, PRODUCT } from './wide-integer.ts';

const { HIGH } = Word;
const RDX = 4;

/** destination = operation(source), the destination being the VEX register. */
function unary(operation: BmiUnaryOperation): (size: Size) => Binder {
  const { narrow, wide } = operation;
  const choose =
    (register: Handler, memory: Handler): Binder =>
    (i) =>
      i.kind1 === OperandKind.Memory ? memory : register;
  return (size) =>
    size === 8
      ? choose(
          ({ state: s }, i) => {
            const lo = wide(s, s[i.slot1], s[i.slot1 + 1]);
            setRegister64(s, i.slot0, lo, s[HIGH]);
          },
          ({ state: s, memory }, i) => {
            const p = memory.readPointer(i, 8);
            const lo = wide(s, memory.view.getInt32(p, true), memory.view.getInt32(p + 4, true));
            setRegister64(s, i.slot0, lo, s[HIGH]);
          },
        )
      : choose(
          ({ state: s }, i) => {
            setRegister64(s, i.slot0, narrow(s, s[i.slot1]), 0);
          },
          ({ state: s, memory }, i) => {
            const p = memory.readPointer(i, 4);
            setRegister64(s, i.slot0, narrow(s, memory.view.getInt32(p, true)), 0);
          },
        );
}

/** Handlers of one operation and operand size, by where its sources are. */
interface Handlers {
  readonly registerRegister: Handler;
  readonly registerMemory: Handler;
  readonly memoryRegister: Handler;
  readonly registerImmediate: Handler;
  readonly memoryImmediate: Handler;
}

/** destination = operation(first source, second source). */
function ternary(operation: BmiOperation): (size: Size) => Binder {
  return (size) => {
    const handlers = size === 8 ? ternaryWide(operation.wide) : ternaryNarrow(operation.narrow);
    return (i) => {
      if (i.kind2 === OperandKind.Immediate) {
        return i.kind1 === OperandKind.Memory
          ? handlers.memoryImmediate
          : handlers.registerImmediate;
      }
      if (i.kind2 === OperandKind.Memory) {
        return handlers.registerMemory;
      }
      return i.kind1 === OperandKind.Memory ? handlers.memoryRegister : handlers.registerRegister;
    };
  };
}

function ternaryNarrow(operation: BmiOperation['narrow']): Handlers {
  return {
    registerRegister: ({ state: s }, i) => {
      setRegister64(s, i.slot0, operation(s, s[i.slot1], s[i.slot2]), 0);
    },
    registerMemory: ({ state: s, memory }, i) => {
      const b = memory.view.getInt32(memory.readPointer(i, 4), true);
      setRegister64(s, i.slot0, operation(s, s[i.slot1], b), 0);
    },
    memoryRegister: ({ state: s, memory }, i) => {
      const a = memory.view.getInt32(memory.readPointer(i, 4), true);
      setRegister64(s, i.slot0, operation(s, a, s[i.slot2]), 0);
    },
    registerImmediate: ({ state: s }, i) => {
      setRegister64(s, i.slot0, operation(s, s[i.slot1], i.immediateLo), 0);
    },
    memoryImmediate: ({ state: s, memory }, i) => {
      const a = memory.view.getInt32(memory.readPointer(i, 4), true);
      setRegister64(s, i.slot0, operation(s, a, i.immediateLo), 0);
    },
  };
}

function ternaryWide(operation: BmiOperation['wide']): Handlers {
  return {
    registerRegister: ({ state: s }, i) => {
      const lo = operation(s, s[i.slot1], s[i.slot1 + 1], s[i.slot2], s[i.slot2 + 1]);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    registerMemory: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const bLo = memory.view.getInt32(p, true);
      const bHi = memory.view.getInt32(p + 4, true);
      const lo = operation(s, s[i.slot1], s[i.slot1 + 1], bLo, bHi);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    memoryRegister: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const aHi = memory.view.getInt32(p + 4, true);
      const lo = operation(s, aLo, aHi, s[i.slot2], s[i.slot2 + 1]);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    registerImmediate: ({ state: s }, i) => {
      const lo = operation(s, s[i.slot1], s[i.slot1 + 1], i.immediateLo, 0);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    memoryImmediate: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const lo = operation(s, aLo, memory.view.getInt32(p + 4, true), i.immediateLo, 0);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
  };
}

/** MULX: high and low half of rDX times the source. Of one register as both, the high half stays. */
function mulx(size: Size): Binder {
  const narrow = (s: Int32Array, high: number, low: number, factor: number): void => {
    const edx = s[RDX];
    setRegister64(s, low, Math.imul(edx, factor), 0);
    setRegister64(s, high, multiplyHigh32(edx, factor), 0);
  };
  const wide = (s: Int32Array, high: number, low: number, lo: number, hi: number): void => {
    multiply64(s[RDX], s[RDX + 1], lo, hi);
    setRegister64(s, low, PRODUCT[0], PRODUCT[1]);
    setRegister64(s, high, PRODUCT[2], PRODUCT[3]);
  };
  const register: Handler =
    size === 8
      ? ({ state: s }, i) => wide(s, i.slot0, i.slot1, s[i.slot2], s[i.slot2 + 1])
      : ({ state: s }, i) => narrow(s, i.slot0, i.slot1, s[i.slot2]);
  const memory: Handler = ({ state: s, memory }, i) => {
    const p = memory.readPointer(i, size);
    const lo = memory.view.getInt32(p, true);
    if (size === 8) {
      wide(s, i.slot0, i.slot1, lo, memory.view.getInt32(p + 4, true));
    } else {
      narrow(s, i.slot0, i.slot1, lo);
    }
  };
  return (i) => (i.kind2 === OperandKind.Memory ? memory : register);
}

/** Forms whose first, or whose second source can be memory. */
const FIRST = 'r32_rm32_r32 r64_rm64_r64';
const SECOND = 'r32_r32_rm32 r64_r64_rm64';

/** SDM vol. 1, "BMI1 and BMI2 Instructions", less TZCNT and LZCNT. */
export const bmi: Rows = vex({
  ...family('VEX_Andn', SECOND, ternary(andn)),
  ...family('VEX_Bextr', FIRST, ternary(bextr)),
  ...family('VEX_Blsi', 'r32_rm32 r64_rm64', unary(blsi)),
  ...family('VEX_Blsmsk', 'r32_rm32 r64_rm64', unary(blsmsk)),
  ...family('VEX_Blsr', 'r32_rm32 r64_rm64', unary(blsr)),
  ...family('VEX_Bzhi', FIRST, ternary(bzhi)),
  ...family('VEX_Mulx', SECOND, mulx),
  ...family('VEX_Pdep', SECOND, ternary(pdep)),
  ...family('VEX_Pext', SECOND, ternary(pext)),
  ...family('VEX_Rorx', 'r32_rm32_imm8 r64_rm64_imm8', ternary(rorx)),
  ...family('VEX_Sarx', FIRST, ternary(sarx)),
  ...family('VEX_Shlx', FIRST, ternary(shlx)),
  ...family('VEX_Shrx', FIRST, ternary(shrx)),
});
