/** Modes that vectors are recorded in: 64-bit, or 32-bit protected mode with flat segments. */
export type VectorMode = 64 | 32;

/** First line of a file in the format hwvec-1. */
export interface VectorHeader {
  readonly group: string;
  readonly mode: VectorMode;
  /** Vectors in the file. */
  readonly count: number;
  /** The processor that they were recorded on. */
  readonly cpu: string;
}

/** Bytes at an address. */
export interface MemoryRun {
  /** Exact below 2^53. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The part of the processor's state that a vector lists. */
export interface ListedState {
  /** By key of the format, in hex. */
  readonly values: ReadonlyMap<string, string>;
  readonly memory: readonly MemoryRun[];
}

/** One instruction, what it started from and what came of it. */
export interface Vector {
  /** Encoding in hex. */
  readonly hex: string;
  readonly bytes: Uint8Array;
  /** As iced-x86 names it: `Add_rm8_r8`. */
  readonly code: string;
  readonly disassembly: string;
  /** What differs from the defaults. */
  readonly initial: ListedState;
  /** What differs from the initial state. */
  readonly final: ListedState;
  /** As the manual names it: `#PF`. */
  readonly exception: string | undefined;
  /** CR2 after a page fault. */
  readonly faultAddress: bigint | undefined;
  /** RFLAGS bits that the manual leaves undefined. */
  readonly undefinedFlags: number;
  /** `[address, length]` of bytes that are not compared. */
  readonly ignoredMemory: readonly (readonly [number, number])[];
  readonly tags: readonly string[];
}

/** What is wrong with a line; `readVector` and `readHeader` throw it. */
export class VectorSyntaxError extends Error {
  constructor(expected: string, found: unknown) {
    super(`expected ${expected}, found ${shorten(JSON.stringify(found) ?? 'nothing')}`);
    this.name = 'VectorSyntaxError';
  }
}

const FORMAT = 'hwvec-1';
const HEX = /^[0-9a-f]+$/;
const ADDRESS_DIGITS = 16;
/** The recorder also lists memory past the end of the address space, where nothing is. */
const MEMORY_DIGITS = 17;
const BYTES = /^(?:[0-9a-f]{2})+$/;
const MAX_INSTRUCTION = 15;
const GENERAL_KEYS = {
  64: /^(?:r(?:[abcd]x|[sb]p|[sd]i|[89]|1[0-5]|ip)|[fg]sb)$/,
  32: /^(?:e(?:[abcd]x|[sb]p|[sd]i)|rip|[fg]sb)$/,
};
/** Other state, and its width in hex digits. */
const OTHER_KEYS: readonly (readonly [RegExp, number])[] = [
  [/^(?:fl|mx)$/, 8],
  [/^f[cs]w$/, 4],
  [/^ftw$/, 2],
  [/^p[0-7]$/, 20],
  [/^x(?:\d|1[0-5])$/, 32],
  [/^y(?:\d|1[0-5])$/, 64],
];
const EXCEPTION = /^#[A-Z]{2}$/;

type JsonObject = Readonly<Record<string, unknown>>;

/** Reads the first line of a file. @throws VectorSyntaxError */
export function readHeader(line: string): VectorHeader {
  const { format, group, mode, count, cpu } = parseObject(line, `a header of format ${FORMAT}`);
  if (format !== FORMAT) {
    throw new VectorSyntaxError(`a header of format "${FORMAT}"`, format ?? shorten(line));
  }
  if (mode !== 64 && mode !== 32) {
    throw new VectorSyntaxError('"mode" to be 64 or 32', mode);
  }
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 0) {
    throw new VectorSyntaxError('"count" to be the number of vectors', count);
  }
  return { group: asText('group', group), mode, count, cpu: asText('cpu', cpu) };
}

/** Reads any further line. @throws VectorSyntaxError */
export function readVector(line: string, mode: VectorMode): Vector {
  const raw = parseObject(line, 'a vector as a JSON object');
  const bytes = asBytes('b', raw.b);
  if (bytes.length > MAX_INSTRUCTION) {
    throw new VectorSyntaxError('"b" to be at most 15 bytes', raw.b);
  }
  const { x = undefined, xa, u = 0, im = [], t = [] } = raw;
  if (x !== undefined && !(typeof x === 'string' && EXCEPTION.test(x))) {
    throw new VectorSyntaxError('"x" to be an exception such as "#GP"', x);
  }
  if (typeof u !== 'number' || !Number.isInteger(u)) {
    throw new VectorSyntaxError('"u" to be a mask of flags', u);
  }
  return {
    hex: String(raw.b),
    bytes,
    code: asText('c', raw.c),
    disassembly: asText('m', raw.m),
    initial: asState('i', raw.i, mode),
    final: asState('f', raw.f, mode),
    exception: x,
    faultAddress: xa === undefined ? undefined : BigInt(`0x${asHex('xa', xa)}`),
    undefinedFlags: u,
    ignoredMemory: asList('im', im).map(asRange),
    tags: asList('t', t).map((tag) => asText('t', tag)),
  };
}

function parseObject(line: string, expected: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new VectorSyntaxError(expected, line);
  }
  return asObject(expected, value);
}

function asState(key: string, value: unknown, mode: VectorMode): ListedState {
  const values = new Map<string, string>();
  let memory: readonly MemoryRun[] = [];
  const listed = asObject(`"${key}" to be an object`, value);
  for (const name in listed) {
    if (name === 'mem') {
      memory = asList(`${key}.mem`, listed[name]).map(asRun);
    } else {
      const digits = digitsOf(name, mode);
      if (digits === undefined) {
        throw new VectorSyntaxError(`a state key of ${mode}-bit mode in "${key}"`, name);
      }
      values.set(name, asHex(`${key}.${name}`, listed[name], digits));
    }
  }
  return { values, memory };
}

function digitsOf(name: string, mode: VectorMode): number | undefined {
  return GENERAL_KEYS[mode].test(name)
    ? mode / 4
    : OTHER_KEYS.find(([pattern]) => pattern.test(name))?.[1];
}

function asObject(expected: string, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VectorSyntaxError(expected, value);
  }
  return value as JsonObject;
}

function asRun(value: unknown): MemoryRun {
  const [address, bytes] = asList('mem', value);
  return {
    address: Number.parseInt(asHex('mem', address, MEMORY_DIGITS), 16),
    bytes: asBytes('mem', bytes),
  };
}

function asRange(value: unknown): readonly [number, number] {
  const [address, length] = asList('im', value);
  if (typeof length !== 'number') {
    throw new VectorSyntaxError('"im" to hold pairs of an address and a length', value);
  }
  return [Number.parseInt(asHex('im', address), 16), length];
}

function asList(key: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new VectorSyntaxError(`"${key}" to be a list`, value);
  }
  return value;
}

function asText(key: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new VectorSyntaxError(`"${key}" to be a string`, value);
  }
  return value;
}

function asHex(key: string, value: unknown, digits = ADDRESS_DIGITS): string {
  if (typeof value !== 'string' || !HEX.test(value) || value.length > digits) {
    throw new VectorSyntaxError(`"${key}" to be 1 to ${digits} hex digits`, value);
  }
  return value;
}

function asBytes(key: string, value: unknown): Uint8Array {
  if (typeof value !== 'string' || !BYTES.test(value)) {
    throw new VectorSyntaxError(`"${key}" to be bytes in hex`, value);
  }
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
