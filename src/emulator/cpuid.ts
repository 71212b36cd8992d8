import { Code, featuresOfCode } from '../decoder/index.ts';

/** The makers whose processors differ in what the manual leaves open, or against it. */
export type Vendor = 'intel' | 'amd';

/** What CPUID leaf 0 spells. */
const VENDOR_NAMES: Readonly<Record<Vendor, string>> = {
  intel: 'GenuineIntel',
  amd: 'AuthenticAMD',
};

/** Where CPUID reports a feature. */
export interface FeatureBit {
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: 'eax' | 'ebx' | 'ecx' | 'edx';
  readonly bit: number;
}

const EXTENDED = 0x8000_0000;

const at =
  (leaf: number, subleaf: number, register: FeatureBit['register']) =>
  (bit: number): FeatureBit => ({ leaf, subleaf, register, bit });

const basicEcx = at(1, 0, 'ecx');
const basicEdx = at(1, 0, 'edx');
const structuredEbx = at(7, 0, 'ebx');
const structuredEcx = at(7, 0, 'ecx');
const structuredEdx = at(7, 0, 'edx');
const structured1Eax = at(7, 1, 'eax');
const extendedEcx = at(EXTENDED + 1, 0, 'ecx');
const extendedEdx = at(EXTENDED + 1, 0, 'edx');

/**
 * The features that bit63 implements, named as Linux does in /proc/cpuinfo, with their places.
 * SDM vol. 2, "CPUID".
 */
export const FEATURES = {
  tsc: basicEdx(4),
  pae: basicEdx(6),
  cx8: basicEdx(8),
  sep: basicEdx(11),
  cmov: basicEdx(15),
  clflush: basicEdx(19),
  cx16: basicEcx(13),
  movbe: basicEcx(22),
  popcnt: basicEcx(23),
  rdrand: basicEcx(30),
  fsgsbase: structuredEbx(0),
  bmi1: structuredEbx(3),
  smep: structuredEbx(7),
  bmi2: structuredEbx(8),
  erms: structuredEbx(9),
  rdseed: structuredEbx(18),
  adx: structuredEbx(19),
  smap: structuredEbx(20),
  clflushopt: structuredEbx(23),
  clwb: structuredEbx(24),
  la57: structuredEcx(16),
  rdpid: structuredEcx(22),
  cldemote: structuredEcx(25),
  movdiri: structuredEcx(27),
  movdir64b: structuredEcx(28),
  fsrm: structuredEdx(4),
  serialize: structuredEdx(14),
  lass: structured1Eax(6),
  lam: structured1Eax(26),
  lahf_lm: extendedEcx(0),
  abm: extendedEcx(5),
  '3dnowprefetch': extendedEcx(8),
  syscall: extendedEdx(11),
  nx: extendedEdx(20),
  pdpe1gb: extendedEdx(26),
  rdtscp: extendedEdx(27),
  lm: extendedEdx(29),
} as const satisfies Readonly<Record<string, FeatureBit>>;

/** Name of a feature, as Linux spells it. */
export type FeatureName = keyof typeof FEATURES;

/** Everything in `FEATURES`. */
export const ALL_FEATURES: ReadonlySet<FeatureName> = new Set(
  Object.keys(FEATURES) as FeatureName[],
);

/** Bits of a physical address. */
export const PHYSICAL_ADDRESS_BITS = 46;

const MAX_BASIC_LEAF = 0xd;
const MAX_EXTENDED_LEAF = EXTENDED + 8;
/** Family 6, model 0, stepping 0: no product's, so that nobody infers from it. */
const SIGNATURE = 6 << 8;
/** CLFLUSH works on 64 bytes; one logical processor. */
const LINE_AND_PROCESSORS = (8 << 8) | (1 << 16);
const BRAND = 'bit63';
const BRAND_LEAF = EXTENDED + 2;

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
const EAX = 0;
const EBX = 1;
const ECX = 2;
const EDX = 3;

