import type { Cpu } from '../cpu.ts';
import { cpuid } from '../cpuid.ts';
import type { Handler } from '../operation.ts';
import { Cr4 } from '../state/control.ts';
import { Flag, writeArithmeticFlags } from '../state/flags.ts';
import { Word } from '../state/layout.ts';
import { type NarrowSize, setRegister, setRegister64 } from './operands.ts';
import { requirePrivilegeLevel0 } from './privilege.ts';
import { each, family, type Rows, type Size } from './rows.ts';

const { CR4, GPR, TSC_AUX, TSC_OFFSET } = Word;
const RAX = GPR;
const RCX = GPR + 2;
const RDX = GPR + 4;
const RBX = GPR + 6;

const registers = new Uint32Array(4);

const cpuidHandler: Handler = (cpu) => {
  const { state: s } = cpu;
  cpuid(cpu.vendor, cpu.features, s[RAX], s[RCX], registers);
  setRegister64(s, RAX, registers[0], 0);
  setRegister64(s, RBX, registers[1], 0);
  setRegister64(s, RCX, registers[2], 0);
  setRegister64(s, RDX, registers[3], 0);
};

/** The time-stamp counter, which counts instructions, into EDX:EAX. @throws Fault #GP(0) */
function readTimeStamp(cpu: Cpu): void {
  const { state: s, retired } = cpu;
  if ((s[CR4] & Cr4.TSD) !== 0) {
    requirePrivilegeLevel0(cpu);
  }
  const low = (retired >>> 0) + (s[TSC_OFFSET] >>> 0);
  const carry = low > 0xffff_ffff ? 1 : 0;
  const high = Math.floor(retired / 0x1_0000_0000) + s[TSC_OFFSET + 1] + carry;
  setRegister64(s, RAX, low | 0, 0);
  setRegister64(s, RDX, high | 0, 0);
}

const rdtscp: Handler = (cpu) => {
  readTimeStamp(cpu);
  setRegister64(cpu.state, RCX, cpu.state[TSC_AUX], 0);
};

const rdpid: Handler = ({ state: s }, i) => setRegister64(s, i.slot0, s[TSC_AUX], 0);

/** RDRAND and RDSEED, which always succeed: CF = 1, the other five flags 0. */
function random(size: Size): Handler {
  return (cpu, i) => {
    const { state: s } = cpu;
    const lo = cpu.random();
    if (size === 8) {
      setRegister64(s, i.slot0, lo, cpu.random());
    } else {
      setRegister(cpu, i.slot0, size satisfies NarrowSize, lo);
    }
    writeArithmeticFlags(s, Flag.CF);
  };
}

/** SDM vol. 1, "Random Number Generator Instructions", CPUID and the time-stamp counter. */
export const processorInformation: Rows = {
  ...each('Cpuid', cpuidHandler),
  ...each('Rdtsc', readTimeStamp),
  ...each('Rdtscp', rdtscp),
  ...each('Rdpid_r32 Rdpid_r64', rdpid),
  ...family('Rdrand', 'r16 r32 r64', (size) => () => random(size)),
  ...family('Rdseed', 'r16 r32 r64', (size) => () => random(size)),
};
