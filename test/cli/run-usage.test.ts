import { describe, expect, test } from 'vitest';
import { bit63, example, temporary } from './harness.ts';

const blob = example('fibonacci');

describe('bit63 run: bad usage is one line and status 2', () => {
  test.each([
    ['', 'no code: give a file, - or --hex'],
    ['--hex 9', '--hex: 1 digit is not whole bytes'],
    ['--hex zz', "--hex: 'z' is not a hexadecimal digit"],
    ['--hex 90 --mode 8', '--mode 8: expected 16, 32, 64 or compat'],
    ['--hex 90 --mode toString', '--mode toString: expected 16, 32, 64 or compat'],
    ['--hex 90 --base ffff', '--base ffff: expected an address; hexadecimal is written 0xffff'],
    ['--hex 90 --base -1', '--base -1: -1 is not an address of 64 bits'],
    [
      '--hex 90 --base 0x0000900000000000',
      '--base 0x0000900000000000: 0x900000000000 is not canonical: nothing can be there',
    ],
    [
      '--hex 90 --mode 32 --base 0x100000000',
      '--base 0x100000000: 0x100000000 is not an address of 32 bits',
    ],
    [
      '--hex 90 --mode compat --base 0x100000000',
      '--base 0x100000000: 0x100000000 is not an address of 32 bits',
    ],
    ['--hex 90 --mode 16 --base 0x100000', '--hex: real mode cannot reach 0x100000'],
    ['--hex 90 --mode 16 --entry 0x20000', "0x20000: out of CS's reach, whose base is 0x0"],
    ['--hex 90 --base 0x7fffffff0000', '--hex: overlaps the stack at 0x7ffffffef000; give --stack'],
    ['--hex 90 --entry x', '--entry x: expected an address'],
    ['--hex 90 --reg rax', '--reg rax: expected name=value'],
    ['--hex 90 --reg rax=', '--reg rax=: expected name=value'],
    ['--hex 90 --reg foo=1', '--reg foo=1: no register is named foo'],
    ['--hex 90 --reg rax=x', "--reg rax=x: 'x' is not a number"],
    ['--hex 90 --reg al=0x100', '--reg al=0x100: al has 8 bits; 0x100 does not fit'],
    ['--hex 90 --map 0x10', '--map 0x10: expected addr:size[:rwxu]'],
    [
      '--hex 90 --map 0x1000:4K:q',
      "--map 0x1000:4K:q: 'q' are no rights; expected letters of rwxu",
    ],
    ['--hex 90 --map 0x1000:0', "--map 0x1000:0: '0' is not a size, such as 4096 or 4K"],
    ['--hex 90 --map x:4K', "--map x:4K: expected an address, not 'x'"],
    [
      '--hex 90 --map 0xfffffffffffff000:8K',
      '--map 0xfffffffffffff000:8K: ends beyond the last address of 64 bits',
    ],
    [
      '--hex 90 --map 0x7ffffffff000:8K',
      '--map 0x7ffffffff000:8K: 0x800000000fff is not canonical: nothing can be there',
    ],
    ['--hex 90 --load 0x1000', '--load 0x1000: expected addr=file'],
    ['--hex 90 --load x=y', "--load x=y: expected an address, not 'x'"],
    ['--hex 90 --load 0x1000=/none', '/none: no such file or directory'],
    ['--hex 90 --stack 0x1000', '--stack 0x1000: expected addr:size'],
    [
      '--hex 90 --mode 16 --stack 0x20000:1M',
      '--stack 0x20000:1M: real mode has stacks of up to 64K below 1M',
    ],
    ['--hex 90 --cpl 4', '--cpl 4: expected 0 or 3 (1 and 2 work too)'],
    ['--hex 90 --cpl 3 --mode 16', '--cpl 3: real mode has only CPL 0'],
    ['--hex 90 --until x', '--until x: expected an address'],
    [
      '--hex 90 --max-instructions many',
      '--max-instructions many: expected a number, such as 5000 or 20M',
    ],
    ['--hex 90 --timeout 0', '--timeout 0: expected seconds, such as 10 or 0.5'],
    ['--hex 90 --timeout soon', '--timeout soon: expected seconds, such as 10 or 0.5'],
    ['--hex 90 --seed x', '--seed x: expected a number'],
    ['--hex 90 --ram 4K', '--ram 4K: expected a size from 1M to 2047M'],
    ['--hex 90 --ram 4G', '--ram 4G: expected a size from 1M to 2047M'],
    ['--hex 90 --dump 0x1000', '--dump 0x1000: expected addr:size'],
    ['--hex 90 --dump rsp:none', "--dump rsp:none: 'none' is not a size, such as 4096 or 4K"],
    ['--hex 90 --trace /none/trace', '/none/trace: no such file or directory'],
    ['/none', '/none: no such file or directory'],
    ['/', '/: is a directory'],
    ['/dev/null', '/dev/null: is empty'],
    [
      '/dev/zero --ram 1M',
      "/dev/zero: does not fit into the guest's RAM of 1 MiB; give a larger --ram",
    ],
    ['-', 'standard input: is empty'],
    [`--hex 90 ${blob}`, `${blob}: there is code in --hex already`],
    ['--trace', 'no code: give a file, - or --hex'],
    ['--trace /none', '/none: no such file or directory'],
    [`--trace ${blob} ${blob}`, `--trace ${blob}: is a file that the run reads`],
    ['a b', "too many arguments for 'run'. Expected 1 argument but got 2; see bit63 run --help"],
    ['--frob', "unknown option '--frob'; see bit63 run --help"],
    ['--jsn', "unknown option '--jsn' (Did you mean --json?); see bit63 run --help"],
    ['--hex', "option '--hex <bytes>' argument missing; see bit63 run --help"],
  ])('%s', async (options, line) => {
    const { status, stdout, stderr } = await bit63(`run ${options}`.trim());
    expect(stderr).toBe(`bit63 run: ${line}\n`);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('--cr4 lists the names that there are', async () => {
    const { status, stderr } = await bit63('run --hex 90 --cr4 lass,foo');
    expect(stderr).toMatch(/^bit63 run: --cr4 foo: expected one of .*lass, .*smap/);
    expect(status).toBe(2);
    expect((await bit63('run --hex 90 --cr4 pae')).status).toBe(2);
  });

  test('a file larger than RAM is told by its name', async () => {
    const file = temporary('large.bin', new Uint8Array((1 << 20) + 1));
    const { stderr } = await bit63(['run', file, '--ram', '1M']);
    expect(stderr).toContain(`${file}: does not fit`);
    const nearly = temporary('nearly.bin', new Uint8Array(1 << 20));
    expect((await bit63(['run', nearly, '--ram', '1M'])).stderr).toContain(
      `${nearly}: does not fit`,
    );
  });
});

describe('bit63', () => {
  test('without a command prints help and is bad usage', async () => {
    const { status, stderr } = await bit63([]);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: bit63 [options] [command]');
  });

  test.each(['--help', 'help', 'help run', 'run --help', 'check --help', 'bench --help'])(
    '%s prints help',
    async (command) => {
      const { status, stdout, stderr } = await bit63(command);
      expect(status).toBe(0);
      expect(stdout).toContain('Usage: bit63');
      expect(stderr).toBe('');
    },
  );

  test('help of run and check names exit statuses and kinds', async () => {
    expect((await bit63('run --help')).stdout).toContain('4 limit\nreached; 130 Ctrl-C.');
    expect((await bit63('check --help')).stdout).toContain('implicit_gdt');
  });

  test('--version prints the version', async () => {
    const { status, stdout } = await bit63('--version');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('an unknown command is bad usage', async () => {
    const { status, stderr } = await bit63('rum');
    expect(status).toBe(2);
    expect(stderr).toBe("bit63: unknown command 'rum' (Did you mean run?); see bit63 --help\n");
  });

  test('BIT63_DEBUG adds the stack', async () => {
    const plain = await bit63('run /none');
    const debug = await bit63('run /none', { environment: { BIT63_DEBUG: '1' } });
    expect(plain.stderr.split('\n')).toHaveLength(2);
    expect(debug.stderr).toContain('\n    at ');
  });
});
