/**
 * An x86 emulator that enforces Intel LASS: {@link Machine} runs code, {@link InstructionDecoder}
 * and {@link disassemble} read it; the LASS check alone is the entry `bit63/lass`.
 *
 * @module bit63
 */
export {
  type CodeMode,
  DecodeStatus,
  type DisassembledInstruction,
  disassemble,
  Instruction,
  InstructionDecoder,
} from './decoder/index.ts';
export * from './emulator/index.ts';
export * from './lass/index.ts';
