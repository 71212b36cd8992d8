/** The unsigned 64-bit number of a pair of int32. */
export function toAddress(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** Low half of a 64-bit number as an int32. */
export function lowWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** High half of a 64-bit number as an int32. */
export function highWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}
