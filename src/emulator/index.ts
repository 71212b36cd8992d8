export { ALL_FEATURES, type FeatureName, type Vendor } from './cpuid.ts';
export { type FaultCause, Vector } from './fault.ts';
export { MachineArgumentError } from './machine/arguments.ts';
export type { AuditRecord } from './machine/audit.ts';
export { type AccessName, type ExceptionExit, type Exit, vectorName } from './machine/exit.ts';
export type {
  BlockEvent,
  Hooks,
  InstructionEvent,
  MemoryEvent,
  PortEvent,
} from './machine/hooks.ts';
export { Machine, type RunOptions } from './machine/machine.ts';
export type { Cr4Name, MachineOptions } from './machine/options.ts';
export {
  isRegisterName,
  REGISTER_NAMES,
  type RegisterName,
  type Registers,
} from './machine/registers.ts';
export type { Snapshot } from './machine/snapshot.ts';
export type { StartingMode } from './machine/starting-state.ts';
export { OutOfGuestMemoryError, UnmappedMemoryError } from './memory/guest-memory.ts';
export type { MmioDevice } from './memory/physical.ts';
export { GPR_NAMES } from './state/layout.ts';
