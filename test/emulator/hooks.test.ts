import { describe, expect, test } from 'vitest';
import type { Hooks, Machine, MachineOptions } from '../../src/index.ts';
import { CODE, DATA, fromHex, prepare, STACK_TOP, toHex } from './driver.ts';

/** IN and OUT need it. */
const IOPL_3 = 0x3202n;
const NOWHERE = 0x6000_0000n;
const KINDS = ['instruction', 'block', 'read', 'write', 'in', 'out', 'fault'] as const;
type Kind = (typeof KINDS)[number];

/*
 * One program that has an event of every kind, in the middle of blocks where that can be.
 */
const PROGRAM = [
  '48 ff c0', //    +0  inc rax
  '48 8b 0b', //    +3  mov rcx,[rbx]
  '48 ff c0', //    +6  inc rax
  '48 89 4b 08', // +9  mov [rbx+8],rcx
  '48 ff c0', //    +13 inc rax
  'e4 10', //       +16 in al,10h
  '48 ff c6', //    +18 inc rsi
  'e6 11', //       +21 out 11h,al
  '48 ff c6', //    +23 inc rsi
  '8b 12', //       +26 mov edx,[rdx], which faults
  '48 ff c6', //    +28 inc rsi
].join(' ');
const END = CODE + 31n;
/** mov rdi,77h */
const TARGET = CODE + 0x100n;
const AT_TARGET = '48 c7 c7 77 00 00 00';
const TARGET_END = TARGET + 7n;
const VALUE = 0x1122_3344_5566_7788n;

/** Where each kind has its event, and where the instruction ends. */
const PLACES: Readonly<Record<Kind, readonly [start: bigint, end: bigint]>> = {
  instruction: [CODE + 6n, CODE + 6n],
  block: [CODE + 18n, CODE + 18n],
  read: [CODE + 3n, CODE + 6n],
  write: [CODE + 9n, CODE + 13n],
  in: [CODE + 16n, CODE + 18n],
  out: [CODE + 21n, CODE + 23n],
  fault: [CODE + 26n, CODE + 26n],
};

const QUIET: Readonly<Hooks> = { in: () => 0x55, out: () => true, fault: () => 'skip' };

function machineFor(code = PROGRAM, options: MachineOptions = {}): Machine {
  const machine = prepare({
    ...options,
    code,
    with: { rbx: DATA, rdx: NOWHERE, rflags: IOPL_3 },
    memory: { [`${DATA}`]: toHex(littleEndian(VALUE)), [`${TARGET}`]: AT_TARGET },
  });
  return machine;
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 255n));
}

/**
 * Hooks that call `action` at one kind's place, and do what the program needs elsewhere.
 *
 * @param action What it returns becomes the hook's decision, if it is one.
 */
function at(kind: Kind, action: (rip: bigint) => unknown): Hooks {
  const [place] = PLACES[kind];
  const hook = (event: { rip: bigint }): unknown => {
    const decision = event.rip === place ? action(event.rip) : undefined;
    if (kind === 'in') {
      return 0x55;
    }
    return kind === 'out' ? true : decision;
  };
  const others = Object.entries(QUIET).filter(([name]) => name !== kind);
  return { ...Object.fromEntries(others), [kind]: hook } as Hooks;
}

const expectedEnd = { rax: 0x55n, rsi: 3n, rcx: VALUE, rdi: 0n };

function expectFinished(machine: Machine): void {
  const { rax, rsi, rcx, rdi } = machine.registers;
  expect({ rax, rsi, rcx, rdi }).toEqual(expectedEnd);
  expect(toHex(machine.read(DATA + 8n, 8))).toBe(toHex(littleEndian(VALUE)));
}

