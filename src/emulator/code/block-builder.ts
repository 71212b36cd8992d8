import {
  type CodeMode,
  DecodeStatus,
  type Instruction,
  type InstructionDecoder,
  MAX_INSTRUCTION_LENGTH,
} from '../../decoder/index.ts';
import type { CodeFetch } from '../memory/code-fetch.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import { type Binder, type Handler, Operation } from '../operation.ts';
import { Block, type CodePage } from './block.ts';

/** Most instructions in a block. */
const MAX_BLOCK = 32;
/** Bytes handed to the decoder at once. */
const WINDOW = MAX_BLOCK * 8;

/** What the instruction table tells about codes. */
export interface InstructionBinding {
  readonly bind: Binder;
  /** Whether what follows must be looked up anew: after branches and changes of mode. */
  endsBlock(i: Instruction): boolean;
  /** Whether it must be a block of its own: it needs the exact number of instructions retired. */
  standsAlone(code: number): boolean;
  readonly invalid: Handler;
  readonly tooLong: Handler;
}

/** Decodes blocks. */
export class BlockBuilder {
  readonly #bytes: Uint8Array;
  readonly #fetch: CodeFetch;
  readonly #decoder: InstructionDecoder;
  readonly #binding: InstructionBinding;
  readonly #across = new Uint8Array(MAX_INSTRUCTION_LENGTH);
  #status: DecodeStatus = DecodeStatus.Ok;

  constructor(
    bytes: Uint8Array,
    fetch: CodeFetch,
    decoder: InstructionDecoder,
    binding: InstructionBinding,
  ) {
    this.#bytes = bytes;
    this.#fetch = fetch;
    this.#decoder = decoder;
    this.#binding = binding;
  }

  /**
   * The block at `rip`, whose first byte is at offset `start` of `page`.
   *
   * @param nextPage Called when the first instruction goes on in the next page; may fault.
   * @param isStop Whether a block must end before an address.
   * @throws Fault
   */
  build(
    mode: CodeMode,
    ripLo: number,
    ripHi: number,
    page: CodePage,
    start: number,
    nextPage: () => CodePage,
    isStop: (ripLo: number, ripHi: number) => boolean,
  ): Block {
    const within = this.#fetch.bytesWithinLimit(ripLo);
    const room = Math.min(within, PAGE_SIZE - start);
    this.#decoder.begin(mode, this.#pageBytes(page, start, Math.min(WINDOW, room)), ripLo, ripHi);
    const first = this.#decode();
    if (this.#status === DecodeStatus.NeedMoreBytes) {
      if (room === within) {
        this.#fetch.raiseLimit(ripLo, within);
      }
      return this.#buildAcross(mode, ripLo, ripHi, page, start, nextPage());
    }
    if (this.#status !== DecodeStatus.Ok) {
      const op = this.#undecodable(mode, ripLo, ripHi);
      const length = Math.min(MAX_INSTRUCTION_LENGTH, room);
      return new Block(op, op, { page, start, bytes: length, secondPage: null });
    }
    const last = this.#decodeRest(first, isStop);
    const length = last.ripLo - ripLo + last.length;
    return new Block(first, last, { page, start, bytes: length, secondPage: null });
  }

  /** A block of the one instruction that crosses into the next page. */
  #buildAcross(
    mode: CodeMode,
    ripLo: number,
    ripHi: number,
    page: CodePage,
    start: number,
    secondPage: CodePage,
  ): Block {
    const room = PAGE_SIZE - start;
    const within = this.#fetch.bytesWithinLimit(ripLo);
    const length = Math.min(within, MAX_INSTRUCTION_LENGTH);
    const across = this.#across;
    across.set(this.#pageBytes(page, start, room));
    across.set(this.#pageBytes(secondPage, 0, length - room), room);
    this.#decoder.begin(mode, across.subarray(0, length), ripLo, ripHi);
    let op = this.#decode();
    if (this.#status === DecodeStatus.NeedMoreBytes) {
      this.#fetch.raiseLimit(ripLo, within);
    }
    if (this.#status !== DecodeStatus.Ok) {
      op = this.#undecodable(mode, ripLo, ripHi);
    }
    return new Block(op, op, { page, start, bytes: MAX_INSTRUCTION_LENGTH, secondPage });
  }

  #decodeRest(first: Operation, isStop: (ripLo: number, ripHi: number) => boolean): Operation {
    const binding = this.#binding;
    let last = first;
    while (
      last.position + 1 < MAX_BLOCK &&
      !binding.endsBlock(last) &&
      !isStop(last.nextLo, last.nextHi)
    ) {
      const op = this.#decode();
      if (this.#status !== DecodeStatus.Ok || binding.standsAlone(op.code)) {
        break;
      }
      op.position = last.position + 1;
      last.next = op;
      last = op;
    }
    return last;
  }

  #decode(): Operation {
    const op = new Operation();
    this.#status = this.#decoder.next(op);
    if (this.#status === DecodeStatus.Ok) {
      op.execute = this.#binding.bind(op);
    }
    return op;
  }

  #undecodable(mode: CodeMode, ripLo: number, ripHi: number): Operation {
    const op = new Operation();
    op.mode = mode;
    op.ripLo = ripLo;
    op.ripHi = ripHi;
    op.nextLo = ripLo;
    op.nextHi = ripHi;
    op.execute =
      this.#status === DecodeStatus.TooLong ? this.#binding.tooLong : this.#binding.invalid;
    return op;
  }

  /** What is not RAM reads as FFh: code is never fetched from a device. */
  #pageBytes(page: CodePage, start: number, length: number): Uint8Array {
    return page.host < 0
      ? new Uint8Array(length).fill(0xff)
      : this.#bytes.subarray(page.host + start, page.host + start + length);
  }
}
