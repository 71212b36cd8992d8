import { LassAccess } from './access.ts';
import { highHalf, lowHalf, toAccess, toAddress, toLinearAddressBits, toSize } from './address.ts';
import { isCanonical, type LinearAddressBits } from './canonical.ts';
import { checkLinear, LinearCheck, lastByteHi } from './check.ts';
import { isStackSegment, LassFaultVector, lassFaultVector } from './fault.ts';
import { type LassState, lassPolicy } from './policy.ts';
import { LASS_RULES, type LassRuleId } from './rules.ts';

/** An access to explain. */
export interface LassRequest {
  readonly access: LassAccess;
  /** Linear address after LAM masking, 0 to 2^64 - 1; a number must be a safe integer. */
  readonly address: number | bigint;
  /** Bytes, 0 to 2^31; 1 by default, 0 is checked as one byte. */
  readonly size?: number;
  /** 48 (the default) or 57. */
  readonly linearAddressBits?: LinearAddressBits;
  /** Whether SS is the default segment: a stack instruction, or base RSP or RBP. */
  readonly defaultIsStack?: boolean;
  /** Segment-override prefix byte: 0x26, 0x2e, 0x36, 0x3e, 0x64 or 0x65; 0 for none. */
  readonly overridePrefix?: number;
  /** The access in words, such as `read`. */
  readonly name?: string;
  /** What a non-canonical address does; given only where that is not a fault, as for INVLPG. */
  readonly nonCanonical?: string;
}

/** `ok` passes on to paging; `suppressed` drops the access without a fault. */
export type LassVerdict = 'ok' | '#GP(0)' | '#SS(0)' | 'suppressed';

/** What LASS (with canonicality) says to an access, and why. */
export interface LassExplanation {
  readonly verdict: LassVerdict;
  /** The deciding rule of {@link LASS_RULES}, with the rules that led to it: `R13+R4+R12`. */
  readonly rule: string;
  /** The same in sentences. */
  readonly explanation: string;
}

/** The request with its hot-path arguments worked out. */
interface Located {
  readonly request: LassRequest;
  readonly lo: number;
  readonly hi: number;
  readonly lastHi: number;
  readonly size: number;
  readonly bits: LinearAddressBits;
  /** The address was cut to 32 bits because the processor is outside 64-bit mode. */
  readonly narrow: boolean;
  readonly in64BitMode: boolean;
}

const ACCESS_NAMES = {
  [LassAccess.Fetch]: 'instruction fetch',
  [LassAccess.Data]: 'data access',
  [LassAccess.Implicit]: 'system-structure access',
  [LassAccess.UserForced]: 'WRUSS write',
  [LassAccess.Exempt]: 'unchecked address',
  [LassAccess.Prefetch]: 'prefetch',
} as const;

/**
 * Explains what becomes of an access. The verdict is that of {@link lassPolicy} and
 * {@link checkLinear}; this function only puts a rule and words to it.
 *
 * @throws {@link LassArgumentError} for a CPL, access, address, size or width outside its range.
 */
export function explain(state: LassState, request: LassRequest): LassExplanation {
  const policy = lassPolicy(state);
  const located = locate(state, request);
  const { lo, hi, size, bits } = located;
  const found = checkLinear(policy, request.access, lo, hi, size, bits);
  const ignored = found === LinearCheck.NonCanonical && request.nonCanonical !== undefined;
  const effective = ignored ? LinearCheck.Ok : found;

  const verdict = verdictOf(effective, located);
  const rules = rulesOf(effective, state, located);
  const sentences = [
    describe(found, state, located),
    ...rules.map((rule) => LASS_RULES[rule]),
    ...(ignored && request.nonCanonical !== undefined ? [request.nonCanonical] : []),
    ...consequence(verdict, request.access),
  ];
  return { verdict, rule: rules.join('+'), explanation: sentences.join(' ') };
}

function locate(state: LassState, request: LassRequest): Located {
  const access = toAccess(request.access);
  const address = toAddress(request.address);
  const size = Math.max(toSize(request.size ?? 1), 1);
  const bits = toLinearAddressBits(request.linearAddressBits ?? 48);
  const in64BitMode = state.lma && state.cs64;
  const keepsItsWidth =
    in64BitMode || access === LassAccess.Exempt || (access === LassAccess.Implicit && state.lma);
  const lo = lowHalf(address);
  const hi = keepsItsWidth ? highHalf(address) : 0;
  const lastHi = keepsItsWidth ? lastByteHi(lo, hi, size) : 0;
  return { request, lo, hi, lastHi, size, bits, narrow: !keepsItsWidth, in64BitMode };
}

