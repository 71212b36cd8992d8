import { availableParallelism } from 'node:os';
import { grouped } from '../format.ts';
import type { CliIo } from '../io.ts';
import { toInteger } from '../numbers.ts';
import { StatusLine } from '../progress.ts';
import { ExitStatus } from '../status.ts';
import { UsageError } from '../usage.ts';
import { type ConformOptions, conform } from './conform.ts';
import { formatReport } from './report.ts';
import { formatJson } from './report-json.ts';

/** The options of `bit63 conform` as typed. */
export interface ConformFlags {
  readonly jobs?: string;
  readonly only?: string;
  readonly strict?: true;
  readonly faultAddress?: true;
  readonly includeUndefined?: true;
  readonly includeVendor?: true;
  readonly allowUnimplemented?: true;
  readonly maxFailures?: string;
  readonly json?: true;
}

const MAX_JOBS = 256n;
const MAX_FAILURES = 1_000_000n;

/**
 * `bit63 conform`.
 *
 * @returns The exit status.
 * @throws UsageError
 */
export async function runConform(
  files: readonly string[],
  flags: ConformFlags,
  io: CliIo,
): Promise<number> {
  const options = toOptions(flags);
  const line = new StatusLine(io.stderr);
  const report = await conform(files, options, (done, of, failed) =>
    line.update(() => {
      const mismatches = failed === 0 ? '' : `, ${grouped(failed)} failed`;
      return `${grouped(done)} of ${grouped(of)} vectors${mismatches}`;
    }),
  ).finally(() => line.clear());
  if (report.files.every(({ codes }) => codes.size === 0)) {
    const subject = flags.only === undefined ? files.join(', ') : `--only ${flags.only}`;
    throw new UsageError(subject, 'no vector is selected');
  }
  const text = flags.json === true ? formatJson(report, options) : formatReport(report, options);
  io.stdout.write(text);
  await io.stdout.drain();
  return report.conformant ? ExitStatus.Ok : ExitStatus.Different;
}

function toOptions(flags: ConformFlags): ConformOptions {
  const { jobs, only, maxFailures = '5' } = flags;
  return {
    jobs:
      jobs === undefined ? availableParallelism() : Number(toInteger('--jobs', jobs, 1n, MAX_JOBS)),
    only: only === undefined ? undefined : toPattern(only),
    strict: flags.strict === true,
    faultAddress: flags.faultAddress === true,
    includeUndefined: flags.includeUndefined === true,
    includeVendor: flags.includeVendor === true,
    maxFailures: Number(toInteger('--max-failures', maxFailures, 0n, MAX_FAILURES)),
    allowUnimplemented: flags.allowUnimplemented === true,
  };
}

function toPattern(only: string): RegExp {
  try {
    return new RegExp(only, 'i');
  } catch (error) {
    throw new UsageError(`--only ${only}`, error instanceof Error ? error.message : String(error));
  }
}
