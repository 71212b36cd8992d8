/**
 * Where a processor's state lies: indices of 32-bit words from the start of its area in the
 * WebAssembly memory. 64-bit values are two words, low half first. Translated code will use the
 * very same places, so nothing of the architectural state lives outside.
 */
export const Word = {
  /** RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8..R15: two words each. */
  GPR: 0,
  RSP: 8,
  RBP: 10,
  RSI: 12,
  RDI: 14,
  /** Always zero: the base or index of a memory operand that has none. */
  ZERO: 32,
  /** High half of the result of a 64-bit operation. */
  HIGH: 34,
  RIP: 36,
  /** The lazy arithmetic flags, see flags.ts. */
  RESULT: 38,
  CARRIES: 40,
  /** RFLAGS without the six arithmetic flags. */
  SYSTEM_FLAGS: 41,
  /** Index of the read entries of the TLB that belongs to the current access context. */
  TLB_READ: 42,
  TLB_WRITE: 43,
  /** Non-zero asks the interpreter to leave after the current block, see cpu.ts. */
  PENDING: 44,
  CPL: 45,
  /** LASS policy word, see bit63/lass. */
  LASS_POLICY: 46,
  /** Canonical width of linear addresses: 48 or 57. */
  LINEAR_BITS: 47,
  CR0: 48,
  CR2: 50,
  CR3: 52,
  CR4: 54,
  EFER: 56,
  TSC_AUX: 58,
  TSC_OFFSET: 60,
  KERNEL_GS_BASE: 62,
  /** Segment registers ES, CS, SS, DS, FS, GS, `SEGMENT_WORDS` each. */
  SEGMENTS: 64,
} as const;

/** Words of one segment register: base low, base high, limit, attributes, selector. */
export const SEGMENT_WORDS = 8;
export const SegmentField = { BASE: 0, LIMIT: 2, ATTRIBUTES: 3, SELECTOR: 4 } as const;

/** Bytes from the start of the processor's area. */
export const Area = {
  /** Vector registers, 32 slots of 64 bytes. */
  VECTORS: 4096,
  /** The software TLB, see memory/tlb.ts. */
  TLB: 8192,
  SIZE: 8192 + 32768,
} as const;

/** Names of the general registers in the order of their numbers. */
export const GPR_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;
