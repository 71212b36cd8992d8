import { Word } from '../state/layout.ts';
import { setRegister64 } from './operands.ts';
import { each, type Rows } from './rows.ts';

const RAX = Word.GPR;
const RDX = Word.GPR + 4;
/** Slots of the same registers as 16 bits. */
const AX = 0;
const DX = 8;

/** SDM vol. 1, "Type Conversion Instructions": sign extension within RAX and into RDX. */
export const typeConversion: Rows = {
  ...each('Cbw', ({ registers16, registers8 }) => {
    registers16[AX] = (registers8[0] << 24) >> 24;
  }),
  ...each('Cwde', ({ state: s, registers16 }) => {
    setRegister64(s, RAX, (registers16[AX] << 16) >> 16, 0);
  }),
  ...each('Cdqe', ({ state: s }) => {
    s[RAX + 1] = s[RAX] >> 31;
  }),
  ...each('Cwd', ({ registers16 }) => {
    registers16[DX] = (registers16[AX] << 16) >> 31;
  }),
  ...each('Cdq', ({ state: s }) => {
    setRegister64(s, RDX, s[RAX] >> 31, 0);
  }),
  ...each('Cqo', ({ state: s }) => {
    const sign = s[RAX + 1] >> 31;
    setRegister64(s, RDX, sign, sign);
  }),
};
