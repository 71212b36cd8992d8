import { isDeepStrictEqual } from 'node:util';
import {
  type Exit,
  Machine,
  type MachineOptions,
  REGISTER_NAMES,
  type Snapshot,
} from '../../../src/index.ts';
import { randomCode } from './code.ts';
import { Random } from './random.ts';

/** Instructions that a case may execute. */
const LIMIT = 100;
/** Milliseconds that a case may take: it does some thousand times less work than this allows. */
const MAX_MILLISECONDS = 5_000;

const KERNEL = 0xffff_8000_0000_0000n;

interface Setting extends MachineOptions {
  readonly mode: 16 | 32 | 'compat' | 64;
  /** Added to the addresses of all that is mapped. */
  readonly half?: bigint;
}

/** The kinds of machine that cases run on. */
const SETTINGS: readonly Setting[] = [
  { mode: 16 },
  { mode: 32, cpl: 3 },
  { mode: 32, cpl: 0 },
  { mode: 'compat', cpl: 3 },
  { mode: 'compat', cpl: 3, cr4: ['lass', 'smap'] },
  { mode: 'compat', cpl: 0 },
  { mode: 64, cpl: 3 },
  { mode: 64, cpl: 3, cr4: ['lass', 'smap', 'smep'] },
  { mode: 64, cpl: 0 },
  { mode: 64, cpl: 0, half: KERNEL, cr4: ['lass'] },
  { mode: 64, cpl: 0, half: KERNEL, cr4: ['lass', 'smap', 'smep'], ac: true },
];

/** How the second machine runs the same case; all must come to the same end as a plain run. */
const VARIANTS = ['instruction hook', 'memory hooks', 'pieces'] as const;
type Variant = (typeof VARIANTS)[number];

/** What is mapped, before `half` is added: code, data, stack. */
const AREAS = [0x40_0000n, 0x10_0000n, 0x7f_0000n];
const REAL_MODE_AREAS = [0x1000n, 0x4000n, 0xe000n];
const AREA_SIZE = 0x2000;

const GENERAL = 'rax rcx rdx rbx rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const INTERESTING = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn];

/** Two machines of a kind and what both start from. */
class Pair {
  readonly plain: Machine;
  readonly other: Machine;
  readonly areas: readonly bigint[];
  /** Where the program ends. */
  end = 0n;
  readonly #start: Snapshot;
  readonly #half: bigint;

  constructor(setting: Setting) {
    const { half = 0n, ...options } = setting;
    this.#half = half;
    this.areas = (setting.mode === 16 ? REAL_MODE_AREAS : AREAS).map((at) => at + half);
    this.plain = new Machine({ ramSize: 1 << 20, seed: 1, ...options });
    this.other = new Machine({ ramSize: 1 << 20, seed: 1, ...options });
    if (setting.mode === 16) {
      this.plain.map(0, 0x2_0000);
    } else {
      for (const at of this.areas) {
        this.plain.map(at, AREA_SIZE);
      }
    }
    this.#start = this.plain.snapshot();
  }

