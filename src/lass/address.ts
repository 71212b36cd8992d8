import { LassAccess } from './access.ts';
import type { LinearAddressBits } from './canonical.ts';
import { checkLinear, type LinearCheck } from './check.ts';
import { LassArgumentError } from './errors.ts';

const MAX_ADDRESS = (1n << 64n) - 1n;
const MAX_SIZE = 2 ** 31;
const MAX_POLICY = 4 ** Object.keys(LassAccess).length - 1;

/** Refuses anything but an unsigned 64-bit address; numbers must be safe integers. */
export function toAddress(address: number | bigint): bigint {
  const usable = typeof address === 'bigint' || Number.isSafeInteger(address);
  if (!usable || address < 0 || address > MAX_ADDRESS) {
    throw new LassArgumentError('address', address, 'an integer from 0 to 2^64 - 1');
  }
  return BigInt(address);
}

/** Refuses a size outside 0 to 2^31. */
export function toSize(size: number): number {
  if (!Number.isInteger(size) || size < 0 || size > MAX_SIZE) {
    throw new LassArgumentError('size', size, 'an integer from 0 to 2^31');
  }
  return size;
}

/** Refuses anything but a kind of access. */
export function toAccess(access: number): LassAccess {
  const kinds: readonly number[] = Object.values(LassAccess);
  if (!kinds.includes(access)) {
    throw new LassArgumentError('access', access, 'one of LassAccess');
  }
  return access as LassAccess;
}

/** Refuses a width other than 48 and 57. */
export function toLinearAddressBits(bits: number): LinearAddressBits {
  if (bits !== 48 && bits !== 57) {
    throw new LassArgumentError('linearAddressBits', bits, '48 or 57');
  }
  return bits;
}

/** Bits 31:0 of an address, as the hot functions take them. */
export function lowHalf(address: bigint): number {
  return Number(BigInt.asIntN(32, address));
}

/** Bits 63:32 of an address, as the hot functions take them. */
export function highHalf(address: bigint): number {
  return Number(BigInt.asIntN(32, address >> 32n));
}

/**
 * {@link checkLinear} for whole addresses: convenient, validated, not for the hot path.
 *
 * @param policy From {@link lassPolicy} or {@link lassPolicyWord}.
 * @param address Linear address, 0 to 2^64 - 1; a number must be a safe integer.
 * @param size Bytes, 0 to 2^31; 0 is checked as one byte.
 * @throws {@link LassArgumentError} for an argument outside its range.
 */
export function checkAddress(
  policy: number,
  access: LassAccess,
  address: number | bigint,
  size = 1,
  linearAddressBits: LinearAddressBits = 48,
): LinearCheck {
  if (!Number.isInteger(policy) || policy < 0 || policy > MAX_POLICY) {
    throw new LassArgumentError('policy', policy, 'a word from lassPolicy()');
  }
  const kind = toAccess(access);
  const whole = toAddress(address);
  const bytes = Math.max(toSize(size), 1);
  const bits = toLinearAddressBits(linearAddressBits);
  return checkLinear(policy, kind, lowHalf(whole), highHalf(whole), bytes, bits);
}
