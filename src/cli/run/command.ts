import { binarySize, counted } from '../format.ts';
import { parseHexBytes } from '../hex.ts';
import { readInput } from '../input.ts';
import type { CliIo } from '../io.ts';
import { StatusLine } from '../progress.ts';
import { UsageError } from '../usage.ts';
import { statusOf } from './describe.ts';
import { execute, type RunResult } from './execute.ts';
import { baseOf, type Contents, createGuest, type Guest } from './guest.ts';
import { jsonReport } from './json.ts';
import { parseRunFlags, type RunFlags, type RunOptions } from './options.ts';
import { textReport } from './report.ts';
import { Tracer } from './trace.ts';
import { openTrace, type TraceSink } from './trace-sink.ts';

/** Does what `bit63 run` says; returns the exit status. @throws UsageError */
export async function runCommand(
  file: string | undefined,
  flags: RunFlags,
  io: CliIo,
): Promise<number> {
  if (file === undefined && flags.hex === undefined && typeof flags.trace === 'string') {
    // `bit63 run --trace code.bin`: what --trace took can only be the code.
    return runCommand(flags.trace, { ...flags, trace: true }, io);
  }
  const options = parseRunFlags(flags);
  const code = await readCode(file, flags, options, io);
  const loads = await readLoads(options, io);
  const guest = createGuest(options, code, loads);
  const inputs = [file ?? '-', ...options.loads.map(({ value }) => value.file)];
  const trace = flags.trace === undefined ? undefined : openTrace(flags.trace, inputs, io);
  const result = await runGuest(guest, options, trace, flags.json === true, io);
  const report =
    flags.json === true
      ? jsonReport(result, guest, options)
      : textReport(result, guest, options, io);
  io.stdout.write(report);
  return statusOf(result.exit);
}

async function readCode(
  file: string | undefined,
  flags: RunFlags,
  options: RunOptions,
  io: CliIo,
): Promise<Contents> {
  if (flags.hex !== undefined && file !== undefined) {
    throw new UsageError(file, 'there is code in --hex already');
  }
  const address = baseOf(options);
  if (flags.hex !== undefined) {
    return { address, bytes: parseHexBytes('--hex', flags.hex), option: '--hex' };
  }
  if (file === undefined) {
    throw new UsageError('no code', 'give a file, - or --hex');
  }
  return { address, bytes: await readInput(file, ramLimit(options), io), option: file };
}

async function readLoads(options: RunOptions, io: CliIo): Promise<Contents[]> {
  const loads: Contents[] = [];
  for (const { option, value } of options.loads) {
    const bytes = await readInput(value.file, ramLimit(options), io);
    loads.push({ address: value.address, bytes, option });
  }
  return loads;
}

function ramLimit({ ram }: RunOptions) {
  const tooLarge = `does not fit into the guest's RAM of ${binarySize(ram)}; give a larger --ram`;
  return { bytes: ram, tooLarge };
}

async function runGuest(
  guest: Guest,
  options: RunOptions,
  trace: TraceSink | undefined,
  asJson: boolean,
  io: CliIo,
): Promise<RunResult> {
  const tracer = trace && new Tracer(guest.machine, asJson, (text: string) => trace.write(text));
  const abort = new AbortController();
  const ignoreInterrupts = io.onInterrupt(() => abort.abort());
  const status = new StatusLine(io.stderr);
  try {
    const result = await execute(guest, {
      ...options,
      signal: abort.signal,
      onTurn: (instructions, milliseconds) => {
        status.update(() => progress(instructions, milliseconds));
        return trace?.drain();
      },
    });
    tracer?.finish(result.exit);
    return result;
  } finally {
    status.clear();
    ignoreInterrupts();
    trace?.close();
  }
}

function progress(instructions: number, milliseconds: number): string {
  const rate = instructions / milliseconds / 1000;
  const seconds = (milliseconds / 1000).toFixed(1);
  return `${counted(instructions, 'instruction')} in ${seconds} s, ${rate.toFixed(1)} million a second; Ctrl-C ends it`;
}
