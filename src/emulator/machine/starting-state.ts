import { Segment } from '../../decoder/index.ts';
import type { Cpu } from '../cpu.ts';
import { segmentWord } from '../memory/segmentation.ts';
import { Cr0, Cr4, Efer } from '../state/control.ts';
import { Flag, writeFlags } from '../state/flags.ts';
import { SegmentField, Word } from '../state/layout.ts';
import { SegmentAttribute } from '../state/modes.ts';

/** Mode that a machine starts in: real mode, 32-bit protected, compatibility or 64-bit mode. */
export type StartingMode = 16 | 32 | 'compat' | 64;

const DATA = SegmentAttribute.S | SegmentAttribute.P | SegmentAttribute.WRITABLE | 1;
const CODE =
  SegmentAttribute.S | SegmentAttribute.P | SegmentAttribute.CODE | SegmentAttribute.READABLE | 1;
const FLAT = SegmentAttribute.DB | SegmentAttribute.G;

/** What `setStartingState` needs to know besides the mode. */
export interface StartingOptions {
  readonly mode: StartingMode;
  readonly cpl: number;
  /** CR4 bits to set besides those that the mode needs. */
  readonly cr4: number;
  readonly ac: boolean;
  /** Physical address of the paging structures. */
  readonly cr3: number;
}

/** Puts the control and segment registers into the state of a mode with flat segments. */
export function setStartingState(cpu: Cpu, options: StartingOptions): void {
  const { mode, cpl, ac } = options;
  const s = cpu.state;
  const real = mode === 16;
  s[Word.CR0] = Cr0.ET | Cr0.NE | (real ? 0 : Cr0.PE | Cr0.MP | Cr0.WP | Cr0.PG);
  s[Word.CR4] = options.cr4 | (real ? 0 : Cr4.PAE);
  s[Word.CR3] = options.cr3;
  const longMode = mode === 64 || mode === 'compat';
  s[Word.EFER] = real ? 0 : Efer.NXE | Efer.SCE | (longMode ? Efer.LME | Efer.LMA : 0);
  s[Word.CPL] = cpl;
  writeFlags(s, (real ? 0 : Flag.IF) | (ac ? Flag.AC : 0));

  for (let segment = 0; segment < 6; segment++) {
    const word = segmentWord(segment);
    const isCode = segment === Segment.CS;
    s[word] = 0;
    s[word + 1] = 0;
    s[word + SegmentField.LIMIT] = real ? 0xffff : -1;
    s[word + SegmentField.ATTRIBUTES] = real ? DATA : attributes(isCode, mode, cpl);
    s[word + SegmentField.SELECTOR] = real ? 0 : selector(isCode, mode, cpl);
  }
  cpu.contextChanged();
}

function attributes(isCode: boolean, mode: StartingMode, cpl: number): number {
  const privilege = cpl << 5;
  if (!isCode) {
    return DATA | FLAT | privilege;
  }
  return mode === 64
    ? CODE | SegmentAttribute.L | SegmentAttribute.G | privilege
    : CODE | FLAT | privilege;
}

/** The selectors that Linux uses. */
function selector(isCode: boolean, mode: StartingMode, cpl: number): number {
  if (cpl === 3) {
    return isCode ? (mode === 64 ? 0x33 : 0x23) : 0x2b;
  }
  return (isCode ? (mode === 64 ? 0x10 : 0x08) : 0x18) | cpl;
}
