/** Width of a linear address in bits: 48 under 4-level paging, 57 under 5-level paging. */
export type LinearAddressBits = 48 | 57;

/**
 * Whether an address is canonical: all bits from the top one of the linear address up to bit 63
 * are equal. They all lie in the upper half of the address, so that is all it takes.
 *
 * Source: SDM vol. 1, Canonical Addressing.
 *
 * @param hi Bits 63:32 of the address, int32.
 */
export function isCanonical(hi: number, linearAddressBits: LinearAddressBits): boolean {
  return ((hi >> (linearAddressBits - 33)) + 1) >>> 1 === 0;
}

/**
 * Whether an access is canonical from its first byte to its last. The hole is larger than any
 * access, so the two ends decide.
 *
 * @param hi Bits 63:32 of the first byte's address, int32.
 * @param lastHi Bits 63:32 of the last byte's address, int32; see {@link lastByteHi}.
 */
export function isCanonicalRange(
  hi: number,
  lastHi: number,
  linearAddressBits: LinearAddressBits,
): boolean {
  const shift = linearAddressBits - 33;
  return (((hi >> shift) + 1) | ((lastHi >> shift) + 1)) >>> 1 === 0;
}
