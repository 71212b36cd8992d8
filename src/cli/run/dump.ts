import { type Machine, UnmappedMemoryError } from '../../index.ts';
import { hex, hexdump, toHex } from '../hex.ts';
import { blaming } from '../usage.ts';
import type { RunOptions } from './options.ts';

/** Memory at the end of a run, as far as it is mapped. */
interface Dump {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** The first address that is not mapped, if the range comes to one. */
  readonly unmapped: bigint | undefined;
}

const PAGE = 4096n;

/** Reads the ranges that `--dump` asks for. @throws UsageError */
export function readDumps(machine: Machine, { dumps }: RunOptions): Dump[] {
  return dumps.map(({ option, value }) => {
    const { address: place, size } = value;
    const address = typeof place === 'string' ? machine.registers.get(place) : place;
    const available = mappedSize(machine, address, size);
    const bytes = blaming(option, [RangeError], () =>
      available === 0 ? new Uint8Array(0) : machine.read(address, available),
    );
    const unmapped = available < size ? address + BigInt(available) : undefined;
    return { address, bytes, unmapped };
  });
}

/** Bytes of a range before the first page that is not mapped. */
function mappedSize(machine: Machine, address: bigint, size: number): number {
  const end = address + BigInt(size);
  for (let at = address; at < end; at += PAGE - (at % PAGE)) {
    if (!isMapped(machine, at)) {
      return Number(at - address);
    }
  }
  return size;
}

function isMapped(machine: Machine, address: bigint): boolean {
  try {
    return machine.isMapped(address);
  } catch (error) {
    // A register may hold what is no address at all.
    if (error instanceof RangeError || error instanceof UnmappedMemoryError) {
      return false;
    }
    throw error;
  }
}

/** The dump for people. */
export function dumpLines({ address, bytes, unmapped }: Dump): string[] {
  const end = unmapped === undefined ? [] : [`${hex(unmapped)}  not mapped`];
  return [...hexdump(address, bytes), ...end];
}

/** The dump for machines. */
export function dumpAsJson({ address, bytes, unmapped }: Dump): object {
  return {
    address: hex(address),
    bytes: toHex(bytes),
    ...(unmapped === undefined ? {} : { unmapped: hex(unmapped) }),
  };
}
