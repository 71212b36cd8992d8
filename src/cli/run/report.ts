import type { ExceptionExit, Machine } from '../../index.ts';
import { type Palette, paletteFor } from '../colour.ts';
import { counted, speed, wrap } from '../format.ts';
import { hex, toHex } from '../hex.ts';
import type { CliIo } from '../io.ts';
import { auditLines } from './audit.ts';
import {
  type Culprit,
  checkName,
  culpritOf,
  headline,
  pageFaultBits,
  place,
  statusOf,
} from './describe.ts';
import { dumpLines, readDumps } from './dump.ts';
import type { RunResult } from './execute.ts';
import type { Guest } from './guest.ts';
import type { RunOptions } from './options.ts';
import { registerLines } from './registers.ts';

const LABEL = 14;
const WIDEST_TEXT = 100;

/** Tells people how a run ended. @throws UsageError for a dump of nothing */
export function textReport(
  result: RunResult,
  guest: Guest,
  options: RunOptions,
  { stdout, environment }: CliIo,
): string {
  const { exit, instructions, milliseconds } = result;
  const { machine } = guest;
  const width = Math.min(stdout.columns, WIDEST_TEXT);
  const palette = paletteFor(stdout, environment);
  const mark = [palette.green, palette.yellow, palette.yellow, palette.red][statusOf(exit)];
  const culprit = culpritOf(machine, exit);
  const details =
    exit.reason === 'exception'
      ? faultRows(machine, exit, culprit)
      : exit.reason === 'unimplemented' && culprit !== undefined
        ? [['instruction', instructionText(machine, culprit)] as const]
        : [];
  const hint = hintFor(result, guest, options, culprit);
  const dumps = readDumps(machine, options).map(dumpLines);
  const audit = options.audit ? [auditLines(machine.auditRecords, width)] : [];
  const sections = [
    [palette.bold((mark ?? palette.yellow)(headline(result, machine, options)))],
    details.flatMap(([label, text]) => labelled(label, text, width, palette)),
    ...(hint === undefined ? [] : [wrap(hint, width)]),
    registerLines(machine, width, palette),
    ...dumps,
    ...audit,
    [palette.dim(speed(instructions, milliseconds))],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function faultRows(
  machine: Machine,
  exit: ExceptionExit,
  culprit: Culprit | undefined,
): [string, string][] {
  const { linearAddress, access, size = 0, errorCode, name } = exit;
  const rows: [string, string][] = [];
  if (culprit !== undefined) {
    rows.push(['instruction', instructionText(machine, culprit)]);
  }
  if (linearAddress !== undefined) {
    const what =
      access === 'execute' ? 'instruction fetch' : `${access} of ${counted(size, 'byte')}`;
    rows.push(['access', `${what} at ${hex(linearAddress)}`]);
  }
  rows.push(['failed check', checkName(exit)]);
  if (errorCode !== undefined && errorCode !== 0) {
    const bits = name === '#PF' ? `, ${pageFaultBits(errorCode)}` : '';
    rows.push(['error code', `${hex(errorCode)}${bits}`]);
  }
  rows.push(['why', exit.explanation.charAt(0).toUpperCase() + exit.explanation.slice(1)]);
  return rows;
}

function instructionText(machine: Machine, { address, bytes, text }: Culprit): string {
  return `${place(machine, address)}  ${toHex(bytes, ' ')}  ${text}`;
}

function labelled(label: string, text: string, width: number, palette: Palette): string[] {
  const lines = label === 'why' ? wrap(text, width - 2 - LABEL) : [text];
  return lines.map(
    (line, n) => `  ${n === 0 ? palette.cyan(label.padEnd(LABEL)) : ' '.repeat(LABEL)}${line}`,
  );
}

/** What a user who sees this end probably wants to know. */
function hintFor(
  { exit }: RunResult,
  { stackTop }: Guest,
  { call, cpl }: RunOptions,
  culprit: Culprit | undefined,
): string | undefined {
  if (exit.reason !== 'exception') {
    return undefined;
  }
  const returns = culprit?.text.startsWith('ret') === true;
  if (returns && exit.linearAddress === stackTop && !call) {
    return 'Hint: nothing called this code; --call does, and ends the run at its RET.';
  }
  if (cpl === 3 && (exit.cause === 'privilege' || exit.cause === 'io-privilege')) {
    return 'Hint: --cpl 0 runs the code as a kernel.';
  }
  return undefined;
}
