import { OperandKind } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import type { Binder, Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import { getRegister, load, setRegister, store } from './operands.ts';
import { requirePortAccess } from './privilege.ts';
import { advance, type Step } from './repeat.ts';
import type { CodeName, Rows } from './rows.ts';
import { readSource, repeatable, stride, writeDestination } from './string.ts';

const { RDI, RSI } = Word;
type PortSize = 1 | 2 | 4;
const ACCUMULATOR = 0;
/** Slot of DX. */
const DX = 8;

function portInDx({ registers16 }: Cpu): number {
  return registers16[DX];
}

/** IN. Without a device the run ends behind it, and the host fills in the accumulator. */
function input(size: PortSize): Binder {
  const from =
    (port: (cpu: Cpu, i: Parameters<Handler>[1]) => number): Handler =>
    (cpu, i) => {
      requirePortAccess(cpu);
      const at = port(cpu, i);
      const value = cpu.portIn(i, at, size);
      if (value === undefined) {
        const request = { reason: 'io', direction: 'in', port: at, size, value: 0 } as const;
        cpu.requestExit({ ...request, string: false });
        return;
      }
      setRegister(cpu, ACCUMULATOR, size, value);
    };
  const immediate = from((_cpu, i) => i.immediateLo & 0xff);
  const dx = from(portInDx);
  return (i) => (i.kind1 === OperandKind.Immediate ? immediate : dx);
}

/** OUT. Without a device the run ends behind it with the value. */
function output(size: PortSize): Binder {
  const to =
    (port: (cpu: Cpu, i: Parameters<Handler>[1]) => number): Handler =>
    (cpu, i) => {
      requirePortAccess(cpu);
      const at = port(cpu, i);
      const value = getRegister(cpu, ACCUMULATOR, size) >>> 0;
      if (!cpu.portOut(i, at, size, value)) {
        const request = { reason: 'io', direction: 'out', port: at, size, value } as const;
        cpu.requestExit({ ...request, string: false });
      }
    };
  const immediate = to((_cpu, i) => i.immediateLo & 0xff);
  const dx = to(portInDx);
  return (i) => (i.kind0 === OperandKind.Immediate ? immediate : dx);
}

/**
 * INS. The destination is checked before the port is read, whose data would be lost. Without a
 * device the run ends at the instruction with all elements before this one done.
 */
function ins(size: PortSize): Step {
  return (cpu, i) => {
    writeDestination(cpu, i, size);
    const port = portInDx(cpu);
    const value = cpu.portIn(i, port, size);
    if (value === undefined) {
      const request = { reason: 'io', direction: 'in', port, size, value: 0 } as const;
      cpu.requestExitAt(i, { ...request, string: true });
      return false;
    }
    store(cpu.memory, writeDestination(cpu, i, size), size, value);
    advance(cpu, RDI, i.addressSize, stride(cpu.state, size));
    return true;
  };
}

/** OUTS. Without a device it ends as INS does, with the value that has not been sent. */
function outs(size: PortSize): Step {
  return (cpu, i) => {
    const port = portInDx(cpu);
    const value = load(cpu.memory, readSource(cpu, i, size), size) >>> 0;
    if (!cpu.portOut(i, port, size, value)) {
      const request = { reason: 'io', direction: 'out', port, size, value } as const;
      cpu.requestExitAt(i, { ...request, string: true });
      return false;
    }
    advance(cpu, RSI, i.addressSize, stride(cpu.state, size));
    return true;
  };
}

/** INS and OUTS ask for permission even if there is nothing to do. */
function permitted(step: Step): Binder {
  const bind = repeatable(step);
  return (i) => {
    const handler = bind(i);
    return (cpu, instruction) => {
      requirePortAccess(cpu);
      handler(cpu, instruction);
    };
  };
}

/** SDM vol. 1, "Input/Output": IN, OUT, INS, OUTS. */
export const inputOutput: Rows = {
  In_AL_imm8: input(1),
  In_AX_imm8: input(2),
  In_EAX_imm8: input(4),
  In_AL_DX: input(1),
  In_AX_DX: input(2),
  In_EAX_DX: input(4),
  Out_imm8_AL: output(1),
  Out_imm8_AX: output(2),
  Out_imm8_EAX: output(4),
  Out_DX_AL: output(1),
  Out_DX_AX: output(2),
  Out_DX_EAX: output(4),
  Insb_m8_DX: permitted(ins(1)),
  Insw_m16_DX: permitted(ins(2)),
  Insd_m32_DX: permitted(ins(4)),
  Outsb_DX_m8: permitted(outs(1)),
  Outsw_DX_m16: permitted(outs(2)),
  Outsd_DX_m32: permitted(outs(4)),
};

/** They may ask to leave, and devices may send the guest elsewhere. */
export const PORT_ACCESSES = Object.keys(inputOutput) as CodeName[];
