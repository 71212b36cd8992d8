import { LassAccess } from './access.ts';
import { LassArgumentError } from './errors.ts';

const CR4_SMAP = 1 << 21;
const CR4_LASS = 1 << 27;
const EFER_LMA = 1 << 10;
const RFLAGS_AC = 1 << 18;

const FETCH = 2 * LassAccess.Fetch;
const DATA = 2 * LassAccess.Data;
const IMPLICIT = 2 * LassAccess.Implicit;
const USER_FORCED = 2 * LassAccess.UserForced;
const PREFETCH = 2 * LassAccess.Prefetch;

const NEITHER = 0b00;
const LOWER = 0b01;
const UPPER = 0b10;
const BOTH = 0b11;

/** The processor state that LASS depends on, as named flags. */
export interface LassState {
  /** CR4.LASS, bit 27. */
  readonly lass: boolean;
  /** CR4.SMAP, bit 21. */
  readonly smap: boolean;
  /** IA32_EFER.LMA, bit 10: IA-32e mode is active. */
  readonly lma: boolean;
  /** CS.L: 64-bit mode when true, compatibility mode when false (with LMA=1). */
  readonly cs64: boolean;
  /** Current privilege level, 0 to 3. */
  readonly cpl: number;
  /** RFLAGS.AC, bit 18. */
  readonly ac: boolean;
}

/**
 * The LASS policy word of a processor state, from the raw registers. Recompute it when CR4, EFER,
 * CS, CPL or RFLAGS.AC change (STAC and CLAC change AC); every check until then is a shift and a
 * mask. Allocates nothing and checks none of its arguments.
 *
 * Bit 2k says that an access of kind k ({@link LassAccess}) to the lower half, bit 63 clear, is a
 * violation; bit 2k+1 says it of the upper half. 0 means that nothing can violate, as when LASS is
 * off.
 *
 * In compatibility mode an explicit linear address has 32 bits and so belongs to the lower half:
 * both bits hold the verdict of the lower half. Implicit accesses keep their real bit 63, because
 * the bases of the system structures have 64 bits in both sub-modes.
 *
 * Source: SDM vol. 3, Linear-Address Pre-Processing; KVM's `vmx_is_lass_violation`.
 *
 * @param cr4 Low 32 bits of CR4.
 * @param efer Low 32 bits of IA32_EFER.
 * @param csL CS.L.
 * @param cpl Current privilege level, 0 to 3.
 * @param rflags Low 32 bits of RFLAGS.
 * @returns An int32, 12 bits used.
 */
export function lassPolicyWord(
  cr4: number,
  efer: number,
  csL: boolean,
  cpl: number,
  rflags: number,
): number {
  if ((cr4 & CR4_LASS) === 0 || (efer & EFER_LMA) === 0) {
    return 0;
  }
  const smap = (cr4 & CR4_SMAP) !== 0;
  const userViolation = csL ? UPPER : NEITHER;
  const supervisorViolation = csL ? LOWER : BOTH;

  let fetch: number = userViolation;
  let data: number = userViolation;
  if (cpl !== 3) {
    fetch = supervisorViolation;
    data = smap && (rflags & RFLAGS_AC) === 0 ? supervisorViolation : NEITHER;
  }
  return (
    (fetch << FETCH) |
    (data << DATA) |
    ((smap ? LOWER : NEITHER) << IMPLICIT) |
    (userViolation << USER_FORCED) |
    (data << PREFETCH)
  );
}

/**
 * The LASS policy word of a processor state given as named flags: the readable form of
 * {@link lassPolicyWord}.
 *
 * @throws {@link LassArgumentError} when `cpl` is not 0, 1, 2 or 3.
 */
export function lassPolicy(state: LassState): number {
  const { lass, smap, lma, cs64, cpl, ac } = state;
  if (cpl !== 0 && cpl !== 1 && cpl !== 2 && cpl !== 3) {
    throw new LassArgumentError('cpl', cpl, '0, 1, 2 or 3');
  }
  const cr4 = (lass ? CR4_LASS : 0) | (smap ? CR4_SMAP : 0);
  return lassPolicyWord(cr4, lma ? EFER_LMA : 0, cs64, cpl, ac ? RFLAGS_AC : 0);
}
