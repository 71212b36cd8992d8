import { describe, expect, test } from 'vitest';
import { bit63, example, temporary } from './harness.ts';

describe('bit63 disasm', () => {
  test('prints addresses, bytes and instructions in columns', async () => {
    const { status, stdout } = await bit63([
      ...['disasm', '--base', '0xffff_ffff_8000_0000', '--hex', '48 8b 03 c3 06'],
    ]);
    expect(status).toBe(0);
    expect(stdout).toBe(
      [
        '0xffffffff80000000  48 8b 03                 mov rax,[rbx]',
        '0xffffffff80000003  c3                       ret',
        '0xffffffff80000004  06                       (bad)',
        '',
      ].join('\n'),
    );
  });

  test('reads files and standard input, in all modes', async () => {
    const file = example('realmode-sum');
    expect((await bit63(['disasm', '--mode', '16', file])).stdout).toContain('lodsb');
    const world = { stdin: Uint8Array.of(0x40, 0x50) };
    expect((await bit63('disasm --mode 32 -', world)).stdout).toContain('inc eax');
    expect((await bit63('disasm -', world)).stdout).toContain('40 50');
  });

  test('gives JSON lines', async () => {
    const { stdout } = await bit63('disasm --json --hex 90c3 --base 0x10');
    expect(stdout).toBe(
      '{"address":"0x10","bytes":"90","text":"nop"}\n{"address":"0x11","bytes":"c3","text":"ret"}\n',
    );
  });

  test('does not cut instructions where it cuts the work', async () => {
    // 10-byte instructions over several pieces of 16 KiB.
    const one = [0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8];
    const file = temporary('long.bin', Uint8Array.from(Array(5_000).fill(one).flat()));
    const { stdout } = await bit63(['disasm', file]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5_000);
    expect(new Set(lines.map((line) => line.slice(line.indexOf(' ')))).size).toBe(1);
    expect(lines[4_999]).toMatch(/^0xc346 /);
  });

  test.each([
    ['', 'no code: give a file, - or --hex'],
    ['--hex 90 x', 'x: there is code in --hex already'],
    ['--hex q', "--hex: 'q' is not a hexadecimal digit"],
    ['--hex 90 --mode compat', '--mode compat: expected 16, 32 or 64'],
    ['--hex 90 --base x', '--base x: expected an address'],
    ['/none', '/none: no such file or directory'],
  ])('refuses %s', async (options, line) => {
    const { status, stderr } = await bit63(`disasm ${options}`.trim());
    expect(stderr).toBe(`bit63 disasm: ${line}\n`);
    expect(status).toBe(2);
  });
});
