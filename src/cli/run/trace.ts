import {
  disassemble,
  GPR_NAMES,
  type InstructionEvent,
  type Machine,
  type MemoryEvent,
  type RegisterName,
} from '../../index.ts';
import { flagNames } from '../flag-names.ts';
import { hex, toHex } from '../hex.ts';
import { faultLabel } from './describe.ts';
import type { RunExit } from './execute.ts';
import { codeModeOf } from './guest.ts';

/** An instruction under way: what is known of it before it is done. */
interface Step {
  readonly code: DecodedCode;
  readonly accesses: Access[];
  /** Accesses beyond those kept. */
  dropped: number;
}

/** What a line says of an instruction each time it runs. */
interface DecodedCode {
  readonly bytes: Uint8Array;
  /** The beginning of its line. */
  readonly head: string;
}

interface Access {
  readonly kind: 'read' | 'write';
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** What an instruction did. */
interface Effects {
  /** Registers that changed, with their new values. */
  readonly changes: readonly (readonly [RegisterName, bigint])[];
  readonly accesses: readonly Access[];
  readonly dropped: number;
  /** How it failed, if it did. */
  readonly failure: string | undefined;
}

/** How a line is written. */
interface TraceFormat {
  head(rip: bigint, bytes: Uint8Array, text: string): string;
  line(head: string, effects: Effects): string;
}

const SEGMENTS: readonly RegisterName[] = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

/** A REP instruction may make any number of accesses. */
const MAX_ACCESSES = 32;
/** Decoded instructions kept; dropped together when there are more. */
const MAX_DECODED = 65_536;

/** Watches a machine and writes a line for every instruction, once it is done. */
export class Tracer {
  readonly #machine: Machine;
  readonly #registers: readonly RegisterName[];
  readonly #values: bigint[];
  readonly #write: (text: string) => void;
  readonly #format: TraceFormat;
  readonly #decoded = new Map<bigint, DecodedCode>();
  readonly #unhook: () => void;
  #step: Step | undefined;

  constructor(machine: Machine, asJson: boolean, write: (text: string) => void) {
    this.#machine = machine;
    this.#registers =
      machine.mode === 64
        ? [...GPR_NAMES, 'rflags']
        : [...GPR_NAMES.slice(0, 8), ...SEGMENTS, 'rflags'];
    this.#values = this.#registers.map((name) => machine.registers.get(name));
    this.#write = write;
    this.#format = asJson ? JSON_FORMAT : TEXT_FORMAT;
    this.#unhook = machine.hook({
      instruction: (event) => {
        this.#begin(event);
        return undefined;
      },
      read: (event) => this.#access('read', event),
      write: (event) => this.#access('write', event),
    });
  }

  /** Writes what is left and ceases to watch. */
  finish(exit: RunExit): void {
    this.#unhook();
    if (exit.reason === 'exception' && exit.access === 'execute') {
      // It belongs to no instruction that was announced.
      this.#end(undefined);
      const head = this.#format.head(exit.rip, new Uint8Array(0), '(fetch)');
      this.#step = { code: { bytes: new Uint8Array(0), head }, accesses: [], dropped: 0 };
    }
    this.#end(failureOf(exit));
  }

  #begin({ rip, instruction }: InstructionEvent): void {
    this.#end(undefined);
    this.#step = { code: this.#decode(rip, instruction.length), accesses: [], dropped: 0 };
  }

  #end(failure: string | undefined): void {
    const step = this.#step;
    if (step !== undefined) {
      this.#step = undefined;
      const { code, accesses, dropped } = step;
      const effects = { changes: this.#changes(), accesses, dropped, failure };
      this.#write(this.#format.line(code.head, effects));
    }
  }

  #changes(): Effects['changes'] {
    const { registers } = this.#machine;
    const changes: [RegisterName, bigint][] = [];
    for (let n = 0; n < this.#registers.length; n++) {
      const name = this.#registers[n];
      const value = registers.get(name);
      if (value !== this.#values[n]) {
        this.#values[n] = value;
        changes.push([name, value]);
      }
    }
    return changes;
  }

  #access(kind: Access['kind'], { linearAddress: address, data }: MemoryEvent): undefined {
    const step = this.#step;
    if (step === undefined) {
      return;
    }
    if (step.accesses.length < MAX_ACCESSES) {
      step.accesses.push({ kind, address, bytes: data.slice() });
    } else {
      step.dropped++;
    }
  }

  /** The instruction at RIP; the last answer for the address, if the bytes are the same. */
  #decode(rip: bigint, length: number): DecodedCode {
    const available = this.#machine.instructionBytes();
    const known = this.#decoded.get(rip);
    if (known !== undefined && startsWith(available, known.bytes)) {
      return known;
    }
    const [line] = disassemble(available, codeModeOf(this.#machine.mode), rip, 1);
    const bytes = available.subarray(0, length || line?.bytes.length);
    const decoded = { bytes, head: this.#format.head(rip, bytes, line?.text ?? '(bad)') };
    if (this.#decoded.size >= MAX_DECODED) {
      this.#decoded.clear();
    }
    this.#decoded.set(rip, decoded);
    return decoded;
  }
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  for (let n = 0; n < start.length; n++) {
    if (bytes[n] !== start[n]) {
      return false;
    }
  }
  return true;
}

function failureOf(exit: RunExit): string | undefined {
  if (exit.reason === 'exception') {
    return faultLabel(exit);
  }
  return exit.reason === 'unimplemented' ? 'not implemented' : undefined;
}

const TEXT_FORMAT: TraceFormat = {
  head: (rip, bytes, text) => `${hex(rip)}  ${toHex(bytes, ' ').padEnd(23)}  ${text.padEnd(30)}`,
  line: (head, { changes, accesses, dropped, failure }) => {
    let line = head;
    for (const [name, value] of changes) {
      line += name === 'rflags' ? `  flags=[${flagNames(value)}]` : `  ${name}=${hex(value)}`;
    }
    for (const { kind, address, bytes } of accesses) {
      const arrow = kind === 'read' ? '->' : '<-';
      line += `  [${hex(address)}:${bytes.length}] ${arrow} ${littleEndian(bytes)}`;
    }
    line += dropped > 0 ? `  and ${dropped} more accesses` : '';
    line += failure === undefined ? '' : `  ${failure}`;
    return `${line.trimEnd()}\n`;
  },
};

function littleEndian(bytes: Uint8Array): string {
  return `0x${toHex(bytes.slice().reverse()).replace(/^0+(?=.)/, '')}`;
}

const JSON_FORMAT: TraceFormat = {
  /** An object that has not ended. */
  head: (rip, bytes, text) =>
    JSON.stringify({ rip: hex(rip), bytes: toHex(bytes), instruction: text }).slice(0, -1),
  line: (head, { changes, accesses, dropped, failure }) => {
    const rest = JSON.stringify({
      registers: Object.fromEntries(changes.map(([name, value]) => [name, hex(value)])),
      memory: accesses.map(({ kind, address, bytes }) => ({
        access: kind,
        address: hex(address),
        bytes: toHex(bytes),
      })),
      ...(dropped > 0 ? { moreAccesses: dropped } : {}),
      ...(failure === undefined ? {} : { failure }),
    });
    return `${head},${rest.slice(1)}\n`;
  },
};
