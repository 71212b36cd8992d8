import { LassAccess } from './access.ts';

/** What a row of {@link LASS_KINDS} says about its accesses. */
export interface LassKindDescription {
  readonly access: LassAccess;
  /** The access in words. */
  readonly name: string;
  /** Whether a segment register, and so possibly SS, stands behind it. */
  readonly segmented: boolean;
  /** What a non-canonical address does, where it is not a #GP(0) or #SS(0). */
  readonly nonCanonical?: string;
}

const operand = (name: string): LassKindDescription => ({
  access: LassAccess.Data,
  name,
  segmented: true,
});

const system = (name: string): LassKindDescription => ({
  access: LassAccess.Implicit,
  name,
  segmented: false,
});

const exempt = (name: string, nonCanonical?: string): LassKindDescription => ({
  access: LassAccess.Exempt,
  name,
  segmented: false,
  ...(nonCanonical === undefined ? {} : { nonCanonical }),
});

/**
 * Accesses by the names that people give them, and how LASS classes each.
 * Source: SDM vol. 3, Linear-Address Pre-Processing; the classes of the I/O bitmap, XSAVE, MONITOR
 * and the like are inferred from it.
 */
export const LASS_KINDS = {
  read: operand('read'),
  write: operand('write'),
  rmw: operand('read-modify-write'),
  string_src: operand('string-instruction source read'),
  string_dst: operand('string-instruction destination write'),
  gather_elem: operand('gather element read'),
  xsave: operand('XSAVE area access'),
  fxsave: operand('FXSAVE area access'),
  clflush: operand('cache-line flush, checked like a load,'),
  monitor: operand('MONITOR address range, checked like a load,'),
  sgdt_store: operand('SGDT or SIDT store'),
  lgdt_operand: operand('LGDT or LIDT operand read'),
  vmx_operand: operand('VMX instruction operand access'),
  invpcid_operand: operand('INVPCID or INVVPID descriptor read'),
  shadow_stack: { access: LassAccess.Data, name: 'shadow-stack access', segmented: false },
  wruss: { access: LassAccess.UserForced, name: 'WRUSS write', segmented: false },
  fetch: { access: LassAccess.Fetch, name: 'instruction fetch', segmented: false },
  prefetch: { access: LassAccess.Prefetch, name: 'prefetch', segmented: false },
  implicit_gdt: system('GDT access'),
  implicit_ldt: system('LDT access'),
  implicit_idt: system('IDT read'),
  implicit_tss: system('TSS access'),
  implicit_iobitmap: system('I/O permission bitmap read'),
  implicit_upid: system('UPID access'),
  branch_target: exempt('branch target'),
  rip_load_lstar: exempt('value written to IA32_LSTAR'),
  invlpg: exempt('INVLPG address', 'INVLPG of a non-canonical address does nothing.'),
  invpcid_desc_addr: exempt('address inside an INVPCID descriptor'),
  invvpid_desc_addr: exempt(
    'address inside an INVVPID descriptor',
    'INVVPID answers a non-canonical address with VMfail, not with a fault.',
  ),
  lea: exempt('LEA result', 'LEA computes any address.'),
} as const satisfies Record<string, LassKindDescription>;

/** A name in {@link LASS_KINDS}. */
export type LassKind = keyof typeof LASS_KINDS;
