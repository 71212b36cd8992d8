import type { Handler } from '../operation.ts';
import { setRegister64 } from './operands.ts';
import { family, type Rows } from './rows.ts';

/** The four bytes of an int32 in the other order. */
function swapBytes(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

const BSWAP: Readonly<Record<number, Handler>> = {
  // The manual leaves the result undefined; processors give zero.
  2: ({ registers16 }, i) => {
    registers16[i.slot0] = 0;
  },
  4: ({ state: s }, i) => {
    setRegister64(s, i.slot0, swapBytes(s[i.slot0]), 0);
  },
  8: ({ state: s }, i) => {
    setRegister64(s, i.slot0, swapBytes(s[i.slot0 + 1]), swapBytes(s[i.slot0]));
  },
};

const MOVBE_LOAD: Readonly<Record<number, Handler>> = {
  2: ({ registers16, memory }, i) => {
    registers16[i.slot0] = memory.view.getUint16(memory.readPointer(i, 2));
  },
  4: ({ state: s, memory }, i) => {
    setRegister64(s, i.slot0, memory.view.getInt32(memory.readPointer(i, 4)), 0);
  },
  8: ({ state: s, memory }, i) => {
    const p = memory.readPointer(i, 8);
    setRegister64(s, i.slot0, memory.view.getInt32(p + 4), memory.view.getInt32(p));
  },
};

const MOVBE_STORE: Readonly<Record<number, Handler>> = {
  2: ({ registers16, memory }, i) => {
    const p = memory.writePointer(i, 2);
    memory.view.setUint16(p, registers16[i.slot1]);
    memory.commit(p);
  },
  4: ({ state: s, memory }, i) => {
    const p = memory.writePointer(i, 4);
    memory.view.setInt32(p, s[i.slot1]);
    memory.commit(p);
  },
  8: ({ state: s, memory }, i) => {
    const p = memory.writePointer(i, 8);
    memory.view.setInt32(p, s[i.slot1 + 1]);
    memory.view.setInt32(p + 4, s[i.slot1]);
    memory.commit(p);
  },
};

/** BSWAP and MOVBE: data in the other byte order, big-endian if the program's is little-endian. */
export const byteOrder: Rows = {
  ...family('Bswap', 'r16 r32 r64', (size) => () => BSWAP[size]),
  ...family('Movbe', 'r16_m16 r32_m32 r64_m64', (size) => () => MOVBE_LOAD[size]),
  ...family('Movbe', 'm16_r16 m32_r32 m64_r64', (size) => () => MOVBE_STORE[size]),
};
