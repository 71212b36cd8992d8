import { Bench } from 'tinybench';
import { type Allocation, measureAllocation } from '../../src/cli/bench/allocation.ts';
import { countByCheckLinear, prepareAddresses } from '../../src/cli/bench/check-loop.ts';
import {
  checkLinear,
  LassAccess,
  type LassState,
  LinearCheck,
  lassPolicy,
} from '../../src/lass/index.ts';
import { countByCall, countBySized } from './loops.ts';
import { buildNative, type NativeFigure } from './native.ts';
import { countByBigInt, countByBranches, countByObjects, toBigInts } from './rejected.ts';

const ADDRESSES = 65_536;
const CHECKS_FOR_ALLOCATION = 10_000_000;
const FEW_ADDRESSES = 1_000;
const TIME_MS = 300;
const NATIVE_ROUNDS = 2_000;
const TRIALS = 5;

/** A kernel outside its STAC window, to which every address of the lower half is forbidden. */
const kernel: LassState = { lass: true, smap: true, lma: true, cs64: true, cpl: 0, ac: false };

/** The same inside the window: both halves are legal, as nearly all accesses of a guest are. */
const kernelInWindow: LassState = { ...kernel, ac: true };

/** One timed variant. */
export interface LassBenchRow {
  readonly name: string;
  /** Nanoseconds a check, best and median round. */
  readonly bestNs: number;
  readonly medianNs: number;
  /** Violations found among the addresses. */
  readonly violations: number;
}

/** One function against its twin in C. */
export interface LassRatio {
  readonly name: string;
  /** Nanoseconds a check, best round, ours and gcc's. */
  readonly ns: number;
  readonly nativeNs: number;
  /** Our time by gcc's: the median of several trials that ran one after the other. */
  readonly ratio: number;
}

/** What `benchLassCheck` measures. */
export interface LassBenchResult {
  /** Addresses in a round, both halves in random order. */
  readonly addresses: number;
  /** `checkLinear` by kind of access, half of the addresses forbidden. */
  readonly byAccess: readonly LassBenchRow[];
  /** Our functions and the ways not taken: all addresses legal, then half of them forbidden. */
  readonly legal: readonly LassBenchRow[];
  readonly forbidden: readonly LassBenchRow[];
  /** Empty where there is no gcc. */
  readonly againstC: readonly LassRatio[];
  /** `checkLinear`, and a version with objects to show that the method would notice. */
  readonly allocation: Allocation & { readonly checks: number };
  readonly allocationOfObjects: Allocation & { readonly checks: number };
}

const SIZE = 8;
const BITS = 48;

/** Read from memory, so that V8 cannot compile them in: gcc does not know them either. */
const parameters = Int32Array.of(SIZE, BITS);
const size = () => parameters[0];
const bits = () => parameters[1] as typeof BITS;

const addresses = prepareAddresses(ADDRESSES);
const bigAddresses = toBigInts(addresses);

type Variants = Readonly<Record<string, () => number>>;

/** Our two functions, timed for explicit data in a state. */
function ours(state: LassState) {
  const policy = lassPolicy(state);
  return {
    checkLinear: () => countByCheckLinear(policy, LassAccess.Data, addresses, size(), bits()),
    isLassViolationSized: () => countBySized(policy, LassAccess.Data, addresses, size()),
  };
}

function designs(state: LassState): Variants {
  const policy = lassPolicy(state);
  const { Data } = LassAccess;
  return {
    ...ours(state),
    'checkLinear, not inlined': () =>
      countByCall(checkLinear, policy, Data, addresses, size(), bits()),
    'rejected: branches over the state': () => countByBranches(state, Data, addresses, size()),
    'rejected: a BigInt an address': () =>
      countByBigInt(policy, Data, bigAddresses, BigInt(size())),
    'rejected: objects for each check': () => countByObjects(policy, Data, addresses, size()),
  };
}

/** Shows `countByCall` so many functions that V8 inlines none of them. */
function spoilInlining(): void {
  const others: (typeof checkLinear)[] = [
    () => LinearCheck.Ok,
    () => LinearCheck.NonCanonical,
    () => LinearCheck.LassViolation,
    (policy, access) => (policy === access ? LinearCheck.Ok : LinearCheck.NonCanonical),
    (_policy, _access, lo) => (lo === 0 ? LinearCheck.Ok : LinearCheck.NonCanonical),
  ];
  for (const other of others) {
    countByCall(other, 0, LassAccess.Data, addresses, size(), bits());
  }
}