  /** Puts the same program, registers and data into both. */
  load(random: Random, code: Uint8Array): void {
    const [codeAt, dataAt, stackAt] = this.areas;
    this.end = codeAt + BigInt(code.length);
    const data = Uint8Array.from({ length: 64 }, () => random.byte());
    const registers: [string, bigint][] = GENERAL.map((name) => [name, this.#value(random)]);
    registers.push(['rsp', stackAt + BigInt(AREA_SIZE - 0x100)]);
    registers.push([
      'rflags',
      0x202n | BigInt(random.next() & (random.chance(1, 6) ? 0xcd5 : 0x8d5)),
    ]);
    if (random.chance(3, 4)) {
      registers.push(['rcx', BigInt(random.below(20))]);
    }
    for (const machine of [this.plain, this.other]) {
      machine.restore(this.#start);
      for (const [name, value] of registers) {
        machine.registers.set(name, value);
      }
      machine.write(codeAt, code);
      machine.write(dataAt, data);
      machine.write(dataAt + 0x1000n - 32n, data);
      machine.registers.rip = codeAt;
    }
  }

  /** Makes both go on behind instructions that fault; returns what ends that. */
  skipFaults(): () => void {
    const unhook = [this.plain, this.other].map((machine) => machine.hook({ fault: () => 'skip' }));
    return () => {
      for (const each of unhook) {
        each();
      }
    };
  }

  /** A register's value: often a pointer to data, now and then one near a page's end or to code. */
  #value(random: Random): bigint {
    const [codeAt, dataAt] = this.areas;
    switch (random.below(8)) {
      case 0:
        return random.pick(INTERESTING);
      case 1:
        return random.wide();
      case 2:
        return codeAt + BigInt(random.below(64));
      case 3:
        return dataAt + 0x1000n - BigInt(random.below(16));
      case 4:
        return dataAt - this.#half + BigInt(random.below(64));
      default:
        return dataAt + BigInt(random.below(128));
    }
  }
}

/** What went wrong with a case. */
export interface Failure {
  readonly problem: string;
  readonly setting: string;
  readonly variant: Variant;
  /** The program in hex. */
  readonly code: string;
}

/** Runs cases by number. A case depends on the seed and its number alone. */
export class Fuzzer {
  readonly #seed: number;
  readonly #pairs = SETTINGS.map((setting) => new Pair(setting));
  /** How many cases ended for which reason, or with which exception. */
  readonly endings = new Map<string, number>();
  /** Instructions completed by the plain runs. */
  instructions = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Runs a case; what went wrong, if anything did. */
  run(number: number): Failure | undefined {
    const random = new Random(Math.imul(this.#seed, 0x01000193) ^ number);
    const which = random.below(SETTINGS.length);
    const { mode } = SETTINGS[which];
    const pair = this.#pairs[which];
    const variant = random.pick(VARIANTS);
    const code = randomCode(random, mode === 'compat' ? 32 : mode);
    pair.load(random, code);
    // Going on after exceptions reaches more; ending with one is what hosts mostly see.
    const unhook = random.chance(2, 3) ? pair.skipFaults() : undefined;
    let problem: string | undefined;
    try {
      problem = this.#compare(pair, variant, random);
    } catch (error) {
      problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    unhook?.();
    if (problem === undefined) {
      return undefined;
    }
    const setting = JSON.stringify(SETTINGS[which], (_, value: unknown) =>
      typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
    );
    return { problem, setting, variant, code: Buffer.from(code).toString('hex') };
  }

  #compare(pair: Pair, variant: Variant, random: Random): string | undefined {
    const { plain, other } = pair;
    const began = performance.now();
    const exit = plain.run({ until: pair.end, maxInstructions: LIMIT });
    this.#count(exit);
    this.instructions += plain.instructionsRetired;
    if (plain.instructionsRetired > LIMIT) {
      return `${plain.instructionsRetired} instructions were executed`;
    }
    const otherExit = runAs(pair, variant, random);
    if (performance.now() - began > MAX_MILLISECONDS) {
      return `the case took ${performance.now() - began} ms`;
    }
    const difference = differenceOf(pair, exit, otherExit);
    if (difference === undefined || variant !== 'memory hooks') {
      return difference;
    }
    return hasPaused(plain, exit) || hasPaused(other, otherExit) ? undefined : difference;
  }

  #count(exit: Exit): void {
    const name = exit.reason === 'exception' ? exit.name : exit.reason;
    this.endings.set(name, (this.endings.get(name) ?? 0) + 1);
  }
}

/**
 * Whether a REP instruction has let the interpreter look around. That counts for the limit and,
 * where it overwrites itself, for more; and watched accesses do it after fewer bytes.
 */
function hasPaused(machine: Machine, exit: Exit): boolean {
  const onlyAsked = exit.reason === 'unimplemented' || (exit.reason === 'io' && exit.string);
  return machine.snapshot().unfinished > (onlyAsked ? 1 : 0);
}

function runAs({ other: machine, end: until }: Pair, variant: Variant, random: Random): Exit {
  if (variant === 'pieces') {
    for (let left = LIMIT; ; ) {
      const piece = Math.min(left, 1 + random.below(7));
      const exit = machine.run({ until, maxInstructions: piece });
      left -= piece;
      if (exit.reason !== 'limit' || left === 0) {
        return exit;
      }
    }
  }
  const nothing = (): undefined => undefined;
  const unhook = machine.hook(
    variant === 'memory hooks' ? { read: nothing, write: nothing } : { instruction: nothing },
  );
  try {
    return machine.run({ until, maxInstructions: LIMIT });
  } finally {
    unhook();
  }
}

function differenceOf(pair: Pair, exit: Exit, otherExit: Exit): string | undefined {
  const { plain, other } = pair;
  if (!isDeepStrictEqual(otherExit, exit)) {
    return `exits differ: ${show(exit)}\n${show(otherExit)}`;
  }
  if (plain.instructionsRetired !== other.instructionsRetired) {
    return `retired ${plain.instructionsRetired} and ${other.instructionsRetired}`;
  }
  return differentRegister(plain, other) ?? differentMemory(pair);
}

function differentRegister(plain: Machine, other: Machine): string | undefined {
  const name = REGISTER_NAMES.find((each) => plain.registers[each] !== other.registers[each]);
  return name === undefined
    ? undefined
    : `${name} is ${hex(plain.registers[name])} and ${hex(other.registers[name])}`;
}

function differentMemory({ plain, other, areas }: Pair): string | undefined {
  const area = areas.find((at) => {
    const here = Buffer.from(plain.read(at, AREA_SIZE));
    return !here.equals(Buffer.from(other.read(at, AREA_SIZE)));
  });
  return area === undefined ? undefined : `memory at ${hex(area)} differs`;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function show(exit: Exit): string {
  return JSON.stringify(exit, (_, value: unknown) =>
    typeof value === 'bigint' ? hex(value) : value,
  );
}
