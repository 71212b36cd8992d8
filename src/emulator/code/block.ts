import type { CodeMode } from '../../decoder/index.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import type { Operation } from '../operation.ts';

/** Where the bytes of a block lie. */
export interface BlockPlace {
  readonly page: CodePage;
  /** Offset of the first byte in the page. */
  readonly start: number;
  /** Bytes decoded; those beyond the page's end are at the start of `secondPage`. */
  readonly bytes: number;
  readonly secondPage: CodePage | null;
}

/** A run of instructions that is entered at its start and left at its end, or by a fault. */
export class Block {
  readonly first: Operation;
  readonly count: number;
  readonly ripLo: number;
  readonly ripHi: number;
  readonly mode: CodeMode;
  /** Address that follows the last instruction. */
  readonly nextLo: number;
  readonly nextHi: number;
  readonly place: BlockPlace;
  /** Cleared when its bytes are overwritten. */
  valid = true;
  /** Blocks that have followed this one; of use while `linkEpoch` is the code cache's epoch. */
  linkA: Block | null = null;
  linkB: Block | null = null;
  linkEpoch = -1;

  constructor(first: Operation, last: Operation, place: BlockPlace) {
    this.first = first;
    this.count = last.position + 1;
    this.ripLo = first.ripLo;
    this.ripHi = first.ripHi;
    this.mode = first.mode as CodeMode;
    this.nextLo = last.nextLo;
    this.nextHi = last.nextHi;
    this.place = place;
  }

  /** Whether it was decoded from any of the bytes `from` to `to` (excluded) of a page. */
  overlaps(page: CodePage, from: number, to: number): boolean {
    const { place } = this;
    const offset = page === place.page ? 0 : PAGE_SIZE;
    return place.start < to + offset && from + offset < place.start + place.bytes;
  }

  /**
   * Makes the block unusable. If it is running, its next instruction leaves it: operations are
   * replaced in place, so that the running of blocks costs nothing for this.
   */
  invalidate(): void {
    this.valid = false;
    for (let op: Operation | null = this.first; op !== null; op = op.next) {
      op.execute = leaveChangedBlock;
    }
  }
}

/** Thrown by an instruction of a block whose bytes have changed since; RIP is that instruction. */
export const BLOCK_CHANGED = Symbol('block changed');

function leaveChangedBlock(): never {
  throw BLOCK_CHANGED;
}

const MIN_CROWD = 64;

/** The blocks decoded from one physical page. */
export class CodePage {
  /** Physical address in bytes. */
  readonly address: number;
  /** Host offset of its bytes, -1 for what is not RAM and so is never cached. */
  readonly host: number;
  /** The block that starts at each offset. */
  readonly slots: (Block | null)[] = new Array(PAGE_SIZE).fill(null);
  /** All blocks with bytes in this page, and some that are no longer valid. */
  blocks: Block[] = [];
  /** Number of blocks at which those that are no longer valid are dropped. */
  #crowd = MIN_CROWD;

  constructor(address: number, host: number) {
    this.address = address;
    this.host = host;
  }

  /** Invalidates the blocks made from the bytes `from` to `to` (excluded). */
  overwritten(from: number, to: number): void {
    let hit = false;
    for (const block of this.blocks) {
      if (block.overlaps(this, from, to)) {
        block.invalidate();
        block.place.page.slots[block.place.start] = null;
        hit = true;
      }
    }
    if (hit) {
      this.blocks = this.blocks.filter((block) => block.valid);
    }
  }

  add(block: Block): void {
    if (this.blocks.length >= this.#crowd) {
      this.blocks = this.blocks.filter(({ valid }) => valid);
      this.#crowd = Math.max(MIN_CROWD, 2 * this.blocks.length);
    }
    this.blocks.push(block);
    if (block.place.page === this) {
      this.slots[block.place.start] = block;
    }
  }
}
