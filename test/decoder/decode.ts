import { type CodeMode, DecodeStatus, Instruction, InstructionDecoder } from '../../src/index.ts';
import { fromHex } from '../emulator/driver.ts';

/** Where `decode` places an instruction. */
export const RIP = 0x40_1000n;

const decoders = {
  intel: new InstructionDecoder(),
  amd: new InstructionDecoder({ amd: true }),
};
type Vendor = keyof typeof decoders;

/** An instruction with its word pairs joined: signed values for what is signed. */
export interface Decoded {
  readonly code: number;
  readonly length: number;
  readonly rip: bigint;
  readonly next: bigint;
  readonly kinds: readonly number[];
  readonly slots: readonly number[];
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: bigint;
  readonly segment: number;
  readonly addressForm: number;
  readonly addressSize: number;
  readonly memorySize: number;
  readonly immediate: bigint;
  readonly immediate2: number;
  readonly isBranch: boolean;
  readonly lock: boolean;
  readonly rep: boolean;
  readonly repne: boolean;
}

/** Decodes the one instruction that `hex` holds, without a byte to spare. */
export function decode(mode: CodeMode, hex: string, rip = RIP, vendor: Vendor = 'intel'): Decoded {
  const bytes = fromHex(hex);
  const i = new Instruction();
  const status = decodeInto(mode, bytes, i, rip, vendor);
  if (status !== DecodeStatus.Ok || i.length !== bytes.length) {
    throw new Error(`${hex}: status ${status}, length ${i.length}`);
  }
  const count = i.operandCount;
  return {
    code: i.code,
    length: i.length,
    rip: unsigned(i.ripLo, i.ripHi),
    next: unsigned(i.nextLo, i.nextHi),
    kinds: [i.kind0, i.kind1, i.kind2, i.kind3].slice(0, count),
    slots: [i.slot0, i.slot1, i.slot2, i.slot3].slice(0, count),
    base: i.base,
    index: i.index,
    scale: i.scale,
    displacement: signed(i.displacementLo, i.displacementHi),
    segment: i.segment,
    addressForm: i.addressForm,
    addressSize: i.addressSize,
    memorySize: i.memorySize,
    immediate: signed(i.immediateLo, i.immediateHi),
    immediate2: i.immediate2,
    isBranch: i.isBranch,
    lock: i.lock,
    rep: i.rep,
    repne: i.repne,
  };
}

/** What decoding the first instruction of `bytes` says. */
function decodeInto(
  mode: CodeMode,
  bytes: Uint8Array,
  into: Instruction,
  rip = RIP,
  vendor: Vendor = 'intel',
): DecodeStatus {
  const lo = Number(BigInt.asIntN(32, rip));
  const hi = Number(BigInt.asIntN(32, rip >> 32n));
  const decoder = decoders[vendor];
  decoder.begin(mode, bytes, lo, hi);
  return decoder.next(into);
}

/** The name of that status. */
export function statusOf(mode: CodeMode, hex: string): string | undefined {
  const status = decodeInto(mode, fromHex(hex), new Instruction());
  return Object.entries(DecodeStatus).find(([, value]) => value === status)?.[0];
}

function signed(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

function unsigned(lo: number, hi: number): bigint {
  return BigInt.asUintN(64, signed(lo, hi));
}
