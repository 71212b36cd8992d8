import {
  FlowControl,
  type Instruction as IcedInstruction,
  MemorySizeExt,
  OpKind,
  Register,
} from 'iced-x86';
import { AddressForm, type Instruction, OperandKind, Segment, ZERO_SLOT } from './instruction.ts';

const GPR8 = ['AL', 'CL', 'DL', 'BL', 'SPL', 'BPL', 'SIL', 'DIL'];
const GPR8_HIGH = ['AH', 'CH', 'DH', 'BH'];
const GPR16 = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];
const NUMBERED = ['ST', 'MM', 'XMM', 'YMM', 'ZMM', 'K', 'BND', 'CR', 'DR', 'TR', 'TMM'];
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];

/** Slot (general registers) or number (all others) by iced's `Register`. */
const SLOTS = new Int16Array(512);
/** Address size that a base or index register implies, 0 for registers that are neither. */
const ADDRESS_SIZES = new Uint8Array(512);

function define(name: string, slot: number, addressSize = 0): void {
  const register = Register[name as keyof typeof Register];
  if (register !== undefined) {
    SLOTS[register] = slot;
    ADDRESS_SIZES[register] = addressSize;
  }
}

SLOTS[Register.None] = ZERO_SLOT;
for (let n = 0; n < 16; n++) {
  const legacy = n < 8;
  define(legacy ? GPR8[n] : `R${n}L`, 8 * n);
  define(legacy ? GPR16[n] : `R${n}W`, 4 * n, 16);
  define(legacy ? `E${GPR16[n]}` : `R${n}D`, 2 * n, 32);
  define(legacy ? `R${GPR16[n]}` : `R${n}`, 2 * n, 64);
}
GPR8_HIGH.forEach((name, n) => {
  define(name, 8 * n + 1);
});
SEGMENTS.forEach((name, n) => {
  define(name, n);
});
for (const prefix of NUMBERED) {
  for (let n = 0; n < 32; n++) {
    define(`${prefix}${n}`, n);
  }
}
ADDRESS_SIZES[Register.RIP] = 64;
ADDRESS_SIZES[Register.EIP] = 32;

const MEMORY_BYTES = new Map<number, number>();

function memoryBytes(memorySize: number): number {
  let bytes = MEMORY_BYTES.get(memorySize);
  if (bytes === undefined) {
    bytes = MemorySizeExt.size(memorySize);
    MEMORY_BYTES.set(memorySize, bytes);
  }
  return bytes;
}

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));

/** Address size of the string instructions' implied memory operands. */
const STRING_ADDRESS_SIZE: Partial<Record<OpKind, number>> = {
  [OpKind.MemorySegSI]: 16,
  [OpKind.MemorySegESI]: 32,
  [OpKind.MemorySegRSI]: 64,
  [OpKind.MemorySegDI]: 16,
  [OpKind.MemorySegEDI]: 32,
  [OpKind.MemorySegRDI]: 64,
  [OpKind.MemoryESDI]: 16,
  [OpKind.MemoryESEDI]: 32,
  [OpKind.MemoryESRDI]: 64,
};

/** Fills `into` from what iced decoded. */
export function translate(raw: IcedInstruction, mode: number, into: Instruction): void {
  into.code = raw.code;
  into.mnemonic = raw.mnemonic;
  into.length = raw.length;
  into.mode = mode;
  const ip = raw.ip;
  into.ripLo = low(ip);
  into.ripHi = high(ip);
  const next = ip + BigInt(raw.length);
  // 16-bit code does not wrap at 64 KiB: it runs into the limit of CS.
  into.nextLo = low(next);
  into.nextHi = mode === 64 ? high(next) : 0;

  into.isBranch = raw.flowControl !== FlowControl.Next;
  into.lock = raw.hasLockPrefix;
  into.rep = raw.hasRepPrefix;
  into.repne = raw.hasRepnePrefix;

  into.base = ZERO_SLOT;
  into.index = ZERO_SLOT;
  into.scale = 0;
  into.displacementLo = 0;
  into.displacementHi = 0;
  into.segment = Segment.DS;
  into.addressForm = AddressForm.General;
  into.addressSize = mode;
  into.memorySize = 0;
  into.immediateLo = 0;
  into.immediateHi = 0;
  into.immediate2 = 0;

  const count = raw.opCount;
  into.operandCount = count;
  into.kind0 = count > 0 ? translateOperand(raw, raw.op0Kind, 0, into) : OperandKind.None;
  into.kind1 = count > 1 ? translateOperand(raw, raw.op1Kind, 1, into) : OperandKind.None;
  into.kind2 = count > 2 ? translateOperand(raw, raw.op2Kind, 2, into) : OperandKind.None;
  into.kind3 = count > 3 ? translateOperand(raw, raw.op3Kind, 3, into) : OperandKind.None;
  into.slot0 = count > 0 ? SLOTS[raw.op0Register] : 0;
  into.slot1 = count > 1 ? SLOTS[raw.op1Register] : 0;
  into.slot2 = count > 2 ? SLOTS[raw.op2Register] : 0;
  into.slot3 = count > 3 ? SLOTS[raw.op3Register] : 0;
}

