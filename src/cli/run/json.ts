import { hex } from '../hex.ts';
import { auditAsJson } from './audit.ts';
import { culpritOf } from './describe.ts';
import { dumpAsJson, readDumps } from './dump.ts';
import type { RunExit, RunResult } from './execute.ts';
import type { Guest } from './guest.ts';
import type { RunOptions } from './options.ts';
import { registersAsJson } from './registers.ts';

/** The report for machines: one object. Numbers of 64 bits are strings, `0x…`. */
export function jsonReport(result: RunResult, { machine }: Guest, options: RunOptions): string {
  const { exit, instructions, milliseconds } = result;
  const instruction = culpritOf(machine, exit)?.text;
  const report = {
    exit: { ...exitFields(exit), ...(instruction === undefined ? {} : { instruction }) },
    instructions,
    milliseconds: Math.round(milliseconds * 1000) / 1000,
    registers: registersAsJson(machine),
    ...(options.dumps.length > 0 ? { memory: readDumps(machine, options).map(dumpAsJson) } : {}),
    ...(options.audit ? { audit: auditAsJson(machine.auditRecords) } : {}),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function exitFields(exit: RunExit): Record<string, unknown> {
  const fields = Object.entries(exit).map(([name, value]) => [
    exit.reason === 'unimplemented' && name === 'instruction' ? 'code' : name,
    typeof value === 'bigint' ? hex(value) : value,
  ]);
  return Object.fromEntries(fields);
}