describe.each(KINDS)('in a hook of kind %s', (kind) => {
  const [place, behind] = PLACES[kind];

  test('RIP is that of the instruction, in the event and in the registers', () => {
    const machine = machineFor();
    const seen: bigint[] = [];
    machine.hook(
      at(kind, (rip) => {
        seen.push(rip, machine.registers.rip, machine.registers.get('rip'));
        return kind === 'fault' ? 'skip' : undefined;
      }),
    );
    expect(machine.run({ until: END }).reason).toBe('until');
    expect(seen).toEqual([place, place, place]);
    expectFinished(machine);
  });

  test('the registers are those before the instruction', () => {
    const machine = machineFor();
    let steps = { rax: -1n, rsi: -1n };
    machine.hook(
      at(kind, () => {
        const { rax, rsi } = machine.registers;
        steps = { rax, rsi };
        return kind === 'fault' ? 'skip' : undefined;
      }),
    );
    machine.run({ until: END });
    const rax = { instruction: 1n, read: 1n, write: 2n, in: 3n, block: 0x55n, out: 0x55n };
    expect(steps.rax).toBe({ ...rax, fault: 0x55n }[kind]);
    expect(steps.rsi).toBe({ out: 1n, fault: 2n }[kind as 'out' | 'fault'] ?? 0n);
  });

  test('a write to RIP is obeyed', () => {
    const machine = machineFor();
    machine.hook(
      at(kind, () => {
        machine.registers.rip = TARGET;
        return kind === 'fault' ? 'retry' : undefined;
      }),
    );
    const exit = machine.run({ until: [END, TARGET_END], maxInstructions: 100 });
    expect(exit).toEqual({ reason: 'until', rip: TARGET_END });
    expect(machine.registers.rdi).toBe(0x77n);
    // The instruction under way completes, except where the hook comes before it.
    const written = place >= PLACES.write[0] ? littleEndian(VALUE) : new Uint8Array(8);
    expect(toHex(machine.read(DATA + 8n, 8))).toBe(toHex(written));
    expect(machine.registers.rcx).toBe(VALUE);
  });

  test.each(['stop()', "'stop'"])('%s ends the run at once', (how) => {
    const machine = machineFor();
    machine.hook(
      at(kind, () => {
        if (how === 'stop()' || kind === 'in' || kind === 'out') {
          machine.stop();
        }
        return how === 'stop()' ? (kind === 'fault' ? 'retry' : undefined) : 'stop';
      }),
    );
    expect(machine.run({ until: END })).toEqual({ reason: 'stop', rip: behind });
    expect(machine.registers.rip).toBe(behind);
  });

  test('after a stop the run goes on where it was', () => {
    const machine = machineFor();
    const remove = machine.hook(
      at(kind, () => {
        machine.stop();
        return kind === 'fault' ? 'stop' : undefined;
      }),
    );
    machine.run({ until: END });
    remove();
    machine.hook(QUIET);
    expect(machine.run({ until: END }).reason).toBe('until');
    expectFinished(machine);
  });

  test('an error thrown leaves the machine before the instruction, and usable', () => {
    const machine = machineFor();
    const remove = machine.hook(
      at(kind, () => {
        machine.registers.rip = TARGET;
        throw new Error(`from ${kind}`);
      }),
    );
    expect(() => machine.run({ until: END })).toThrow(`from ${kind}`);
    expect(machine.registers.rip).toBe(kind === 'fault' ? TARGET : place);
    machine.registers.rip = place;
    remove();
    machine.hook(QUIET);
    expect(machine.run({ until: END }).reason).toBe('until');
    expectFinished(machine);
    expect(machine.instructionsRetired).toBe(10);
  });

  test('hooks added there fire from then on', () => {
    const machine = machineFor();
    const seen: bigint[] = [];
    let added = false;
    machine.hook(
      at(kind, () => {
        if (!added) {
          added = true;
          machine.hook({ instruction: ({ rip }) => void seen.push(rip) });
        }
        return kind === 'fault' ? 'skip' : undefined;
      }),
    );
    machine.run({ until: END });
    const starts = [0, 3, 6, 9, 13, 16, 18, 21, 23, 26, 28].map((n) => CODE + BigInt(n));
    expect(seen).toEqual(
      starts.filter((start) => (kind === 'block' ? start >= place : start > place)),
    );
    expectFinished(machine);
  });

  test('a hook that removes itself is not called again', () => {
    const machine = machineFor();
    let calls = 0;
    const hook = (): unknown => {
      calls++;
      remove();
      return { in: 0x55, out: true, fault: 'skip' }[kind as 'in'];
    };
    const remove = machine.hook({ [kind]: hook } as Hooks);
    machine.hook(QUIET);
    for (let n = 0; n < 2; n++) {
      machine.registers.rip = CODE;
      machine.run({ until: END });
    }
    expect(calls).toBe(1);
  });

  test('the machine may not be run or restored', () => {
    const machine = machineFor();
    const snapshot = machine.snapshot();
    machine.hook(
      at(kind, () => {
        expect(() => machine.run()).toThrow('the machine is running');
        expect(() => machine.step()).toThrow('the machine is running');
        expect(() => machine.restore(snapshot)).toThrow('the machine is running');
        return kind === 'fault' ? 'skip' : undefined;
      }),
    );
    expect(machine.run({ until: END }).reason).toBe('until');
    expectFinished(machine);
  });

  test('a snapshot taken there goes on with the instruction', () => {
    const machine = machineFor();
    let snapshot = machine.snapshot();
    const remove = machine.hook(
      at(kind, () => {
        snapshot = machine.snapshot();
        return kind === 'fault' ? 'skip' : undefined;
      }),
    );
    machine.run({ until: END });
    remove();
    machine.restore(snapshot);
    expect(machine.registers.rip).toBe(place);
    machine.hook(QUIET);
    expect(machine.run({ until: END }).reason).toBe('until');
    expectFinished(machine);
  });
});

