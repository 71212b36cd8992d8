import { Vector } from '../fault.ts';
import type { Handler } from '../operation.ts';
import { overflowFlag } from '../state/flags.ts';
import { load, type NarrowSize } from './operands.ts';
import { each, type Rows } from './rows.ts';

const int3: Handler = ({ fault }) => fault.raiseTrap(Vector.BP, 'breakpoint');

const int1: Handler = ({ fault }) => fault.raiseTrap(Vector.DB, 'breakpoint');

const into: Handler = ({ state: s, fault }) => {
  if (overflowFlag(s) === 1) {
    fault.raiseTrap(Vector.OF, 'overflow');
  }
};

const interrupt: Handler = (cpu, i) => {
  cpu.requestExit({ reason: 'interrupt', vector: i.immediateLo & 0xff });
};

/**
 * BOUND: signed index, lower and upper bound, both of them allowed. Intel processors look at the
 * upper bound only if the index passes the lower one; AMD's read both first.
 */
function bound(size: NarrowSize & (2 | 4)): Handler {
  const shift = 32 - 8 * size;
  const extended = (value: number): number => (value << shift) >> shift;
  return (cpu, i) => {
    const { memory, segmentation } = cpu;
    const index = extended(size === 2 ? cpu.registers16[i.slot0] : cpu.state[i.slot0]);
    if (cpu.vendor === 'amd') {
      memory.readPointer(i, 2 * size);
    }
    const lower = extended(load(memory, memory.readPointer(i, size), size));
    if (index >= lower) {
      const at = segmentation.effectiveAddress(i) + size;
      const offset = i.addressSize === 16 ? at & 0xffff : at | 0;
      const upper = extended(load(memory, memory.readAt(i.segment, offset, 0, size), size));
      if (index <= upper) {
        return;
      }
    }
    cpu.fault.raise(Vector.BR, 0, 'bound');
  };
}

const undefinedInstruction: Handler = ({ fault }) => fault.raise(Vector.UD, 0, 'invalid-opcode');

/** SDM vol. 1, "Software Interrupt Instructions", and UD. */
export const softwareInterrupt: Rows = {
  ...each('Int3', int3),
  ...each('Int1', int1),
  ...each('Into', into),
  ...each('Int_imm8', interrupt),
  ...each('Bound_r16_m1616', bound(2)),
  ...each('Bound_r32_m3232', bound(4)),
  ...each('Ud2 Ud0', undefinedInstruction),
  ...each('Ud0_r16_rm16 Ud0_r32_rm32 Ud0_r64_rm64', undefinedInstruction),
  ...each('Ud1_r16_rm16 Ud1_r32_rm32 Ud1_r64_rm64', undefinedInstruction),
};
