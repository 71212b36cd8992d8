import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bit63, example, temporary } from './harness.ts';

/** The lines of a trace to standard error. */
async function trace(options: string): Promise<string[]> {
  const { stderr } = await bit63(`run --trace ${options}`);
  return stderr.trimEnd().split('\n');
}

describe('bit63 run --trace', () => {
  test('has a line for each instruction: address, bytes, text, registers, memory', async () => {
    // push 0x41 / pop rcx / xor eax, eax
    expect(await trace('--hex 6a415931c0')).toEqual([
      '0x400000  6a 41                    push 0x41                       rsp=0x7fffffffeff8  [0x7fffffffeff8:8] <- 0x41',
      '0x400002  59                       pop rcx                         rcx=0x41  rsp=0x7ffffffff000  [0x7fffffffeff8:8] -> 0x41',
      '0x400003  31 c0                    xor eax,eax                     flags=[PF ZF IF]',
    ]);
  });

  test('ends with the fault', async () => {
    const lines = await trace('--hex 90488b03');
    expect(lines[1]).toMatch(/^0x400001 {2}48 8b 03 .* mov rax,\[rbx\] +#PF\(0x4\)$/);
  });

  test('tells a fetch that failed from the branch before it', async () => {
    const lines = await trace('--hex ffe0');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/jmp rax$/);
    expect(lines[1]).toMatch(/^0x0 {2} +\(fetch\) +#PF\(0x14\)$/);
  });

  test('follows code that changes itself', async () => {
    const { stderr } = await bit63(['run', example('self-modifying'), '--trace']);
    expect(stderr).toContain('b8 63 00 00 00');
    expect(stderr).not.toContain('b8 11 11 11 11');
  });

  test('shows segment registers outside 64-bit mode', async () => {
    const lines = await trace('--mode 16 --hex b800108ed8');
    expect(lines[1]).toMatch(/mov ds,ax +ds=0x1000$/);
  });

  test('goes to a file, the report to standard output', async () => {
    const file = temporary('trace.txt');
    const { stdout, stderr } = await bit63(['run', '--hex', '9090', '--trace', file]);
    expect(stdout).toMatch(/^reached the end/);
    expect(stderr).toBe('');
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  });

  test('takes for code what can only be code', async () => {
    const { status, stderr } = await bit63(['run', '--trace', example('fibonacci')]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^0x400000 {2}31 c0 /);
  });

  test('is JSON lines with --json', async () => {
    const { stdout, stderr } = await bit63('run --json --trace --hex 6a41488b03');
    expect(JSON.parse(stdout).exit.reason).toBe('exception');
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        rip: '0x400000',
        bytes: '6a41',
        instruction: 'push 0x41',
        registers: { rsp: '0x7fffffffeff8' },
        memory: [{ access: 'write', address: '0x7fffffffeff8', bytes: '4100000000000000' }],
      },
      {
        rip: '0x400002',
        bytes: '488b03',
        instruction: 'mov rax,[rbx]',
        registers: {},
        memory: [],
        failure: '#PF(0x4)',
      },
    ]);
  });

  test('bounds what a string instruction may add to a line', async () => {
    const lines = await trace('--hex f3aa --reg rdi=0x500000 --reg rcx=100 --map 0x500000:4K');
    expect(lines[0].match(/<-/g)?.length).toBeLessThanOrEqual(32);
  });

  test('holds up to a long run', async () => {
    const file = temporary('trace.txt');
    const loop = ['run', '--hex', 'ffc8ebfc', '--max-instructions', '50_000', '--trace', file];
    expect((await bit63(loop)).status).toBe(4);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(50_000);
    expect(lines[49_999]).toMatch(/^0x400002 /);
  });
});
