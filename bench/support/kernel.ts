import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Exit, Machine, type MachineOptions, type RunOptions } from '../../src/index.ts';
import { findInRepository } from './find.ts';

/** What a call of a kernel must give. */
export interface KernelCall {
  /** The kernel's argument, in RDI. */
  readonly argument: number;
  /** What it returns in RAX, as hex. */
  readonly result: string;
  /** Instructions from its first to its RET, both included. */
  readonly instructions: number;
}

/** One program of bench/kernels, see kernels.json. */
export interface Kernel extends KernelCall {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  /** A call of some hundred thousand instructions. */
  readonly quick: KernelCall;
  /** Bytes of zeroes after the file. */
  readonly bss: number;
  /** Offset of the first instruction. */
  readonly entry: number;
}

/** Where a kernel and its stack lie. */
export interface KernelPlace {
  readonly code: bigint;
  readonly stackTop: bigint;
  readonly returnAddress: bigint;
}

/** A user program's place. */
export const LOWER_HALF: KernelPlace = {
  code: 0x40_0000n,
  stackTop: 0x7ffd_0000_0000n,
  returnAddress: 0x1_0000n,
};

/** A kernel's place. */
export const UPPER_HALF: KernelPlace = {
  code: 0xffff_ffff_8100_0000n,
  stackTop: 0xffff_c900_0001_0000n,
  returnAddress: 0xffff_ffff_8000_0000n,
};

const STACK_SIZE = 65_536n;
const RAM_SIZE = 8 << 20;

/** 64-bit mode at CPL 3 with LASS and SMAP: how kernels are measured. */
export const MEASURED: MachineOptions = { cr4: ['lass', 'smap'] };

/** The path of a file in bench/kernels. @throws Error */
export function kernelPath(file: string): string {
  const list = findInRepository('bench/kernels/kernels.json');
  if (list === undefined) {
    throw new Error('bench/kernels/kernels.json is not here');
  }
  return join(dirname(list), file);
}

/** All kernels. */
export function loadKernels(): readonly Kernel[] {
  return JSON.parse(readFileSync(kernelPath('kernels.json'), 'utf8'));
}

/** A machine with a kernel in it that can be called again and again. */
export class KernelMachine {
  readonly kernel: Kernel;
  readonly machine: Machine;
  readonly #place: KernelPlace;
  readonly #size: number;

  constructor(kernel: Kernel, options: MachineOptions = MEASURED, place = LOWER_HALF) {
    const blob = readFileSync(kernelPath(kernel.file));
    this.kernel = kernel;
    this.#place = place;
    this.#size = blob.length + kernel.bss;
    this.machine = new Machine({ ramSize: RAM_SIZE, ...options });
    this.machine.map(place.code, this.#size);
    this.machine.map(place.stackTop - STACK_SIZE, STACK_SIZE);
    this.machine.write(place.code, blob);
  }

  /** Makes the machine stand before the first instruction of a call. */
  begin(argument: number): void {
    const { code, stackTop, returnAddress } = this.#place;
    const { registers } = this.machine;
    const rsp = stackTop - 64n - 8n;
    this.machine.write(rsp, new Uint8Array(BigUint64Array.of(returnAddress).buffer));
    registers.rsp = rsp;
    registers.rip = code + BigInt(this.kernel.entry);
    registers.rdi = BigInt(argument);
  }

  /** Goes on with the call under way, until it returns or `options` end it. */
  resume(options: RunOptions = {}): Exit {
    return this.machine.run({ ...options, until: this.#place.returnAddress });
  }

  /** Begins a call and executes no more than its first `instructions`. @throws Error */
  runFirst(instructions: number): void {
    this.begin(this.kernel.argument);
    const exit = this.resume({ maxInstructions: instructions });
    if (exit.reason !== 'limit') {
      throw new Error(`${this.kernel.name} ended with '${exit.reason}' early`);
    }
  }

  /** Makes a whole call and checks what it gives. @throws Error */
  call(expected: KernelCall): void {
    const { machine, kernel } = this;
    const before = machine.instructionsRetired;
    this.begin(expected.argument);
    const exit = this.resume();
    if (exit.reason !== 'until') {
      const what = `${kernel.name}(${expected.argument})`;
      throw new Error(`${what} ended with ${describe(exit)} at 0x${exit.rip.toString(16)}`);
    }
    const result = `0x${machine.registers.rax.toString(16)}`;
    const instructions = machine.instructionsRetired - before;
    if (result !== expected.result || instructions !== expected.instructions) {
      throw new Error(
        `${kernel.name}(${expected.argument}) gave ${result} after ${instructions} instructions ` +
          `instead of ${expected.result} after ${expected.instructions}`,
      );
    }
  }

  /** The bytes of the kernel and its data. */
  memory(): Uint8Array {
    return this.machine.read(this.#place.code, this.#size);
  }
}

function describe(exit: Exit): string {
  switch (exit.reason) {
    case 'exception':
      return `${exit.name}: ${exit.explanation}`;
    case 'unimplemented':
      return `unimplemented ${exit.instruction}`;
    default:
      return exit.reason;
  }
}

/**
 * Calls every kernel shortly, so that what is measured afterwards runs with the interpreter
 * compiled and its call sites knowing all instructions, as in any long run.
 */
export function warmUp(kernels: readonly Kernel[]): void {
  for (let round = 0; round < 3; round++) {
    for (const kernel of kernels) {
      new KernelMachine(kernel).call(kernel.quick);
    }
  }
}
