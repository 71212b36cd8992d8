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

const RESERVED_NOPS = ['0F0D', '0F18', '0F19', '0F1A', '0F1B', '0F1C', '0F1D', '0F1E', '0F1F']
  .flatMap((opcode) => [16, 32, 64].map((n) => `Reservednop_rm${n}_r${n}_${opcode}`))
  .join(' ');

/** MPX and the shadow stack's RDSSP are no-operations on processors without them. */
const ABSENT =
  'Bndldx_bnd_mib Bndstx_mib_bnd Bndmov_bnd_bndm64 Bndmov_bnd_bndm128 Bndmov_bndm64_bnd ' +
  'Bndmov_bndm128_bnd Bndcl_bnd_rm32 Bndcl_bnd_rm64 Bndcu_bnd_rm32 Bndcu_bnd_rm64 ' +
  'Bndcn_bnd_rm32 Bndcn_bnd_rm64 Bndmk_bnd_m32 Bndmk_bnd_m64 Rdsspd_r32 Rdsspq_r64';

/** SDM vol. 1, "Miscellaneous Instructions". Memory operands of no-operations are not accessed. */
export const miscellaneous: Rows = {
  ...each('Nopw Nopd Nopq Nop_rm16 Nop_rm32 Nop_rm64 Pause Endbr32 Endbr64', nop),
  ...each(RESERVED_NOPS, nop),
  ...each(ABSENT, nop),
  ...each('Xlat_m8', xlat),
};
