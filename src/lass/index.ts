/**
 * Intel LASS, Linear Address Space Separation, on its own: this entry imports nothing else, so that
 * any emulator can take it. Keep a policy word per virtual CPU, recompute it when CR4, EFER, CS,
 * CPL or RFLAGS.AC change, and call {@link checkLinear} before translating a linear address.
 *
 * @module bit63/lass
 */
export { LassAccess } from './access.ts';
export { checkAddress } from './address.ts';
export { isCanonical, isCanonicalRange, type LinearAddressBits } from './canonical.ts';
export {
  checkLinear,
  isLassViolation,
  isLassViolationSized,
  LinearCheck,
  lastByteHi,
} from './check.ts';
export { LassArgumentError } from './errors.ts';
export { explain, type LassExplanation, type LassRequest, type LassVerdict } from './explain.ts';
export { isStackSegment, LassFaultVector, lassFaultVector } from './fault.ts';
export { judge, type LassCase, type LassMode, type LassSegment } from './judge.ts';
export { LASS_KINDS, type LassKind, type LassKindDescription } from './kinds.ts';
export { type LassState, lassPolicy, lassPolicyWord } from './policy.ts';
export { LASS_RULES, type LassRuleId } from './rules.ts';
