import type { Handler } from '../operation.ts';
import { each, type Rows } from './rows.ts';

const nop: Handler = () => {};

/**
 * XLAT: AL = [rBX + AL]. The decoder's index is the register that AL is in, of which only that
 * byte counts, so the address is made here.
 */
const xlat: Handler = ({ state: s, registers8, memory }, i) => {
  const base = s[i.base];
  const sum = (base >>> 0) + registers8[0];
  let lo = sum | 0;
  let hi = 0;
  if (i.addressSize === 64) {
    hi = (s[i.base + 1] + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  } else if (i.addressSize === 16) {
    lo &= 0xffff;
  }
  registers8[0] = memory.view.getUint8(memory.readAt(i.segment, lo, hi, 1));
};

/** SDM vol. 1, "Miscellaneous Instructions". */
export const miscellaneous: Rows = {
  ...each('Nopw Nopd Nopq Pause', nop),
  ...each('Xlat_m8', xlat),
};
