import { Cr3High, Cr4 } from '../state/control.ts';
import { Word } from '../state/layout.ts';
import { is64BitMode } from '../state/modes.ts';

/**
 * High half of a data address after linear-address masking: the metadata bits take the value of
 * the pointer's top address bit, bit 63 stays. SDM vol. 3, "Linear-Address Masking (LAM)".
 */
export function maskLinearAddress(s: Int32Array, hi: number): number {
  if (!is64BitMode(s)) {
    return hi;
  }
  let topBit = 0;
  if (hi < 0) {
    if ((s[Word.CR4] & Cr4.LAM_SUP) !== 0) {
      topBit = s[Word.LINEAR_BITS] - 1;
    }
  } else {
    const cr3 = s[Word.CR3 + 1];
    if ((cr3 & Cr3High.LAM_U57) !== 0) {
      topBit = 56;
    } else if ((cr3 & Cr3High.LAM_U48) !== 0) {
      topBit = 47;
    }
  }
  if (topBit === 0) {
    return hi;
  }
  const shift = 63 - topBit;
  const extended = (hi << shift) >> shift;
  return (extended & 0x7fff_ffff) | (hi & 0x8000_0000);
}
