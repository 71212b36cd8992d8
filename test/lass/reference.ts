import { LassAccess, type LassState } from '../../src/lass/index.ts';

const WIDTH = 1n << 64n;

/** Addresses of the bytes that stand for all others: both ends, and both sides of a wrap. */
function decisiveBytes(address: bigint, size: number): bigint[] {
  const last = address + BigInt(size) - 1n;
  return last < WIDTH ? [address, last] : [address, WIDTH - 1n, 0n, last - WIDTH];
}

/** The five rules of the SDM's table, a byte at a time, with nothing of ours but the names. */
export function violatesByTheBook(
  state: LassState,
  access: LassAccess,
  address: bigint,
  size: number,
): boolean {
  if (!state.lass || !state.lma || access === LassAccess.Exempt) {
    return false;
  }
  const implicit = access === LassAccess.Implicit;
  const userMode = access === LassAccess.UserForced || (state.cpl === 3 && !implicit);
  const has64Bits = state.cs64 || implicit;
  return decisiveBytes(address, size).some((byte) => {
    const bit63 = has64Bits && byte >= WIDTH / 2n;
    if (userMode) {
      return bit63; // rules 1 and 2
    }
    if (access === LassAccess.Fetch) {
      return !bit63; // rule 3
    }
    const acHelps = state.ac && !implicit;
    return !bit63 && state.smap && !acHelps; // rules 4 and 5
  });
}

/** Canonicality by definition: sign extension from the top bit changes nothing. */
export function isCanonicalByTheBook(address: bigint, size: number, bits: 48 | 57): boolean {
  return decisiveBytes(address, size).every(
    (byte) => BigInt.asUintN(64, BigInt.asIntN(bits, byte)) === byte,
  );
}

/** All 2^5 * 4 processor states. */
export function allStates(): LassState[] {
  const flags = [false, true];
  return flags.flatMap((lass) =>
    flags.flatMap((smap) =>
      flags.flatMap((lma) =>
        flags.flatMap((cs64) =>
          flags.flatMap((ac) => [0, 1, 2, 3].map((cpl) => ({ lass, smap, lma, cs64, cpl, ac }))),
        ),
      ),
    ),
  );
}

/** Addresses around every boundary that anything in here depends on. */
export const boundaries: readonly bigint[] = [
  0n,
  1n << 31n,
  1n << 32n,
  1n << 47n,
  1n << 56n,
  1n << 63n,
  WIDTH - (1n << 56n),
  WIDTH - (1n << 47n),
  WIDTH - (1n << 32n),
  WIDTH - (1n << 31n),
];

export function low(address: bigint): number {
  return Number(BigInt.asIntN(32, address));
}

export function high(address: bigint): number {
  return Number(BigInt.asIntN(32, address >> 32n));
}
