/** Repeatable random numbers; which ones depends on nothing but the seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b);
  }

  /** 32 bits, unsigned (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    return this.next() % end;
  }

  /** True `times` of `of` times. */
  chance(times: number, of: number): boolean {
    return this.below(of) < times;
  }

  pick<T>(from: ArrayLike<T>): T {
    return from[this.below(from.length)];
  }

  byte(): number {
    return this.next() & 0xff;
  }

  wide(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}
