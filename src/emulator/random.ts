/**
 * A source of 32-bit numbers, xoshiro128**: the same seed gives the same numbers.
 *
 * @param seed Any integer; its low 64 bits count.
 */
export function randomSource(seed: bigint): { next: () => number; state: Uint32Array } {
  const state = new Uint32Array(4);
  let z = BigInt.asUintN(64, seed);
  for (let n = 0; n < 4; n++) {
    z = BigInt.asUintN(64, z + 0x9e3779b97f4a7c15n);
    let mixed = z;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    state[n] = Number(mixed >> 32n);
  }
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9);
    const t = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate(state[3], 11);
    return result;
  };
  return { next, state };
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
