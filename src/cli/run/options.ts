import { isRegisterName, type RegisterName, type StartingMode } from '../../index.ts';
import { hex } from '../hex.ts';
import { parseCount, parseInteger, parseSize, toAddress, toInteger } from '../numbers.ts';
import { UsageError } from '../usage.ts';

/** The options as commander gives them. */
export interface RunFlags {
  readonly hex?: string;
  readonly mode: string;
  readonly base?: string;
  readonly entry?: string;
  readonly reg?: readonly string[];
  readonly map?: readonly string[];
  readonly load?: readonly string[];
  readonly stack?: string;
  readonly ram: string;
  readonly cpl?: string;
  readonly cr4?: readonly string[];
  readonly lass?: true;
  readonly ac?: true;
  readonly call?: true;
  readonly until?: readonly string[];
  readonly maxInstructions: string;
  readonly timeout?: string;
  readonly seed?: string;
  readonly audit?: true;
  readonly trace?: string | true;
  readonly dump?: readonly string[];
  readonly json?: true;
}

/** A range of linear addresses. */
export interface Range {
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
}

/** An option's text beside what it means, for messages about it. */
export interface Given<T> {
  /** `--map 0x1000:4K`. */
  readonly option: string;
  readonly value: T;
}

/** Everything that can be known about a run before any file is read. */
export interface RunOptions {
  readonly mode: StartingMode;
  readonly base: bigint | undefined;
  readonly entry: bigint | undefined;
  readonly registers: readonly Given<{ readonly name: string; readonly value: bigint }>[];
  readonly maps: readonly Given<Range & { readonly rights: string | undefined }>[];
  readonly loads: readonly Given<{ readonly address: bigint; readonly file: string }>[];
  readonly stack: Given<Range> | undefined;
  /** Bytes. */
  readonly ram: number;
  readonly cpl: number;
  readonly cr4: readonly string[];
  readonly ac: boolean;
  readonly call: boolean;
  readonly until: readonly bigint[];
  readonly maxInstructions: number;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly seed: bigint | undefined;
  readonly audit: boolean;
  readonly dumps: readonly Given<{
    readonly address: bigint | RegisterName;
    readonly size: number;
  }>[];
}

const MODES: Readonly<Record<string, StartingMode>> = { 16: 16, 32: 32, 64: 64, compat: 'compat' };
const SMALLEST_RAM = 2 ** 20;
const LARGEST_RAM = 2047 * 2 ** 20;
/** Names that people use outside 64-bit mode. */
const ALIASES: Readonly<Record<string, string>> = {
  eip: 'rip',
  ip: 'rip',
  eflags: 'rflags',
  flags: 'rflags',
};

/** Makes sense of the options. @throws UsageError */
export function parseRunFlags(flags: RunFlags): RunOptions {
  const mode = parseMode(flags.mode);
  const cr4 = parseCr4(flags);
  const bits = mode === 64 || mode === 'compat' ? 64 : 32;
  const space: AddressSpace = { bits, canonicalBits: cr4.includes('la57') ? 57 : 48 };
  // Code and stacks outside 64-bit mode are reached through 32-bit offsets.
  const code: AddressSpace = { ...space, bits: mode === 64 ? 64 : 32 };
  const base = flags.base === undefined ? undefined : toPlace('--base', flags.base, code);
  return {
    mode,
    base,
    entry: flags.entry === undefined ? undefined : toPlace('--entry', flags.entry, code),
    registers: (flags.reg ?? []).map(parseRegister),
    maps: (flags.map ?? []).map((text) => parseMap(text, space)),
    loads: (flags.load ?? []).map((text) => parseLoad(text, space)),
    stack:
      flags.stack === undefined
        ? undefined
        : { option: `--stack ${flags.stack}`, value: parseRange('--stack', flags.stack, code) },
    ram: parseRam(flags.ram),
    cpl: parseCpl(flags.cpl, mode, base),
    cr4,
    ac: flags.ac === true,
    call: flags.call === true,
    until: (flags.until ?? []).map((text) => toAddress('--until', text, bits)),
    maxInstructions: parseMaxInstructions(flags.maxInstructions),
    timeout: flags.timeout === undefined ? undefined : parseTimeout(flags.timeout),
    seed:
      flags.seed === undefined
        ? undefined
        : BigInt.asUintN(64, toInteger('--seed', flags.seed, -(1n << 63n), (1n << 64n) - 1n)),
    audit: flags.audit === true,
    dumps: (flags.dump ?? []).map((text) => parseDump(text, space)),
  };
}

interface AddressSpace {
  readonly bits: number;
  /** Width of a linear address in 64-bit mode. */
  readonly canonicalBits: 48 | 57;
}

function parseMode(text: string): StartingMode {
  const mode = Object.hasOwn(MODES, text) ? MODES[text] : undefined;
  if (mode === undefined) {
    throw new UsageError(`--mode ${text}`, 'expected 16, 32, 64 or compat');
  }
  return mode;
}

