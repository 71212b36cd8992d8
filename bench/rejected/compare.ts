import { cpuTimeMs, median } from '../support/statistics.ts';
import { formatRatio, formatTable } from '../support/table.ts';

/** One way to do it. */
export interface Variant {
  readonly name: string;
  /** Runs the program and returns what it computed: the same for all variants. */
  run(): number;
}

/** Several ways to do one thing, the chosen one first. */
export interface Comparison {
  readonly title: string;
  /** What a time is given for: `instruction`. */
  readonly unit: string;
  /** Units in one run. */
  readonly units: number;
  readonly variants: readonly Variant[];
}

export interface ComparedVariant {
  readonly name: string;
  /** Nanoseconds a unit, median round. */
  readonly ns: number;
  /** By the time of the chosen one in the same round, median. */
  readonly ratio: number;
}

export interface Compared {
  readonly title: string;
  readonly unit: string;
  readonly variants: readonly ComparedVariant[];
}

const WARM_UP = 5;
const ROUNDS = 15;

/** Times the variants in turn. @throws Error when they disagree on the result */
export function compare({ title, unit, units, variants }: Comparison): Compared {
  const results = variants.map(({ run }) => {
    let result = 0;
    for (let round = 0; round < WARM_UP; round++) {
      result = run();
    }
    return result;
  });
  variants.forEach(({ name }, n) => {
    if (results[n] !== results[0]) {
      throw new Error(`${title}: '${name}' computes ${results[n]} instead of ${results[0]}`);
    }
  });
  const rounds: number[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(variants.map(({ run }) => (cpuTimeMs(run) * 1e6) / units));
  }
  return {
    title,
    unit,
    variants: variants.map(({ name }, n) => ({
      name,
      ns: median(rounds.map((times) => times[n])),
      ratio: median(rounds.map((times) => times[n] / times[0])),
    })),
  };
}

export function formatCompared({ title, unit, variants }: Compared): string {
  return formatTable(
    [title, `ns/${unit}`, 'by the chosen'],
    variants.map(({ name, ns, ratio }, n) => [
      n === 0 ? `${name} (chosen)` : name,
      ns.toFixed(2),
      formatRatio(ratio),
    ]),
  );
}
