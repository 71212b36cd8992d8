import { Bench } from 'tinybench';
import { type Kernel, KernelMachine, loadKernels, warmUp } from '../support/kernel.ts';
import { buildNativeKernels, type NativeKernels } from '../support/native-kernel.ts';
import { defineSection, type Progress } from '../support/section.ts';
import { cpuNow, geometricMean } from '../support/statistics.ts';
import { formatRatio, formatTable } from '../support/table.ts';

const ROUNDS = 5;

/** One kernel's speed. */
interface KernelSpeed {
  readonly name: string;
  readonly title: string;
  readonly instructions: number;
  /** Millions of instructions a second of processor time, best and median round. */
  readonly best: number;
  readonly median: number;
  /** The same on this machine's own processor, best round; undefined where there is no gcc. */
  readonly native: number | undefined;
}

interface KernelSpeeds {
  readonly kernels: readonly KernelSpeed[];
  /** Geometric means. */
  readonly best: number;
  readonly median: number;
  /** How many times faster the processor is, geometric mean. */
  readonly nativeRatio: number | undefined;
}

async function measureKernel(
  kernel: Kernel,
  native: NativeKernels | undefined,
): Promise<KernelSpeed> {
  const machine = new KernelMachine(kernel);
  const bench = new Bench({
    iterations: ROUNDS,
    time: 0,
    warmup: false,
    throws: true,
    now: cpuNow,
  });
  bench.add(kernel.name, () => machine.call(kernel), { async: false });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') {
    throw new Error(`benchmark '${kernel.name}' ended as '${task?.result.state}'`);
  }
  const { name, title, instructions } = kernel;
  const speed = (ms: number) => instructions / ms / 1e3;
  const { min, p50 } = task.result.latency;
  const nativeMs = native?.time(kernel, ROUNDS);
  return {
    name,
    title,
    instructions,
    best: speed(min),
    median: speed(p50),
    native: nativeMs === undefined ? undefined : speed(nativeMs),
  };
}

async function measureKernels(progress: Progress): Promise<KernelSpeeds> {
  const all = loadKernels();
  progress('warming up');
  warmUp(all);
  const native = buildNativeKernels();
  const kernels: KernelSpeed[] = [];
  try {
    for (const kernel of all) {
      progress(`${kernel.name}, ${ROUNDS} rounds`);
      kernels.push(await measureKernel(kernel, native));
    }
  } finally {
    native?.remove();
  }
  const ratios = kernels.flatMap(({ best, native: own }) =>
    own === undefined ? [] : [own / best],
  );
  return {
    kernels,
    best: geometricMean(kernels.map(({ best }) => best)),
    median: geometricMean(kernels.map(({ median }) => median)),
    nativeRatio: ratios.length === 0 ? undefined : geometricMean(ratios),
  };
}

function formatKernels({ kernels, best, median, nativeRatio }: KernelSpeeds): string {
  const ratio = (value: number | undefined) => (value === undefined ? '' : formatRatio(value));
  const rows = kernels.map((kernel) => [
    kernel.name,
    kernel.best.toFixed(1),
    kernel.median.toFixed(1),
    kernel.native?.toFixed(0) ?? '',
    ratio(kernel.native && kernel.native / kernel.best),
  ]);
  const mean = ['geometric mean', best.toFixed(1), median.toFixed(1), '', ratio(nativeRatio)];
  const table = formatTable(
    ['millions of instructions a second', 'best', 'median', 'native', 'native by best'],
    [...rows, mean],
  );
  const note =
    nativeRatio === undefined
      ? 'no gcc here: no native figures'
      : 'in processor time; native is the same code on this processor, by the clock';
  return `${table}\n  ${note}`;
}

/** The speed of the interpreter on the programs of bench/kernels. */
export const kernelsSection = defineSection(
  'kernels',
  'Kernels at CPL 3 with LASS',
  measureKernels,
  formatKernels,
);
