import { describe, expect, test } from 'vitest';
import type { Machine, Snapshot } from '../../src/index.ts';
import { CODE, DATA, fromHex, prepare, run } from './driver.ts';
import { liveHeap } from './heap.ts';

const PAGE = 0x1000n;
const CODE_PAGES = 2n;
/** The byte behind the code pages of the driver. */
const CODE_END = CODE + CODE_PAGES * PAGE;

describe('code that overwrites code', () => {
  test.each([
    ['c6 05 01 00 00 00 2a  b0 00', 'mov byte [next+1],2ah; mov al,0'],
    ['c7 05 00 00 00 00 b0 2a 90 90  b0 00 90 90', 'mov dword [next],…; mov al,0'],
    ['b9 2a 00 00 00 88 0d 01 00 00 00 b0 00', 'mov [next+1],cl; mov al,0'],
    ['fe 05 0a 00 00 00  fe 05 04 00 00 00  90 90 90  b0 28', 'two increments; mov al,28h'],
    ['48 8d 3d 06 00 00 00  b0 b0  aa  b0 2a  90  01 2a', 'stosb of the opcode behind'],
    ['b1 2a 86 0d 01 00 00 00 b0 00', 'xchg [next+1],cl; mov al,0'],
    ['b1 2a f0 86 0d 01 00 00 00 b0 00', 'lock xchg [next+1],cl; mov al,0'],
    ['48 b8 b0 2a 90 90 90 90 90 90 48 8d 25 09 00 00 00 50 00 00 00 00 00 00 00 00', 'push rax'],
  ])('%s, %s: the next instructions are the new ones', (code) => {
    const { ended, register } = run({ code });
    expect(ended).toBe('end');
    expect(register('al')).toBe(0x2an);
  });

  test.each([false, true])('the same in the loop that hooks watch (memory hooks: %s)', (memory) => {
    const machine = prepare({ code: 'c6 05 01 00 00 00 2a  b0 00' });
    const seen: bigint[] = [];
    machine.hook(memory ? { write: () => undefined, read: () => undefined } : {});
    machine.hook({
      instruction: ({ rip }) => {
        seen.push(rip - CODE);
        return undefined;
      },
    });
    expect(machine.run({ until: CODE + 9n }).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
    expect(seen).toEqual([0n, 7n]);
  });

  test('an earlier instruction of a loop is the new one the next time', () => {
    const { register } = run({
      code:
        'b9 03 00 00 00' + // mov ecx,3
        'b0 01' + // again: mov al,1
        '00 c3' + // add bl,al
        'fe 05 f7 ff ff ff' + // inc byte [again+1]
        'ff c9' + // dec ecx
        '75 f2', // jnz again
    });
    expect(register('bl')).toBe(1n + 2n + 3n);
  });

  test('a body that overwrites itself each time round is right 1,000 times', () => {
    const rounds = 1_000n;
    const { ended, register } = run({
      code:
        '05 00 00 00 00' + // again: add eax,0
        'ff 05 f6 ff ff ff' + // inc dword [again+1]
        'ff c9' + // dec ecx
        '75 f1', // jnz again
      with: { ecx: rounds },
      steps: 10_000,
    });
    expect(ended).toBe('end');
    expect(register('eax')).toBe((rounds * (rounds - 1n)) / 2n);
  });

  test('an instruction in another page is the new one', () => {
    const machine = prepare({
      code:
        'e8 fb 0f 00 00' + // again: call CODE + 0x1000
        'ff 05 f6 0f 00 00' + // inc dword [CODE + 0x1001]
        'ff c9' + // dec ecx
        '75 f1', // jnz again
      with: { ecx: 3 },
    });
    machine.write(CODE + PAGE, fromHex('b8 05 00 00 00 01 c3 c3')); // mov eax,5; add ebx,eax; ret
    expect(machine.run({ until: CODE + 15n, maxInstructions: 100 }).reason).toBe('until');
    expect(machine.registers.ebx).toBe(5n + 6n + 7n);
  });

  test('an instruction across two pages is the new one when its second part changes', () => {
    const at = CODE + PAGE - 1n;
    const machine = prepare({
      code:
        'e8 fa 0f 00 00' + // again: call CODE + 0xfff
        'fe 05 f5 0f 00 00' + // inc byte [CODE + 0x1000]
        'ff c9' + // dec ecx
        '75 f1', // jnz again
      with: { ecx: 3 },
    });
    machine.write(at, fromHex('b0 05 00 c3 c3')); // mov al,5; add bl,al; ret
    expect(machine.run({ until: CODE + 15n, maxInstructions: 100 }).reason).toBe('until');
    expect(machine.registers.bl).toBe(5n + 6n + 7n);
  });

  test('an instruction across two pages is the new one when its first part changes', () => {
    const machine = prepare({
      code:
        'e8 fa 0f 00 00' + // again: call CODE + 0xfff
        '80 35 f3 0f 00 00 02' + // xor byte [CODE + 0xfff],2: mov al,5 <-> mov dl,5
        'ff c9' + // dec ecx
        '75 f0', // jnz again
      with: { ecx: 2 },
    });
    machine.write(CODE + PAGE - 1n, fromHex('b0 05 c3')); // mov al,5; ret
    expect(machine.run({ until: CODE + 16n, maxInstructions: 100 }).reason).toBe('until');
    expect(machine.registers).toMatchObject({ rax: 5n, rdx: 5n });
  });

  test('a store across two pages of code changes both', () => {
    const machine = prepare({
      code: 'e8 f9 0f 00 00 48 89 05 f3 0f 00 00 e8 ed 0f 00 00',
      // call CODE + 0xffe; mov [CODE + 0xfff],rax; call CODE + 0xffe
    });
    machine.write(CODE + PAGE - 2n, fromHex('b3 01 b1 02 c3')); // mov bl,1; mov cl,2; ret
    machine.registers.rax = 0xc3_07b1_05n; // mov bl,5; mov cl,7; ret
    expect(machine.run({ until: CODE + 17n, maxInstructions: 100 }).reason).toBe('until');
    expect(machine.registers).toMatchObject({ rbx: 5n, rcx: 7n });
  });

  test.each([
    ['f3 aa', 'rep stosb', { al: 0x43, rcx: 8 }], // 8 times rex.XB
    ['f3 48 ab', 'rep stosq', { rax: 0x4343_4343_4343_4343n, rcx: 1 }],
    ['f3 a4', 'rep movsb', { rsi: DATA, rcx: 8 }],
    ['f3 48 a5', 'rep movsq', { rsi: DATA, rcx: 1 }],
  ])('%s, %s, over the code that follows it', (code, _text, registers) => {
    const machine = prepare({
      code: `${code} 90 90 90 90 90 90 90 90 ff c0`,
      with: { ...registers, rdi: CODE + BigInt(fromHex(code).length) },
      memory: { [`${DATA}`]: '43'.repeat(8) },
    });
    // Eight REX prefixes of which the last counts: inc r8d instead of inc eax.
    const end = CODE + BigInt(fromHex(code).length) + 10n;
    expect(machine.run({ until: end, maxInstructions: 100 }).reason).toBe('until');
    expect(machine.registers.r8).toBe(1n);
    expect(machine.instructionsRetired).toBe(2);
  });

  test('a REP STOSB over itself ends with its count at 0', () => {
    const { ended, register, memory } = run({
      code: '90 f3 aa 90 90', // nop; rep stosb; nop; nop
      with: { al: 0x90, rcx: 5, rdi: CODE },
    });
    expect(ended).toBe('end');
    expect(register('rcx')).toBe(0n);
    expect(memory(CODE, 5)).toBe('9090909090');
  });

  test('data in the page of the code, next to it, changes and the code stays right', () => {
    const { ended, register, memory } = run({
      code:
        'ff 05 0a 00 00 00' + // again: inc dword [counter]
        '03 05 04 00 00 00' + // add eax,[counter]
        'ff c9' + // dec ecx
        '75 f0' + // jnz again
        '00 00 00 00', // counter
      with: { ecx: 100, rax: 0 },
      steps: 400,
    });
    expect(ended).toBe('limit');
    expect(register('eax')).toBe(5_050n);
    expect(memory(CODE + 16n, 4)).toBe('64000000');
  });

  test('a store that changes nothing is as good as none', () => {
    const { ended, register } = run({
      code: 'c6 05 01 00 00 00 2a b0 2a ff c9 75 f3', // again: store the byte that is there
      with: { ecx: 50 },
    });
    expect(ended).toBe('end');
    expect(register('al')).toBe(0x2an);
  });
});

describe('code that the host overwrites', () => {
  test('between runs', () => {
    const machine = prepare({ code: 'b0 01' });
    for (const value of [1, 2, 3]) {
      machine.write(CODE + 1n, [value]);
      machine.registers.rip = CODE;
      machine.run({ until: CODE + 2n });
      expect(machine.registers.al).toBe(BigInt(value));
    }
  });

  test('across two pages between runs', () => {
    const at = CODE + PAGE - 2n;
    const machine = prepare({ code: '90' });
    for (const value of [0x1111_1111n, 0x2222_2222n]) {
      machine.write(at, [0xb8, ...fromHex(value.toString(16))]);
      machine.registers.rip = at;
      machine.run({ until: at + 5n });
      expect(machine.registers.eax).toBe(value);
    }
  });

  test('by unmapping its page and mapping another', () => {
    const machine = prepare({ code: 'b0 01' });
    machine.run({ until: CODE + 2n });
    machine.unmap(CODE, 0x1000);
    machine.registers.rip = CODE;
    expect(machine.run({ until: CODE + 2n })).toMatchObject({ name: '#PF', rip: CODE });
    machine.map(CODE, 0x1000, 'rxu');
    machine.write(CODE, [0xb4, 0x02]);
    machine.run({ until: CODE + 2n });
    expect(machine.registers.ax).toBe(0x0201n);
  });

  test('by exchanging the second page of an instruction across two', () => {
    const at = CODE + PAGE - 1n;
    const machine = prepare({ code: '90' });
    machine.write(at, fromHex('b0 01'));
    machine.registers.rip = at;
    machine.run({ until: at + 2n });
    expect(machine.registers.al).toBe(1n);
    machine.unmap(CODE + PAGE, 0x1000);
    machine.map(CODE_END, 0x1000); // takes the frame that the unmapped page had
    machine.write(CODE_END, [0x33]);
    machine.map(CODE + PAGE, 0x1000);
    machine.write(CODE + PAGE, [0x02]);
    machine.registers.rip = at;
    machine.run({ until: at + 2n });
    expect(machine.registers.al).toBe(2n);
  });

  test('by restoring a snapshot', () => {
    const machine = prepare({ code: 'b0 01' });
    const before = machine.snapshot();
    machine.write(CODE + 1n, [2]);
    machine.run({ until: CODE + 2n });
    expect(machine.registers.al).toBe(2n);
    machine.restore(before);
    machine.run({ until: CODE + 2n });
    expect(machine.registers.al).toBe(1n);
  });

  test('from a hook, ahead in the same block', () => {
    const machine = prepare({ code: '90 b0 01' });
    machine.hook({
      instruction: ({ rip }) => {
        if (rip === CODE) {
          machine.write(CODE + 2n, [0x2a]);
        }
        return undefined;
      },
    });
    machine.run({ until: CODE + 3n });
    expect(machine.registers.al).toBe(0x2an);
  });

  test('from a hook, at the very instruction, which then runs once and as it now is', () => {
    const machine = prepare({ code: 'b0 01 ff c3' });
    const seen: bigint[] = [];
    machine.hook({
      instruction: ({ rip }) => {
        seen.push(rip - CODE);
        machine.write(CODE, [0xb0, 0x2a]);
        return undefined;
      },
    });
    const exit = machine.run({ until: CODE + 4n, maxInstructions: 20 });
    expect(exit.reason).toBe('until');
    expect(seen).toEqual([0n, 2n]);
    expect(machine.registers).toMatchObject({ rax: 0x2an, rbx: 1n });
    expect(machine.instructionsRetired).toBe(2);
  });

  test('from a block hook, the block itself', () => {
    const machine = prepare({ code: 'b0 01 ff c3' });
    machine.hook({
      block: () => {
        machine.write(CODE, [0xb0, 0x2a]);
        return undefined;
      },
    });
    expect(machine.run({ until: CODE + 4n, maxInstructions: 20 }).reason).toBe('until');
    expect(machine.registers).toMatchObject({ rax: 0x2an, rbx: 1n });
  });

  test('from a write hook, the instruction after the store', () => {
    const machine = prepare({ code: '88 03 b0 01', with: { rbx: DATA } }); // mov [rbx],al; mov al,1
    machine.hook({
      write: () => {
        machine.write(CODE + 3n, [0x2a]);
        return undefined;
      },
    });
    expect(machine.run({ until: CODE + 4n, maxInstructions: 20 }).reason).toBe('until');
    expect(machine.registers.al).toBe(0x2an);
  });

  test('from a fault hook that mends the code and retries', () => {
    const machine = prepare({ code: 'ff c3 0f 0b' }); // inc ebx; ud2
    machine.hook({
      fault: ({ rip }) => {
        machine.write(rip, [0xb0, 0x2a]);
        return 'retry';
      },
    });
    expect(machine.run({ until: CODE + 4n, maxInstructions: 20 }).reason).toBe('until');
    expect(machine.registers).toMatchObject({ rax: 0x2an, rbx: 1n });
  });
});

describe('one physical page at two linear addresses', () => {
  const ALIAS = 0x60_0000n;

  /** A machine whose first code page is at `ALIAS` too, writable and executable. */
  function withAlias(code: string): Machine {
    const machine = prepare({ code });
    machine.map(ALIAS, 0x1000, 'rwxu');
    const snapshot = machine.snapshot();
    const tables = new Tables(snapshot, Number(machine.registers.cr3));
    tables.write(tables.leaf(ALIAS), tables.read(tables.leaf(CODE)));
    machine.restore(tables.snapshot);
    return machine;
  }

  test('code written through the other address is the new code', () => {
    const machine = withAlias('c6 03 2a b0 00'); // mov byte [rbx],2ah; mov al,0
    machine.registers.rbx = ALIAS + 4n;
    machine.run({ until: CODE + 5n });
    expect(machine.registers.al).toBe(0x2an);
  });

  test('the same after the page has been written as data for long', () => {
    const machine = withAlias('b0 00 c3');
    const caller = fromHex(
      '88 8b 00 08 00 00' + // again: mov [rbx+0x800],cl
        '88 4b 01' + // mov [rbx+1],cl
        'ff d2' + // call rdx
        '01 c6' + // add esi,eax
        'ff c9' + // dec ecx
        '75 ef', // jnz again
    );
    machine.write(CODE + PAGE, caller);
    Object.assign(machine.registers, { rip: CODE + PAGE, rbx: ALIAS, rdx: CODE, rcx: 100n });
    const end = CODE + PAGE + BigInt(caller.length);
    expect(machine.run({ until: end, maxInstructions: 1_000 }).reason).toBe('until');
    expect(machine.registers.esi).toBe(5_050n);
  });

  test('each address sees its own RIP', () => {
    const machine = withAlias('48 8d 05 f9 ff ff ff c3'); // lea rax,[rip-7]; ret
    const caller = fromHex('ff d2 48 89 c6 ff d3 48 89 c7 ff c9 75 f2');
    // again: call rdx; mov rsi,rax; call rbx; mov rdi,rax; dec ecx; jnz again
    machine.write(CODE + PAGE, caller);
    Object.assign(machine.registers, { rip: CODE + PAGE, rdx: CODE, rbx: ALIAS, rcx: 50n });
    const end = CODE + PAGE + BigInt(caller.length);
    expect(machine.run({ until: end, maxInstructions: 1_000 }).reason).toBe('until');
    expect(machine.registers).toMatchObject({ rsi: CODE, rdi: ALIAS });
  });

  test('being run at both in turn takes no more and more memory', () => {
    const machine = withAlias('ff c0 ff c0 ff c0 ff c0 c3'); // four times inc eax; ret
    machine.write(CODE + PAGE, fromHex('ff d2 ff d3 eb fa')); // again: call rdx; call rbx; jmp again
    Object.assign(machine.registers, { rip: CODE + PAGE, rdx: CODE, rbx: ALIAS });
    machine.run({ maxInstructions: 1_000 });
    const before = liveHeap();
    machine.run({ maxInstructions: 110_000 });
    expect(liveHeap() - before).toBeLessThan(5 << 20);
    expect(machine.registers.eax).toBeGreaterThan(50_000n);
  });
});

/** The paging structures of a 64-bit machine's snapshot, to be changed. */
class Tables {
  readonly snapshot: Snapshot;
  readonly #root: number;

  constructor(snapshot: Snapshot, root: number) {
    this.snapshot = structuredClone(snapshot);
    this.#root = root;
  }

  /** Physical address of the page-table entry of a linear address. */
  leaf(linear: bigint): number {
    let table = this.#root;
    for (const shift of [39n, 30n, 21n]) {
      table = Number(this.read(table + index(linear, shift)) & 0xf_ffff_ffff_f000n);
    }
    return table + index(linear, 12n);
  }

  read(at: number): bigint {
    return this.#view(at).getBigUint64(at % 4096, true);
  }

  write(at: number, entry: bigint): void {
    this.#view(at).setBigUint64(at % 4096, entry, true);
  }

  #view(at: number): DataView {
    const page = this.snapshot.pages.find(({ offset }) => offset === at - (at % 4096));
    return new DataView(page!.bytes.buffer, page!.bytes.byteOffset, 4096);
  }
}

const index = (linear: bigint, shift: bigint): number => Number((linear >> shift) & 511n) * 8;

describe('the same bytes in real mode at two segments', () => {
  test('run with the IP of each', () => {
    const machine = prepare({ mode: 16, code: 'e8 00 00 58' }); // call next; pop ax
    for (const [cs, ip] of [
      [0, 0x1000],
      [0x80, 0x800],
      [0x100, 0],
      [0, 0x1000],
    ]) {
      machine.registers.set('cs', cs);
      machine.registers.set('rip', ip);
      expect(machine.run({ until: ip + 4 }).reason).toBe('until');
      expect(machine.registers.ax).toBe(BigInt(ip + 3));
    }
  });
});
