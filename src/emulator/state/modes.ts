import { Cr0, Efer } from './control.ts';
import { SEGMENT_WORDS, SegmentField, Word } from './layout.ts';

const { CR0, EFER, SEGMENTS } = Word;

/** Attributes of a segment, as VMX keeps them. SDM vol. 3, "Guest Register State". */
export const SegmentAttribute = {
  /** Type: bit 3 code; for data bit 1 writable and bit 2 expand-down; for code bit 1 readable. */
  TYPE: 0xf,
  CODE: 1 << 3,
  EXPAND_DOWN: 1 << 2,
  WRITABLE: 1 << 1,
  READABLE: 1 << 1,
  /** Code or data, not a system segment. */
  S: 1 << 4,
  DPL: 3 << 5,
  P: 1 << 7,
  L: 1 << 13,
  DB: 1 << 14,
  G: 1 << 15,
  UNUSABLE: 1 << 16,
} as const;

const CS_ATTRIBUTES = SEGMENTS + 1 * SEGMENT_WORDS + SegmentField.ATTRIBUTES;

/** IA-32e mode: 64-bit or compatibility mode. */
export function isLongMode(s: Int32Array): boolean {
  return (s[EFER] & Efer.LMA) !== 0;
}

export function is64BitMode(s: Int32Array): boolean {
  return (s[EFER] & Efer.LMA) !== 0 && (s[CS_ATTRIBUTES] & SegmentAttribute.L) !== 0;
}

export function isProtectedMode(s: Int32Array): boolean {
  return (s[CR0] & Cr0.PE) !== 0;
}

/** Width of the code that CS holds: 16, 32 or 64. */
export function codeMode(s: Int32Array): 16 | 32 | 64 {
  if (is64BitMode(s)) {
    return 64;
  }
  return (s[CS_ATTRIBUTES] & SegmentAttribute.DB) !== 0 ? 32 : 16;
}
