/** Exception vectors. SDM vol. 3, "Exception and Interrupt Vectors". */
export const Vector = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
  VE: 20,
  CP: 21,
} as const;

/** What an access to memory does. */
export const Access = { Read: 0, Write: 1, Execute: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

/** The check that failed, for people: the architecture itself only has vector and error code. */
export type FaultCause =
  | 'canonical'
  | 'lass'
  | 'smap'
  | 'smep'
  | 'user'
  | 'write-protect'
  | 'no-execute'
  | 'not-present'
  | 'reserved-bit'
  | 'segment-limit'
  | 'segment-type'
  | 'segment-null'
  | 'alignment'
  | 'privilege'
  | 'io-privilege'
  | 'invalid-opcode'
  | 'instruction-length'
  | 'feature'
  | 'divide'
  | 'bound'
  | 'breakpoint'
  | 'overflow'
  | 'operand';

/** Which vectors push an error code. */
const WITH_ERROR_CODE =
  (1 << Vector.DF) |
  (1 << Vector.TS) |
  (1 << Vector.NP) |
  (1 << Vector.SS) |
  (1 << Vector.GP) |
  (1 << Vector.PF) |
  (1 << Vector.AC) |
  (1 << Vector.CP);

/**
 * An exception under way. Each processor has exactly one, filled in place and thrown, so that a
 * fault allocates nothing.
 */
export class Fault {
  vector = 0;
  errorCode = 0;
  cause: FaultCause = 'invalid-opcode';
  /** Whether a linear address belongs to the fault; then `access` is meaningful too. */
  hasAddress = false;
  linearLo = 0;
  linearHi = 0;
  access: Access = Access.Read;
  /** Bytes of the access. */
  size = 0;
  /** Whether RIP is already past the instruction: INT3, INTO, INT1. */
  isTrap = false;

  get hasErrorCode(): boolean {
    return ((WITH_ERROR_CODE >>> this.vector) & 1) !== 0;
  }

  /** Throws this fault as an exception without an address. */
  raise(vector: number, errorCode: number, cause: FaultCause): never {
    this.vector = vector;
    this.errorCode = errorCode;
    this.cause = cause;
    this.hasAddress = false;
    this.isTrap = false;
    throw this;
  }

  /** Throws this fault as a trap of an instruction that has been completed. */
  raiseTrap(vector: number, cause: FaultCause): never {
    this.vector = vector;
    this.errorCode = 0;
    this.cause = cause;
    this.hasAddress = false;
    this.isTrap = true;
    throw this;
  }

  /** Throws this fault as the failure of an access to a linear address. */
  raiseAt(
    vector: number,
    errorCode: number,
    cause: FaultCause,
    access: Access,
    linearLo: number,
    linearHi: number,
    size: number,
  ): never {
    this.vector = vector;
    this.errorCode = errorCode;
    this.cause = cause;
    this.hasAddress = true;
    this.linearLo = linearLo;
    this.linearHi = linearHi;
    this.access = access;
    this.size = size;
    this.isTrap = false;
    throw this;
  }
}