function translateOperand(
  raw: IcedInstruction,
  kind: OpKind,
  position: number,
  into: Instruction,
): OperandKind {
  switch (kind) {
    case OpKind.Register:
      return OperandKind.Register;
    case OpKind.Memory:
      translateMemory(raw, into);
      return OperandKind.Memory;
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
    case OpKind.NearBranch64:
      setImmediate(into, raw.nearBranchTarget);
      return OperandKind.Branch;
    case OpKind.FarBranch16:
    case OpKind.FarBranch32:
      into.immediateLo = kind === OpKind.FarBranch16 ? raw.farBranch16 : raw.farBranch32 | 0;
      into.immediate2 = raw.farBranchSelector;
      return OperandKind.FarBranch;
    case OpKind.Immediate8_2nd:
      into.immediate2 = raw.immediate8_2nd;
      return OperandKind.Immediate;
    case OpKind.Immediate8:
    case OpKind.Immediate16:
    case OpKind.Immediate32:
    case OpKind.Immediate64:
    case OpKind.Immediate8to16:
    case OpKind.Immediate8to32:
    case OpKind.Immediate8to64:
    case OpKind.Immediate32to64:
      setImmediate(into, raw.immediate(position));
      return OperandKind.Immediate;
    default:
      into.addressSize = STRING_ADDRESS_SIZE[kind] ?? into.addressSize;
      into.memorySize = memoryBytes(raw.memorySize);
      setSegment(raw, Segment.DS, into);
      return OperandKind.Memory;
  }
}

function setImmediate(into: Instruction, value: bigint): void {
  into.immediateLo = low(value);
  into.immediateHi = high(value);
}

function translateMemory(raw: IcedInstruction, into: Instruction): void {
  const base = raw.memoryBase;
  const index = raw.memoryIndex;
  const implied = ADDRESS_SIZES[base] || ADDRESS_SIZES[index];
  into.addressSize = implied !== 0 ? implied : raw.memoryDisplSize * 8;
  const relative = base === Register.RIP || base === Register.EIP;
  into.base = base === Register.None || relative ? ZERO_SLOT : SLOTS[base];
  into.index = SLOTS[index];
  into.scale = 31 - Math.clz32(raw.memoryIndexScale);
  const displacement = raw.memoryDisplacement;
  into.displacementLo = low(displacement);
  into.displacementHi = high(displacement);
  into.memorySize = memoryBytes(raw.memorySize);
  setSegment(raw, isStackBase(base) ? Segment.SS : Segment.DS, into);
  if (into.addressSize === 16) {
    // 16-bit slots count 16-bit units; the address code reads 32-bit words.
    into.base = into.base === ZERO_SLOT ? ZERO_SLOT : into.base >> 1;
    into.index = into.index === ZERO_SLOT ? ZERO_SLOT : into.index >> 1;
  }
  if (into.mode === 64 && into.addressSize === 64 && into.segment < Segment.FS) {
    into.addressForm = into.index === ZERO_SLOT ? AddressForm.Flat : AddressForm.FlatIndexed;
  }
}

function isStackBase(base: Register): boolean {
  switch (base) {
    case Register.RSP:
    case Register.RBP:
    case Register.ESP:
    case Register.EBP:
    case Register.BP:
      return true;
    default:
      return false;
  }
}

/**
 * 64-bit mode ignores ES, CS, SS and DS prefixes, also where they would turn #GP into #SS. The
 * destination of a string instruction is always ES, which its handler knows.
 */
function setSegment(raw: IcedInstruction, byDefault: Segment, into: Instruction): void {
  const prefix = raw.segmentPrefix;
  if (prefix === Register.None) {
    into.segment = byDefault;
    return;
  }
  const segment = SLOTS[prefix] as Segment;
  into.segment = into.mode === 64 && segment < Segment.FS ? byDefault : segment;
}
