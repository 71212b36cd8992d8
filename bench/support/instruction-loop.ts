import { Machine } from '../../src/index.ts';
import { MEASURED } from './kernel.ts';

/** A loop around copies of one instruction, or of a few that need each other. */
export interface InstructionLoop {
  readonly name: string;
  /** One copy's machine code in hex; of a function, at an offset from the loop's first copy. */
  readonly code: string | ((offset: number) => string);
  /** What a time is given for, and how many of it a copy stands for; by default instructions. */
  readonly unit?: string;
  readonly units?: number;
  /** Copies in the loop; 64 by default. */
  readonly copies?: number;
}

const CODE = 0x40_0000n;
const DATA = 0x80_0000n;
const DATA_SIZE = 2 << 20;
const STACK_TOP = 0x60_0000n;
const STACK_SIZE = 0x1_0000n;
/** RET, for calls. */
const FUNCTION = 'c3';
/** dec r15; jnz near */
const LOOP_END = '49 ff cf 0f 85';
const ITERATIONS = 200;

function relative(distance: number): string {
  return Buffer.from(Int32Array.of(distance).buffer).toString('hex');
}

/**
 * RSI and RDI point to 2 MiB of data, R8 four bytes before the end of its first page, RBX is odd
 * and small, R9 and R10 are pages of data that do not overlap, R15 counts.
 */
export const INSTRUCTION_LOOPS: readonly InstructionLoop[] = [
  { name: 'mov rax, rbx', code: '48 89 d8' },
  { name: 'add rax, rbx', code: '48 01 d8' },
  { name: 'add eax, 1', code: '83 c0 01' },
  { name: 'add al, bl', code: '00 d8' },
  { name: 'adc rax, rbx', code: '48 11 d8' },
  { name: 'xor eax, eax', code: '31 c0' },
  { name: 'lea rax, [rsi + 4*rbx + 8]', code: '48 8d 44 9e 08' },
  { name: 'imul rax, rbx', code: '48 0f af c3' },
  { name: 'mul rbx', code: '48 f7 e3' },
  { name: 'xor edx, edx; div rbx', code: '31 d2 48 f7 f3', unit: 'pair' },
  { name: 'shl rax, 3', code: '48 c1 e0 03' },
  { name: 'shl rax, cl', code: '48 d3 e0' },
  { name: 'rol eax, 5', code: 'c1 c0 05' },
  { name: 'popcnt rax, rbx', code: 'f3 48 0f b8 c3' },
  { name: 'cmovne rax, rbx', code: '48 0f 45 c3' },
  { name: 'setc al', code: '0f 92 c0' },
  { name: 'movzx eax, bl', code: '0f b6 c3' },
  { name: 'mov rax, [rsi]', code: '48 8b 06' },
  { name: 'mov [rdi], rax', code: '48 89 07' },
  { name: 'movzx eax, byte [rsi]', code: '0f b6 06' },
  { name: 'add [rdi], rax', code: '48 01 07' },
  { name: 'lock xadd [rdi], rax', code: 'f0 48 0f c1 07' },
  { name: 'mov rax, [r8], across pages', code: '49 8b 00' },
  {
    name: 'add edx, 4096; and edx, 1fffffh; mov rax, [rsi + rdx]',
    code: '81 c2 00 10 00 00 81 e2 ff ff 1f 00 48 8b 04 16',
    unit: 'TLB miss',
  },
  { name: 'push rax; pop rax', code: '50 58', unit: 'pair' },
  { name: 'jmp to the next', code: 'eb 00' },
  { name: 'jnz to the next', code: '75 00' },
  {
    name: 'call; ret',
    code: (offset) => `e8 ${relative(-offset - 6)}`,
    unit: 'pair',
  },
  {
    name: 'rep movsb, 4 KiB',
    code: '4c 89 ce 4c 89 d7 b9 00 10 00 00 f3 a4',
    unit: 'byte',
    units: 4096,
    copies: 1,
  },
  {
    name: 'rep stosq, 4 KiB',
    code: '4c 89 d7 b9 00 02 00 00 f3 48 ab',
    unit: 'byte',
    units: 4096,
    copies: 1,
  },
];

/** A loop in a machine of its own, ready to run again and again. */
export function prepareLoop(loop: InstructionLoop): { run(): void; units: number } {
  const { code, copies = 64, units = 1 } = loop;
  let body = '';
  for (let copy = 0; copy < copies; copy++) {
    body += typeof code === 'string' ? code : code(toBytes(body).length);
  }
  const size = toBytes(body + LOOP_END).length + 4;
  const bytes = toBytes(FUNCTION + body + LOOP_END + relative(-size));

  const machine = new Machine({ ...MEASURED, ramSize: 8 << 20 });
  const { registers } = machine;
  machine.map(CODE, bytes.length, 'rxu');
  machine.write(CODE, bytes);
  machine.map(DATA, DATA_SIZE, 'rwu');
  machine.map(STACK_TOP - STACK_SIZE, STACK_SIZE, 'rwu');
  registers.rsp = STACK_TOP - 64n;
  registers.rsi = DATA;
  registers.rdi = DATA;
  registers.rbx = 3n;
  registers.r8 = DATA + 0xffcn;
  registers.r9 = DATA;
  registers.r10 = DATA + 0x4000n;
  const run = (): void => {
    registers.rip = CODE + 1n;
    registers.r15 = BigInt(ITERATIONS);
    const exit = machine.run({ until: CODE + BigInt(bytes.length) });
    if (exit.reason !== 'until') {
      throw new Error(`the loop of '${loop.name}' ended with '${exit.reason}'`);
    }
  };
  return { run, units: ITERATIONS * copies * units };
}

function toBytes(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}
