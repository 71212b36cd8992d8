import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import type { BinaryOperation, UnaryOperation } from './alu.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
  store64,
} from './operands.ts';
import type { Size } from './rows.ts';

const { HIGH } = Word;

/** Handlers of one operation and operand size, by where the operands are. */
interface BinaryHandlers {
  readonly registerRegister: Handler;
  readonly registerMemory: Handler;
  readonly registerImmediate: Handler;
  readonly memoryRegister: Handler;
  readonly memoryImmediate: Handler;
}

function choose(handlers: BinaryHandlers): Binder {
  return (i) => {
    if (i.kind0 === OperandKind.Memory) {
      return i.kind1 === OperandKind.Register ? handlers.memoryRegister : handlers.memoryImmediate;
    }
    if (i.kind1 === OperandKind.Memory) {
      return handlers.registerMemory;
    }
    return i.kind1 === OperandKind.Register
      ? handlers.registerRegister
      : handlers.registerImmediate;
  };
}

/** destination = operation(destination, source). */
export function binary(operation: BinaryOperation): (size: Size) => Binder {
  return (size) =>
    choose(size === 8 ? binaryWide(operation.wide) : binaryNarrow(operation.narrow, size));
}

/** operation(first, second) for its flags alone: CMP, TEST. */
export function compare(operation: BinaryOperation): (size: Size) => Binder {
  return (size) =>
    choose(size === 8 ? compareWide(operation.wide) : compareNarrow(operation.narrow, size));
}

/** operand = operation(operand). */
export function unary(operation: UnaryOperation): (size: Size) => Binder {
  return (size) => {
    const [register, memory] =
      size === 8 ? unaryWide(operation.wide) : unaryNarrow(operation.narrow, size);
    return (i) => (i.kind0 === OperandKind.Memory ? memory : register);
  };
}

function binaryNarrow(operation: BinaryOperation['narrow'], size: NarrowSize): BinaryHandlers {
  const shift = 32 - 8 * size;
  return {
    registerRegister: (cpu, i) => {
      const a = getRegister(cpu, i.slot0, size);
      const b = getRegister(cpu, i.slot1, size);
      setRegister(cpu, i.slot0, size, operation(cpu.state, a, b, shift));
    },
    registerMemory: (cpu, i) => {
      const { memory } = cpu;
      const b = load(memory, memory.readPointer(i, size), size);
      const a = getRegister(cpu, i.slot0, size);
      setRegister(cpu, i.slot0, size, operation(cpu.state, a, b, shift));
    },
    registerImmediate: (cpu, i) => {
      const a = getRegister(cpu, i.slot0, size);
      setRegister(cpu, i.slot0, size, operation(cpu.state, a, i.immediateLo, shift));
    },
    memoryRegister: (cpu, i) => {
      const { memory } = cpu;
      const pointer = memory.updatePointer(i, size);
      const b = getRegister(cpu, i.slot1, size);
      const result = operation(cpu.state, load(memory, pointer, size), b, shift);
      store(memory, pointer, size, result);
    },
    memoryImmediate: (cpu, i) => {
      const { memory } = cpu;
      const pointer = memory.updatePointer(i, size);
      const result = operation(cpu.state, load(memory, pointer, size), i.immediateLo, shift);
      store(memory, pointer, size, result);
    },
  };
}

