import {
  Formatter,
  FormatterSyntax,
  Decoder as IcedDecoder,
  Instruction as IcedInstruction,
} from 'iced-x86';
import type { CodeMode } from './decoder.ts';

/** One line of a disassembly. */
export interface DisassembledInstruction {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** Intel syntax: `mov rax,[rdi+8]`; `(bad)` for bytes that are no instruction. */
  readonly text: string;
}

/**
 * Disassembles a run of machine code. A byte that starts no instruction is a line of its own.
 *
 * @param address RIP, EIP or IP of the first byte.
 * @param limit Lines at most.
 */
export function disassemble(
  bytes: Uint8Array,
  mode: CodeMode,
  address: bigint,
  limit = Number.POSITIVE_INFINITY,
): DisassembledInstruction[] {
  const decoder = new IcedDecoder(mode, bytes, 0);
  const formatter = new Formatter(FormatterSyntax.Intel);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.smallHexNumbersInDecimal = true;
  formatter.ripRelativeAddresses = false;
  formatter.branchLeadingZeros = false;
  const raw = new IcedInstruction();
  const lines: DisassembledInstruction[] = [];
  decoder.ip = address;
  try {
    while (decoder.canDecode && lines.length < limit) {
      const start = decoder.position;
      decoder.decodeOut(raw);
      const length = raw.isInvalid ? 1 : raw.length;
      if (raw.isInvalid) {
        decoder.position = start + 1;
        decoder.ip = address + BigInt(start + 1);
      }
      lines.push({
        address: address + BigInt(start),
        bytes: bytes.slice(start, start + length),
        text: raw.isInvalid ? '(bad)' : formatter.format(raw),
      });
    }
  } finally {
    raw.free();
    formatter.free();
    decoder.free();
  }
  return lines;
}