test('hooks of several hosts all see an event, in the order they were added', () => {
  const machine = machineFor('90');
  const seen: string[] = [];
  machine.hook({ instruction: () => void seen.push('first') });
  machine.hook({
    instruction: () => void seen.push('second'),
    block: () => void seen.push('block'),
  });
  machine.run({ until: CODE + 1n });
  expect(seen).toEqual(['block', 'first', 'second']);
});

test('of port hooks the first that answers has the port', () => {
  const machine = machineFor('e4 10 e6 11');
  const asked: string[] = [];
  machine.hook({ in: () => void asked.push('a'), out: () => false });
  machine.hook({ in: () => 7, out: ({ value }) => asked.push(`out ${value}`) > 0 });
  machine.hook({ in: () => void asked.push('c') });
  expect(machine.run({ until: CODE + 4n }).reason).toBe('until');
  expect(asked).toEqual(['a', 'out 7']);
});

test('skip goes on behind the instruction, which is not counted', () => {
  const machine = machineFor('48 ff c0  48 ff c6  48 ff c0');
  machine.hook({ instruction: ({ rip }) => (rip === CODE + 3n ? 'skip' : undefined) });
  machine.run({ until: CODE + 9n });
  expect(machine.registers.rsi).toBe(0n);
  expect(machine.registers.rax).toBe(2n);
  expect(machine.instructionsRetired).toBe(2);
});

test('the event of an instruction has it decoded', () => {
  const machine = machineFor('48 89 4b 08');
  let length = 0;
  machine.hook({
    instruction: ({ instruction }) => {
      length = instruction.length;
      return undefined;
    },
  });
  machine.run({ until: CODE + 4n });
  expect(length).toBe(4);
});

test('a block hook is told of every block and its length', () => {
  const machine = machineFor('31 c0  ff c0  ff c0  ff c9  75 f8  90', {});
  machine.registers.rcx = 3n;
  const blocks: [bigint, number][] = [];
  machine.hook({ block: ({ rip, count }) => void blocks.push([rip, count]) });
  machine.run({ until: CODE + 11n });
  expect(blocks).toEqual([
    [CODE, 5],
    [CODE + 2n, 4],
    [CODE + 2n, 4],
    [CODE + 10n, 1],
  ]);
});

