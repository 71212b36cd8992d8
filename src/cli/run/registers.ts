import type { Machine } from '../../index.ts';
import type { Palette } from '../colour.ts';
import { flagNames } from '../flag-names.ts';
import { hex } from '../hex.ts';

const LEGACY = ['ax', 'bx', 'cx', 'dx', 'si', 'di', 'bp', 'sp'];
const WIDE = [
  ...LEGACY.map((name) => `r${name}`),
  ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `r${n}`),
];
const NARROW = LEGACY.map((name) => `e${name}`);
const SEGMENTS = ['cs', 'ds', 'es', 'ss', 'fs', 'gs'];
const BASES = ['fs_base', 'gs_base'];
const INDENT = '  ';
const GAP = '   ';

/** All registers of a mode for machines: the 64-bit names, whatever the mode. */
export function registersAsJson({ mode, registers }: Machine): Record<string, string> {
  const general = mode === 64 ? WIDE : WIDE.slice(0, LEGACY.length);
  const names = [...general, 'rip', 'rflags', ...SEGMENTS, ...BASES];
  return Object.fromEntries(names.map((name) => [name, hex(registers.get(name))]));
}

/** The registers that a person wants to see, in columns. */
export function registerLines(machine: Machine, width: number, palette: Palette): string[] {
  const { mode, registers } = machine;
  const digits = mode === 64 ? 16 : 8;
  const names = [
    ...(mode === 64 ? WIDE : NARROW),
    ...BASES.filter((name) => registers.get(name) !== 0n && mode !== 16),
  ];
  const label = Math.max(...names.map((name) => name.length), 'eip'.length);
  const cell = (name: string, digitCount: number) =>
    `${palette.cyan(name.padEnd(label))} ${digitsOf(registers.get(name), digitCount, palette)}`;
  const cellWidth = label + 1 + digits + GAP.length;
  const columns = Math.max(1, Math.min(4, Math.floor((width - INDENT.length) / cellWidth)));
  const lines = inColumns(
    names.map((name) => cell(name, digits)),
    columns === 3 ? 2 : columns,
  );
  if (mode === 16) {
    lines.push(
      ...inColumns(
        SEGMENTS.map((name) => cell(name, 4)),
        6,
      ),
    );
  }
  const flags = flagNames(registers.rflags);
  const [rip, rflags] = mode === 64 ? ['rip', 'rflags'] : ['eip', 'eflags'];
  const rflagsText = digitsOf(registers.rflags, 8, palette);
  lines.push(
    `${INDENT}${palette.cyan(rip.padEnd(label))} ${digitsOf(registers.rip, digits, palette)}` +
      `${GAP}${palette.cyan(rflags)} ${rflagsText}  ${flags === '' ? '(none set)' : flags}`,
  );
  return lines;
}

function inColumns(cells: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (let n = 0; n < cells.length; n += columns) {
    lines.push(INDENT + cells.slice(n, n + columns).join(GAP));
  }
  return lines;
}

/** Leading zeros stand back, so that the eye finds the value. */
function digitsOf(value: bigint, digits: number, palette: Palette): string {
  const text = value.toString(16);
  const zeros = '0'.repeat(Math.max(0, digits - text.length));
  return value === 0n ? palette.dim(zeros + text) : (zeros === '' ? '' : palette.dim(zeros)) + text;
}
