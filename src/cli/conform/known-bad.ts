import type { Vector } from './vector.ts';

/** A recorded vector that no processor can satisfy. */
export interface KnownBadVector {
  readonly group: string;
  /** Encoding in hex. */
  readonly hex: string;
  /** Values of the initial state that tell it from others of the same encoding. */
  readonly initial: Readonly<Record<string, string>>;
  readonly reason: string;
}

/** Vectors that are never compared. */
const KNOWN_BAD: readonly KnownBadVector[] = [
  {
    group: 'int32',
    hex: '669c',
    initial: { esp: '10001e1a', fl: '2d7' },
    reason:
      'The recorder clears TF in the image that PUSHF stores, but only among the bytes that it ' +
      'saw change. Here single-stepping made the second byte 03h, which is what 0x10001e19 holds ' +
      'by default, so it was not seen; without TF the processor stores 02h.',
  },
];

/** The entry for a vector, undefined if nothing is wrong with it. */
export function knownBad(group: string, vector: Vector): KnownBadVector | undefined {
  return KNOWN_BAD.find(
    (bad) =>
      bad.hex === vector.hex &&
      bad.group === group &&
      Object.entries(bad.initial).every(([key, value]) => vector.initial.values.get(key) === value),
  );
}
