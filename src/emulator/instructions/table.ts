import { Code, type Instruction } from '../../decoder/index.ts';
import type { InstructionBinding } from '../code/block-builder.ts';
import { ALL_FEATURES, type FeatureName, requiredFeature } from '../cpuid.ts';
import { Vector } from '../fault.ts';
import type { Binder, Handler } from '../operation.ts';
import { arithmetic } from './arithmetic.ts';
import { bitByte } from './bit-byte.ts';
import { bmi } from './bmi.ts';
import { byteOrder } from './byte-order.ts';
import { cacheControl } from './cache-control.ts';
import { carryChain } from './carry-chain.ts';
import { controlTransfer } from './control-transfer.ts';
import { checksum } from './crc32.ts';
import { dataTransfer } from './data-transfer.ts';
import { decimal } from './decimal.ts';
import { directStore } from './direct-store.ts';
import { exchange } from './exchange.ts';
import { withFastPaths } from './fast-paths.ts';
import { flagControl, SYSTEM_FLAG_CHANGES } from './flag-control.ts';
import { inputOutput, PORT_ACCESSES } from './input-output.ts';
import { logical } from './logical.ts';
import { loopInstructions } from './loop.ts';
import { miscellaneous } from './miscellaneous.ts';
import { multiplyDivide } from './multiply-divide.ts';
import { processorInformation } from './processor-information.ts';
import type { CodeName, Rows } from './rows.ts';
import { SEGMENT_LOADS, segmentRegisters } from './segment-registers.ts';
import { selectorPrivilege } from './selector-privilege.ts';
import { shiftRotate } from './shift-rotate.ts';
import { softwareInterrupt } from './software-interrupt.ts';
import { stack } from './stack.ts';
import { FLAG_POPS, stackFrame } from './stack-frame.ts';
import { string } from './string.ts';
import { checkedOnly, SYSTEM_EXITS, system } from './system.ts';
import { typeConversion } from './type-conversion.ts';

/** Every implemented instruction form, by chapter. */
export const CHAPTERS: Readonly<Record<string, Rows>> = {
  'Data transfer': dataTransfer,
  Exchange: exchange,
  'Byte order': byteOrder,
  'Type conversion': typeConversion,
  'Direct stores': directStore,
  Arithmetic: arithmetic,
  'Multiplication and division': multiplyDivide,
  Decimal: decimal,
  Logical: logical,
  'Shift and rotate': shiftRotate,
  'Bit and byte': bitByte,
  'Control transfer': controlTransfer,
  'Loops and counts': loopInstructions,
  'Software interrupts': softwareInterrupt,
  Stack: stack,
  'Stack frames and flags': stackFrame,
  'Flag control': flagControl,
  String: string,
  'Input and output': inputOutput,
  'Segment registers': segmentRegisters,
  Selectors: selectorPrivilege,
  'Bit manipulation': bmi,
  'Carry chains': carryChain,
  Checksum: checksum,
  Miscellaneous: miscellaneous,
  'Cache control and ordering': cacheControl,
  'Processor information': processorInformation,
  System: system,
};

/** Change what following instructions mean or may do, or ask to leave. */
const END_BLOCK: readonly CodeName[] = [
  ...SEGMENT_LOADS,
  ...FLAG_POPS,
  ...SYSTEM_FLAG_CHANGES,
  ...PORT_ACCESSES,
  ...SYSTEM_EXITS,
];

/** Need the exact number of instructions retired before them. */
const STAND_ALONE: readonly CodeName[] = ['Rdtsc', 'Rdtscp'];

const BINDERS: (Binder | undefined)[] = [];
const IMPLEMENTED = new Set<number>();
for (const rows of Object.values(CHAPTERS)) {
  for (const [name, binder] of entries(rows)) {
    BINDERS[Code[name]] = withFastPaths(name, binder);
    IMPLEMENTED.add(Code[name]);
  }
}
for (const [name, binder] of entries(checkedOnly)) {
  BINDERS[Code[name]] = binder;
}

function entries(rows: Rows): [CodeName, Binder][] {
  return Object.entries(rows) as [CodeName, Binder][];
}

const ENDS_BLOCK = new Set([...END_BLOCK, ...STAND_ALONE].map((name) => Code[name]));
const STANDS_ALONE = new Set(STAND_ALONE.map((name) => Code[name]));

/** Whether an instruction form, by its iced-x86 `Code`, is implemented. */
export function isImplemented(code: number): boolean {
  return IMPLEMENTED.has(code);
}

const unimplemented: Handler = (cpu, i) => {
  cpu.requestExitAt(i, { reason: 'unimplemented', code: i.code });
};

const invalid: Handler = (cpu) => cpu.fault.raise(Vector.UD, 0, 'invalid-opcode');

const tooLong: Handler = (cpu) => cpu.fault.raise(Vector.GP, 0, 'instruction-length');

const lackingFeature: Handler = (cpu) => cpu.fault.raise(Vector.UD, 0, 'feature');

/** The instruction set of a processor with the given features, as the block builder sees it. */
export function instructionSet(features: ReadonlySet<FeatureName>): InstructionBinding {
  const isLacking = (i: Instruction): boolean => {
    const needed = requiredFeature(i.code, i.mode);
    return needed !== undefined && !features.has(needed);
  };
  const hasAll = features.size === ALL_FEATURES.size;
  return {
    bind: (i) =>
      !hasAll && isLacking(i) ? lackingFeature : (BINDERS[i.code]?.(i) ?? unimplemented),
    endsBlock: (i) =>
      i.isBranch || i.rep || i.repne || ENDS_BLOCK.has(i.code) || BINDERS[i.code] === undefined,
    standsAlone: (code) => STANDS_ALONE.has(code),
    invalid,
    tooLong,
  };
}
