import { LassArgumentError } from './errors.ts';
import { explain, type LassExplanation } from './explain.ts';
import { LASS_KINDS, type LassKind, type LassKindDescription } from './kinds.ts';

const MODES = {
  '64bit': { lma: true, cs64: true },
  compat: { lma: true, cs64: false },
  legacy32: { lma: false, cs64: false },
  real: { lma: false, cs64: false },
} as const;

const PREFIXES = { ES: 0x26, CS: 0x2e, SS: 0x36, DS: 0x3e, FS: 0x64, GS: 0x65 } as const;

/** Operating mode: 64-bit, compatibility, 32-bit protected (EFER.LMA=0), or real-address mode. */
export type LassMode = keyof typeof MODES;

/** A segment register, or `-` for an access that goes through none. */
export type LassSegment = keyof typeof PREFIXES | '-';

/** An access described the way a test row or a command line does. */
export interface LassCase {
  readonly mode: LassMode;
  /** 0 to 3. */
  readonly cpl: number;
  /** CR4.LASS. */
  readonly lass: boolean;
  /** CR4.SMAP. */
  readonly smap: boolean;
  /** RFLAGS.AC. */
  readonly ac: boolean;
  readonly kind: LassKind;
  /**
   * The segment of the operand, `-` by default. Next to an `override` that names the same segment,
   * the prefix is taken to be where it came from, with DS as the default behind it.
   */
  readonly segment?: LassSegment;
  /** Linear address after LAM masking, 0 to 2^64 - 1; cut to 32 bits where the mode does so. */
  readonly address: number | bigint;
  /** Bytes, 0 to 2^31; 1 by default. */
  readonly size?: number;
  /** 5-level paging: linear addresses of 57 bits instead of 48. */
  readonly la57?: boolean;
  /** Segment-override prefix byte: 0x26, 0x2e, 0x36, 0x3e, 0x64 or 0x65; 0 for none. */
  readonly override?: number;
}

/**
 * {@link explain} for a case given by name instead of by register bits.
 *
 * @throws {@link LassArgumentError} for an unknown name or a value outside its range.
 */
export function judge(given: LassCase): LassExplanation {
  const { cpl, lass, smap, ac, address, segment = '-', override = 0 } = given;
  const mode = lookUp(MODES, 'mode', given.mode);
  const kind: LassKindDescription = lookUp(LASS_KINDS, 'kind', given.kind);
  if (segment !== '-') {
    lookUp(PREFIXES, 'segment', segment);
  }
  if (override !== 0 && !Object.values<number>(PREFIXES).includes(override)) {
    const bytes = Object.values(PREFIXES).map((byte) => `0x${byte.toString(16)}`);
    throw new LassArgumentError('override', override, `0 or one of ${bytes.join(', ')}`);
  }
  const fromPrefix = segment !== '-' && PREFIXES[segment] === override;
  return explain(
    { lass, smap, ac, cpl, ...mode },
    {
      access: kind.access,
      name: kind.name,
      address,
      linearAddressBits: given.la57 ? 57 : 48,
      defaultIsStack: kind.segmented && segment === 'SS' && !fromPrefix,
      overridePrefix: kind.segmented ? override : 0,
      ...(given.size === undefined ? {} : { size: given.size }),
      ...(kind.nonCanonical === undefined ? {} : { nonCanonical: kind.nonCanonical }),
    },
  );
}

function lookUp<Table extends object>(
  table: Table,
  argument: string,
  name: keyof Table,
): Table[keyof Table] {
  if (!Object.hasOwn(table, name)) {
    throw new LassArgumentError(argument, name, `one of ${Object.keys(table).join(', ')}`);
  }
  return table[name];
}
