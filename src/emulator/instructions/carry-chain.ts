import { carryFlag, overflowFlag, setCarryAndOverflow, setCarryFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import type { BinaryOperation } from './alu.ts';
import { binary } from './forms.ts';
import { family, type Rows } from './rows.ts';

const { HIGH } = Word;

/** An addition that takes its carry from one flag, leaves it there, and changes no other. */
function addThrough(
  carryIn: (s: Int32Array) => number,
  setCarry: (s: Int32Array, carry: number) => void,
): BinaryOperation {
  return {
    narrow: (s, a, b) => {
      const sum = (a >>> 0) + (b >>> 0) + carryIn(s);
      setCarry(s, sum > 0xffff_ffff ? 1 : 0);
      return sum | 0;
    },
    wide: (s, aLo, aHi, bLo, bHi) => {
      const lo = (aLo >>> 0) + (bLo >>> 0) + carryIn(s);
      const hi = (aHi >>> 0) + (bHi >>> 0) + (lo > 0xffff_ffff ? 1 : 0);
      setCarry(s, hi > 0xffff_ffff ? 1 : 0);
      s[HIGH] = hi | 0;
      return lo | 0;
    },
  };
}

const adcx = addThrough(carryFlag, setCarryFlag);
const adox = addThrough(overflowFlag, (s, of) => setCarryAndOverflow(s, carryFlag(s), of));

/** ADCX and ADOX: two chains of additions that do not disturb each other. */
export const carryChain: Rows = {
  ...family('Adcx', 'r32_rm32 r64_rm64', binary(adcx)),
  ...family('Adox', 'r32_rm32 r64_rm64', binary(adox)),
};
