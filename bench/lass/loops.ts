import type { Addresses } from '../../src/cli/bench/check-loop.ts';
import {
  type checkLinear,
  isLassViolationSized,
  type LassAccess,
  LinearCheck,
} from '../../src/lass/index.ts';

/**
 * `countByCheckLinear` by LASS alone, with a branch on each answer, as a host writes it. Where half
 * of them are violations that branch is mispredicted; gcc turns it into an addition.
 */
export function countBySized(
  policy: number,
  access: LassAccess,
  { los, his }: Addresses,
  size: number,
): number {
  let count = 0;
  for (let i = 0; i < los.length; i++) {
    if (isLassViolationSized(policy, access, los[i], his[i], size)) {
      count++;
    }
  }
  return count;
}

/**
 * `countByCheckLinear` through a function value. Once it has seen several functions, V8 no longer
 * inlines any, which shows the price of a call.
 */
export function countByCall(
  check: typeof checkLinear,
  policy: number,
  access: LassAccess,
  { los, his }: Addresses,
  size: number,
  bits: 48 | 57,
): number {
  let sum = 0;
  for (let i = 0; i < los.length; i++) {
    sum = (sum + check(policy, access, los[i], his[i], size, bits)) | 0;
  }
  return sum / LinearCheck.LassViolation;
}
