import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Machine } from '../../src/index.ts';
import { findInRepository } from '../support/find.ts';
import { defineSection, type Progress } from '../support/section.ts';
import { median, timeMs } from '../support/statistics.ts';
import { formatTable } from '../support/table.ts';

const RUNS = 5;
const MACHINES = 20;

/** Writes the peak RSS in KiB to file descriptor 3 when the process ends. */
const REPORT_RSS = `
  import { writeSync } from 'node:fs';
  process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));
`;

interface ProcessFigures {
  readonly name: string;
  /** Milliseconds from start to end, median. */
  readonly ms: number;
  /** MiB, median. */
  readonly peakRss: number;
}

interface StartUp {
  /** Undefined when dist/ is not built. */
  readonly processes: readonly ProcessFigures[] | undefined;
  /** Milliseconds of the first `new Machine()` here, and the median of the later ones. */
  readonly firstMachine: number;
  readonly laterMachine: number;
}

function runNode(args: readonly string[]): string {
  const { status, signal, stderr, output } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  if (status !== 0) {
    throw new Error(`node ${args.join(' ')} ended with ${status ?? signal}: ${stderr}`);
  }
  return output[3] ?? '';
}

function measureProcess(name: string, args: readonly string[]): ProcessFigures {
  const preload = `data:text/javascript,${encodeURIComponent(REPORT_RSS)}`;
  const times: number[] = [];
  const peaks: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    times.push(timeMs(() => runNode(args)));
    peaks.push(Number(runNode(['--import', preload, ...args])) / 1024);
  }
  return { name, ms: median(times), peakRss: median(peaks) };
}

function measureProcesses(progress: Progress): readonly ProcessFigures[] | undefined {
  const cli = findInRepository('dist/cli/main.js');
  if (cli === undefined) {
    return undefined;
  }
  progress('processes');
  const library = pathToFileURL(join(dirname(dirname(cli)), 'index.js')).href;
  return [
    measureProcess('node, doing nothing', ['--eval', '0']),
    measureProcess("import 'bit63'", ['--input-type=module', '--eval', `import '${library}'`]),
    measureProcess('bit63 run --hex 90', [cli, 'run', '--hex', '90']),
  ];
}

/** Keeps the machines reachable while they are counted. */
function measureMachines(): { firstMachine: number; laterMachine: number } {
  const times: number[] = [];
  const machines: Machine[] = [];
  for (let n = 0; n < MACHINES; n++) {
    times.push(timeMs(() => machines.push(new Machine({ cr4: ['lass', 'smap'] }))));
  }
  const [first, ...later] = times;
  return { firstMachine: first, laterMachine: median(later) };
}

function formatStartUp({ processes, firstMachine, laterMachine }: StartUp): string {
  const table =
    processes === undefined
      ? '  skipped: dist/ is not built (npm run build)'
      : formatTable(
          ['whole process', 'ms', 'peak MiB'],
          processes.map(({ name, ms, peakRss }) => [name, ms.toFixed(0), peakRss.toFixed(0)]),
        );
  const machine = `  new Machine(): ${laterMachine.toFixed(2)} ms, the first one ${firstMachine.toFixed(2)} ms`;
  return `${table}\n\n${machine}`;
}

/** How long it takes until something runs, and how much memory. */
export const startUpSection = defineSection(
  'start-up',
  'Start-up',
  (progress): StartUp => ({ processes: measureProcesses(progress), ...measureMachines() }),
  formatStartUp,
);
