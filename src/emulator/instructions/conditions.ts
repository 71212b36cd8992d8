import { parityFlag, signFlag } from '../state/flags.ts';
import { Word } from '../state/layout.ts';

const { CARRIES, RESULT } = Word;

/** A condition of Jcc, SETcc and CMOVcc. SDM vol. 1, "EFLAGS Condition Codes". */
export interface Condition {
  /** As iced-x86 spells it in names: `Jne`, `Setne`. */
  readonly name: string;
  readonly holds: (s: Int32Array) => boolean;
}

const below = (s: Int32Array): boolean => s[CARRIES] < 0;
const zero = (s: Int32Array): boolean => (s[RESULT] | s[RESULT + 1]) === 0;
const overflow = (s: Int32Array): boolean => (s[CARRIES] ^ (s[CARRIES] << 1)) < 0;
/** SF xor OF. */
const less = (s: Int32Array): boolean => {
  const c = s[CARRIES];
  return (s[RESULT + 1] ^ (c << 31) ^ c ^ (c << 1)) < 0;
};

/** In the order of their encoding. */
export const CONDITIONS: readonly Condition[] = [
  { name: 'o', holds: overflow },
  { name: 'no', holds: (s) => !overflow(s) },
  { name: 'b', holds: below },
  { name: 'ae', holds: (s) => !below(s) },
  { name: 'e', holds: zero },
  { name: 'ne', holds: (s) => !zero(s) },
  { name: 'be', holds: (s) => below(s) || zero(s) },
  { name: 'a', holds: (s) => !below(s) && !zero(s) },
  { name: 's', holds: (s) => signFlag(s) === 1 },
  { name: 'ns', holds: (s) => signFlag(s) === 0 },
  { name: 'p', holds: (s) => parityFlag(s) === 1 },
  { name: 'np', holds: (s) => parityFlag(s) === 0 },
  { name: 'l', holds: less },
  { name: 'ge', holds: (s) => !less(s) },
  { name: 'le', holds: (s) => zero(s) || less(s) },
  { name: 'g', holds: (s) => !zero(s) && !less(s) },
];
