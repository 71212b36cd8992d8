import {
  DecoderError,
  DecoderOptions,
  Decoder as IcedDecoder,
  Instruction as IcedInstruction,
} from 'iced-x86';
import type { Instruction } from './instruction.ts';
import { correctPause } from './pause.ts';
import { isSoleInvalidOpcode, withoutOnePrefix } from './prefixes.ts';
import { translate } from './translate.ts';

/** Outcome of decoding one instruction. */
export const DecodeStatus = {
  Ok: 0,
  /** Not an instruction, or a LOCK prefix where none may stand: #UD. */
  Invalid: 1,
  /** Longer than 15 bytes: #GP(0). */
  TooLong: 2,
  /** The bytes given end inside the instruction. */
  NeedMoreBytes: 3,
} as const;
export type DecodeStatus = (typeof DecodeStatus)[keyof typeof DecodeStatus];

/** Longest legal instruction in bytes. SDM vol. 2, "Instruction Format". */
export const MAX_INSTRUCTION_LENGTH = 15;

/** Width of code: 16, 32 or 64 bits. */
export type CodeMode = 16 | 32 | 64;

/** How vendors decode the same bytes; see the options of `InstructionDecoder`. */
export interface DecoderFeatures {
  /** Whether F3 0F BC is TZCNT (true by default) or BSF. */
  readonly tzcnt?: boolean;
  /** Whether F3 0F BD is LZCNT (true by default) or BSR. */
  readonly lzcnt?: boolean;
  /**
   * AMD processors honour 66h on near branches in 64-bit mode and REX.B before 90h with F3, which
   * is an exchange then; Intel's ignore both. False by default.
   */
  readonly amd?: boolean;
}

const EMPTY = new Uint8Array(0);

/**
 * Decodes x86 machine code, one instruction after the other from a run of bytes.
 *
 * One iced-x86 decoder and instruction are reused, since objects that live in WebAssembly are not
 * garbage collected.
 */
export class InstructionDecoder {
  #iced: IcedDecoder | undefined;
  readonly #raw = new IcedInstruction();
  readonly #options: number;
  readonly #isAmd: boolean;
  #mode: CodeMode = 64;
  #bytes: Uint8Array = EMPTY;
  #position = 0;

  constructor(features: DecoderFeatures = {}) {
    this.#isAmd = features.amd === true;
    this.#options =
      (features.amd === true ? DecoderOptions.AMD : DecoderOptions.None) |
      (features.tzcnt === false ? DecoderOptions.NoMPFX_0FBC : DecoderOptions.None) |
      (features.lzcnt === false ? DecoderOptions.NoMPFX_0FBD : DecoderOptions.None);
  }

  /**
   * Starts a run of bytes.
   *
   * @param bytes What can be fetched from `rip` on; a copy is made.
   * @param ripLo Bits 31:0 of the address of the first byte (RIP, EIP or IP), int32.
   * @param ripHi Bits 63:32, int32.
   */
  begin(mode: CodeMode, bytes: Uint8Array, ripLo: number, ripHi: number): void {
    this.#iced?.free();
    this.#iced = new IcedDecoder(mode, bytes, this.#options);
    this.#iced.ip = BigInt.asUintN(64, (BigInt(ripHi) << 32n) | BigInt(ripLo >>> 0));
    this.#mode = mode;
    this.#bytes = bytes;
    this.#position = 0;
  }

  /** Decodes the next instruction of the run into `into`; only on `Ok` is it meaningful. */
  next(into: Instruction): DecodeStatus {
    const iced = this.#iced;
    if (iced === undefined || this.#position >= this.#bytes.length) {
      return DecodeStatus.NeedMoreBytes;
    }
    const raw = this.#raw;
    iced.decodeOut(raw);
    if (raw.isInvalid) {
      const available = this.#bytes.length - this.#position;
      if (iced.lastError === DecoderError.NoMoreBytes) {
        if (this.#mode === 64 && isSoleInvalidOpcode(this.#bytes, this.#position)) {
          return DecodeStatus.Invalid;
        }
        return available >= MAX_INSTRUCTION_LENGTH
          ? DecodeStatus.TooLong
          : DecodeStatus.NeedMoreBytes;
      }
      return raw.length === MAX_INSTRUCTION_LENGTH && this.#isTooLong()
        ? DecodeStatus.TooLong
        : DecodeStatus.Invalid;
    }
    if (this.#isAmd) {
      correctPause(raw, this.#mode, this.#bytes, this.#position, this.#options);
    }
    this.#position += raw.length;
    translate(raw, this.#mode, into);
    return DecodeStatus.Ok;
  }

  /**
   * iced reports an invalid opcode that ends at the 15th byte and an instruction that goes on after
   * it alike. Without one of its prefixes the former is still invalid, the latter wants more bytes.
   */
  #isTooLong(): boolean {
    const bytes = this.#bytes.subarray(this.#position, this.#position + MAX_INSTRUCTION_LENGTH);
    if (this.#mode === 64 && isSoleInvalidOpcode(bytes, 0)) {
      return false;
    }
    const probe = new IcedDecoder(this.#mode, withoutOnePrefix(bytes), this.#options);
    probe.decodeOut(this.#raw);
    const tooLong = probe.lastError === DecoderError.NoMoreBytes;
    probe.free();
    return tooLong;
  }

  /** Bytes consumed since `begin`. */
  get position(): number {
    return this.#position;
  }

  /** Frees the memory held in WebAssembly; the decoder must not be used afterwards. */
  free(): void {
    this.#iced?.free();
    this.#iced = undefined;
    this.#raw.free();
  }
}
