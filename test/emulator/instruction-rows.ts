import { expect, test } from 'vitest';
import { disassemble, type MachineOptions } from '../../src/index.ts';
import { codeAddress, fromHex, run } from './driver.ts';

/**
 * One instruction: its bytes, its disassembly, what it starts from and what it changes.
 *
 * State is written as `rax=ff [100000]=0102 flags=cf,zf`: registers in hex, memory as bytes in hex,
 * the arithmetic flags that are set (`flags=none` for none of them). In the last column an
 * exception may stand first, `#DE`. What it does not name must be as before.
 */
export type InstructionRow = readonly [code: string, text: string, before: string, after: string];

const FLAGS: Readonly<Record<string, bigint>> = {
  cf: 0x1n,
  pf: 0x4n,
  af: 0x10n,
  zf: 0x40n,
  sf: 0x80n,
  of: 0x800n,
};
const ARITHMETIC = 0x8d5n;
const REGISTERS = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

/** Makes a test of each row, run in `mode`. */
export function instructionRows(
  mode: MachineOptions['mode'],
  rows: readonly InstructionRow[],
): void {
  test.each(rows)('%s, %s, of %s gives %s', (...row) => check(mode, row));
}

function check(mode: MachineOptions['mode'], [code, text, before, after]: InstructionRow): void {
  const bits = mode === 'compat' || mode === undefined ? 32 : mode;
  const lines = disassemble(fromHex(code), bits, codeAddress(mode));
  expect(lines.map((line) => line.text)).toEqual([text]);
  const start = parse(before);
  const { flags, ...named } = start.registers;
  const rflags = (flags ?? 0n) | 0x202n;
  const { machine, ended, register, memory } = run({
    code,
    with: { ...named, rflags },
    memory: start.memory,
    ...(mode === undefined ? {} : { mode }),
  });
  const end = parse(after);
  expect(ended).toBe(end.exception ?? 'end');
  expect(register('rflags') & ARITHMETIC, 'flags').toBe(end.registers.flags ?? flags ?? 0n);
  const fresh = run({ code: '90', ...(mode === undefined ? {} : { mode }) });
  for (const name of REGISTERS) {
    const wanted = end.registers[name] ?? named[name] ?? fresh.register(name);
    expect(machine.registers.get(name).toString(16), name).toBe(wanted.toString(16));
  }
  for (const [address, bytes] of Object.entries({ ...start.memory, ...end.memory })) {
    expect(memory(BigInt(address), bytes.length / 2), address).toBe(bytes);
  }
}

function parse(state: string) {
  const registers: Record<string, bigint> = {};
  const memory: Record<string, string> = {};
  let exception: string | undefined;
  for (const item of state.split(' ').filter((part) => part !== '')) {
    const [name, value] = item.split('=');
    if (name.startsWith('#')) {
      exception = name;
    } else if (name.startsWith('[')) {
      memory[`0x${name.slice(1, -1)}`] = value;
    } else if (name === 'flags') {
      const names = value === 'none' ? [] : value.split(',');
      registers.flags = names.reduce((flags, flag) => flags | FLAGS[flag], 0n);
    } else {
      registers[name] = BigInt(`0x${value}`);
    }
  }
  return { registers, memory, exception };
}
