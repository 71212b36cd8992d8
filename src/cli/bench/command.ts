import { LassAccess, type LassState, lassPolicy } from '../../lass/index.ts';
import { counted, grouped } from '../format.ts';
import type { CliIo } from '../io.ts';
import { ExitStatus } from '../status.ts';
import { table } from '../table.ts';
import { measureAllocation } from './allocation.ts';
import { countByCheckLinear, prepareAddresses } from './check-loop.ts';

/** The options as commander gives them. */
export interface BenchFlags {
  readonly json?: true;
}

const ADDRESSES = 65_536;
const MILLISECONDS = 200;
const CHECKS_FOR_ALLOCATION = 10_000_000;

/** A kernel outside its STAC window: half of the addresses are forbidden to its data accesses. */
const kernel: LassState = { lass: true, smap: true, lma: true, cs64: true, cpl: 0, ac: false };

/** Read from memory, so that V8 cannot compile them in. */
const parameters = Int32Array.of(8, 48);

/** What `bit63 bench` measures. */
interface BenchReport {
  readonly host: { readonly node: string; readonly architecture: string };
  /** Addresses in a round. */
  readonly addresses: number;
  readonly byAccess: readonly Row[];
  readonly allocation: {
    readonly checks: number;
    readonly bytes: number;
    /** Garbage collections meanwhile; unless there were none, `bytes` means nothing. */
    readonly collections: number;
  };
}

interface Row {
  readonly access: string;
  /** Best and median round. */
  readonly nanoseconds: number;
  readonly medianNanoseconds: number;
  readonly checksPerSecond: number;
  /** Violations in a round. */
  readonly violations: number;
}

const COLUMNS = [
  { title: 'access' },
  { title: 'ns a check', right: true },
  { title: 'median', right: true },
  { title: 'million checks/s', right: true },
  { title: 'violations', right: true },
];

/** Does what `bit63 bench` says; returns the exit status. */
export async function benchCommand(flags: BenchFlags, { stdout }: CliIo): Promise<number> {
  const report = await measure();
  stdout.write(
    flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : benchLines(report).join('\n'),
  );
  return ExitStatus.Ok;
}

async function measure(): Promise<BenchReport> {
  const addresses = prepareAddresses(ADDRESSES);
  const policy = lassPolicy(kernel);
  const count = (access: LassAccess) =>
    countByCheckLinear(policy, access, addresses, parameters[0], parameters[1] as 48);
  for (const access of Object.values(LassAccess)) {
    time('warm-up', () => count(access));
  }
  const byAccess = Object.entries(LassAccess).map(([name, access]) =>
    time(name, () => count(access)),
  );
  const repeats = Math.ceil(CHECKS_FOR_ALLOCATION / ADDRESSES);
  const { bytes, collections } = await measureAllocation(() => {
    for (let n = 0; n < repeats; n++) {
      count(LassAccess.Data);
    }
  });
  return {
    host: { node: process.version, architecture: process.arch },
    addresses: ADDRESSES,
    byAccess,
    allocation: { checks: repeats * ADDRESSES, bytes, collections },
  };
}

/** The figures for people. */
export function benchLines({ host, addresses, byAccess, allocation }: BenchReport): string[] {
  const { bytes, checks } = allocation;
  return [
    `LASS check, ${grouped(addresses)} addresses of both halves in random order, Node ${host.node}`,
    '',
    ...table(COLUMNS, byAccess.map(cells), '  '),
    '',
    `  ${counted(bytes, 'byte')} allocated in ${grouped(checks)} checks`,
    '',
  ];
}

function cells({ access, nanoseconds, medianNanoseconds, checksPerSecond, violations }: Row) {
  return [
    access,
    nanoseconds.toFixed(2),
    medianNanoseconds.toFixed(2),
    (checksPerSecond / 1e6).toFixed(0),
    grouped(violations),
  ];
}

function time(access: string, round: () => number): Row {
  const times: number[] = [];
  const end = performance.now() + MILLISECONDS;
  let violations = 0;
  for (let start = performance.now(); start < end; start = performance.now()) {
    violations = round();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const toNanoseconds = (milliseconds: number) => (milliseconds * 1e6) / ADDRESSES;
  const nanoseconds = toNanoseconds(times[0]);
  return {
    access,
    nanoseconds,
    medianNanoseconds: toNanoseconds(times[times.length >> 1]),
    checksPerSecond: 1e9 / nanoseconds,
    violations,
  };
}
