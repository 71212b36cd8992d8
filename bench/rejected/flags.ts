import type { Comparison } from './compare.ts';
import { randomNumbers } from './program.ts';

/*
 * 32-bit additions, subtractions and exclusive ors, of which every fourth is followed by a reader:
 * a conditional jump, or PUSHF every sixteenth time, which wants all six flags.
 */

const STEPS = 256;
const TIMES = 8_000;

const CF = 1 << 0;
const PF = 1 << 2;
const AF = 1 << 4;
const ZF = 1 << 6;
const SF = 1 << 7;
const OF = 1 << 11;

const Operation = { Add: 0, Sub: 1, Xor: 2 } as const;
type Operation = (typeof Operation)[keyof typeof Operation];

const Reader = { None: 0, Carry: 1, Zero: 2, Less: 3, All: 4 } as const;
type Reader = (typeof Reader)[keyof typeof Reader];

/** One way to keep flags: operations return their result, `read` the flags asked for. */
interface Flags {
  add(a: number, b: number): number;
  sub(a: number, b: number): number;
  xor(a: number, b: number): number;
  carry(): number;
  zero(): number;
  /** SF is not OF. */
  less(): number;
  all(): number;
}

const random = randomNumbers(0x2545f491);
const JUMPS = [Reader.Carry, Reader.Zero, Reader.Less] as const;
const OPERATIONS = Uint8Array.from({ length: STEPS }, () => random(3));
const READERS = Uint8Array.from({ length: STEPS }, (_, n) =>
  n % 64 === 63 ? Reader.All : n % 4 === 3 ? JUMPS[random(3)] : Reader.None,
);

function parity(result: number): number {
  const byte = result ^ (result >>> 4);
  return (0x9669 >>> (byte & 15)) & 1;
}

/** Chosen: result and carry vector, from which each flag is a shift or a comparison. */
class ResultAndCarries implements Flags {
  readonly #s = new Int32Array(2);

  add(a: number, b: number): number {
    const result = (a + b) | 0;
    this.#s[0] = result;
    this.#s[1] = (a & b) | ((a | b) & ~result);
    return result;
  }

  sub(a: number, b: number): number {
    const result = (a - b) | 0;
    this.#s[0] = result;
    this.#s[1] = (~a & b) | ((~a | b) & result);
    return result;
  }

  xor(a: number, b: number): number {
    this.#s[0] = a ^ b;
    this.#s[1] = 0;
    return a ^ b;
  }

  carry(): number {
    return this.#s[1] >>> 31;
  }

  zero(): number {
    return this.#s[0] === 0 ? 1 : 0;
  }

  less(): number {
    const carries = this.#s[1];
    return (this.#s[0] ^ carries ^ (carries << 1)) >>> 31;
  }

  all(): number {
    const result = this.#s[0];
    const carries = this.#s[1];
    return (
      (carries >>> 31) |
      (parity(result) << 2) |
      (((carries >>> 3) & 1) << 4) |
      (this.zero() << 6) |
      ((result >>> 31) << 7) |
      (((carries ^ (carries << 1)) >>> 31) << 11)
    );
  }
}

/** Rejected: RFLAGS computed by every operation. */
class Eager implements Flags {
  readonly #s = new Int32Array(1);

  #set(result: number, a: number, b: number, carry: boolean, overflow: number): number {
    this.#s[0] =
      (carry ? CF : 0) |
      (parity(result) ? PF : 0) |
      ((a ^ b ^ result) & AF) |
      (result === 0 ? ZF : 0) |
      ((result >>> 31) << 7) |
      ((overflow >>> 31) << 11);
    return result;
  }

  add(a: number, b: number): number {
    const result = (a + b) | 0;
    return this.#set(result, a, b, result >>> 0 < a >>> 0, (a ^ result) & (b ^ result));
  }

  sub(a: number, b: number): number {
    const result = (a - b) | 0;
    return this.#set(result, a, b, a >>> 0 < b >>> 0, (a ^ b) & (a ^ result));
  }

  xor(a: number, b: number): number {
    // a ^ 0 ^ a leaves AF clear.
    return this.#set(a ^ b, a ^ b, 0, false, 0);
  }

