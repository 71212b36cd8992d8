import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLinear,
  explain,
  judge,
  LASS_KINDS,
  LASS_RULES,
  LassAccess,
  type LassCase,
  type LassKind,
  LinearCheck,
  lassPolicy,
} from '../../src/lass/index.ts';
import { allStates, boundaries, high, low } from './reference.ts';

const kernelRead: LassCase = {
  mode: '64bit',
  cpl: 0,
  lass: true,
  smap: true,
  ac: false,
  kind: 'read',
  segment: 'DS',
  address: 0x7f00_0000_1000n,
  size: 8,
};

describe('explain', () => {
  it('agrees with the check in every state, for every kind, at every boundary', () => {
    const sixtyFour = allStates().filter(({ lma, cs64 }) => lma && cs64);
    const address = fc
      .tuple(fc.constantFrom(...boundaries), fc.integer({ min: -20, max: 20 }))
      .map(([boundary, offset]) => BigInt.asUintN(64, boundary + BigInt(offset)));
    fc.assert(
      fc.property(
        fc.constantFrom(...sixtyFour),
        fc.constantFrom(...Object.values(LassAccess)),
        address,
        fc.integer({ min: 1, max: 64 }),
        fc.boolean(),
        (state, access, at, size, defaultIsStack) => {
          const found = checkLinear(lassPolicy(state), access, low(at), high(at), size, 48);
          const { verdict, rule } = explain(state, { access, address: at, size, defaultIsStack });
          expect(verdict === 'ok').toBe(found === LinearCheck.Ok);
          expect(rule === 'R14').toBe(
            found === LinearCheck.NonCanonical && access !== LassAccess.Prefetch,
          );
          const forbidden = /R(1|2|3|4|5|15)(\+|$)/.test(rule);
          expect(forbidden).toBe(
            found === LinearCheck.LassViolation && access !== LassAccess.Prefetch,
          );
          expect(verdict === 'suppressed').toBe(rule === 'R10');
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('agrees with the check on 32-bit addresses outside 64-bit mode', () => {
    const others = allStates().filter(({ lma, cs64 }) => !(lma && cs64));
    for (const state of others) {
      for (const access of Object.values(LassAccess)) {
        const found = checkLinear(lassPolicy(state), access, -0x1000, 0, 4, 48);
        const { verdict } = explain(state, { access, address: 0xffff_f000, size: 4 });
        expect(verdict === 'ok').toBe(found === LinearCheck.Ok);
      }
    }
  });

  it('uses every rule somewhere, and names no rule outside the table', () => {
    const used = new Set<string>();
    for (const mode of ['64bit', 'compat', 'real'] as const) {
      for (const cpl of [0, 3]) {
        for (const smap of [false, true]) {
          for (const ac of [false, true]) {
            for (const kind of Object.keys(LASS_KINDS) as LassKind[]) {
              for (const [segment, override] of [
                ['SS', 0x3e],
                ['SS', 0],
                ['DS', 0],
              ] as const) {
                for (const address of [...boundaries, (1n << 64n) - 1n]) {
                  const given = { ...kernelRead, mode, cpl, smap, ac, kind, segment, override };
                  const { rule } = judge({ ...given, address });
                  for (const one of rule.split('+')) {
                    used.add(one);
                  }
                }
              }
            }
          }
        }
      }
    }
    expect([...used].sort()).toEqual(Object.keys(LASS_RULES).sort());
  });

  it('names an access that has no name by its kind', () => {
    const [state] = allStates();
    const { explanation } = explain(state!, { access: LassAccess.Fetch, address: 0 });
    expect(explanation).toContain('Instruction fetch of 1 byte at 0x00000000');
  });
});

describe('judge', () => {
  it('tells a kernel developer what a stray user access needs', () => {
    expect(judge(kernelRead)).toEqual({
      verdict: '#GP(0)',
      rule: 'R4',
      explanation:
        'Read of 8 bytes at 0x00007f0000001000 (lower half), supervisor access at CPL 0 in ' +
        '64-bit mode with CR4.SMAP=1 and RFLAGS.AC=0. A supervisor-mode data access must have ' +
        'bit 63 set while CR4.SMAP=1 and RFLAGS.AC=0. A kernel that means to touch the user ' +
        'half opens a window with STAC. #GP(0) before paging: no page walk, and CR2 keeps its ' +
        'value.',
    });
  });

  it('says that the AC flag of user code does not reach the GDT', () => {
    const { verdict, explanation } = judge({
      ...kernelRead,
      cpl: 3,
      ac: true,
      kind: 'implicit_gdt',
      segment: '-',
    });
    expect(verdict).toBe('#GP(0)');
    expect(explanation).toContain('GDT access of 8 bytes');
    expect(explanation).toContain('supervisor access at CPL 3');
    expect(explanation).toContain('user code could set it');
  });

  it('shows where an access leaves its half or the canonical range', () => {
    const at = (address: bigint) => judge({ ...kernelRead, address }).explanation;
    expect(at(0xffff_ffff_ffff_fffcn)).toContain('upper half, wrapping into the lower half');
    expect(at(0x0000_7fff_ffff_fffcn)).toContain('running into the non-canonical hole');
    expect(at(0x8000_0000_0000_0000n)).toContain('(non-canonical)');
  });

  it('cuts explicit addresses to 32 bits in compatibility mode, but not table bases', () => {
    const compat = { ...kernelRead, mode: 'compat', address: 0xffff_8000_c000_1000n } as const;
    expect(judge(compat)).toMatchObject({ verdict: '#GP(0)', rule: 'R11+R4' });
    expect(judge(compat).explanation).toContain(' 0xc0001000,');
    expect(judge({ ...compat, kind: 'implicit_gdt' })).toMatchObject({ verdict: 'ok', rule: 'R6' });
  });

  it('keeps all 64 bits of an unchecked value in any mode', () => {
    const lstar = { ...kernelRead, mode: 'compat', kind: 'rip_load_lstar' } as const;
    const { rule, explanation } = judge({ ...lstar, address: 0xffff_ffff_8100_0000n });
    expect(rule).toBe('R9');
    expect(explanation).toContain('0xffffffff81000000');
    expect(judge({ ...lstar, address: 1n << 63n })).toMatchObject({
      verdict: '#GP(0)',
      rule: 'R14',
    });
  });

  it('honours segment prefixes in compatibility mode only', () => {
    const stack = { ...kernelRead, segment: 'SS', override: 0x3e } as const;
    expect(judge(stack)).toMatchObject({ verdict: '#SS(0)', rule: 'R4+R12n' });
    expect(judge({ ...stack, mode: 'compat' })).toMatchObject({
      verdict: '#GP(0)',
      rule: 'R11+R4',
    });
    expect(judge({ ...stack, override: 0x64 })).toMatchObject({ verdict: '#GP(0)', rule: 'R4' });
  });

  it('keeps shadow stacks and system structures away from #SS', () => {
    for (const kind of ['shadow_stack', 'implicit_tss'] as const) {
      expect(judge({ ...kernelRead, kind, segment: 'SS' }).verdict).toBe('#GP(0)');
    }
  });

  it('leaves non-canonical TLB-invalidation addresses to their instruction', () => {
    const address = 0x8000_0000_0000n;
    const ofKind = (kind: LassKind) => judge({ ...kernelRead, kind, address });
    expect(ofKind('invlpg')).toMatchObject({ verdict: 'ok', rule: 'R9' });
    expect(ofKind('invlpg').explanation).toContain('does nothing');
    expect(ofKind('invvpid_desc_addr')).toMatchObject({ verdict: 'ok', rule: 'R9' });
    expect(ofKind('invpcid_desc_addr')).toMatchObject({ verdict: '#GP(0)', rule: 'R14' });
  });

  it('drops an illegal prefetch and lets a legal one through', () => {
    const prefetch = { ...kernelRead, kind: 'prefetch' } as const;
    expect(judge(prefetch)).toMatchObject({ verdict: 'suppressed', rule: 'R10' });
    expect(judge({ ...prefetch, ac: true })).toMatchObject({ verdict: 'ok', rule: 'R8' });
    expect(judge({ ...prefetch, mode: 'compat' }).rule).toBe('R11+R10');
  });

  it.each([
    ['mode', { mode: 'vm86' }],
    ['kind', { kind: 'toString' }],
    ['segment', { segment: 'XS' }],
    ['override', { override: 0x66 }],
    ['cpl', { cpl: 7 }],
    ['size', { size: -1 }],
    ['address', { address: -1n }],
  ])('refuses a bad %s with a RangeError that carries it', (argument, change) => {
    const attempt = () => judge({ ...kernelRead, ...change } as unknown as LassCase);
    expect(attempt).toThrow(RangeError);
    expect(attempt).toThrow(
      expect.objectContaining({ argument, value: Object.values(change).at(0) }),
    );
  });
});
