import { counted, duration, grouped, wrap } from '../format.ts';
import { table } from '../table.ts';
import type { ConformOptions, ConformReport } from './conform.ts';
import type { Failure, SkipReason, Tally } from './slice.ts';

/** Characters a line. */
const WIDTH = 100;

const TALLY_COLUMNS = [
  { title: 'passed', right: true },
  { title: 'failed', right: true },
  { title: 'unimplemented', right: true },
  { title: 'skipped', right: true },
];

/** The report for people. What matters most comes last, where a terminal shows it. */
export function formatReport(report: ConformReport, options: ConformOptions): string {
  const sections = [
    failingInstructions(report),
    ...firstFailures(report, options.maxFailures).map(failureLines),
    unimplementedInstructions(report),
    fileTable(report),
    notes(report),
    wrap(verdict(report, options), WIDTH),
  ];
  const shown = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${shown.join('\n\n')}\n`;
}

/** The first mismatches of all files. */
export function firstFailures({ files }: ConformReport, count: number): Failure[] {
  return files.flatMap(({ failures }) => failures).slice(0, count);
}

function failingInstructions({ files }: ConformReport): string[] {
  const rows = files.flatMap(({ codes, header }) =>
    [...codes]
      .filter(([, { failed }]) => failed > 0)
      .map(([code, tally]) => [code, header.group, ...tallyCells(tally)]),
  );
  const columns = [{ title: 'instruction' }, { title: 'group' }, ...TALLY_COLUMNS];
  return rows.length === 0 ? [] : table(columns, rows);
}

function failureLines(failure: Failure): string[] {
  const { file, line, disassembly, code, bytes, initial, differences } = failure;
  const rows = differences.map(({ part, expected, got, note }) => [
    part,
    expected,
    note === undefined ? got : `${got}, differs in ${note}`,
  ]);
  const columns = [{ title: '' }, { title: 'expected' }, { title: 'got' }];
  return [
    `${file}:${line}: ${disassembly}`,
    `  ${code}, bytes ${bytes}`,
    ...wrap(`initial state: ${initialState(initial)}`, WIDTH).map((text) => `  ${text}`),
    ...table(columns, rows, '  '),
  ];
}

function initialState(initial: Failure['initial']): string {
  const parts = Object.entries(initial).map(([key, value]) =>
    typeof value === 'string'
      ? `${key}=${value}`
      : value.map(([address, bytes]) => `[${address}]=${bytes}`).join(' '),
  );
  return parts.join(' ') || 'the defaults';
}

function unimplementedInstructions({ files, totals }: ConformReport): string[] {
  if (totals.unimplemented === 0) {
    return [];
  }
  const codes = files.flatMap((file) =>
    [...file.codes].filter(([, tally]) => tally.unimplemented > 0).map(([code]) => code),
  );
  const names = [...new Set(codes.map(mnemonic))].sort();
  return wrap(`Unimplemented: ${names.join(' ')}`, WIDTH);
}

/** `vaddps` of `VEX_Vaddps_xmm_xmm_xmmm128`. */
function mnemonic(code: string): string {
  return code
    .replace(/^(?:VEX|EVEX|XOP)_/, '')
    .replace(/_.*/, '')
    .toLowerCase();
}

function fileTable({ files, totals }: ConformReport): string[] {
  const rows = files.map((file) => [
    file.path,
    `${file.header.mode}-bit`,
    grouped(file.codes.size),
    ...tallyCells(file.totals),
  ]);
  const sum = files.length < 2 ? [] : [['all', '', '', ...tallyCells(totals)]];
  const columns = [
    { title: 'file' },
    { title: 'mode' },
    { title: 'instructions', right: true },
    ...TALLY_COLUMNS,
  ];
  return table(columns, [...rows, ...sum]);
}

function tallyCells({ passed, failed, unimplemented, skipped }: Tally): string[] {
  return [passed, failed, unimplemented, skipped].map(grouped);
}

const SKIPPED: Readonly<Record<SkipReason, string>> = {
  undefined: 'with a result that the manual leaves undefined, see --include-undefined',
  vendor: "with one vendor's own behaviour, see --include-vendor",
  'known-bad': 'known to be recorded wrongly',
};

function notes({ files }: ConformReport): string[] {
  const lines: string[] = [];
  for (const reason of ['undefined', 'vendor', 'known-bad'] as const) {
    const vectors = files.reduce((total, { skipped }) => total + skipped[reason], 0);
    if (vectors > 0) {
      lines.push(`Skipped: ${counted(vectors, 'vector')} ${SKIPPED[reason]}`);
    }
  }
  for (const reason of new Set(files.flatMap((file) => [...file.knownBad]))) {
    lines.push(...wrap(reason, WIDTH - 2).map((text) => `  ${text}`));
  }
  const keys = new Set(files.flatMap((file) => [...file.notCompared.keys()]));
  if (keys.size > 0) {
    lines.push(...wrap(`Not compared, as the machine lacks it: ${[...keys].join(' ')}`, WIDTH));
  }
  return lines;
}

function verdict(report: ConformReport, { allowUnimplemented }: ConformOptions): string {
  const { files, totals, milliseconds } = report;
  const { passed, failed, unimplemented } = totals;
  const recorded = `as recorded on ${[...new Set(files.map(({ header }) => header.cpu))].join(', ')}`;
  const lacking =
    unimplemented === 0 || allowUnimplemented
      ? ''
      : `; ${counted(unimplemented, 'vector')} of unimplemented instructions`;
  if (passed + failed === 0) {
    return `Not conformant: nothing was compared${lacking}.`;
  }
  const compared = counted(passed + failed, 'vector');
  const result =
    failed === 0
      ? `${compared} came out ${recorded}`
      : `${grouped(failed)} of ${compared} did not come out ${recorded}`;
  const conformant = report.conformant ? 'Conformant' : 'Not conformant';
  return `${conformant}: ${result}${lacking}. That took ${duration(milliseconds)}.`;
}
