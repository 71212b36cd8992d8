// Turns what `record` prints into hwvec-1: adds what needs a disassembler.
//
//   node name.js < raw.jsonl > vectors.jsonl

import { createInterface } from 'node:readline';
import {
  Code,
  Decoder,
  DecoderOptions,
  FlowControl,
  Formatter,
  FormatterSyntax,
  RflagsBits,
} from 'iced-x86';

const CODE = 0x2000_0800;
const MAX_INSTRUCTION = 15;
/** What the recorder puts behind the instruction. */
const FILLER = 'cc';

const CF = 1;
const AF = 1 << 4;
const ZF = 1 << 6;
const OF = 1 << 11;
const FLAG_BITS = [
  [RflagsBits.CF, CF],
  [RflagsBits.PF, 1 << 2],
  [RflagsBits.AF, AF],
  [RflagsBits.ZF, ZF],
  [RflagsBits.SF, 1 << 7],
  [RflagsBits.OF, OF],
];
const ALL = FLAG_BITS.reduce((mask, [, bit]) => mask | bit, 0);

/** The initial RCX and ECX where the vector does not list them: low byte. */
const DEFAULT_CL = 0xde;

const SHIFT = /^(?<name>Ro[lr]|Rc[lr]|S[ah][lr])_rm(?<size>8|16|32|64)_(?<count>1|CL|imm8)$/;
const DOUBLE_SHIFT = /^Sh[lr]d_rm(?<size>16|32|64)_r\d\d_(?<count>CL|imm8)$/;
const APPROXIMATE = /_?(?:Rcp|Rsqrt)[ps]s_/i;

const NEAR_BRANCHES = new Set([
  FlowControl.UnconditionalBranch,
  FlowControl.IndirectBranch,
  FlowControl.ConditionalBranch,
  FlowControl.Return,
  FlowControl.Call,
  FlowControl.IndirectCall,
]);

const formatter = new Formatter(FormatterSyntax.Masm);
const names = Object.fromEntries(Object.entries(Code).map(([name, code]) => [code, name]));

/** Size of the operand and masked count of a shift or rotate, undefined for others. */
function shiftOf(name, instruction, vector) {
  const found = SHIFT.exec(name) ?? DOUBLE_SHIFT.exec(name);
  if (found === null) {
    return undefined;
  }
  const size = Number(found.groups.size);
  const rcx = vector.i.rcx ?? vector.i.ecx;
  const cl = rcx === undefined ? DEFAULT_CL : Number.parseInt(rcx.slice(-2), 16);
  const counts = { 1: () => 1, CL: () => cl, imm8: () => instruction.immediate8 };
  const count = counts[found.groups.count]() & (size === 64 ? 63 : 31);
  return { size, count, name: found.groups.name };
}

function undefinedAfterShift({ size, count, name }) {
  if (count === 0) {
    return 0;
  }
  if (name === undefined && count > size) {
    return ALL;
  }
  const overflow = count === 1 ? 0 : OF;
  if (name?.startsWith('R')) {
    return overflow;
  }
  const carry = ['Shl', 'Sal', 'Shr'].includes(name) && count >= size ? CF : 0;
  return overflow | carry | AF;
}

function undefinedFlags(name, instruction, vector) {
  if (vector.x !== undefined) {
    return 0;
  }
  const shift = shiftOf(name, instruction, vector);
  if (shift !== undefined) {
    return undefinedAfterShift(shift);
  }
  const undefinedBits = instruction.rflagsUndefined;
  return FLAG_BITS.reduce((mask, [iced, bit]) => mask | (undefinedBits & iced ? bit : 0), 0);
}

