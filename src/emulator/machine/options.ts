import { ALL_FEATURES, FEATURES, type FeatureName, type Vendor } from '../cpuid.ts';
import { PAGE_SIZE } from '../memory/physical.ts';
import { Cr4 } from '../state/control.ts';
import { MachineArgumentError, toSeed } from './arguments.ts';
import type { StartingMode } from './starting-state.ts';

/** Names of the CR4 bits that a machine can be created with. */
export type Cr4Name =
  | 'de'
  | 'fsgsbase'
  | 'la57'
  | 'lam_sup'
  | 'lass'
  | 'mce'
  | 'osfxsr'
  | 'osxmmexcpt'
  | 'pge'
  | 'pse'
  | 'smap'
  | 'smep'
  | 'tsd';

/** How to create a machine; everything has a default. */
export interface MachineOptions {
  /** Real mode (16), 32-bit protected mode, compatibility mode or 64-bit mode (the default). */
  readonly mode?: StartingMode;
  /** Current privilege level, 0 to 3; 3 by default, 0 in real mode. */
  readonly cpl?: number;
  /** CR4 bits to set: `['lass', 'smap', 'smep']`. */
  readonly cr4?: Iterable<Cr4Name>;
  /** What CPUID reports and instructions need; by default all that bit63 knows. */
  readonly features?: Iterable<FeatureName>;
  /** Whose processor it is where Intel's (the default) and AMD's differ. */
  readonly vendor?: Vendor;
  /** RFLAGS.AC at the start. */
  readonly ac?: boolean;
  /** Bytes of guest RAM, paging structures included; 64 MiB by default, committed when touched. */
  readonly ramSize?: number;
  /** Makes RDRAND and RDSEED repeatable; by default they differ from machine to machine. */
  readonly seed?: number | bigint;
  /** Records LASS violations instead of raising them, see `Machine.audit`. */
  readonly audit?: boolean;
}

/** The options of a machine, checked and complete. */
export interface MachineSetup {
  readonly mode: StartingMode;
  readonly cpl: number;
  /** CR4 bits to set besides those that the mode needs. */
  readonly cr4: number;
  readonly features: ReadonlySet<FeatureName>;
  readonly vendor: Vendor;
  readonly ac: boolean;
  /** Bytes, whole pages. */
  readonly ramSize: number;
  readonly seed: bigint;
  readonly audit: boolean;
}

const MIB = 1 << 20;
const DEFAULT_RAM = 64 * MIB;
/** Most bytes of guest RAM: host offsets stay below 2^31. */
export const MAX_RAM = 2047 * MIB;

/** @throws MachineArgumentError */
export function readOptions(options: MachineOptions): MachineSetup {
  const mode = options.mode ?? 64;
  const cpl = options.cpl ?? (mode === 16 ? 0 : 3);
  checkMode(mode, cpl);
  const features = featureSet(options.features);
  return {
    mode,
    cpl,
    features,
    cr4: cr4Bits(options.cr4 ?? [], features),
    vendor: toVendor(options.vendor),
    ac: options.ac === true,
    ramSize: toRamSize(options.ramSize ?? DEFAULT_RAM),
    seed: toSeed(options.seed ?? Math.floor(Math.random() * 2 ** 52)),
    audit: options.audit === true,
  };
}

function checkMode(mode: StartingMode, cpl: number): void {
  if (mode !== 16 && mode !== 32 && mode !== 'compat' && mode !== 64) {
    throw new MachineArgumentError('mode', mode, "16, 32, 'compat' or 64");
  }
  if (cpl !== 0 && cpl !== 1 && cpl !== 2 && cpl !== 3) {
    throw new MachineArgumentError('cpl', cpl, '0, 1, 2 or 3');
  }
  if (mode === 16 && cpl !== 0) {
    throw new MachineArgumentError('cpl', cpl, '0 in real mode');
  }
}

function toVendor(name: Vendor = 'intel'): Vendor {
  if (name !== 'intel' && name !== 'amd') {
    throw new MachineArgumentError('vendor', name, "'intel' or 'amd'");
  }
  return name;
}

function toRamSize(bytes: number): number {
  if (!Number.isInteger(bytes) || bytes < MIB || bytes > MAX_RAM) {
    throw new MachineArgumentError('ramSize', bytes, `from ${MIB} to ${MAX_RAM} bytes`);
  }
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}

/** CR4 bits that are implemented or harmless, with the feature that each needs. */
const CR4_BITS: Readonly<Record<Cr4Name, FeatureName | undefined>> = {
  de: undefined,
  fsgsbase: 'fsgsbase',
  la57: 'la57',
  lam_sup: 'lam',
  lass: 'lass',
  mce: undefined,
  osfxsr: undefined,
  osxmmexcpt: undefined,
  pge: undefined,
  pse: undefined,
  smap: 'smap',
  smep: 'smep',
  tsd: undefined,
};

/** CR4 from the names of its bits. @throws MachineArgumentError */
function cr4Bits(names: Iterable<string>, features: ReadonlySet<FeatureName>): number {
  let bits = 0;
  for (const name of names) {
    if (!Object.hasOwn(CR4_BITS, name)) {
      throw new MachineArgumentError('cr4', name, `one of ${Object.keys(CR4_BITS).join(', ')}`);
    }
    const needed = CR4_BITS[name as Cr4Name];
    if (needed !== undefined && !features.has(needed)) {
      throw new MachineArgumentError('cr4', name, `left out without the feature ${needed}`);
    }
    bits |= Cr4[name.toUpperCase() as Uppercase<Cr4Name>];
  }
  return bits;
}

/** @throws MachineArgumentError for a name that is not in `FEATURES`. */
function featureSet(names: Iterable<string> | undefined): ReadonlySet<FeatureName> {
  if (names === undefined) {
    return ALL_FEATURES;
  }
  const features = new Set<FeatureName>();
  for (const name of names) {
    if (!Object.hasOwn(FEATURES, name)) {
      throw new MachineArgumentError('features', name, `one of ${[...ALL_FEATURES].join(', ')}`);
    }
    features.add(name as FeatureName);
  }
  return features;
}
