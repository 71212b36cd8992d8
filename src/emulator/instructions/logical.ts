import { and, not, or, xor } from './alu.ts';
import { BINARY_FORMS, UNARY_FORMS } from './arithmetic.ts';
import { binary, compare, unary } from './forms.ts';
import { family, type Rows } from './rows.ts';

const TEST_FORMS =
  'rm8_r8 rm16_r16 rm32_r32 rm64_r64 AL_imm8 AX_imm16 EAX_imm32 RAX_imm32 ' +
  'rm8_imm8 rm16_imm16 rm32_imm32 rm64_imm32 ' +
  'rm8_imm8_F6r1 rm16_imm16_F7r1 rm32_imm32_F7r1 rm64_imm32_F7r1';

/** SDM vol. 1, "Logical Instructions". */
export const logical: Rows = {
  ...family('And', BINARY_FORMS, binary(and)),
  ...family('Or', BINARY_FORMS, binary(or)),
  ...family('Xor', BINARY_FORMS, binary(xor)),
  ...family('Test', TEST_FORMS, compare(and)),
  ...family('Not', UNARY_FORMS, unary(not)),
};
