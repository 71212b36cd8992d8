import { UsageError } from './usage.ts';

const NUMBER = /^([+-]?)(0x[\da-f]+(?:_[\da-f]+)*|0b[01]+(?:_[01]+)*|\d+(?:_\d+)*)$/i;
const BINARY_SUFFIX = /^(.*[\da-f_])([kmg])(?:i?b)?$/i;
const HEX_DIGITS = /^[\da-f_]+$/i;

const BINARY_UNITS: Readonly<Record<string, bigint>> = { k: 1n << 10n, m: 1n << 20n, g: 1n << 30n };
const DECIMAL_UNITS: Readonly<Record<string, bigint>> = {
  k: 1_000n,
  m: 1_000_000n,
  g: 1_000_000_000n,
};

/** Decimal, `0x` or `0b`, with `_` between digits and perhaps a sign; undefined if it is none. */
export function parseInteger(text: string): bigint | undefined {
  const [, sign, digits] = NUMBER.exec(text) ?? [];
  if (digits === undefined) {
    return undefined;
  }
  const value = BigInt(digits.replaceAll('_', ''));
  return sign === '-' ? -value : value;
}

/** An integer from `min` to `max`. @throws UsageError naming `option` */
export function toInteger(option: string, text: string, min: bigint, max: bigint): bigint {
  const value = parseInteger(text);
  if (value === undefined) {
    throw new UsageError(`${option} ${text}`, `expected a number${hexHint(text)}`);
  }
  if (value < min || value > max) {
    throw new UsageError(`${option} ${text}`, `expected a number from ${min} to ${show(max)}`);
  }
  return value;
}

/** An address of so many bits. @throws UsageError naming `option` */
export function toAddress(option: string, text: string, bits: number, subject = text): bigint {
  const value = parseInteger(text);
  const about = `${option} ${subject}`;
  if (value === undefined) {
    const what = subject === text ? 'an address' : `an address, not '${text}'`;
    throw new UsageError(about, `expected ${what}${hexHint(text)}`);
  }
  if (value < 0n || value >= 1n << BigInt(bits)) {
    throw new UsageError(about, `${text} is not an address of ${bits} bits`);
  }
  return value;
}

/** Bytes, with K, M or G for KiB, MiB or GiB; undefined for what is no positive size. */
export function parseSize(text: string): number | undefined {
  return parseScaled(text, BINARY_UNITS);
}

/** A count, with K, M or G for thousands, millions or billions; undefined if it is none. */
export function parseCount(text: string): number | undefined {
  return parseScaled(text, DECIMAL_UNITS);
}

function parseScaled(text: string, units: Readonly<Record<string, bigint>>): number | undefined {
  const [, digits = text, unit = ''] = BINARY_SUFFIX.exec(text) ?? [];
  const value = parseInteger(digits);
  if (value === undefined || value < 1n) {
    return undefined;
  }
  const scaled = value * (units[unit.toLowerCase()] ?? 1n);
  return scaled <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(scaled) : undefined;
}

/** `(0x for hexadecimal)` where that is what was forgotten. */
function hexHint(text: string): string {
  return HEX_DIGITS.test(text) ? `; hexadecimal is written 0x${text}` : '';
}

function show(value: bigint): string {
  return value > 0xffff_ffffn ? `0x${value.toString(16)}` : String(value);
}
