import type { Addresses } from '../../src/cli/bench/check-loop.ts';
import { LassAccess, type LassState } from '../../src/lass/index.ts';

/** Rejected: the rules as branches over the state, at every access, instead of a policy word. */
function violatesByBranches(
  state: LassState,
  access: LassAccess,
  lo: number,
  hi: number,
  size: number,
): boolean {
  if (!state.lass || !state.lma || access === LassAccess.Exempt) {
    return false;
  }
  const implicit = access === LassAccess.Implicit;
  const narrow = !state.cs64 && !implicit;
  const firstIsHigh = !narrow && hi < 0;
  const carry = (lo >>> 0) + size > 0x1_0000_0000 ? 1 : 0;
  const lastIsHigh = !narrow && ((hi + carry) | 0) < 0;
  if (access === LassAccess.UserForced || (state.cpl === 3 && !implicit)) {
    return firstIsHigh || lastIsHigh;
  }
  if (firstIsHigh && lastIsHigh) {
    return false;
  }
  if (access === LassAccess.Fetch) {
    return true;
  }
  return state.smap && (implicit || !state.ac);
}

export function countByBranches(
  state: LassState,
  access: LassAccess,
  { los, his }: Addresses,
  size: number,
): number {
  let count = 0;
  for (let i = 0; i < los.length; i++) {
    if (violatesByBranches(state, access, los[i], his[i], size)) {
      count++;
    }
  }
  return count;
}

/** Rejected: an address as one BigInt. */
function violatesByBigInt(
  policy: number,
  access: LassAccess,
  address: bigint,
  size: bigint,
): boolean {
  const verdicts = policy >> (2 * access);
  const last = BigInt.asUintN(64, address + size - 1n);
  return (((verdicts >> Number(address >> 63n)) | (verdicts >> Number(last >> 63n))) & 1) !== 0;
}

/** The addresses as {@link countByBigInt} takes them. */
export function toBigInts({ los, his }: Addresses): BigUint64Array {
  return BigUint64Array.from(los, (lo, i) =>
    BigInt.asUintN(64, (BigInt(his[i]) << 32n) | BigInt(lo >>> 0)),
  );
}

export function countByBigInt(
  policy: number,
  access: LassAccess,
  addresses: BigUint64Array,
  size: bigint,
): number {
  let count = 0;
  for (let i = 0; i < addresses.length; i++) {
    if (violatesByBigInt(policy, access, addresses[i], size)) {
      count++;
    }
  }
  return count;
}

interface Request {
  readonly access: LassAccess;
  readonly lo: number;
  readonly hi: number;
  readonly size: number;
}

interface Answer {
  readonly request: Request;
  readonly violation: boolean;
}

/** Rejected: a request and an answer object for each check, the answer kept as a fault would be. */
function answer(policy: number, request: Request): Answer {
  const { access, lo, hi, size } = request;
  const verdicts = policy >> (access << 1);
  const lastHi = (lo >>> 0) + size > 0x1_0000_0000 ? (hi + 1) | 0 : hi;
  const violation = (((verdicts >> (hi >>> 31)) | (verdicts >> (lastHi >>> 31))) & 1) !== 0;
  return { request, violation };
}

/** The last answer: stored where V8 cannot see that nobody reads it, so it has to build each one. */
const latest: { answer: Answer | undefined } = { answer: undefined };

export function countByObjects(
  policy: number,
  access: LassAccess,
  { los, his }: Addresses,
  size: number,
): number {
  let count = 0;
  for (let i = 0; i < los.length; i++) {
    latest.answer = answer(policy, { access, lo: los[i], hi: his[i], size });
    if (latest.answer.violation) {
      count++;
    }
  }
  return count;
}
