import { checkLinear, type LassAccess, LinearCheck } from '../../lass/index.ts';

/** Addresses to check, as pairs of int32. */
export interface Addresses {
  readonly los: Int32Array;
  readonly his: Int32Array;
}

/**
 * Canonical addresses of both halves in no order that a branch predictor can learn, one in 256 of
 * them four bytes below the top. The same generator is in bench/lass/lass-check.c.
 */
export function prepareAddresses(count: number): Addresses {
  const los = new Int32Array(count);
  const his = new Int32Array(count);
  let x = 0x9e3779b9;
  for (let i = 0; i < count; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    const wraps = (x & 0xff) === 0;
    los[i] = wraps ? -4 : x;
    his[i] = wraps ? -1 : x < 0 ? 0xffff8880 | ((x >>> 8) & 0xf) : (x >>> 20) & 0x7fff;
  }
  return { los, his };
}

/** Violations found by the check that the memory path calls. */
export function countByCheckLinear(
  policy: number,
  access: LassAccess,
  { los, his }: Addresses,
  size: number,
  bits: 48 | 57,
): number {
  let sum = 0;
  for (let i = 0; i < los.length; i++) {
    sum = (sum + checkLinear(policy, access, los[i], his[i], size, bits)) | 0;
  }
  return sum / LinearCheck.LassViolation;
}
