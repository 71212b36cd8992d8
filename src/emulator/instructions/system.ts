import { Segment } from '../../decoder/index.ts';
import { isCanonical, type LinearAddressBits } from '../../lass/index.ts';
import type { Cpu } from '../cpu.ts';
import { Vector } from '../fault.ts';
import { segmentWord } from '../memory/segmentation.ts';
import type { Handler } from '../operation.ts';
import { Cr0, Cr4, Efer } from '../state/control.ts';
import { Word } from '../state/layout.ts';
import { is64BitMode, isProtectedMode } from '../state/modes.ts';
import { setRegister64 } from './operands.ts';
import { requirePrivilegeLevel0, requireProtectedMode } from './privilege.ts';
import { type CodeName, each, type Rows } from './rows.ts';

const { CR0, CR4, EFER, KERNEL_GS_BASE, LINEAR_BITS } = Word;
const FS_BASE = segmentWord(Segment.FS);
const GS_BASE = segmentWord(Segment.GS);

const wait: Handler = ({ state: s, fault }) => {
  const both = Cr0.MP | Cr0.TS;
  if ((s[CR0] & both) === both) {
    fault.raise(Vector.NM, 0, 'feature');
  }
};

function requireFsgsbase({ state: s, fault }: Cpu): void {
  if ((s[CR4] & Cr4.FSGSBASE) === 0) {
    fault.raise(Vector.UD, 0, 'feature');
  }
}

function readBase(base: number, size: 4 | 8): Handler {
  return (cpu, i) => {
    const { state: s } = cpu;
    requireFsgsbase(cpu);
    setRegister64(s, i.slot0, s[base], size === 8 ? s[base + 1] : 0);
  };
}

/** LASS does not look at the base, only at the addresses made with it. */
function writeBase(base: number, size: 4 | 8): Handler {
  return (cpu, i) => {
    const { state: s } = cpu;
    requireFsgsbase(cpu);
    const hi = size === 8 ? s[i.slot0 + 1] : 0;
    if (!isCanonical(hi, s[LINEAR_BITS] as LinearAddressBits)) {
      cpu.fault.raise(Vector.GP, 0, 'canonical');
    }
    s[base] = s[i.slot0];
    s[base + 1] = hi;
  };
}

const swapgs: Handler = (cpu) => {
  const { state: s } = cpu;
  requirePrivilegeLevel0(cpu);
  const lo = s[GS_BASE];
  const hi = s[GS_BASE + 1];
  s[GS_BASE] = s[KERNEL_GS_BASE];
  s[GS_BASE + 1] = s[KERNEL_GS_BASE + 1];
  s[KERNEL_GS_BASE] = lo;
  s[KERNEL_GS_BASE + 1] = hi;
};

const hlt: Handler = (cpu) => {
  requirePrivilegeLevel0(cpu);
  cpu.requestExit({ reason: 'halt' });
};

/** As on Intel processors, SYSCALL and SYSRET are for 64-bit mode alone. @throws Fault #UD */
function requireSyscall({ state: s, fault }: Cpu): void {
  if (!is64BitMode(s) || (s[EFER] & Efer.SCE) === 0) {
    fault.raise(Vector.UD, 0, 'feature');
  }
}

/** SYSCALL: the host does what the kernel would; RCX and R11 are left to it. */
const syscall: Handler = (cpu) => {
  requireSyscall(cpu);
  cpu.requestExit({ reason: 'syscall', instruction: 'syscall' });
};

const sysenter: Handler = (cpu) => {
  if (!isProtectedMode(cpu.state)) {
    cpu.fault.raise(Vector.GP, 0, 'privilege');
  }
  cpu.requestExit({ reason: 'syscall', instruction: 'sysenter' });
};

/** What is not implemented yet, but faults below the highest privilege in any case. */
const privileged: Handler = (cpu, i) => {
  requirePrivilegeLevel0(cpu);
  cpu.requestExitAt(i, { reason: 'unimplemented', code: i.code });
};

const sysret: Handler = (cpu, i) => {
  requireSyscall(cpu);
  privileged(cpu, i);
};

const loadSystemSegment: Handler = (cpu, i) => {
  requireProtectedMode(cpu);
  privileged(cpu, i);
};

const bases: Rows = {
  ...each('Rdfsbase_r32', readBase(FS_BASE, 4)),
  ...each('Rdfsbase_r64', readBase(FS_BASE, 8)),
  ...each('Rdgsbase_r32', readBase(GS_BASE, 4)),
  ...each('Rdgsbase_r64', readBase(GS_BASE, 8)),
  ...each('Wrfsbase_r32', writeBase(FS_BASE, 4)),
  ...each('Wrfsbase_r64', writeBase(FS_BASE, 8)),
  ...each('Wrgsbase_r32', writeBase(GS_BASE, 4)),
  ...each('Wrgsbase_r64', writeBase(GS_BASE, 8)),
  ...each('Swapgs', swapgs),
};

const PRIVILEGED =
  'Clts Lgdt_m1632_16 Lgdt_m1632 Lgdt_m1664 Lidt_m1632_16 Lidt_m1632 Lidt_m1664 ' +
  'Lmsw_rm16 Lmsw_r32m16 Lmsw_r64m16 Invd Wbinvd Wbnoinvd Invlpg_m Rdmsr Wrmsr Sysexitd Sysexitq ' +
  'Mov_r32_cr Mov_r64_cr Mov_cr_r32 Mov_cr_r64 Mov_r32_dr Mov_r64_dr Mov_dr_r32 Mov_dr_r64';

const exits: Rows = {
  ...each('Hlt', hlt),
  ...each('Syscall', syscall),
  ...each('Sysenter', sysenter),
};

/** SDM vol. 1, "System Instructions", as far as they are implemented. */
export const system: Rows = { ...each('Wait', wait), ...bases, ...exits };

/** Instructions of which only the checks are implemented that fault; after them they ask to leave. */
export const checkedOnly: Rows = {
  ...each('Sysretd Sysretq', sysret),
  ...each('Lldt_rm16 Lldt_r32m16 Lldt_r64m16 Ltr_rm16 Ltr_r32m16 Ltr_r64m16', loadSystemSegment),
  ...each(PRIVILEGED, privileged),
};

/** They may ask to leave. */
export const SYSTEM_EXITS = [...Object.keys(exits), ...Object.keys(checkedOnly)] as CodeName[];