function parseCpl(text: string | undefined, mode: StartingMode, base = 0n): number {
  if (mode === 16) {
    if (text !== undefined && text !== '0') {
      throw new UsageError(`--cpl ${text}`, 'real mode has only CPL 0');
    }
    return 0;
  }
  if (text === undefined) {
    return base >> 63n === 1n ? 0 : 3;
  }
  if (!/^[0-3]$/.test(text)) {
    throw new UsageError(`--cpl ${text}`, 'expected 0 or 3 (1 and 2 work too)');
  }
  return Number(text);
}

/** Names of CR4's bits; the machine knows which there are. */
function parseCr4({ cr4 = [], lass, audit }: RunFlags): string[] {
  const implied = lass === true || audit === true ? ['lass', 'smap'] : [];
  const given = cr4.flatMap((list) => list.toLowerCase().split(','));
  return [...new Set([...implied, ...given])];
}

function parseRegister(text: string): RunOptions['registers'][number] {
  const option = `--reg ${text}`;
  const [, given = '', number = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (given === '') {
    throw new UsageError(option, 'expected name=value');
  }
  const name = registerName(given);
  if (name === undefined) {
    throw new UsageError(option, `no register is named ${given}`);
  }
  const value = parseInteger(number);
  if (value === undefined) {
    throw new UsageError(option, `'${number}' is not a number`);
  }
  return { option, value: { name, value } };
}

function registerName(text: string): RegisterName | undefined {
  const lower = text.toLowerCase();
  const name = ALIASES[lower] ?? lower;
  return isRegisterName(name) ? name : undefined;
}

function parseMap(text: string, space: AddressSpace): RunOptions['maps'][number] {
  const [, range = '', rights] = /^([^:]*:[^:]*)(?::([^:]*))?$/.exec(text) ?? [];
  if (range === '') {
    throw new UsageError(`--map ${text}`, 'expected addr:size[:rwxu]');
  }
  if (rights !== undefined && !/^[rwxu]+$/.test(rights)) {
    throw new UsageError(`--map ${text}`, `'${rights}' are no rights; expected letters of rwxu`);
  }
  return {
    option: `--map ${text}`,
    value: { ...parseRange('--map', range, space, text, 'addr:size[:rwxu]'), rights },
  };
}

function parseLoad(text: string, space: AddressSpace): RunOptions['loads'][number] {
  const [, address = '', file = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (file === '') {
    throw new UsageError(`--load ${text}`, 'expected addr=file');
  }
  const option = `--load ${text}`;
  return { option, value: { address: toPlace('--load', address, space, text), file } };
}

function parseDump(text: string, space: AddressSpace): RunOptions['dumps'][number] {
  const option = `--dump ${text}`;
  const [, place = '', length = ''] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  const register = registerName(place);
  if (register === undefined) {
    return { option, value: parseRange('--dump', text, space) };
  }
  return { option, value: { address: register, size: toSize('--dump', length, text) } };
}

function parseRange(
  option: string,
  text: string,
  space: AddressSpace,
  subject = text,
  expected = 'addr:size',
): Range {
  const [, start = '', length = ''] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  if (start === '') {
    throw new UsageError(`${option} ${subject}`, `expected ${expected}`);
  }
  const address = toPlace(option, start, space, subject);
  const size = toSize(option, length, subject);
  if (address + BigInt(size) > 1n << BigInt(space.bits)) {
    throw new UsageError(
      `${option} ${subject}`,
      `ends beyond the last address of ${space.bits} bits`,
    );
  }
  toCanonical(`${option} ${subject}`, address + BigInt(size) - 1n, space);
  return { address, size };
}

function toSize(option: string, text: string, subject: string): number {
  const size = parseSize(text);
  if (size === undefined) {
    throw new UsageError(`${option} ${subject}`, `'${text}' is not a size, such as 4096 or 4K`);
  }
  return size;
}

/** An address at which something can lie. */
function toPlace(option: string, text: string, space: AddressSpace, subject = text): bigint {
  const address = toAddress(option, text, space.bits, subject);
  toCanonical(`${option} ${subject}`, address, space);
  return address;
}

function toCanonical(
  subject: string,
  address: bigint,
  { bits, canonicalBits }: AddressSpace,
): void {
  const canonical = BigInt.asUintN(64, BigInt.asIntN(canonicalBits, address));
  if (bits === 64 && canonical !== address) {
    throw new UsageError(subject, `${hex(address)} is not canonical: nothing can be there`);
  }
}

function parseRam(text: string): number {
  const ram = parseSize(text);
  if (ram === undefined || ram < SMALLEST_RAM || ram > LARGEST_RAM) {
    throw new UsageError(`--ram ${text}`, 'expected a size from 1M to 2047M');
  }
  return ram;
}

function parseMaxInstructions(text: string): number {
  const count = parseCount(text);
  if (count === undefined) {
    throw new UsageError(`--max-instructions ${text}`, 'expected a number, such as 5000 or 20M');
  }
  return count;
}

function parseTimeout(text: string): number {
  const seconds = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : 0;
  if (seconds <= 0) {
    throw new UsageError(`--timeout ${text}`, 'expected seconds, such as 10 or 0.5');
  }
  return seconds * 1000;
}