/**
 * What CPUID returns. Leaves that do not exist return zeros.
 *
 * @param leaf EAX.
 * @param subleaf ECX.
 * @param out EAX, EBX, ECX and EDX, in this order.
 */
export function cpuid(
  vendor: Vendor,
  features: ReadonlySet<FeatureName>,
  leaf: number,
  subleaf: number,
  out: Uint32Array,
): void {
  out.fill(0);
  const number = leaf >>> 0;
  for (const name of features) {
    const place = FEATURES[name];
    // Leaves without subleaves ignore ECX.
    const matches = number !== 7 || place.subleaf === subleaf >>> 0;
    if (place.leaf === number && matches) {
      out[REGISTERS.indexOf(place.register)] |= 1 << place.bit;
    }
  }
  switch (number) {
    case 0:
      out[EAX] = MAX_BASIC_LEAF;
      out[EBX] = letters(VENDOR_NAMES[vendor], 0);
      out[EDX] = letters(VENDOR_NAMES[vendor], 4);
      out[ECX] = letters(VENDOR_NAMES[vendor], 8);
      break;
    case 1:
      out[EAX] = SIGNATURE;
      out[EBX] = LINE_AND_PROCESSORS;
      break;
    case 7:
      // The highest subleaf.
      out[EAX] |= subleaf === 0 ? 1 : 0;
      break;
    case EXTENDED:
      out[EAX] = MAX_EXTENDED_LEAF;
      break;
    case BRAND_LEAF:
    case BRAND_LEAF + 1:
    case BRAND_LEAF + 2:
      for (let n = 0; n < 4; n++) {
        out[n] = letters(BRAND, (number - BRAND_LEAF) * 16 + n * 4);
      }
      break;
    case EXTENDED + 8:
      out[EAX] = PHYSICAL_ADDRESS_BITS | ((features.has('la57') ? 57 : 48) << 8);
      break;
    default:
  }
}

/** Four characters of a text as a register holds them, zeros behind its end. */
function letters(text: string, from: number): number {
  let word = 0;
  for (let n = 3; n >= 0; n--) {
    word = (word << 8) | (text.charCodeAt(from + n) || 0);
  }
  return word;
}

/** Features by iced-x86's names, as far as an instruction without them is invalid. */
const BY_ICED_NAME: Readonly<Record<string, FeatureName>> = {
  ADX: 'adx',
  BMI1: 'bmi1',
  BMI2: 'bmi2',
  CLFLUSHOPT: 'clflushopt',
  CLFSH: 'clflush',
  CLWB: 'clwb',
  CMOV: 'cmov',
  CMPXCHG16B: 'cx16',
  CX8: 'cx8',
  FSGSBASE: 'fsgsbase',
  MOVBE: 'movbe',
  MOVDIR64B: 'movdir64b',
  MOVDIRI: 'movdiri',
  POPCNT: 'popcnt',
  RDPID: 'rdpid',
  RDRAND: 'rdrand',
  RDSEED: 'rdseed',
  RDTSCP: 'rdtscp',
  SEP: 'sep',
  SERIALIZE: 'serialize',
  SMAP: 'smap',
  SYSCALL: 'syscall',
  TSC: 'tsc',
};

/**
 * The feature without which an instruction form is #UD; undefined if bit63 has no name for it.
 *
 * LZCNT and TZCNT are not among them, since they become BSR and BSF, nor are PREFETCHW and
 * CLDEMOTE, which become no-operations.
 *
 * @param code iced-x86 `Code`.
 * @param mode 16, 32 or 64.
 */
export function requiredFeature(code: number, mode: number): FeatureName | undefined {
  const name = Code[code];
  if (name.startsWith('Tzcnt')) {
    return undefined;
  }
  if (code === Code.Lahf || code === Code.Sahf) {
    return mode === 64 ? 'lahf_lm' : undefined;
  }
  for (const feature of featuresOfCode(code)) {
    const known = BY_ICED_NAME[feature];
    if (known !== undefined) {
      return known;
    }
  }
  return undefined;
}