function binaryWide(operation: BinaryOperation['wide']): BinaryHandlers {
  return {
    registerRegister: ({ state: s }, i) => {
      const lo = operation(s, s[i.slot0], s[i.slot0 + 1], s[i.slot1], s[i.slot1 + 1]);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    registerMemory: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const bLo = memory.view.getInt32(p, true);
      const bHi = memory.view.getInt32(p + 4, true);
      const lo = operation(s, s[i.slot0], s[i.slot0 + 1], bLo, bHi);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    registerImmediate: ({ state: s }, i) => {
      const lo = operation(s, s[i.slot0], s[i.slot0 + 1], i.immediateLo, i.immediateHi);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    memoryRegister: ({ state: s, memory }, i) => {
      const p = memory.updatePointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const aHi = memory.view.getInt32(p + 4, true);
      const lo = operation(s, aLo, aHi, s[i.slot1], s[i.slot1 + 1]);
      store64(memory, p, lo, s[HIGH]);
    },
    memoryImmediate: ({ state: s, memory }, i) => {
      const p = memory.updatePointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const aHi = memory.view.getInt32(p + 4, true);
      const lo = operation(s, aLo, aHi, i.immediateLo, i.immediateHi);
      store64(memory, p, lo, s[HIGH]);
    },
  };
}

function compareNarrow(operation: BinaryOperation['narrow'], size: NarrowSize): BinaryHandlers {
  const shift = 32 - 8 * size;
  return {
    registerRegister: (cpu, i) => {
      const b = getRegister(cpu, i.slot1, size);
      operation(cpu.state, getRegister(cpu, i.slot0, size), b, shift);
    },
    registerMemory: (cpu, i) => {
      const { memory } = cpu;
      const b = load(memory, memory.readPointer(i, size), size);
      operation(cpu.state, getRegister(cpu, i.slot0, size), b, shift);
    },
    registerImmediate: (cpu, i) => {
      operation(cpu.state, getRegister(cpu, i.slot0, size), i.immediateLo, shift);
    },
    memoryRegister: (cpu, i) => {
      const { memory } = cpu;
      const a = load(memory, memory.readPointer(i, size), size);
      operation(cpu.state, a, getRegister(cpu, i.slot1, size), shift);
    },
    memoryImmediate: (cpu, i) => {
      const { memory } = cpu;
      const a = load(memory, memory.readPointer(i, size), size);
      operation(cpu.state, a, i.immediateLo, shift);
    },
  };
}

function compareWide(operation: BinaryOperation['wide']): BinaryHandlers {
  return {
    registerRegister: ({ state: s }, i) => {
      operation(s, s[i.slot0], s[i.slot0 + 1], s[i.slot1], s[i.slot1 + 1]);
    },
    registerMemory: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const { view } = memory;
      operation(s, s[i.slot0], s[i.slot0 + 1], view.getInt32(p, true), view.getInt32(p + 4, true));
    },
    registerImmediate: ({ state: s }, i) => {
      operation(s, s[i.slot0], s[i.slot0 + 1], i.immediateLo, i.immediateHi);
    },
    memoryRegister: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const { view } = memory;
      operation(s, view.getInt32(p, true), view.getInt32(p + 4, true), s[i.slot1], s[i.slot1 + 1]);
    },
    memoryImmediate: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      const { view } = memory;
      const aLo = view.getInt32(p, true);
      operation(s, aLo, view.getInt32(p + 4, true), i.immediateLo, i.immediateHi);
    },
  };
}

function unaryNarrow(operation: UnaryOperation['narrow'], size: NarrowSize): [Handler, Handler] {
  const shift = 32 - 8 * size;
  return [
    (cpu, i) => {
      const a = getRegister(cpu, i.slot0, size);
      setRegister(cpu, i.slot0, size, operation(cpu.state, a, shift));
    },
    (cpu, i) => {
      const { memory } = cpu;
      const pointer = memory.updatePointer(i, size);
      store(memory, pointer, size, operation(cpu.state, load(memory, pointer, size), shift));
    },
  ];
}

function unaryWide(operation: UnaryOperation['wide']): [Handler, Handler] {
  return [
    ({ state: s }, i) => {
      const lo = operation(s, s[i.slot0], s[i.slot0 + 1]);
      setRegister64(s, i.slot0, lo, s[HIGH]);
    },
    ({ state: s, memory }, i) => {
      const p = memory.updatePointer(i, 8);
      const aLo = memory.view.getInt32(p, true);
      const lo = operation(s, aLo, memory.view.getInt32(p + 4, true));
      store64(memory, p, lo, s[HIGH]);
    },
  ];
}