describe('one event for each access', () => {
  const STACK = STACK_TOP - 0x100n;
  const EDGE = DATA + 0xffcn;

  interface Access {
    readonly kind: 'read' | 'write';
    readonly linearAddress: bigint;
    readonly size: number;
  }

  function accesses(machine: Machine, end: bigint): Access[] {
    const seen: Access[] = [];
    const note =
      (kind: Access['kind']) =>
      ({ linearAddress, data }: { linearAddress: bigint; data: Uint8Array }): undefined => {
        seen.push({ kind, linearAddress, size: data.length });
      };
    machine.hook({ read: note('read'), write: note('write') });
    expect(machine.run({ until: end, maxInstructions: 100 }).reason).toBe('until');
    return seen;
  }

  const r = (linearAddress: bigint, size: number) => ({ kind: 'read', linearAddress, size });
  const w = (linearAddress: bigint, size: number) => ({ kind: 'write', linearAddress, size });

  test.each([
    ['mov al,[rbx]', '8a 03', [r(DATA, 1)]],
    ['mov [rbx],ax', '66 89 03', [w(DATA, 2)]],
    ['mov rax,[rbp], across a page', '48 8b 45 00', [r(EDGE, 8)]],
    ['mov [rbp],rax, across a page', '48 89 45 00', [w(EDGE, 8)]],
    ['add [rbp],rax, across a page', '48 01 45 00', [r(EDGE, 8), w(EDGE, 8)]],
    ['inc dword [rbx]', 'ff 03', [r(DATA, 4), w(DATA, 4)]],
    ['lock xadd [rbx],eax', 'f0 0f c1 03', [r(DATA, 4), w(DATA, 4)]],
    ['xchg [rbx],rax', '48 87 03', [r(DATA, 8), w(DATA, 8)]],
    ['cmpxchg16b [rbx]', '48 0f c7 0b', [r(DATA, 16), w(DATA, 16)]],
    ['cmp [rbx],al', '38 03', [r(DATA, 1)]],
    ['bt [rbx],eax', '0f a3 03', [r(DATA, 4)]],
    ['bts [rbx],eax', '0f ab 03', [r(DATA, 4), w(DATA, 4)]],
    ['setz [rbx]', '0f 94 03', [w(DATA, 1)]],
    ['push rax', '50', [w(STACK - 8n, 8)]],
    ['push [rbx]', 'ff 33', [r(DATA, 8), w(STACK - 8n, 8)]],
    ['pop rax', '58', [r(STACK, 8)]],
    ['pop [rbx]', '8f 03', [r(STACK, 8), w(DATA, 8)]],
    ['pushfq; popfq', '9c 9d', [w(STACK - 8n, 8), r(STACK - 8n, 8)]],
    ['call +0', 'e8 00 00 00 00', [w(STACK - 8n, 8)]],
    ['enter 16,0', 'c8 10 00 00', [w(STACK - 8n, 8)]],
    ['leave', 'c9', [r(EDGE, 8)]],
    ['movsb', 'a4', [r(DATA, 1), w(DATA + 64n, 1)]],
    ['rep stosd, twice', 'f3 ab', [w(DATA + 64n, 4), w(DATA + 68n, 4)]],
    [
      'rep movsw, twice',
      'f3 66 a5',
      [r(DATA, 2), w(DATA + 64n, 2), r(DATA + 2n, 2), w(DATA + 66n, 2)],
    ],
    [
      'repe cmpsb, twice',
      'f3 a6',
      [r(DATA + 64n, 1), r(DATA, 1), r(DATA + 65n, 1), r(DATA + 1n, 1)],
    ],
    ['lea rax,[rbx]', '48 8d 03', []],
    ['prefetcht0 [rbx]', '0f 18 0b', []],
    ['clflush [rbx]', '0f ae 3b', []],
    ['nop [rbx]', '0f 1f 03', []],
  ])('%s', (_text, code, expected) => {
    const machine = prepare({
      code,
      with: { rbx: DATA, rbp: EDGE, rsi: DATA, rdi: DATA + 64n, rcx: 2, rax: 0, rdx: 0 },
    });
    expect(accesses(machine, CODE + BigInt(fromHex(code).length))).toEqual(expected);
  });

  test('pusha is eight, popa at most eight', () => {
    const machine = prepare({ mode: 32, code: '60 61' });
    const seen = accesses(machine, CODE + 2n);
    expect(seen.slice(0, 8)).toEqual(
      Array.from({ length: 8 }, (_, n) => w(STACK - 4n * BigInt(n + 1), 4)),
    );
    expect(seen.slice(8).every(({ kind, size }) => kind === 'read' && size === 4)).toBe(true);
  });

  test('nothing of an access that faults, nor of the checks before many pushes', () => {
    const machine = prepare({ code: '48 89 03', with: { rbx: DATA + 0x1ffcn } });
    let events = 0;
    machine.hook({ read: () => void events++, write: () => void events++ });
    expect(machine.run()).toMatchObject({ name: '#PF' });
    expect(events).toBe(0);
  });

  test('a fetch is none', () => {
    const machine = prepare({ code: '90 90' });
    expect(accesses(machine, CODE + 2n)).toEqual([]);
  });
});

