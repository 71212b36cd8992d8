import { UsageError } from './usage.ts';

/** What may stand before or between bytes: `0x90, 0x90`, `\x90\x90`, `90 90`. */
const SEPARATORS = /0x|\\x|[\s,;:]+/gi;

/** Bytes from hexadecimal digits as people paste them. @throws UsageError naming `option` */
export function parseHexBytes(option: string, text: string): Uint8Array {
  const digits = text.replaceAll(SEPARATORS, '');
  const wrong = /[^\da-f]/i.exec(digits);
  if (wrong !== null) {
    throw new UsageError(option, `'${wrong[0]}' is not a hexadecimal digit`);
  }
  if (digits.length === 0) {
    throw new UsageError(option, 'expected bytes, such as 90 or "48 31 c0"');
  }
  if (digits.length % 2 !== 0) {
    const count = digits.length === 1 ? '1 digit is' : `${digits.length} digits are`;
    throw new UsageError(option, `${count} not whole bytes`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array, separator = ''): string {
  let text = '';
  for (let n = 0; n < bytes.length; n++) {
    text += n === 0 ? BYTES[bytes[n]] : separator + BYTES[bytes[n]];
  }
  return text;
}

/** `0x…`, as short as it can be. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** Addresses and bytes in hexadecimal and, where it is text, as text; 16 bytes a line. */
export function hexdump(address: bigint, bytes: Uint8Array): string[] {
  const digits = (address + BigInt(bytes.length)).toString(16).length;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const where = (address + BigInt(at)).toString(16).padStart(digits, '0');
    const halves = `${toHex(row.subarray(0, 8), ' ').padEnd(23)}  ${toHex(row.subarray(8), ' ').padEnd(23)}`;
    const text = String.fromCharCode(...row).replaceAll(/[^ -~]/g, '.');
    lines.push(`0x${where}  ${halves}  |${text}|`);
  }
  return lines;
}
