import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import { CONDITIONS, type Condition } from './conditions.ts';
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

const { HIGH } = Word;

const MOV_FORMS =
  'rm8_r8 rm16_r16 rm32_r32 rm64_r64 r8_rm8 r16_rm16 r32_rm32 r64_rm64 ' +
  'AL_moffs8 AX_moffs16 EAX_moffs32 RAX_moffs64 moffs8_AL moffs16_AX moffs32_EAX moffs64_RAX ' +
  'r8_imm8 r16_imm16 r32_imm32 r64_imm64 rm8_imm8 rm16_imm16 rm32_imm32 rm64_imm32';
const RM_FORMS = 'r16_rm16 r32_rm32 r64_rm64';

/** Chooses by whether the source, operand 1, is memory. */
function bySource(register: Handler, memory: Handler): Binder {
  return (i) => (i.kind1 === OperandKind.Memory ? memory : register);
}

function mov(size: Size): Binder {
  const handlers = size === 8 ? movWide() : movNarrow(size);
  return (i) => {
    if (i.kind0 === OperandKind.Memory) {
      return i.kind1 === OperandKind.Register ? handlers.storeRegister : handlers.storeImmediate;
    }
    if (i.kind1 === OperandKind.Memory) {
      return handlers.load;
    }
    return i.kind1 === OperandKind.Register ? handlers.copy : handlers.setImmediate;
  };
}

function movNarrow(size: NarrowSize) {
  return {
    copy: (cpu, i) => {
      setRegister(cpu, i.slot0, size, getRegister(cpu, i.slot1, size));
    },
    load: (cpu, i) => {
      const { memory } = cpu;
      setRegister(cpu, i.slot0, size, load(memory, memory.readPointer(i, size), size));
    },
    setImmediate: (cpu, i) => {
      setRegister(cpu, i.slot0, size, i.immediateLo);
    },
    storeRegister: (cpu, i) => {
      const { memory } = cpu;
      store(memory, memory.writePointer(i, size), size, getRegister(cpu, i.slot1, size));
    },
    storeImmediate: ({ memory }, i) => {
      store(memory, memory.writePointer(i, size), size, i.immediateLo);
    },
  } satisfies Record<string, Handler>;
}

function movWide() {
  return {
    copy: ({ state: s }, i) => {
      setRegister64(s, i.slot0, s[i.slot1], s[i.slot1 + 1]);
    },
    load: ({ state: s, memory }, i) => {
      const p = memory.readPointer(i, 8);
      setRegister64(s, i.slot0, memory.view.getInt32(p, true), memory.view.getInt32(p + 4, true));
    },
    setImmediate: ({ state: s }, i) => {
      setRegister64(s, i.slot0, i.immediateLo, i.immediateHi);
    },
    storeRegister: ({ state: s, memory }, i) => {
      store64(memory, memory.writePointer(i, 8), s[i.slot1], s[i.slot1 + 1]);
    },
    storeImmediate: ({ memory }, i) => {
      store64(memory, memory.writePointer(i, 8), i.immediateLo, i.immediateHi);
    },
  } satisfies Record<string, Handler>;
}

/** MOVZX, MOVSX and MOVSXD from a source of `from` bytes. */
function extend(from: NarrowSize, signed: boolean): (size: Size) => Binder {
  const shift = signed ? 32 - 8 * from : 0;
  const extended = (value: number): number => (value << shift) >> shift;
  return (size) =>
    size === 8
      ? bySource(
          (cpu, i) => {
            const value = extended(getRegister(cpu, i.slot1, from));
            setRegister64(cpu.state, i.slot0, value, signed ? value >> 31 : 0);
          },
          ({ state: s, memory }, i) => {
            const value = extended(load(memory, memory.readPointer(i, from), from));
            setRegister64(s, i.slot0, value, signed ? value >> 31 : 0);
          },
        )
      : bySource(
          (cpu, i) => {
            setRegister(cpu, i.slot0, size, extended(getRegister(cpu, i.slot1, from)));
          },
          (cpu, i) => {
            const { memory } = cpu;
            const value = extended(load(memory, memory.readPointer(i, from), from));
            setRegister(cpu, i.slot0, size, value);
          },
        );
}

/** CMOVcc reads its source in any case, and a 32-bit one clears the upper half in any case. */
function cmov({ holds }: Condition): (size: Size) => Binder {
  return (size) =>
    size === 8
      ? bySource(
          ({ state: s }, i) => {
            if (holds(s)) {
              setRegister64(s, i.slot0, s[i.slot1], s[i.slot1 + 1]);
            }
          },
          ({ state: s, memory }, i) => {
            const p = memory.readPointer(i, 8);
            if (holds(s)) {
              const { view } = memory;
              setRegister64(s, i.slot0, view.getInt32(p, true), view.getInt32(p + 4, true));
            }
          },
        )
      : bySource(
          (cpu, i) => {
            const slot = holds(cpu.state) ? i.slot1 : i.slot0;
            setRegister(cpu, i.slot0, size, getRegister(cpu, slot, size));
          },
          (cpu, i) => {
            const { memory } = cpu;
            const value = load(memory, memory.readPointer(i, size), size);
            const taken = holds(cpu.state);
            setRegister(cpu, i.slot0, size, taken ? value : getRegister(cpu, i.slot0, size));
          },
        );
}

function lea(size: Size): Binder {
  return () =>
    size === 8
      ? ({ state: s, segmentation }, i) => {
          const lo = segmentation.effectiveAddress(i);
          setRegister64(s, i.slot0, lo, s[HIGH]);
        }
      : (cpu, i) => {
          setRegister(cpu, i.slot0, size, cpu.segmentation.effectiveAddress(i));
        };
}

/** SDM vol. 1, "Data Transfer Instructions". */
export const dataTransfer: Rows = {
  ...family('Mov', MOV_FORMS, mov),
  ...family('Movzx', 'r16_rm8 r32_rm8 r64_rm8', extend(1, false)),
  ...family('Movzx', 'r16_rm16 r32_rm16 r64_rm16', extend(2, false)),
  ...family('Movsx', 'r16_rm8 r32_rm8 r64_rm8', extend(1, true)),
  ...family('Movsx', 'r16_rm16 r32_rm16 r64_rm16', extend(2, true)),
  ...family('Movsxd', 'r16_rm16', mov),
  ...family('Movsxd', 'r32_rm32', mov),
  ...family('Movsxd', 'r64_rm32', extend(4, true)),
  ...Object.assign({}, ...CONDITIONS.map((c) => family(`Cmov${c.name}`, RM_FORMS, cmov(c)))),
  ...family('Lea', 'r16_m r32_m r64_m', lea),
};