describe('data changed in a hook', () => {
  test('of a read is what the instruction sees, and memory stays', () => {
    const machine = machineFor('48 8b 03');
    machine.hook({ read: ({ data }) => void data.set([1, 2, 3, 4, 5, 6, 7, 8]) });
    machine.run({ until: CODE + 3n });
    expect(machine.registers.rax).toBe(0x0807_0605_0403_0201n);
    expect(toHex(machine.read(DATA, 8))).toBe(toHex(littleEndian(VALUE)));
  });

  test('of a write is what memory gets', () => {
    const machine = machineFor('48 89 43 08');
    machine.hook({ write: ({ data }) => void data.fill(0xee) });
    machine.run({ until: CODE + 4n });
    expect(toHex(machine.read(DATA + 8n, 8))).toBe('ee'.repeat(8));
  });

  test('of a read-modify-write is what is modified, across pages too', () => {
    const machine = prepare({ code: 'ff 03', with: { rbx: DATA + 0xffen } });
    machine.hook({ read: ({ data }) => void data.set([0xff, 0xff, 0, 0]) });
    machine.run({ until: CODE + 2n });
    expect(toHex(machine.read(DATA + 0xffen, 4))).toBe('00000100');
  });

  test('of a pop and a return address counts', () => {
    const machine = prepare({ code: 'c3' });
    machine.hook({ read: ({ data }) => void data.set(littleEndian(TARGET)) });
    expect(machine.run({ until: TARGET, maxInstructions: 1 })).toMatchObject({ rip: TARGET });
  });

  test('in code that is overwritten makes the other code run', () => {
    const machine = prepare({
      code: '88 03  90 90', // mov [rbx],al; nop; nop
      with: { rbx: CODE + 2n, rax: 0x90 },
    });
    machine.hook({ write: ({ data }) => void data.fill(0xf4) });
    expect(machine.run({ maxInstructions: 5 })).toMatchObject({ name: '#GP', rip: CODE + 2n });
  });
});

describe('an error thrown in the middle of an instruction takes it back', () => {
  const FLAGS = 0x8d7n;
  test.each([
    ['add [rbx],rcx', '48 01 0b', 64],
    ['lock xadd [rbx],rcx', 'f0 48 0f c1 0b', 64],
    ['cmpxchg [rbx],rcx', '48 0f b1 0b', 64],
    ['cmpxchg16b [rbx]', '48 0f c7 0b', 64],
    ['xchg [rbx],rcx', '48 87 0b', 64],
    ['shl qword [rbx],1', '48 d1 23', 64],
    ['push rcx', '51', 64],
    ['pop [rbx]', '8f 03', 64],
    ['call +0', 'e8 00 00 00 00', 64],
    ['enter 8,2', 'c8 08 00 02', 64],
    ['movsb', 'a4', 64],
    ['pusha', '60', 32],
  ] as const)('%s', (_text, code, mode) => {
    const start = {
      ...{ rax: 1n, rbx: DATA, rcx: 3n, rdx: 4n, rbp: STACK_TOP - 0x80n },
      ...{ rsi: DATA, rdi: DATA + 8n, rflags: FLAGS },
    };
    const plain = prepare({ mode, code, with: start });
    const end = CODE + BigInt(fromHex(code).length);
    plain.run({ until: end });

    const machine = prepare({ mode, code, with: start });
    const before = machine.snapshot().state;
    let writes = 0;
    const remove = machine.hook({
      write: () => {
        if (++writes === (code === '60' ? 5 : 1)) {
          throw new Error('no');
        }
        return undefined;
      },
    });
    expect(() => machine.run({ until: end })).toThrow('no');
    expect(machine.registers.rip).toBe(CODE);
    expect(machine.registers.rflags).toBe(FLAGS);
    expect(machine.snapshot().state.subarray(0, 128)).toEqual(before.subarray(0, 128));
    expect(machine.instructionsRetired).toBe(0);
    remove();
    expect(machine.run({ until: end }).reason).toBe('until');
    for (const name of [
      'rax',
      'rbx',
      'rcx',
      'rdx',
      'rsp',
      'rbp',
      'rsi',
      'rdi',
      'rflags',
    ] as const) {
      expect(machine.registers[name], name).toBe(plain.registers[name]);
    }
    expect(machine.read(DATA, 64)).toEqual(plain.read(DATA, 64));
  });

  test('but the elements of REP that are done stay done', () => {
    const machine = prepare({
      code: 'f3 a4',
      with: { rsi: DATA, rdi: DATA + 64n, rcx: 4 },
      memory: { [`${DATA}`]: '01020304' },
    });
    let writes = 0;
    const remove = machine.hook({
      write: () => {
        if (++writes === 3) {
          throw new Error('third');
        }
        return undefined;
      },
    });
    expect(() => machine.run()).toThrow('third');
    expect(machine.registers.rcx).toBe(2n);
    expect(machine.registers.rip).toBe(CODE);
    remove();
    machine.run({ until: CODE + 2n });
    expect(toHex(machine.read(DATA + 64n, 5))).toBe('0102030400');
  });
});

