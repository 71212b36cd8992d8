import { describe, expect, test } from 'vitest';
import { paletteFor } from '../../src/cli/colour.ts';
import { binarySize, counted, duration, grouped, speed, wrap } from '../../src/cli/format.ts';
import { hexdump, parseHexBytes, toHex } from '../../src/cli/hex.ts';
import {
  parseCount,
  parseInteger,
  parseSize,
  toAddress,
  toInteger,
} from '../../src/cli/numbers.ts';
import { StatusLine } from '../../src/cli/progress.ts';
import { table } from '../../src/cli/table.ts';

describe('numbers', () => {
  test.each([
    ['0', 0n],
    ['1_000', 1000n],
    ['0x1F', 31n],
    ['0Xff_ff', 0xffffn],
    ['0b1010_0101', 0xa5n],
    ['-1', -1n],
    ['+7', 7n],
    ['0xffff888000001000', 0xffff888000001000n],
  ])('%s is %s', (text, value) => {
    expect(parseInteger(text)).toBe(value);
  });

  test.each(['', 'ten', '0x', '1__0', '_1', '1_', '0b2', '1e3', '1.5', '--1', ' 1', '0x-1'])(
    "'%s' is no number",
    (text) => {
      expect(parseInteger(text)).toBeUndefined();
    },
  );

  test.each([
    ['4096', 4096],
    ['4K', 4096],
    ['4k', 4096],
    ['64KiB', 65536],
    ['0x10K', 16384],
    ['2M', 2 << 20],
    ['1G', 1 << 30],
    ['1GB', 1 << 30],
  ])('the size %s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['0', '-4', 'K', '4T', '99999999999G', '4 K'])('%s is no size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test('counts are scaled by thousands', () => {
    expect(parseCount('20M')).toBe(20_000_000);
    expect(parseCount('5k')).toBe(5_000);
  });

  test('what looks like hexadecimal gets a hint', () => {
    expect(() => toAddress('--base', 'ffff8880', 64)).toThrow(
      '--base ffff8880: expected an address; hexadecimal is written 0xffff8880',
    );
    expect(() => toInteger('--seed', 'beef', 0n, 9n)).toThrow('hexadecimal is written 0xbeef');
  });

  test('ranges are part of the message', () => {
    expect(() => toInteger('--cpl', '4', 0n, 3n)).toThrow('--cpl 4: expected a number from 0 to 3');
    expect(() => toAddress('--base', '0x100000000', 32)).toThrow(
      '0x100000000 is not an address of 32 bits',
    );
  });
});

describe('bytes', () => {
  test.each(['90 cc', '90cc', '0x90, 0xCC', '\\x90\\xcc', '90:cc', '90\ncc\n'])(
    '%j are two bytes',
    (text) => {
      expect([...parseHexBytes('--hex', text)]).toEqual([0x90, 0xcc]);
    },
  );

  test.each([
    ['9', '--hex: 1 digit is not whole bytes'],
    ['909', '--hex: 3 digits are not whole bytes'],
    ['9z', "--hex: 'z' is not a hexadecimal digit"],
    [' ', '--hex: expected bytes, such as 90 or "48 31 c0"'],
  ])('%j are refused', (text, message) => {
    expect(() => parseHexBytes('--hex', text)).toThrow(message);
  });

  test('come out as digits', () => {
    expect(toHex(Uint8Array.of(0, 0xab, 5))).toBe('00ab05');
    expect(toHex(Uint8Array.of(0, 0xab, 5), ' ')).toBe('00 ab 05');
  });

  test('a dump has addresses, bytes and text', () => {
    const bytes = Uint8Array.from('Hello, LASS!\0\xffend', (letter) => letter.charCodeAt(0));
    expect(hexdump(0xff8n, bytes)).toEqual([
      '0x0ff8  48 65 6c 6c 6f 2c 20 4c  41 53 53 21 00 ff 65 6e  |Hello, LASS!..en|',
      '0x1008  64                                                |d|',
    ]);
  });
});

describe('text', () => {
  test('numbers, times, sizes and speeds', () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect(counted(1, 'byte')).toBe('1 byte');
    expect(counted(2, 'access', 'accesses')).toBe('2 accesses');
    expect([0.5, 25.4, 1500, 61_000].map(duration)).toEqual([
      '0.50 ms',
      '25 ms',
      '1.50 s',
      '61.0 s',
    ]);
    expect([5, 1, 4096, 64 << 20, 1 << 30].map(binarySize)).toEqual([
      '5 bytes',
      '1 byte',
      '4 KiB',
      '64 MiB',
      '1 GiB',
    ]);
    expect(speed(5, 20)).toBe('5 instructions in 20 ms');
    expect(speed(5_000_000, 100)).toBe('5,000,000 instructions in 100 ms, 50.0 million a second');
  });

  test('is broken between words', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrap('one incomprehensible', 8)).toEqual(['one', 'incomprehensible']);
  });

  test('tables line up and end without spaces', () => {
    const columns = [{ title: 'n', right: true }, { title: 'word' }, { title: 'x' }];
    expect(
      table(
        columns,
        [
          ['10', 'a', ''],
          ['5', 'longer', 'y'],
        ],
        ' ',
      ),
    ).toEqual(['  n  word    x', ' 10  a', '  5  longer  y']);
  });
});

describe('colour', () => {
  const sink = (isTerminal: boolean) => ({
    write: () => {},
    isTerminal,
    columns: 80,
    drain: () => Promise.resolve(),
  });

  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('terminal %s with %j: %s', (isTerminal, environment, coloured) => {
    const text = paletteFor(sink(isTerminal), environment).red('x');
    expect(text).toBe(coloured ? '\x1b[31mx\x1b[39m' : 'x');
  });

  test('the status line keeps quiet at first and where there is no terminal', () => {
    let written = '';
    const write = (text: string) => {
      written += text;
    };
    for (const isTerminal of [true, false]) {
      const line = new StatusLine({ ...sink(isTerminal), write });
      line.update(() => 'busy');
      line.clear();
    }
    expect(written).toBe('');
  });
});
