import {
  Code,
  DecoderOptions,
  Decoder as IcedDecoder,
  type Instruction as IcedInstruction,
} from 'iced-x86';
import { hasRexB } from './prefixes.ts';

/**
 * F3 90 with REX.B is XCHG r8, rAX on AMD's processors, PAUSE on Intel's and to iced, unless it is
 * told to know no PAUSE. Decodes the instruction again if it is that.
 *
 * @param raw What iced made of the bytes at `start`.
 * @param options The `DecoderOptions` that it was decoded with.
 */
export function correctPause(
  raw: IcedInstruction,
  mode: number,
  bytes: Uint8Array,
  start: number,
  options: number,
): void {
  const end = start + raw.length;
  if (raw.code !== Code.Pause || raw.length < 3 || !hasRexB(bytes[end - 2])) {
    return;
  }
  const decoder = new IcedDecoder(
    mode,
    bytes.subarray(start, end),
    options | DecoderOptions.NoPause,
  );
  decoder.ip = raw.ip;
  decoder.decodeOut(raw);
  decoder.free();
}