  carry(): number {
    return this.#s[0] & CF;
  }

  zero(): number {
    return (this.#s[0] & ZF) !== 0 ? 1 : 0;
  }

  less(): number {
    const flags = this.#s[0];
    return ((flags & SF) !== 0) !== ((flags & OF) !== 0) ? 1 : 0;
  }

  all(): number {
    return this.#s[0];
  }
}

/** Rejected: operation and operands, looked at when a flag is read. */
class OperationAndOperands implements Flags {
  /** Operation, first and second operand, result. */
  readonly #s = new Int32Array(4);

  #set(operation: number, a: number, b: number, result: number): number {
    const s = this.#s;
    s[0] = operation;
    s[1] = a;
    s[2] = b;
    s[3] = result;
    return result;
  }

  add(a: number, b: number): number {
    return this.#set(Operation.Add, a, b, (a + b) | 0);
  }

  sub(a: number, b: number): number {
    return this.#set(Operation.Sub, a, b, (a - b) | 0);
  }

  xor(a: number, b: number): number {
    return this.#set(Operation.Xor, a, b, a ^ b);
  }

  carry(): number {
    const s = this.#s;
    switch (s[0]) {
      case Operation.Add:
        return s[3] >>> 0 < s[1] >>> 0 ? 1 : 0;
      case Operation.Sub:
        return s[1] >>> 0 < s[2] >>> 0 ? 1 : 0;
      default:
        return 0;
    }
  }

  zero(): number {
    return this.#s[3] === 0 ? 1 : 0;
  }

  overflow(): number {
    const s = this.#s;
    switch (s[0]) {
      case Operation.Add:
        return ((s[1] ^ s[3]) & (s[2] ^ s[3])) >>> 31;
      case Operation.Sub:
        return ((s[1] ^ s[2]) & (s[1] ^ s[3])) >>> 31;
      default:
        return 0;
    }
  }

  less(): number {
    return (this.#s[3] >>> 31) ^ this.overflow();
  }

  all(): number {
    const s = this.#s;
    const result = s[3];
    const auxiliary = s[0] === Operation.Xor ? 0 : (s[1] ^ s[2] ^ result) & AF;
    return (
      this.carry() |
      (parity(result) << 2) |
      auxiliary |
      (this.zero() << 6) |
      ((result >>> 31) << 7) |
      (this.overflow() << 11)
    );
  }
}

function apply(flags: Flags, operation: Operation, a: number, b: number): number {
  switch (operation) {
    case Operation.Add:
      return flags.add(a, b);
    case Operation.Sub:
      return flags.sub(a, b);
    default:
      return flags.xor(a, b);
  }
}

function read(flags: Flags, reader: Reader): number {
  switch (reader) {
    case Reader.None:
      return 0;
    case Reader.Carry:
      return flags.carry();
    case Reader.Zero:
      return flags.zero();
    case Reader.Less:
      return flags.less();
    default:
      return flags.all();
  }
}

function runOnce(flags: Flags, registers: Int32Array, start: number): number {
  let sum = start;
  for (let n = 0; n < STEPS; n++) {
    const a = registers[n & 7];
    const b = registers[(n + 3) & 7];
    registers[n & 7] = apply(flags, OPERATIONS[n] as Operation, a, b);
    sum = (Math.imul(sum, 3) + read(flags, READERS[n] as Reader)) | 0;
  }
  return sum;
}

function run(flags: Flags): number {
  const registers = Int32Array.from({ length: 8 }, (_, n) => Math.imul(n + 1, 0x9e3779b9));
  let sum = 0;
  for (let time = 0; time < TIMES; time++) {
    sum = runOnce(flags, registers, sum);
  }
  return sum;
}

/** How arithmetic flags are kept. */
export const flags: Comparison = {
  title: 'flags of 32-bit arithmetic, one in four read',
  unit: 'operation',
  units: STEPS * TIMES,
  variants: [
    { name: 'result and carry vector', run: () => run(new ResultAndCarries()) },
    { name: 'all flags at once', run: () => run(new Eager()) },
    { name: 'operation and operands', run: () => run(new OperationAndOperands()) },
  ],
};
