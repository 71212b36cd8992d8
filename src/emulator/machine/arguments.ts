import type { PageRights } from '../memory/page-tables.ts';

/** A value given to the library that it cannot take. */
export class MachineArgumentError extends RangeError {
  /** Name of the argument. */
  readonly argument: string;
  readonly value: unknown;
  /** What would have been taken, in words. */
  readonly expected: string;

  constructor(argument: string, value: unknown, expected: string) {
    super(`${argument} must be ${expected}; got ${show(value)}`);
    this.name = 'MachineArgumentError';
    this.argument = argument;
    this.value = value;
    this.expected = expected;
  }
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? hex(value) : String(value);
}

/** A number with its sign before the prefix: `-0x1`. */
export function hex(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** An address, 0 to 2^bits - 1, from a number or bigint. */
export function toLinearAddress(argument: string, value: number | bigint, bits: number): bigint {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
    throw new MachineArgumentError(argument, value, 'an integer');
  }
  const address = BigInt(value);
  if (address < 0n || address >= 1n << BigInt(bits)) {
    throw new MachineArgumentError(argument, address, `an address of ${bits} bits`);
  }
  return address;
}

/** Any integer. */
export function toSeed(value: number | bigint): bigint {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
    throw new MachineArgumentError('seed', value, 'an integer');
  }
  return BigInt(value);
}

/** A number of bytes, 1 to `max`. */
export function toSize(argument: string, value: number | bigint, max: number): number {
  const size = Number(value);
  if (!Number.isInteger(size) || size < 1 || size > max) {
    throw new MachineArgumentError(argument, value, `a number of bytes from 1 to ${max}`);
  }
  return size;
}

/** Page rights from letters: `r` read (always allowed), `w` write, `x` execute, `u` user. */
export function toRights(value: string): PageRights {
  if (!/^[rwxu]+$/.test(value)) {
    throw new MachineArgumentError('rights', value, 'letters out of r, w, x and u');
  }
  return {
    write: value.includes('w'),
    execute: value.includes('x'),
    user: value.includes('u'),
  };
}
