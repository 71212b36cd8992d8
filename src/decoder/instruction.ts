/** What an operand is. */
export const OperandKind = {
  None: 0,
  Register: 1,
  Memory: 2,
  Immediate: 3,
  /** Near branch target: the address is in `immediateLo`/`immediateHi`. */
  Branch: 4,
  /** Far pointer: offset in `immediateLo`, selector in `immediate2`. */
  FarBranch: 5,
} as const;
export type OperandKind = (typeof OperandKind)[keyof typeof OperandKind];

/** Segment registers by their encoding number. */
export const Segment = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5 } as const;
export type Segment = (typeof Segment)[keyof typeof Segment];

/** How the offset of a memory operand is computed; the first two are the hot ones. */
export const AddressForm = {
  /** 64-bit address size, flat segment, `base + displacement`. */
  Flat: 0,
  /** 64-bit address size, flat segment, `base + index * scale + displacement`. */
  FlatIndexed: 1,
  /** Everything else: 16/32-bit address sizes, FS/GS, modes with segment limits. */
  General: 2,
} as const;
export type AddressForm = (typeof AddressForm)[keyof typeof AddressForm];

/** The slot that reads as zero: a memory operand without base or index uses it. */
export const ZERO_SLOT = 32;

/**
 * One decoded instruction, of frozen shape: every field is set by every decode.
 *
 * General registers are named by *slot*, the index into the view that their width is accessed
 * through: 64/32-bit register n is at 32-bit word 2n (low half; the high half follows), 16-bit
 * register n at 16-bit index 4n, 8-bit register n at byte 8n (AH, CH, DH, BH at 1, 9, 17, 25).
 * Segment, control, debug, vector and mask registers are named by their number.
 */
export class Instruction {
  /** iced-x86 `Code`; `Code[code]` is its name. 0 is an invalid instruction. */
  code = 0;
  mnemonic = 0;
  /** Bytes, 1 to 15. */
  length = 0;
  /** Address of the instruction as the code sees it: RIP, EIP or IP. */
  ripLo = 0;
  ripHi = 0;
  /** Address of the instruction that follows, truncated as the mode asks. */
  nextLo = 0;
  nextHi = 0;
  /** 16, 32 or 64. */
  mode = 64;

  operandCount = 0;
  kind0: OperandKind = OperandKind.None;
  kind1: OperandKind = OperandKind.None;
  kind2: OperandKind = OperandKind.None;
  kind3: OperandKind = OperandKind.None;
  slot0 = 0;
  slot1 = 0;
  slot2 = 0;
  slot3 = 0;

  /** Memory operand: slots of base and index (`ZERO_SLOT` for none), shift of the index. */
  base = ZERO_SLOT;
  index = ZERO_SLOT;
  scale = 0;
  /** Displacement, sign-extended to 64 bits; RIP-relative ones are already absolute. */
  displacementLo = 0;
  displacementHi = 0;
  /** Effective segment: in 64-bit mode ES, CS, SS and DS prefixes are ignored. */
  segment: Segment = Segment.DS;
  addressForm: AddressForm = AddressForm.Flat;
  /** 16, 32 or 64. */
  addressSize = 64;
  /** Bytes of the memory operand, 0 if it has none or none of fixed size. */
  memorySize = 0;

  /** Immediate, sign-extended to the operand size where the instruction does so. */
  immediateLo = 0;
  immediateHi = 0;
  /** Second immediate: ENTER's nesting level, the selector of a far pointer. */
  immediate2 = 0;

  /** Anything but "goes on with the next instruction": branches, interrupts, exceptions. */
  isBranch = false;
  lock = false;
  /** F3 (REP, REPE). */
  rep = false;
  /** F2 (REPNE). */
  repne = false;
}
