import type { Hooks, MachineOptions } from '../../src/index.ts';
import { type Kernel, KernelMachine, loadKernels, MEASURED, warmUp } from '../support/kernel.ts';
import { defineSection, type Progress } from '../support/section.ts';
import { cpuTimeMs, geometricMean, median, quantile } from '../support/statistics.ts';
import { formatCost, formatRatio, formatTable } from '../support/table.ts';

const PAIRS = 16;
/** Instructions of a call that one sample executes. */
const SAMPLE = 3_000_000;

const WATCHED_KERNELS = ['memory-sum', 'branches', 'string', 'pointers'];
const WATCHED_ROUNDS = 5;
const WATCHED_SAMPLE = 500_000;

/** Time with LASS by time without, on one kernel. */
interface LassCost {
  readonly name: string;
  /** The median of the pairs. */
  readonly ratio: number;
  /** Quartiles of the pairs: how far to trust the median. */
  readonly low: number;
  readonly high: number;
}

/** Time of a watched run by time of a plain one. */
interface WatchCost {
  readonly name: string;
  /** By kernel, the median of several rounds. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly mean: number;
}

interface Costs {
  readonly pairs: number;
  readonly lass: readonly LassCost[];
  readonly mean: number;
  readonly watch: readonly WatchCost[];
}

const WITHOUT_LASS: MachineOptions = { ...MEASURED, cr4: ['smap'] };

function timeSample(machine: KernelMachine): number {
  return cpuTimeMs(() => machine.runFirst(SAMPLE));
}

/** The two in turn, each first in half of the pairs. */
function measureLassCost(kernel: Kernel): LassCost {
  const on = new KernelMachine(kernel);
  const off = new KernelMachine(kernel, WITHOUT_LASS);
  timeSample(off);
  timeSample(on);
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    if (pair % 2 === 0) {
      const onMs = timeSample(on);
      ratios.push(onMs / timeSample(off));
    } else {
      const offMs = timeSample(off);
      ratios.push(timeSample(on) / offMs);
    }
  }
  if (on.machine.registers.rip !== off.machine.registers.rip) {
    throw new Error(`${kernel.name} goes another way with LASS than without`);
  }
  return {
    name: kernel.name,
    ratio: median(ratios),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
  };
}

/** Counts what it is told, as the cheapest thing a host can do. */
class Counter {
  events = 0;
  readonly count = (): undefined => {
    this.events++;
  };
}

function watchers(counter: Counter): Readonly<Record<string, { hooks?: Hooks; audit?: true }>> {
  const { count } = counter;
  return {
    'block hook': { hooks: { block: count } },
    'instruction hook': { hooks: { instruction: count } },
    'read and write hooks': { hooks: { read: count, write: count } },
    'audit mode': { audit: true },
  };
}

/** Ratios to a plain run by watcher. */
function measureWatching(kernel: Kernel): Map<string, number> {
  const plain = new KernelMachine(kernel);
  const counter = new Counter();
  const watched = Object.entries(watchers(counter)).map(([name, { hooks, audit = false }]) => {
    const machine = new KernelMachine(kernel, { ...MEASURED, audit });
    if (hooks !== undefined) {
      machine.machine.hook(hooks);
    }
    machine.runFirst(WATCHED_SAMPLE);
    return { name, machine, ratios: [] as number[] };
  });
  if (counter.events < WATCHED_SAMPLE) {
    throw new Error(`the hooks saw ${counter.events} events of ${WATCHED_SAMPLE} instructions`);
  }
  plain.runFirst(WATCHED_SAMPLE);
  for (let round = 0; round < WATCHED_ROUNDS; round++) {
    const plainMs = cpuTimeMs(() => plain.runFirst(WATCHED_SAMPLE));
    for (const { machine, ratios } of watched) {
      ratios.push(cpuTimeMs(() => machine.runFirst(WATCHED_SAMPLE)) / plainMs);
    }
  }
  return new Map(watched.map(({ name, ratios }) => [name, median(ratios)]));
}

function measureCosts(progress: Progress): Costs {
  const kernels = loadKernels();
  progress('warming up');
  warmUp(kernels);
  const lass = kernels.map((kernel) => {
    progress(`LASS on and off, ${kernel.name}`);
    return measureLassCost(kernel);
  });
  const byKernel = kernels
    .filter(({ name }) => WATCHED_KERNELS.includes(name))
    .map((kernel) => {
      progress(`watching ${kernel.name}`);
      return { name: kernel.name, ratios: measureWatching(kernel) };
    });
  const watch = Object.keys(watchers(new Counter())).map((name) => {
    const ratios = byKernel.map((kernel) => [kernel.name, kernel.ratios.get(name) ?? 0] as const);
    return {
      name,
      ratios: Object.fromEntries(ratios),
      mean: geometricMean(ratios.map(([, ratio]) => ratio)),
    };
  });
  return { pairs: PAIRS, lass, mean: geometricMean(lass.map(({ ratio }) => ratio)), watch };
}

function formatCosts({ pairs, lass, mean, watch }: Costs): string {
  const lassTable = formatTable(
    ['LASS on by LASS off', 'cost', 'quartiles of the pairs', ''],
    [
      ...lass.map(({ name, ratio, low, high }) => [
        name,
        formatCost(ratio),
        formatCost(low),
        formatCost(high),
      ]),
      ['geometric mean', formatCost(mean)],
    ],
  );
  const names = Object.keys(watch[0]?.ratios ?? {});
  const watchTable = formatTable(
    ['time by that of a plain run', ...names, 'mean'],
    watch.map(({ name, ratios, mean: all }) => [
      name,
      ...names.map((kernel) => formatRatio(ratios[kernel] ?? 0)),
      formatRatio(all),
    ]),
  );
  return `${lassTable}\n  medians of ${pairs} pairs, run in turn, in processor time\n\n${watchTable}`;
}

/** What LASS costs end to end, and what hooks and audit mode cost. */
export const lassCostSection = defineSection(
  'lass-cost',
  'The cost of LASS and of watching',
  measureCosts,
  formatCosts,
);
