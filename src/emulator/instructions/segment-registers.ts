import { type Instruction, OperandKind, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Vector } from '../fault.ts';
import { segmentWord } from '../memory/segmentation.ts';
import type { Binder, Handler } from '../operation.ts';
import { Flag } from '../state/flags.ts';
import { SegmentField, Word } from '../state/layout.ts';
import { is64BitMode, isProtectedMode, SegmentAttribute } from '../state/modes.ts';
import {
  getRegister,
  load,
  type NarrowSize,
  setRegister,
  setRegister64,
  store,
} from './operands.ts';
import { type CodeName, each, type Rows, type Size } from './rows.ts';
import { moveStackPointer, push64, pushNarrow, stackPointer } from './stack-access.ts';

const { BASE, ATTRIBUTES, SELECTOR } = SegmentField;
const { DPL, UNUSABLE } = SegmentAttribute;
/** Where DPL starts in the attributes. */
const DPL_SHIFT = 5;
/** Selector bits: requested privilege level. */
const RPL = 3;

function selectorOf(s: Int32Array, segment: number): number {
  return s[segmentWord(segment) + SELECTOR] & 0xffff;
}

/** Real-address and virtual-8086 mode: a selector is the base divided by 16, nothing else. */
function loadReal(s: Int32Array, segment: number, selector: number): void {
  const word = segmentWord(segment);
  s[word + SELECTOR] = selector;
  s[word + BASE] = selector << 4;
  s[word + BASE + 1] = 0;
  s[word + ATTRIBUTES] &= ~UNUSABLE;
}

/**
 * Null selectors make a segment unusable; a null SS is for 64-bit mode below CPL 3, where its DPL
 * goes on to tell the CPL. FS and GS lose their base, as on Intel processors; AMD's keep it.
 */
function loadNull(cpu: Cpu, segment: number, selector: number): void {
  const { state: s } = cpu;
  const word = segmentWord(segment);
  if (segment === Segment.SS) {
    const rpl = selector & RPL;
    if (!is64BitMode(s) || rpl === 3 || rpl !== s[Word.CPL]) {
      cpu.fault.raise(Vector.GP, 0, 'segment-null');
    }
    s[word + ATTRIBUTES] = (s[word + ATTRIBUTES] & ~DPL) | (rpl << DPL_SHIFT);
  }
  s[word + SELECTOR] = selector;
  s[word + BASE] = 0;
  s[word + BASE + 1] = 0;
  s[word + ATTRIBUTES] |= UNUSABLE;
}

/**
 * Loads ES, SS, DS, FS or GS. SDM vol. 2, "MOV".
 *
 * @returns Whether it is done; if not, a descriptor is needed: the run ends and nothing has changed.
 * @throws Fault #GP(0) for a null selector in SS
 */
function loadSegment(cpu: Cpu, i: Instruction, segment: number, selector: number): boolean {
  const { state: s } = cpu;
  if (!isProtectedMode(s) || (s[Word.SYSTEM_FLAGS] & Flag.VM) !== 0) {
    loadReal(s, segment, selector);
    return true;
  }
  if ((selector & ~RPL) === 0) {
    loadNull(cpu, segment, selector);
    return true;
  }
  cpu.requestExitAt(i, { reason: 'unimplemented', code: i.code });
  return false;
}

/** MOV from a segment register: zero-extended to a register, 16 bits to memory. */
function movFromSegment(size: Size): Binder {
  const toRegister: Handler = (cpu, i) => {
    const selector = selectorOf(cpu.state, i.slot1);
    if (size === 8) {
      setRegister64(cpu.state, i.slot0, selector, 0);
    } else {
      setRegister(cpu, i.slot0, size, selector);
    }
  };
  const toMemory: Handler = ({ state: s, memory }, i) => {
    store(memory, memory.writePointer(i, 2), 2, selectorOf(s, i.slot1));
  };
  return (i) => (i.kind0 === OperandKind.Memory ? toMemory : toRegister);
}

/** MOV to a segment register: the low 16 bits of a register of `size` bytes, or 16 from memory. */
function movToSegment(size: Size): Binder {
  const fromRegister: Handler =
    size === 2
      ? (cpu, i) => loadSegment(cpu, i, i.slot0, getRegister(cpu, i.slot1, 2))
      : (cpu, i) => loadSegment(cpu, i, i.slot0, cpu.state[i.slot1] & 0xffff);
  const fromMemory: Handler = (cpu, i) => {
    const { memory } = cpu;
    loadSegment(cpu, i, i.slot0, load(memory, memory.readPointer(i, 2), 2));
  };
  return (i) => (i.kind1 === OperandKind.Memory ? fromMemory : fromRegister);
}

