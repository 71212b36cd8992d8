import { type CodeMode, type DisassembledInstruction, disassemble } from '../../decoder/index.ts';
import { hex, parseHexBytes, toHex } from '../hex.ts';
import { readInput } from '../input.ts';
import type { CliIo } from '../io.ts';
import { toAddress } from '../numbers.ts';
import { ExitStatus } from '../status.ts';
import { UsageError } from '../usage.ts';

/** The options as commander gives them. */
export interface DisasmFlags {
  readonly hex?: string;
  readonly mode: string;
  readonly base: string;
  readonly json?: true;
}

const MODES: Readonly<Record<string, CodeMode>> = { 16: 16, 32: 32, 64: 64 };
const LARGEST_FILE = 1 << 30;
/** Bytes disassembled at once; an instruction at their end is left to the next piece. */
const PIECE = 16_384;
const LONGEST = 15;
/** Bytes whose digits the column of bytes has room for. */
const USUAL_LENGTH = 8;

/** Does what `bit63 disasm` says; returns the exit status. @throws UsageError */
export async function disasmCommand(
  file: string | undefined,
  flags: DisasmFlags,
  io: CliIo,
): Promise<number> {
  const mode = Object.hasOwn(MODES, flags.mode) ? MODES[flags.mode] : undefined;
  if (mode === undefined) {
    throw new UsageError(`--mode ${flags.mode}`, 'expected 16, 32 or 64');
  }
  const base = toAddress('--base', flags.base, 64);
  const bytes = await readCode(file, flags.hex, io);
  const digits = (base + BigInt(bytes.length)).toString(16).length;
  const format =
    flags.json === true ? toJson : (line: DisassembledInstruction) => toText(line, digits);
  for (const lines of pieces(bytes, mode, base)) {
    io.stdout.write(lines.map(format).join(''));
    await io.stdout.drain();
  }
  return ExitStatus.Ok;
}

async function readCode(
  file: string | undefined,
  hexBytes: string | undefined,
  io: CliIo,
): Promise<Uint8Array> {
  if (hexBytes !== undefined) {
    if (file !== undefined) {
      throw new UsageError(file, 'there is code in --hex already');
    }
    return parseHexBytes('--hex', hexBytes);
  }
  if (file === undefined) {
    throw new UsageError('no code', 'give a file, - or --hex');
  }
  return readInput(file, { bytes: LARGEST_FILE, tooLarge: 'is larger than 1 GiB' }, io);
}

function* pieces(
  bytes: Uint8Array,
  mode: CodeMode,
  base: bigint,
): Generator<readonly DisassembledInstruction[]> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + PIECE);
    const isLast = at + piece.length === bytes.length;
    const address = BigInt.asUintN(64, base + BigInt(at));
    const lines = disassemble(piece, mode, address);
    const whole = isLast ? lines : lines.filter((line) => isClear(line, address));
    const last = whole[whole.length - 1];
    yield whole;
    at += Number(BigInt.asUintN(64, last.address - address)) + last.bytes.length;
  }
}

/** Whether more bytes after the piece could not change what a line says. */
function isClear({ address }: DisassembledInstruction, start: bigint): boolean {
  return Number(address - start) <= PIECE - LONGEST;
}

function toText({ address, bytes, text }: DisassembledInstruction, digits: number): string {
  const where = address.toString(16).padStart(digits, '0');
  return `0x${where}  ${toHex(bytes, ' ').padEnd(3 * USUAL_LENGTH - 1)}  ${text}\n`;
}

function toJson({ address, bytes, text }: DisassembledInstruction): string {
  return `${JSON.stringify({ address: hex(address), bytes: toHex(bytes), text })}\n`;
}