function verdictOf(found: LinearCheck, { request, in64BitMode }: Located): LassVerdict {
  if (found === LinearCheck.Ok) {
    return 'ok';
  }
  if (request.access === LassAccess.Prefetch) {
    return 'suppressed';
  }
  const { defaultIsStack = false, overridePrefix = 0 } = request;
  const throughStack = isStackSegment(defaultIsStack, overridePrefix, in64BitMode);
  return lassFaultVector(request.access, throughStack) === LassFaultVector.StackSegment
    ? '#SS(0)'
    : '#GP(0)';
}

function rulesOf(found: LinearCheck, state: LassState, located: Located): LassRuleId[] {
  const active = state.lass && state.lma;
  const { access } = located.request;
  if (found !== LinearCheck.Ok && access === LassAccess.Prefetch) {
    return active && located.narrow ? ['R11', 'R10'] : ['R10'];
  }
  if (found === LinearCheck.NonCanonical) {
    return ['R14'];
  }
  if (!active) {
    return ['R0'];
  }
  const width: LassRuleId[] = located.narrow ? ['R11'] : [];
  if (found === LinearCheck.Ok) {
    return [...width, permittingRule(state, located)];
  }
  const straddles = (located.hi ^ located.lastHi) < 0;
  return [
    ...width,
    ...(straddles ? (['R13'] as const) : []),
    forbiddingRule(state, access),
    ...segmentRule(located),
  ];
}

/** Which rule a violation broke: fixed by the kind of access and who makes it. */
function forbiddingRule({ cpl }: LassState, access: LassAccess): LassRuleId {
  switch (access) {
    case LassAccess.Fetch:
      return cpl === 3 ? 'R2' : 'R3';
    case LassAccess.Implicit:
      return 'R5';
    case LassAccess.UserForced:
      return 'R15';
    default:
      return cpl === 3 ? 'R1' : 'R4';
  }
}

/** Why an access passed: it stayed in its half, or what let it out of it. */
function permittingRule({ cpl, smap }: LassState, { request, hi, lastHi }: Located): LassRuleId {
  const { access } = request;
  if (access === LassAccess.Exempt) {
    return 'R9';
  }
  const touchesLowerHalf = (hi & lastHi) >= 0;
  const supervisorData =
    access === LassAccess.Implicit ||
    (cpl !== 3 && (access === LassAccess.Data || access === LassAccess.Prefetch));
  if (!touchesLowerHalf || !supervisorData) {
    return 'R6';
  }
  return smap ? 'R8' : 'R7';
}

/** Names SS, or the ignored prefix where honouring it would have given the other vector. */
function segmentRule({ request, in64BitMode }: Located): LassRuleId[] {
  const { access, defaultIsStack = false, overridePrefix = 0 } = request;
  if (access !== LassAccess.Data) {
    return [];
  }
  const throughStack = isStackSegment(defaultIsStack, overridePrefix, in64BitMode);
  if (throughStack !== isStackSegment(defaultIsStack, overridePrefix, false)) {
    return ['R12n'];
  }
  return throughStack ? ['R12'] : [];
}

function describe(found: LinearCheck, state: LassState, located: Located): string {
  const { request, size, narrow, in64BitMode } = located;
  const name = request.name ?? ACCESS_NAMES[request.access];
  const user =
    request.access === LassAccess.UserForced ||
    (request.access !== LassAccess.Implicit && state.cpl === 3);
  const mode = in64BitMode ? '64-bit' : state.lma ? 'compatibility' : 'legacy';
  const extent =
    request.access === LassAccess.Exempt ? '' : ` of ${size} ${size === 1 ? 'byte' : 'bytes'} at`;
  const smap = `CR4.SMAP=${Number(state.smap)}`;
  return (
    `${name.charAt(0).toUpperCase()}${name.slice(1)}${extent} ${hexadecimal(located)}` +
    `${narrow ? '' : ` (${place(found, located)})`}, ${user ? 'user' : 'supervisor'} access ` +
    `at CPL ${state.cpl} in ${mode} mode with ${smap} and RFLAGS.AC=${Number(state.ac)}.`
  );
}

function place(found: LinearCheck, { hi, lastHi, bits }: Located): string {
  if (found === LinearCheck.NonCanonical) {
    return isCanonical(hi, bits) ? 'running into the non-canonical hole' : 'non-canonical';
  }
  const half = hi < 0 ? 'upper half' : 'lower half';
  return (hi ^ lastHi) < 0 ? `${half}, wrapping into the lower half` : half;
}

function hexadecimal({ lo, hi, narrow }: Located): string {
  const digits = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
  return `0x${narrow ? '' : digits(hi)}${digits(lo)}`;
}

function consequence(verdict: LassVerdict, access: LassAccess): string[] {
  if (verdict === 'suppressed' || (verdict === 'ok' && access === LassAccess.Exempt)) {
    return [];
  }
  return verdict === 'ok'
    ? ['Paging decides from here.']
    : [`${verdict} before paging: no page walk, and CR2 keeps its value.`];
}
