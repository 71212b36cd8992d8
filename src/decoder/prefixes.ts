const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const LEGACY_PREFIXES = new Set([...SEGMENT_PREFIXES, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

/** One-byte opcodes that are invalid in 64-bit mode; iced wants a further byte to say so. */
const INVALID_IN_64_BIT = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce,
  0xd4, 0xd5, 0xd6, 0xea,
]);

function isRex(byte: number): boolean {
  return (byte & 0xf0) === 0x40;
}

export function hasRexB(byte: number): boolean {
  return (byte & 0xf1) === 0x41;
}

/**
 * Whether the bytes from `start` to the end are prefixes and a one-byte opcode that 64-bit mode
 * does not have, so that no further byte can matter.
 */
export function isSoleInvalidOpcode(bytes: Uint8Array, start: number): boolean {
  const last = bytes.length - 1;
  for (let i = start; i < last; i++) {
    if (!LEGACY_PREFIXES.has(bytes[i]) && !isRex(bytes[i])) {
      return false;
    }
  }
  return INVALID_IN_64_BIT.has(bytes[last]);
}

/** The bytes less one legacy prefix, chosen so that the instruction stays the same if it can. */
export function withoutOnePrefix(bytes: Uint8Array): Uint8Array {
  const prefixes: number[] = [];
  for (const byte of bytes) {
    if (!LEGACY_PREFIXES.has(byte)) {
      break;
    }
    prefixes.push(byte);
  }
  const repeated = prefixes.findIndex((byte, at) => prefixes.indexOf(byte) !== at);
  const segment = prefixes.findIndex((byte) => SEGMENT_PREFIXES.includes(byte));
  const at = Math.max(repeated >= 0 ? repeated : segment, 0);
  return bytes.filter((_, index) => index !== at);
}
