import { LassAccess } from './access.ts';

/** Vectors that a LASS violation or a non-canonical address raises, always with error code 0. */
export const LassFaultVector = {
  /** #SS(0). */
  StackSegment: 12,
  /** #GP(0). */
  GeneralProtection: 13,
} as const;

/** One of the values of {@link LassFaultVector}, 12 or 13. */
export type LassFaultVector = (typeof LassFaultVector)[keyof typeof LassFaultVector];

const SS_PREFIX = 0x36;
const FS_PREFIX = 0x64;

/**
 * Whether a memory operand goes through SS, from its default segment and its override prefix.
 * 64-bit mode ignores ES, CS, SS and DS prefixes; KVM's emulator honours them there.
 *
 * @param defaultIsStack Whether SS is the default: a stack instruction, or base RSP or RBP.
 * @param overridePrefix The segment-override prefix byte, 0 when there is none.
 * @param cs64 Whether the processor is in 64-bit mode.
 */
export function isStackSegment(
  defaultIsStack: boolean,
  overridePrefix: number,
  cs64: boolean,
): boolean {
  const honoured = overridePrefix !== 0 && (!cs64 || overridePrefix >= FS_PREFIX);
  return honoured ? overridePrefix === SS_PREFIX : defaultIsStack;
}

/**
 * The vector of an access that failed {@link checkLinear}: #SS(0) for explicit data through SS,
 * #GP(0) for everything else. Shadow-stack accesses, though `Data`, do not go through SS.
 *
 * Source: SDM vol. 3, Linear-Address Pre-Processing.
 *
 * @param throughStackSegment Whether the access goes through SS; see {@link isStackSegment}.
 */
export function lassFaultVector(access: LassAccess, throughStackSegment: boolean): LassFaultVector {
  return throughStackSegment && access === LassAccess.Data
    ? LassFaultVector.StackSegment
    : LassFaultVector.GeneralProtection;
}
