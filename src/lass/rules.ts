/** Short name of one rule, as `explain` and the test vectors use it. */
export type LassRuleId = keyof typeof LASS_RULES;

/**
 * The rules in words, R0 to R15. R1 to R5 are the ones that forbid; the others say why an access
 * is let through, dropped, or reported with one vector rather than the other.
 *
 * Source: SDM vol. 3, Linear-Address Pre-Processing; R12n and R15 are inferred from other chapters.
 */
export const LASS_RULES = {
  R0: 'LASS is inactive: it takes both CR4.LASS=1 and IA32_EFER.LMA=1.',
  R1: 'User-mode data must have bit 63 clear: the upper half belongs to the kernel, and neither SMAP nor AC changes that for user code.',
  R2: 'User-mode code must have bit 63 clear. The branch itself retires; the fetch at its target faults, so the saved RIP is the target.',
  R3: 'Supervisor-mode code must have bit 63 set. SMEP, SMAP and AC do not matter: neither STAC nor the page tables can allow it.',
  R4: 'A supervisor-mode data access must have bit 63 set while CR4.SMAP=1 and RFLAGS.AC=0. A kernel that means to touch the user half opens a window with STAC.',
  R5: 'The processor reads and writes its own system structures as a supervisor, whatever CPL is, and with CR4.SMAP=1 they must have bit 63 set. RFLAGS.AC does not help: user code could set it.',
  R6: 'The access stays in its own half, where LASS has nothing to object to.',
  R7: 'CR4.SMAP=0 turns the supervisor data rules off, for explicit and implicit accesses alike.',
  R8: 'RFLAGS.AC=1 opens the lower half to explicit supervisor data accesses: the window between STAC and CLAC.',
  R9: 'LASS does not check this address, because using it accesses no memory: a value loaded into RIP is judged when it is fetched from, a TLB-invalidation address and the result of LEA never are.',
  R10: 'A prefetch is a hint: an illegal one is dropped and never faults.',
  R11: 'Outside 64-bit mode an explicit linear address has at most 32 bits, so bit 63 counts as 0 and the address lies in the lower half.',
  R12: 'The access goes through SS, so the fault is #SS(0) instead of #GP(0).',
  R12n: '64-bit mode ignores ES, CS, SS and DS prefixes, so the default segment, not the prefix, chooses between #SS(0) and #GP(0).',
  R13: 'Every byte must obey the rule, and this access wraps past 2^64 into the other half.',
  R14: 'The address is not canonical. That raises the same fault as LASS would, and which of the two tests comes first cannot be seen.',
  R15: 'WRUSS is a user-mode access at any CPL, so bit 63 must be clear; AC does not matter.',
} as const;