/**
 * PUSH of a segment register, zero-extended. The manual lets 32-bit pushes also leave the upper
 * half of the stack location as it was.
 */
function pushSegment(size: NarrowSize): Handler {
  return (cpu, i) => pushNarrow(cpu, size, selectorOf(cpu.state, i.slot0));
}

const pushSegment64: Handler = (cpu, i) => push64(cpu, selectorOf(cpu.state, i.slot0), 0);

function popSegment(size: Size): Handler {
  return (cpu, i) => {
    const selector = load(cpu.memory, stackPointer(cpu, size), 2);
    if (loadSegment(cpu, i, i.slot0, selector)) {
      moveStackPointer(cpu, size);
    }
  };
}

/** LDS, LES, LFS, LGS, LSS: an offset of `size` bytes to a register, then a selector. */
function loadFarPointer(segment: Segment, size: NarrowSize): Handler {
  return (cpu, i) => {
    const { memory } = cpu;
    const p = memory.readPointer(i, size + 2);
    const offset = load(memory, p, size);
    if (loadSegment(cpu, i, segment, load(memory, p + size, 2))) {
      setRegister(cpu, i.slot0, size, offset);
    }
  };
}

function loadFarPointer64(segment: Segment): Handler {
  return (cpu, i) => {
    const { state: s, memory } = cpu;
    const p = memory.readPointer(i, 10);
    const lo = memory.view.getInt32(p, true);
    const hi = memory.view.getInt32(p + 4, true);
    if (loadSegment(cpu, i, segment, load(memory, p + 8, 2))) {
      setRegister64(s, i.slot0, lo, hi);
    }
  };
}

const readSegments: Rows = {
  Mov_rm16_Sreg: movFromSegment(2),
  Mov_r32m16_Sreg: movFromSegment(4),
  Mov_r64m16_Sreg: movFromSegment(8),
  ...each('Pushw_ES Pushw_CS Pushw_SS Pushw_DS Pushw_FS Pushw_GS', pushSegment(2)),
  ...each('Pushd_ES Pushd_CS Pushd_SS Pushd_DS Pushd_FS Pushd_GS', pushSegment(4)),
  ...each('Pushq_FS Pushq_GS', pushSegment64),
};

const loadSegments: Rows = {
  Mov_Sreg_rm16: movToSegment(2),
  Mov_Sreg_r32m16: movToSegment(4),
  Mov_Sreg_r64m16: movToSegment(8),
  ...each('Popw_ES Popw_SS Popw_DS Popw_FS Popw_GS', popSegment(2)),
  ...each('Popd_ES Popd_SS Popd_DS Popd_FS Popd_GS', popSegment(4)),
  ...each('Popq_FS Popq_GS', popSegment(8)),
  ...each('Lds_r16_m1616', loadFarPointer(Segment.DS, 2)),
  ...each('Lds_r32_m1632', loadFarPointer(Segment.DS, 4)),
  ...each('Les_r16_m1616', loadFarPointer(Segment.ES, 2)),
  ...each('Les_r32_m1632', loadFarPointer(Segment.ES, 4)),
  ...each('Lfs_r16_m1616', loadFarPointer(Segment.FS, 2)),
  ...each('Lfs_r32_m1632', loadFarPointer(Segment.FS, 4)),
  ...each('Lfs_r64_m1664', loadFarPointer64(Segment.FS)),
  ...each('Lgs_r16_m1616', loadFarPointer(Segment.GS, 2)),
  ...each('Lgs_r32_m1632', loadFarPointer(Segment.GS, 4)),
  ...each('Lgs_r64_m1664', loadFarPointer64(Segment.GS)),
  ...each('Lss_r16_m1616', loadFarPointer(Segment.SS, 2)),
  ...each('Lss_r32_m1632', loadFarPointer(Segment.SS, 4)),
  ...each('Lss_r64_m1664', loadFarPointer64(Segment.SS)),
};

/** SDM vol. 1, "Segment Register Instructions", less the far branches. */
export const segmentRegisters: Rows = { ...readSegments, ...loadSegments };

/** Forms that load a segment register: they may ask to leave, and so end their block. */
export const SEGMENT_LOADS = Object.keys(loadSegments) as CodeName[];
