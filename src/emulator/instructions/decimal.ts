import { Vector } from '../fault.ts';
import type { Handler } from '../operation.ts';
import { auxiliaryFlag, carriesFrom, carryFlag, overflowFlag, setFlags32 } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { addNarrow, subtractNarrow } from './alu.ts';
import { each, type Rows } from './rows.ts';

const AL = 0;
const AH = 1;
/** Slot of AX as a 16-bit register. */
const AX = 0;

/**
 * DAA and DAS, after SDM vol. 2: `sign` is 1 to add and -1 to subtract. OF, which is undefined,
 * tells whether bit 7 of AL went up (DAA) or down (DAS).
 */
function decimalAdjust(sign: 1 | -1): Handler {
  return ({ state: s, registers8 }) => {
    const before = registers8[AL];
    const adjustsLow = (before & 15) > 9 || auxiliaryFlag(s) === 1;
    const adjustsHigh = before > 0x99 || carryFlag(s) === 1;
    const after = before + sign * ((adjustsLow ? 6 : 0) + (adjustsHigh ? 0x60 : 0));
    const borrows = sign < 0 && adjustsLow && before < 6;
    const of = ((sign > 0 ? ~before & after : before & ~after) >>> 7) & 1;
    registers8[AL] = after;
    const cf = adjustsHigh || borrows ? 1 : 0;
    setFlags32(s, (after << 24) >> 24, carriesFrom(cf, of, adjustsLow ? 1 : 0));
  };
}

/**
 * AAA and AAS. OF, SF, ZF and PF, which are undefined, are those of the 16-bit addition to, or
 * subtraction from, AX.
 */
function asciiAdjust(operation: typeof addNarrow): Handler {
  return ({ state: s, registers8, registers16 }) => {
    const adjusts = (registers8[AL] & 15) > 9 || auxiliaryFlag(s) === 1 ? 1 : 0;
    const result = operation(s, registers16[AX], adjusts * 0x106, 0, 16);
    s[Word.CARRIES] = carriesFrom(adjusts, overflowFlag(s), adjusts);
    registers16[AX] = result & 0xff0f;
  };
}

/** CF, OF and AF, which are undefined, are cleared. */
const aam: Handler = ({ state: s, registers8, fault }, i) => {
  const base = i.immediateLo & 0xff;
  if (base === 0) {
    fault.raise(Vector.DE, 0, 'divide');
  }
  const value = registers8[AL];
  const digit = value % base;
  registers8[AH] = value / base;
  registers8[AL] = digit;
  setFlags32(s, (digit << 24) >> 24, 0);
};

/** CF, OF and AF, which are undefined, are those of the 8-bit addition to AL. */
const aad: Handler = ({ state: s, registers8, registers16 }, i) => {
  const tens = (registers8[AH] * i.immediateLo) & 0xff;
  registers16[AX] = addNarrow(s, registers8[AL], tens, 0, 24) & 0xff;
};

/** SDM vol. 1, "Decimal Arithmetic Instructions". */
export const decimal: Rows = {
  ...each('Daa', decimalAdjust(1)),
  ...each('Das', decimalAdjust(-1)),
  ...each('Aaa', asciiAdjust(addNarrow)),
  ...each('Aas', asciiAdjust(subtractNarrow)),
  ...each('Aam_imm8', aam),
  ...each('Aad_imm8', aad),
};