async function time(variants: Variants): Promise<LassBenchRow[]> {
  const bench = new Bench({ time: TIME_MS, warmupTime: 100 });
  for (const [name, run] of Object.entries(variants)) {
    bench.add(name, () => {
      run();
    });
  }
  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') {
      throw new Error(`benchmark '${name}' ended as '${result.state}'`);
    }
    const toNs = (ms: number) => (ms * 1e6) / ADDRESSES;
    const { min, p50 } = result.latency;
    const violations = variants[name]?.() ?? 0;
    return { name, bestNs: toNs(min), medianNs: toNs(p50), violations };
  });
}

function bestNs(run: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < NATIVE_ROUNDS; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6) / ADDRESSES;
}

function compareWithC(): LassRatio[] {
  const native = buildNative();
  if (native === undefined) {
    return [];
  }
  const states = { 'all legal': kernelInWindow, 'half forbidden': kernel };
  try {
    return Object.entries(states).flatMap(([traffic, state]) => {
      const run = ours(state);
      const args = [lassPolicy(state), LassAccess.Data, SIZE, BITS, ADDRESSES, NATIVE_ROUNDS];
      return (['checkLinear', 'isLassViolationSized'] as const).map((name) =>
        medianRatio(`${name}, ${traffic}`, run[name], () => native.run(args)[name]),
      );
    });
  } finally {
    native.remove();
  }
}

function medianRatio(name: string, run: () => number, runNative: () => NativeFigure): LassRatio {
  const trials: LassRatio[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    const { ns: nativeNs, count } = runNative();
    if (count !== run()) {
      throw new Error(`C found ${count} violations by ${name}, we ${run()}`);
    }
    const ns = bestNs(run);
    trials.push({ name, ns, nativeNs, ratio: ns / nativeNs });
  }
  trials.sort((a, b) => a.ratio - b.ratio);
  return trials[TRIALS >> 1];
}

/** Measures the LASS check: time by kind of access, against C and other designs, and allocation. */
export async function benchLassCheck(): Promise<LassBenchResult> {
  spoilInlining();
  const policy = lassPolicy(kernel);
  const kinds = Object.entries(LassAccess).map(
    ([name, access]) =>
      [name, () => countByCheckLinear(policy, access, addresses, size(), bits())] as const,
  );
  const byAccess = await time(Object.fromEntries(kinds));
  const legal = await time(designs(kernelInWindow));
  const forbidden = await time(designs(kernel));
  const againstC = compareWithC();

  const repeats = Math.ceil(CHECKS_FOR_ALLOCATION / ADDRESSES);
  const { checkLinear: run } = ours(kernel);
  const allocation = await measureAllocation(() => {
    for (let i = 0; i < repeats; i++) {
      run();
    }
  });
  const few = prepareAddresses(FEW_ADDRESSES);
  const allocationOfObjects = await measureAllocation(() => {
    countByObjects(policy, LassAccess.Data, few, SIZE);
  });
  return {
    addresses: ADDRESSES,
    byAccess,
    legal,
    forbidden,
    againstC,
    allocation: { ...allocation, checks: repeats * ADDRESSES },
    allocationOfObjects: { ...allocationOfObjects, checks: FEW_ADDRESSES },
  };
}

/** The result as lines of text. */
export function formatLassCheck(result: LassBenchResult): string {
  const line = (name: string, ...columns: string[]) =>
    `  ${name.padEnd(38)}${columns.map((column) => column.padStart(11)).join('')}`;
  const table = (title: string, rows: readonly LassBenchRow[]) => [
    title,
    line('', 'best ns', 'median ns', 'violations'),
    ...rows.map(({ name, bestNs: best, medianNs, violations }) =>
      line(name, best.toFixed(2), medianNs.toFixed(2), String(violations)),
    ),
    '',
  ];
  const ratios = result.againstC.map(({ name, ns, nativeNs, ratio }) =>
    line(name, ns.toFixed(2), nativeNs.toFixed(2), `${ratio.toFixed(2)}x`),
  );
  const heap = ({ bytes, collections, checks }: LassBenchResult['allocation']) =>
    `${bytes} bytes in ${checks} checks (${collections} garbage collections)`;
  return [
    `LASS check over ${result.addresses} addresses, both halves in random order`,
    '',
    ...table('checkLinear by access, half of the addresses forbidden', result.byAccess),
    ...table('explicit data by design, all addresses legal', result.legal),
    ...table('explicit data by design, half of the addresses forbidden', result.forbidden),
    'against gcc -O2 with a call for each check',
    ...(ratios.length > 0 ? [line('', 'ns', 'gcc ns', 'ratio'), ...ratios] : ['  no gcc here']),
    '',
    `allocated by checkLinear: ${heap(result.allocation)}`,
    `allocated by objects:     ${heap(result.allocationOfObjects)}`,
  ].join('\n');
}
