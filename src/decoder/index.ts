export { Code } from 'iced-x86';
export {
  type CodeMode,
  DecodeStatus,
  InstructionDecoder,
  MAX_INSTRUCTION_LENGTH,
} from './decoder.ts';
export { type DisassembledInstruction, disassemble } from './disassemble.ts';
export { featuresOfCode } from './features-of-code.ts';
export { AddressForm, Instruction, OperandKind, Segment, ZERO_SLOT } from './instruction.ts';
