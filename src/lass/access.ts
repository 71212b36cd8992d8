/**
 * What an access is in the eyes of LASS. The value is an index into the policy word, two bits a
 * kind; see {@link lassPolicyWord}. Source: SDM vol. 3, Linear-Address Pre-Processing.
 *
 * - `Fetch`: instruction fetch, at the CPL in force when the bytes are fetched.
 * - `Data`: explicit data access, reads and writes alike, shadow-stack accesses included.
 * - `Implicit`: a supervisor access to a system structure (GDT, LDT, IDT, TSS, I/O bitmap, UPID)
 *   that the processor makes on its own, whatever CPL is.
 * - `UserForced`: a user-mode access made at any CPL: WRUSS.
 * - `Exempt`: an address that LASS never checks: branch target or other value loaded into RIP,
 *   TLB-invalidation address, LEA.
 * - `Prefetch`: judged like `Data`, but a violation drops the access instead of faulting.
 */
export const LassAccess = {
  Fetch: 0,
  Data: 1,
  Implicit: 2,
  UserForced: 3,
  Exempt: 4,
  Prefetch: 5,
} as const;

/** One of the values of {@link LassAccess}, 0 to 5. */
export type LassAccess = (typeof LassAccess)[keyof typeof LassAccess];
