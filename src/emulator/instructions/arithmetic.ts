import { adc, add, dec, inc, neg, sbb, sub } from './alu.ts';
import { binary, compare, unary } from './forms.ts';
import { family, type Rows } from './rows.ts';

/** Forms of the eight operations of opcodes 00-3D and 80-83. */
export const BINARY_FORMS =
  'rm8_r8 rm16_r16 rm32_r32 rm64_r64 r8_rm8 r16_rm16 r32_rm32 r64_rm64 ' +
  'AL_imm8 AX_imm16 EAX_imm32 RAX_imm32 rm8_imm8 rm8_imm8_82 rm16_imm16 rm32_imm32 rm64_imm32 ' +
  'rm16_imm8 rm32_imm8 rm64_imm8';
export const UNARY_FORMS = 'rm8 rm16 rm32 rm64';

/** SDM vol. 1, "Binary Arithmetic Instructions". */
export const arithmetic: Rows = {
  ...family('Add', BINARY_FORMS, binary(add)),
  ...family('Adc', BINARY_FORMS, binary(adc)),
  ...family('Sub', BINARY_FORMS, binary(sub)),
  ...family('Sbb', BINARY_FORMS, binary(sbb)),
  ...family('Cmp', BINARY_FORMS, compare(sub)),
  ...family('Inc', `${UNARY_FORMS} r16 r32`, unary(inc)),
  ...family('Dec', `${UNARY_FORMS} r16 r32`, unary(dec)),
  ...family('Neg', UNARY_FORMS, unary(neg)),
};
