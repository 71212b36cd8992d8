import { Bench } from 'tinybench';
import { disassemble, Instruction, InstructionDecoder } from '../../src/index.ts';
import {
  INSTRUCTION_LOOPS,
  type InstructionLoop,
  prepareLoop,
} from '../support/instruction-loop.ts';
import { KernelMachine, loadKernels, warmUp } from '../support/kernel.ts';
import { defineSection, type Progress } from '../support/section.ts';
import { formatTable } from '../support/table.ts';

const TIME_MS = 100;
const WARM_UP_MS = 50;
const KIB = 1024;
/** Instructions decoded at once. */
const DECODED = 20;

/** Something small and its time. */
interface MicroTask {
  readonly name: string;
  /** What a time is given for. */
  readonly unit: string;
  /** Units in one run. */
  readonly units: number;
  run(): void;
}

interface MicroTime {
  readonly name: string;
  readonly unit: string;
  /** Nanoseconds a unit, best and median. */
  readonly best: number;
  readonly median: number;
}

interface MicroTimes {
  readonly instructions: readonly MicroTime[];
  readonly host: readonly MicroTime[];
}

function loopTask(loop: InstructionLoop): MicroTask {
  const { run, units } = prepareLoop(loop);
  return { name: loop.name, unit: loop.unit ?? 'instruction', units, run };
}

/** What a host does with a machine. */
function hostTasks(): MicroTask[] {
  const [kernel] = loadKernels();
  const kernelMachine = new KernelMachine(kernel);
  const { machine } = kernelMachine;
  const { registers } = machine;
  kernelMachine.begin(kernel.argument);
  const data = 0x1000_0000n;
  machine.map(data, 64 * KIB);
  const bytes = new Uint8Array(64 * KIB);
  const code = kernelMachine.memory().subarray(0, 128);
  const decoder = new InstructionDecoder();
  const instruction = new Instruction();
  const task = (name: string, unit: string, units: number, run: () => void): MicroTask => ({
    name,
    unit,
    units,
    run,
  });
  return [
    task('Machine.step', 'instruction', 1, () => machine.step()),
    task('registers.rax = registers.rbx', 'copy', 1, () => {
      registers.rax = registers.rbx;
    }),
    task('Machine.read, 64 KiB', 'KiB', 64, () => machine.read(data, bytes.length)),
    task('Machine.write, 64 KiB', 'KiB', 64, () => machine.write(data, bytes)),
    task('Machine.map and unmap, 64 KiB', 'page', 16, () => {
      machine.map(data + 0x10_0000n, 64 * KIB);
      machine.unmap(data + 0x10_0000n, 64 * KIB);
    }),
    task('Machine.snapshot, 8 MiB of RAM', 'snapshot', 1, () => machine.snapshot()),
    task('InstructionDecoder', 'instruction', DECODED, () => {
      decoder.begin(64, code, 0x40_0000, 0);
      for (let n = 0; n < DECODED; n++) {
        decoder.next(instruction);
      }
    }),
    task('disassemble', 'instruction', DECODED, () => disassemble(code, 64, 0x40_0000n, DECODED)),
  ];
}

async function timeTasks(tasks: readonly MicroTask[]): Promise<MicroTime[]> {
  const bench = new Bench({ time: TIME_MS, warmupTime: WARM_UP_MS, throws: true });
  for (const { name, run } of tasks) {
    bench.add(name, run, { async: false });
  }
  await bench.run();
  return tasks.map(({ name, unit, units }) => {
    const result = bench.getTask(name)?.result;
    if (result?.state !== 'completed') {
      throw new Error(`benchmark '${name}' ended as '${result?.state}'`);
    }
    const toNs = (ms: number) => (ms * 1e6) / units;
    return { name, unit, best: toNs(result.latency.min), median: toNs(result.latency.p50) };
  });
}

async function measureMicro(progress: Progress): Promise<MicroTimes> {
  progress('warming up');
  warmUp(loadKernels());
  progress('instructions');
  const instructions = await timeTasks(INSTRUCTION_LOOPS.map(loopTask));
  progress('host');
  return { instructions, host: await timeTasks(hostTasks()) };
}

function formatMicro({ instructions, host }: MicroTimes): string {
  const table = (title: string, times: readonly MicroTime[]) =>
    formatTable(
      [title, 'best ns', 'median ns', 'per'],
      times.map(({ name, unit, best, median }) => [name, best.toFixed(2), median.toFixed(2), unit]),
    );
  return `${table('instructions, in loops', instructions)}\n\n${table('host', host)}`;
}

/** Times of single instructions and of what a host does with a machine. */
export const microSection = defineSection(
  'micro',
  'Single instructions and calls',
  measureMicro,
  formatMicro,
);
