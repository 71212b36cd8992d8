import {
  judge,
  LassArgumentError,
  type LassCase,
  type LassKind,
  type LassMode,
  type LassSegment,
} from '../../lass/index.ts';
import { counted } from '../format.ts';
import { readInput } from '../input.ts';
import type { CliIo } from '../io.ts';
import { ExitStatus } from '../status.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage.ts';

/** A row of a rules file that came out otherwise. */
interface Difference {
  readonly id: string;
  readonly expected: Answer;
  readonly actual: Answer;
}

interface Answer {
  readonly verdict: string;
  /** Absent where the file names none; then only verdicts are compared. */
  readonly rule?: string;
}

/** A row after its shape has been checked. */
interface Row {
  readonly id: string;
  readonly given: LassCase;
  readonly expected: Answer;
}

const LARGEST_FILE = 64 << 20;
const COLUMNS = [
  { title: 'row' },
  { title: 'expected' },
  { title: 'by rule' },
  { title: 'here' },
  { title: 'by rule' },
];

/** Judges all rows of a file and prints those that differ. @throws UsageError */
export async function checkRules(file: string, asJson: boolean, io: CliIo): Promise<number> {
  const rows = parseRows(file, await readRules(file, io));
  const differences = rows
    .map((row) => difference(file, row))
    .filter((found) => found !== undefined);
  if (asJson) {
    const report = { rows: rows.length, differences };
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else {
    if (differences.length > 0) {
      io.stdout.write(`${table(COLUMNS, differences.map(cells)).join('\n')}\n\n`);
    }
    const differing = differences.length === 0 ? 'all as expected' : `${differences.length} differ`;
    io.stdout.write(`${counted(rows.length, 'row')}: ${differing}\n`);
  }
  return differences.length === 0 ? ExitStatus.Ok : ExitStatus.Different;
}

function cells({ id, expected, actual }: Difference): string[] {
  return [id, expected.verdict, expected.rule ?? '', actual.verdict, actual.rule ?? ''];
}

async function readRules(file: string, io: CliIo): Promise<unknown> {
  const limit = { bytes: LARGEST_FILE, tooLarge: 'is larger than 64 MiB' };
  const bytes = await readInput(file, limit, io);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UsageError(file, `is not JSON: ${(error as Error).message}`);
  }
}

function parseRows(file: string, content: unknown): Row[] {
  const list = Array.isArray(content) ? content : isRecord(content) ? content.vectors : undefined;
  if (!Array.isArray(list)) {
    throw new UsageError(file, "expected an object with a list 'vectors'");
  }
  return list.map((row, n) => {
    if (!isRecord(row)) {
      throw new UsageError(file, `row ${n + 1} is not an object`);
    }
    return parseRow(file, row, String(row.id ?? n + 1));
  });
}

function parseRow(file: string, row: Readonly<Record<string, unknown>>, id: string): Row {
  const text = (name: string): string => {
    if (typeof row[name] !== 'string') {
      throw new UsageError(file, `row ${id} lacks a text '${name}'`);
    }
    return row[name];
  };
  const number = (name: string, usual?: number): number => {
    const value = row[name] ?? usual;
    if (typeof value !== 'number') {
      throw new UsageError(file, `row ${id} lacks a number '${name}'`);
    }
    return value;
  };
  const rule = row.rule;
  return {
    id,
    given: {
      mode: text('mode') as LassMode,
      cpl: number('cpl'),
      lass: number('cr4_lass') === 1,
      smap: number('cr4_smap') === 1,
      ac: number('rflags_ac') === 1,
      kind: text('kind') as LassKind,
      segment: text('seg') as LassSegment,
      address: integer(file, id, text('la')),
      size: number('size', 1),
      la57: number('la57', 0) === 1,
      override: row.override === undefined ? 0 : Number.parseInt(text('override'), 16),
    },
    expected: { verdict: text('expect'), ...(typeof rule === 'string' ? { rule } : {}) },
  };
}

function integer(file: string, id: string, text: string): bigint {
  try {
    return BigInt(text);
  } catch {
    throw new UsageError(file, `row ${id}: '${text}' is not an address`);
  }
}

function difference(file: string, { id, given, expected }: Row): Difference | undefined {
  try {
    const { verdict, rule } = judge(given);
    const same = verdict === expected.verdict && (expected.rule ?? rule) === rule;
    return same ? undefined : { id, expected, actual: { verdict, rule } };
  } catch (error) {
    if (error instanceof LassArgumentError) {
      throw new UsageError(file, `row ${id}: ${error.message}`);
    }
    throw error;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
