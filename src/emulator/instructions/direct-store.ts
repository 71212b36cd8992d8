import { type Instruction, Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { Access, Vector } from '../fault.ts';
import { segmentWord } from '../memory/segmentation.ts';
import type { Handler } from '../operation.ts';
import { Word } from '../state/layout.ts';
import { getRegister, store, store64 } from './operands.ts';
import { each, type Rows } from './rows.ts';

const { HIGH } = Word;
const LINE = 64;

/** Holds what MOVDIR64B moves: source and destination may share the bounce buffer. */
const line = new Uint8Array(LINE);

const store32: Handler = ({ state: s, memory }, i) => {
  store(memory, memory.writePointer(i, 4), 4, s[i.slot1]);
};

const storeWide: Handler = ({ state: s, memory }, i) => {
  store64(memory, memory.writePointer(i, 8), s[i.slot1], s[i.slot1 + 1]);
};

/** Offset in ES of MOVDIR64B's destination, which has the address size of its source. */
function destinationOffset(cpu: Cpu, i: Instruction): number {
  const s = cpu.state;
  if (i.addressSize === 16) {
    s[HIGH] = 0;
    return getRegister(cpu, i.slot0, 2);
  }
  s[HIGH] = i.addressSize === 64 ? s[i.slot0 + 1] : 0;
  return s[i.slot0];
}

const movdir64b: Handler = (cpu, i) => {
  const { state: s, memory } = cpu;
  const offsetLo = destinationOffset(cpu, i);
  const offsetHi = s[HIGH];
  const bytes = cpu.physical.bytes;
  const from = memory.readPointer(i, LINE);
  for (let n = 0; n < LINE; n++) {
    line[n] = bytes[from + n];
  }
  const linear = i.mode === 64 ? offsetLo : (s[segmentWord(Segment.ES)] + offsetLo) | 0;
  if (linear % LINE !== 0) {
    cpu.fault.raiseAt(Vector.GP, 0, 'alignment', Access.Write, linear, offsetHi, LINE);
  }
  const to = memory.writeAt(Segment.ES, offsetLo, offsetHi, LINE);
  bytes.set(line, to);
  memory.commit(to);
};

/** MOVNTI, MOVDIRI and MOVDIR64B: stores past the caches, of which there are none here. */
export const directStore: Rows = {
  ...each('Movnti_m32_r32 Movdiri_m32_r32', store32),
  ...each('Movnti_m64_r64 Movdiri_m64_r64', storeWide),
  ...each('Movdir64b_r16_m512 Movdir64b_r32_m512 Movdir64b_r64_m512', movdir64b),
};