function tagsOf(name, instruction, vector, mode) {
  const tags = [...(vector.t ?? [])];
  const completed = vector.x === undefined;
  const shift = shiftOf(name, instruction, vector);
  if (completed && shift !== undefined && shift.name === undefined && shift.count > shift.size) {
    tags.push('undef');
  }
  if (name === 'Bswap_r16') {
    tags.push('undef');
  }
  const flags = Number.parseInt(vector.f.fl ?? vector.i.fl ?? '202', 16);
  if (completed && /^Bs[fr]_/.test(name) && (flags & ZF) !== 0) {
    tags.push('vendor');
  }
  if (mode === 64 && NEAR_BRANCHES.has(instruction.flowControl) && hasPrefix66(vector.b)) {
    tags.push('vendor');
  }
  if (APPROXIMATE.test(name)) {
    tags.push('approx');
  }
  return tags;
}

function hasPrefix66(hex) {
  return /^(?:26|2e|36|3e|6[4567]|f[023]|4.)*?66/.test(hex);
}

/**
 * The vector as the format has it, undefined if this is no single instruction to iced-x86 where it
 * was one to the processor.
 */
function finish(vector, mode) {
  const padded = vector.b + FILLER.repeat(MAX_INSTRUCTION - vector.b.length / 2);
  const decoder = new Decoder(mode, Buffer.from(padded, 'hex'), DecoderOptions.None);
  decoder.ip = BigInt(CODE);
  const instruction = decoder.decode();
  try {
    return finishDecoded(vector, mode, instruction, padded);
  } finally {
    instruction.free();
    decoder.free();
  }
}

function finishDecoded(vector, mode, instruction, padded) {
  const { rip, ...final } = vector.f;
  const end = Number.parseInt(rip, 16);
  const branches = instruction.flowControl !== FlowControl.Next;
  let length = instruction.length;
  if (instruction.isInvalid) {
    length = vector.x === undefined ? end - CODE : vector.b.length / 2;
  } else if (vector.x === undefined && !branches && end !== CODE + length) {
    return undefined;
  }
  if (length < 1 || length > MAX_INSTRUCTION) {
    return undefined;
  }
  const unlisted = vector.x === undefined ? CODE + length : CODE;
  const name = names[instruction.code];
  const flags = undefinedFlags(name, instruction, vector);
  const tags = tagsOf(name, instruction, vector, mode);
  return {
    b: padded.slice(0, 2 * length),
    c: name,
    m: instruction.isInvalid ? '(bad)' : formatter.format(instruction),
    i: vector.i,
    f: end === unlisted ? final : { ...final, rip },
    ...(flags === 0 ? {} : { u: flags }),
    ...(vector.x === undefined ? {} : { x: vector.x }),
    ...(vector.xa === undefined ? {} : { xa: vector.xa }),
    ...(tags.length === 0 ? {} : { t: tags }),
  };
}

const lines = [];
const codes = new Set();
const dropped = new Map();
let header;

for await (const line of createInterface({ input: process.stdin })) {
  const raw = JSON.parse(line);
  if (raw.mode !== undefined) {
    header = raw;
    continue;
  }
  const vector = finish(raw, header.mode);
  if (vector === undefined) {
    const key = raw.b.replace(/^(?:26|2e|36|3e|6[4567]|f[023]|4.)*/, '').slice(0, 8);
    dropped.set(key, (dropped.get(key) ?? 0) + 1);
  } else {
    codes.add(vector.c);
    lines.push(JSON.stringify(vector));
  }
}

if (header === undefined) {
  process.stderr.write('name.js: no vectors\n');
  process.exit(1);
}
for (const [bytes, count] of dropped) {
  process.stderr.write(`name.js: ${count} x ${bytes}… left out: iced-x86 sees another length\n`);
}
const { mode, seed, cpu } = header;
const first = {
  format: 'hwvec-1',
  group: `native${mode}`,
  mode,
  seed,
  count: lines.length,
  codes: codes.size,
  cpu,
};
process.stdout.write(`${JSON.stringify(first)}\n`);
for (let from = 0; from < lines.length; from += 10_000) {
  process.stdout.write(`${lines.slice(from, from + 10_000).join('\n')}\n`);
}