describe('a fault hook', () => {
  test('that maps the page and says retry makes the instruction succeed', () => {
    const machine = machineFor('8b 12  48 ff c6');
    const seen: unknown[] = [];
    machine.hook({
      fault: (event) => {
        seen.push(event);
        machine.map(NOWHERE, 0x1000, 'ru');
        machine.write(NOWHERE, [9]);
        return 'retry';
      },
    });
    expect(machine.run({ until: CODE + 5n }).reason).toBe('until');
    expect(machine.registers.rdx).toBe(9n);
    expect(machine.instructionsRetired).toBe(2);
    expect(seen).toMatchObject([
      { vector: 14, errorCode: 4, rip: CODE, linearAddress: NOWHERE, access: 'read', size: 4 },
    ]);
  });

  test('is asked for a fetch too', () => {
    const machine = machineFor('ff e2'); // jmp rdx
    machine.hook({
      fault: ({ access }) => {
        expect(access).toBe('execute');
        machine.map(NOWHERE, 0x1000, 'rxu');
        machine.write(NOWHERE, fromHex(AT_TARGET));
        return 'retry';
      },
    });
    expect(machine.run({ until: NOWHERE + 7n }).reason).toBe('until');
    expect(machine.registers.rdi).toBe(0x77n);
  });

  test('that decides nothing leaves it to the next one, then to the exit', () => {
    const machine = machineFor('8b 12');
    const asked: string[] = [];
    machine.hook({ fault: () => void asked.push('a') });
    machine.hook({ fault: () => void asked.push('b') });
    expect(machine.run()).toMatchObject({ reason: 'exception', name: '#PF' });
    expect(asked).toEqual(['a', 'b']);
  });

  test.each([false, true])('that retries for ever comes to the limit (watched: %s)', (watched) => {
    const machine = machineFor('90 8b 12');
    let faults = 0;
    machine.hook({
      fault: () => {
        faults++;
        return 'retry';
      },
      ...(watched ? { instruction: () => undefined } : {}),
    });
    const exit = machine.run({ maxInstructions: 50 });
    expect(exit).toEqual({ reason: 'limit', limit: 'instructions', rip: CODE + 1n });
    expect(faults).toBe(49);
    expect(machine.run({ timeout: 5 })).toMatchObject({ limit: 'time' });
  });

  test.each([
    ['ud2', '0f 0b', '#UD', 2n],
    ['bytes that are nothing', '06', '#UD', undefined],
    ['a jump to nowhere', 'ff e2', '#PF', undefined],
    ['a non-canonical jump', 'ff e1', '#GP', 2n],
    ['a division by 0', 'f7 f6', '#DE', 2n],
    ['int3', 'cc', '#BP', 1n],
  ])('that skips %s goes on behind it, where that is known', (_what, code, name, length) => {
    const machine = machineFor(`${code} 90`);
    machine.registers.rcx = 1n << 60n;
    let faults = 0;
    machine.hook({
      fault: (event) => {
        expect(event.name).toBe(name);
        faults++;
        return 'skip';
      },
    });
    const exit = machine.run({ until: CODE + (length ?? 100n), maxInstructions: 20 });
    expect(exit.reason).toBe(length === undefined ? 'exception' : 'until');
    expect(faults).toBe(1);
  });

  test('sees an int3 behind it, and a retry goes on there', () => {
    const machine = machineFor('cc 48 ff c0');
    machine.hook({
      fault: ({ rip }) => {
        expect(rip).toBe(CODE + 1n);
        return 'retry';
      },
    });
    expect(machine.run({ until: CODE + 4n }).reason).toBe('until');
    expect(machine.registers.rax).toBe(1n);
  });
});

