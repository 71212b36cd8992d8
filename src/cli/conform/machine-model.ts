import type { VectorMode } from './vector.ts';

/** Bytes of guest memory that vectors use. */
export interface Region {
  readonly start: number;
  readonly size: number;
}

/** Where the instruction is. */
export const CODE = 0x2000_0800;
/** The page that holds it. */
export const CODE_PAGE: Region = { start: 0x2000_0000, size: 0x1000 };

const SCRATCH: Region = { start: 0x1000_1000, size: 0x2000 };
/** For 16-bit addresses. */
const LOW_SCRATCH: Region = { start: 0x4000, size: 0x2000 };

/** The memory, read and write, that is compared. All else is unmapped. */
export const SCRATCH_REGIONS: Readonly<Record<VectorMode, readonly Region[]>> = {
  64: [SCRATCH],
  32: [SCRATCH, LOW_SCRATCH],
};

/** What scratch memory contains where a vector does not say otherwise. */
export function defaultContents({ start, size }: Region): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => Math.imul(start + n, 0x9e37_79b1) >>> 24);
}

const RSP = 4;

/** What general register `n` contains where a vector does not say otherwise. */
export function defaultRegister(n: number, mode: VectorMode): bigint {
  return n === RSP ? 0x1000_2000n : BigInt.asUintN(mode, BigInt(n + 1) * 0x0123_4567_89ab_cdefn);
}

/** RFLAGS where a vector does not say otherwise: IF and the bit that is always set. */
export const DEFAULT_FLAGS = 0x202n;
