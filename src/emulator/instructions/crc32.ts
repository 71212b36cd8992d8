import { OperandKind } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';
import { getRegister, load, type NarrowSize, setRegister64 } from './operands.ts';
import { family, type Rows } from './rows.ts';

/** The polynomial 11EDC6F41h, its bits in the other order. */
const POLYNOMIAL = 0x82f6_3b78;

/** Remainders of all bytes. */
const REMAINDERS = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder >>> 1) ^ ((remainder & 1) !== 0 ? POLYNOMIAL : 0);
  }
  return remainder;
});

/** The checksum carried on over the lowest `size` bytes of `data`, which has no bits above them. */
function accumulate(checksum: number, data: number, size: NarrowSize): number {
  let crc = checksum ^ data;
  for (let n = 0; n < size; n++) {
    crc = (crc >>> 8) ^ REMAINDERS[crc & 0xff];
  }
  return crc;
}

/** CRC32 of a source of `size` bytes; the checksum has 32 bits in any form. */
function crc32(size: NarrowSize): Binder {
  const register: Handler = (cpu, i) => {
    const { state: s } = cpu;
    const data = getRegister(cpu, i.slot1, size);
    setRegister64(s, i.slot0, accumulate(s[i.slot0], data, size), 0);
  };
  const memory: Handler = ({ state: s, memory }, i) => {
    const data = load(memory, memory.readPointer(i, size), size);
    setRegister64(s, i.slot0, accumulate(s[i.slot0], data, size), 0);
  };
  return (i) => (i.kind1 === OperandKind.Memory ? memory : register);
}

/** CRC32 of eight bytes, the low half first. */
function crc32Wide(): Binder {
  const step = (s: Int32Array, slot: number, lo: number, hi: number): void => {
    setRegister64(s, slot, accumulate(accumulate(s[slot], lo, 4), hi, 4), 0);
  };
  const register: Handler = ({ state: s }, i) => step(s, i.slot0, s[i.slot1], s[i.slot1 + 1]);
  const memory: Handler = ({ state: s, memory }, i) => {
    const p = memory.readPointer(i, 8);
    step(s, i.slot0, memory.view.getInt32(p, true), memory.view.getInt32(p + 4, true));
  };
  return (i) => (i.kind1 === OperandKind.Memory ? memory : register);
}

/** CRC32, with the polynomial of CRC-32C (Castagnoli). SDM vol. 2, "CRC32". */
export const checksum: Rows = {
  ...family('Crc32', 'r32_rm8 r64_rm8', () => crc32(1)),
  ...family('Crc32', 'r32_rm16', () => crc32(2)),
  ...family('Crc32', 'r32_rm32', () => crc32(4)),
  ...family('Crc32', 'r64_rm64', crc32Wide),
};