describe('a hook that lets nothing execute comes to the limit', () => {
  test.each(['instruction', 'block'] as const)('an %s hook that always writes RIP', (kind) => {
    const machine = machineFor('90');
    machine.hook({
      [kind]: () => {
        machine.registers.rip = CODE;
      },
    });
    expect(machine.run({ maxInstructions: 1000 })).toMatchObject({ limit: 'instructions' });
    expect(machine.run({ timeout: 5 })).toMatchObject({ limit: 'time' });
    expect(machine.instructionsRetired).toBe(0);
  });
});

describe('memory that a hook changes', () => {
  test.each([false, true])('is seen by the instruction that follows (watched: %s)', (watched) => {
    const machine = machineFor('e6 11  48 8b 03');
    machine.hook({
      out: () => {
        machine.write(DATA, [1, 0, 0, 0, 0, 0, 0, 0]);
        return true;
      },
      ...(watched ? { read: () => undefined } : {}),
    });
    machine.run({ until: CODE + 5n });
    expect(machine.registers.rax).toBe(1n);
  });

  test('code overwritten from a hook is not run as it was', () => {
    const machine = machineFor('90 90 90');
    machine.hook({
      instruction: ({ rip }) => {
        if (rip === CODE) {
          machine.write(CODE + 1n, fromHex('ffc0'));
        }
        return undefined;
      },
    });
    machine.run({ until: CODE + 3n });
    expect(machine.registers.rax).toBe(1n);
  });

  test('registers that a hook writes are those that the instruction uses', () => {
    const machine = machineFor('48 01 c8'); // add rax,rcx
    machine.hook({
      instruction: () => {
        machine.registers.rcx = 40n;
        machine.registers.rax = 2n;
        return undefined;
      },
    });
    machine.run({ until: CODE + 3n });
    expect(machine.registers.rax).toBe(42n);
  });
});

describe('REP while watched', () => {
  test('is one instruction event and one step', () => {
    const machine = prepare({ code: 'f3 aa', with: { rdi: DATA, rcx: 100 } });
    let instructions = 0;
    let writes = 0;
    machine.hook({ instruction: () => void instructions++, write: () => void writes++ });
    machine.run({ until: CODE + 2n });
    expect({ instructions, writes }).toEqual({ instructions: 1, writes: 100 });
  });
});

test('watching and not watching give the same result', () => {
  // mov ecx,20; l: add [rbx],rcx; push rcx; pop rdx; rol qword [rbx],3; loop l
  const code = 'b9 14 00 00 00  48 01 0b  51  5a  48 c1 03 03  e2 f5';
  const end = CODE + BigInt(fromHex(code).length);
  const results = [{}, { instruction: () => undefined }, { read: () => undefined }].map((hooks) => {
    const machine = machineFor(code);
    machine.hook(hooks);
    machine.run({ until: end });
    const { rcx, rdx, rflags, rsp } = machine.registers;
    const retired = machine.instructionsRetired;
    return { rcx, rdx, rflags, rsp, retired, memory: toHex(machine.read(DATA, 8)) };
  });
  expect(results[0]).toMatchObject({ retired: 1 + 20 * 5, rdx: 1n });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});
