import type { LassAccess } from './access.ts';
import type { LinearAddressBits } from './canonical.ts';

// A constant of its own: a property of an exported object costs a checked load in every check.
const NON_CANONICAL = 1;

/**
 * What {@link checkLinear} found. Both failures raise the same exception ({@link lassFaultVector}),
 * and the SDM leaves their order open because software cannot see it.
 */
export const LinearCheck = {
  Ok: 0,
  NonCanonical: NON_CANONICAL,
  LassViolation: 2,
} as const;

/** One of the values of {@link LinearCheck}, 0 to 2. */
export type LinearCheck = (typeof LinearCheck)[keyof typeof LinearCheck];

/**
 * Bits 63:32 of the address of an access's last byte, wrapping from 0xFFFF_FFFF_FFFF_FFFF to 0.
 *
 * @param lo Bits 31:0 of the first byte's address, int32.
 * @param hi Bits 63:32 of the first byte's address, int32.
 * @param size Bytes, 1 to 2^31.
 */
export function lastByteHi(lo: number, hi: number, size: number): number {
  // `| 0` before the additions keeps V8 in integer registers.
  const last = ((lo | 0) + ((size - 1) | 0)) | 0;
  // size - 1 < 2^31, so the addition carried if and only if bit 31 went from 1 to 0.
  return ((hi | 0) + ((lo & ~last) >>> 31)) | 0;
}

/**
 * Whether LASS forbids an access. A pure function of int32s: a shift and a mask for each end.
 *
 * Only bit 63 is looked at, and an access stays within one half unless it wraps past 2^64 (or
 * crosses the non-canonical hole), so the two ends stand for all bytes.
 *
 * Source: SDM vol. 3, Linear-Address Pre-Processing; KVM's `vmx_is_lass_violation`.
 *
 * @param policy From {@link lassPolicyWord}.
 * @param access Kind of access. For `Prefetch`, true means that the access is dropped.
 * @param hi Bits 63:32 of the first byte's linear address, int32.
 * @param lastHi Bits 63:32 of the last byte's linear address, int32; `hi` for a single byte.
 */
export function isLassViolation(
  policy: number,
  access: LassAccess,
  hi: number,
  lastHi: number,
): boolean {
  const verdicts = policy >> (access << 1);
  const touchesLower = ~(hi & lastHi) >>> 31;
  const touchesUpper = (hi | lastHi) >>> 31;
  return (((verdicts & touchesLower) | ((verdicts >> 1) & touchesUpper)) & 1) !== 0;
}

/**
 * {@link isLassViolation} for a first byte and a size.
 *
 * @param lo Bits 31:0 of the linear address, int32.
 * @param hi Bits 63:32 of the linear address, int32.
 * @param size Bytes, 1 to 2^31.
 */
export function isLassViolationSized(
  policy: number,
  access: LassAccess,
  lo: number,
  hi: number,
  size: number,
): boolean {
  return isLassViolation(policy, access, hi, lastByteHi(lo, hi, size));
}

/**
 * The check that every linear address of an access passes before paging: canonicality and LASS,
 * over all bytes. Allocates nothing and checks none of its arguments.
 *
 * The address is the one after segmentation and LAM masking; in compatibility mode an explicit
 * access passes its 32-bit linear address with `hi` = 0. `Exempt` tests canonicality alone.
 *
 * @param policy From {@link lassPolicyWord}.
 * @param lo Bits 31:0 of the linear address, int32.
 * @param hi Bits 63:32 of the linear address, int32.
 * @param size Bytes, 1 to 2^31.
 */
export function checkLinear(
  policy: number,
  access: LassAccess,
  lo: number,
  hi: number,
  size: number,
  linearAddressBits: LinearAddressBits,
): LinearCheck {
  // lastByteHi, isCanonicalRange and isLassViolation written out, and no branch on the verdict:
  // 4 ns a check instead of 11 where halves and verdicts are mixed (bench/lass).
  const last = ((lo | 0) + ((size - 1) | 0)) | 0;
  const lastHi = ((hi | 0) + ((lo & ~last) >>> 31)) | 0;
  const shift = (linearAddressBits - 33) | 0;
  if ((((hi >> shift) + 1) | ((lastHi >> shift) + 1)) >>> 1 !== 0) {
    return NON_CANONICAL;
  }
  const verdicts = policy >> (access << 1);
  const touchesLower = ~(hi & lastHi) >>> 31;
  const touchesUpper = (hi | lastHi) >>> 31;
  const violation = (verdicts & touchesLower) | ((verdicts >> 1) & touchesUpper);
  return ((violation & 1) << 1) as LinearCheck;
}
