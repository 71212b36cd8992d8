import { describe, expect, test } from 'vitest';
import type { MmioDevice } from '../../src/index.ts';
import { CODE, DATA, prepare, toHex } from './driver.ts';

const DEVICE = 0x5000_0000n;
type Event = readonly ['read' | 'write', offset: number, bytes: string];

/** Notes what it is asked; reads give the offset of each byte. */
function recorder(): { events: Event[]; device: MmioDevice } {
  const events: Event[] = [];
  return {
    events,
    device: {
      read(offset, data) {
        for (let n = 0; n < data.length; n++) {
          data[n] = offset + n;
        }
        events.push(['read', offset, toHex(data)]);
      },
      write(offset, data) {
        events.push(['write', offset, toHex(data)]);
      },
    },
  };
}

function withDevice(code: string, registers: Record<string, bigint | number> = {}, size = 4096) {
  const { events, device } = recorder();
  const machine = prepare({
    code,
    with: { rbx: DEVICE, rax: 0x8877_6655_4433_2211n, ...registers },
  });
  machine.mapDevice(DEVICE, size, device);
  const end = CODE + BigInt(code.replaceAll(' ', '').length / 2);
  return { machine, events, run: () => machine.run({ until: end, maxInstructions: 100 }) };
}

describe.each([false, true])('a device (watched: %s)', (watched) => {
  test.each([
    ['mov al,[rbx]', '8a 03', [['read', 0, '00']], 0x8877_6655_4433_2200n],
    ['mov ax,[rbx+10h]', '66 8b 43 10', [['read', 16, '1011']], 0x8877_6655_4433_1110n],
    ['mov eax,[rbx+3]', '8b 43 03', [['read', 3, '03040506']], 0x0605_0403n],
    ['mov rax,[rbx]', '48 8b 03', [['read', 0, '0001020304050607']], 0x0706_0504_0302_0100n],
    ['mov [rbx+4],al', '88 43 04', [['write', 4, '11']], undefined],
    ['mov [rbx],ax', '66 89 03', [['write', 0, '1122']], undefined],
    ['mov [rbx],eax', '89 03', [['write', 0, '11223344']], undefined],
    ['mov [rbx],rax', '48 89 03', [['write', 0, '1122334455667788']], undefined],
    [
      'or byte [rbx+1],80h',
      '80 4b 01 80',
      [
        ['read', 1, '01'],
        ['write', 1, '81'],
      ],
      undefined,
    ],
    ['push [rbx]', 'ff 33', [['read', 0, '0001020304050607']], undefined],
    [
      'two reads',
      '8a 03 8a 03',
      [
        ['read', 0, '00'],
        ['read', 0, '00'],
      ],
      undefined,
    ],
  ] as const)('is asked once for each access, in its size: %s', (_text, code, expected, rax) => {
    const { machine, events, run } = withDevice(code);
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(run().reason).toBe('until');
    expect(events).toEqual(expected);
    if (rax !== undefined) {
      expect(machine.registers.rax).toBe(rax);
    }
  });

  test('takes REP element by element', () => {
    const { machine, events, run } = withDevice('f3 ab', { rdi: DEVICE + 8n, rcx: 3 });
    if (watched) {
      machine.hook({ write: () => undefined });
    }
    expect(run().reason).toBe('until');
    expect(events).toEqual([8, 12, 16].map((offset) => ['write', offset, '11223344']));
  });

  test('shares an access across pages with the RAM next to it', () => {
    const { machine, events, run } = withDevice('48 8b 03  48 89 0b', {
      rbx: DEVICE - 4n,
      rcx: 0x0807_0605_0403_0201n,
    });
    machine.map(DEVICE - 0x1000n, 0x1000, 'rwu');
    machine.write(DEVICE - 4n, [0xa, 0xb, 0xc, 0xd]);
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(run().reason).toBe('until');
    expect(machine.registers.rax).toBe(0x0302_0100_0d0c_0b0an);
    expect(events).toEqual([
      ['read', 0, '00010203'],
      ['write', 0, '05060708'],
    ]);
    expect(toHex(machine.read(DEVICE - 4n, 4))).toBe('01020304');
  });

  test('is asked twice for an access across its own pages', () => {
    const { machine, events, run } = withDevice('48 8b 03', { rbx: DEVICE + 0xffen }, 0x2000);
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(run().reason).toBe('until');
    expect(events.map(([kind, offset, bytes]) => [kind, offset, bytes.length / 2])).toEqual([
      ['read', 0xffe, 2],
      ['read', 0x1000, 6],
    ]);
  });

  test('is not touched by an access that faults in the next page', () => {
    const { machine, events, run } = withDevice('48 89 03', { rbx: DEVICE + 0xffen });
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(run()).toMatchObject({ name: '#PF', linearAddress: DEVICE + 0x1000n });
    expect(events).toEqual([]);
  });

  test('has the rights it was mapped with', () => {
    const { device, events } = recorder();
    const machine = prepare({ code: '89 03', with: { rbx: DEVICE } });
    machine.mapDevice(DEVICE, 4096, device, 'ru');
    if (watched) {
      machine.hook({ write: () => undefined });
    }
    expect(machine.run()).toMatchObject({ cause: 'write-protect' });
    machine.mapDevice(DEVICE, 4096, device, 'rw');
    expect(machine.run()).toMatchObject({ cause: 'user' });
    expect(events).toEqual([]);
  });

  test('sees the exact RIP, and ends the run right behind its instruction', () => {
    const machine = prepare({ code: '90 8b 03 ff c1 ff c1', with: { rbx: DEVICE, rcx: 0 } });
    const seen: bigint[] = [];
    const read = (): void => {
      seen.push(machine.registers.rip);
      machine.stop();
    };
    machine.mapDevice(DEVICE, 4096, { read, write: () => {} });
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(machine.run({ maxInstructions: 100 })).toEqual({ reason: 'stop', rip: CODE + 3n });
    expect(seen).toEqual([CODE + 1n]);
    expect(machine.instructionsRetired).toBe(2);
    expect(machine.run({ maxInstructions: 2 }).reason).toBe('limit');
    expect(machine.registers.rcx).toBe(2n);
  });

  test('can end the run', () => {
    const machine = prepare({ code: '8b 03', with: { rbx: DEVICE } });
    machine.mapDevice(DEVICE, 4096, { read: () => machine.stop(), write: () => {} });
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(machine.run({ maxInstructions: 100 })).toMatchObject({ reason: 'stop' });
  });

  test('that throws leaves the machine before the instruction', () => {
    const { machine } = withDevice('90 89 03 90');
    machine.unmap(DEVICE, 4096);
    const failing = (): never => {
      throw new Error('broken');
    };
    machine.mapDevice(DEVICE, 4096, { read: failing, write: failing });
    if (watched) {
      machine.hook({ read: () => undefined });
    }
    expect(() => machine.run()).toThrow('broken');
    expect(machine.registers.rip).toBe(CODE + 1n);
    expect(machine.instructionsRetired).toBe(1);
    machine.map(DEVICE + 0x1000n, 0x1000);
    machine.registers.rbx = DEVICE + 0x1000n;
    expect(machine.run({ until: CODE + 4n }).reason).toBe('until');
  });
});

test('several devices have their own offsets', () => {
  const machine = prepare({ code: '8a 43 01  8a 89 02 01 00 00', with: { rbx: DEVICE } });
  const first = recorder();
  const second = recorder();
  machine.mapDevice(DEVICE, 0x3000, first.device);
  machine.mapDevice(DEVICE + 0x3000n, 0x1000, second.device);
  machine.registers.rcx = DEVICE + 0x3000n;
  machine.run({ until: CODE + 9n });
  expect(first.events).toEqual([['read', 1, '01']]);
  expect(second.events).toEqual([['read', 0x102, '02']]);
});

test('the host reads and writes it through the machine too', () => {
  const { machine, events } = withDevice('90', {}, 0x2000);
  expect(toHex(machine.read(DEVICE + 0xffen, 4))).toBe('feff0001');
  machine.write(DEVICE + 8n, [1, 2]);
  expect(events.map(([kind, offset]) => [kind, offset])).toEqual([
    ['read', 0xffe],
    ['read', 0x1000],
    ['write', 8],
  ]);
});

test('code does not run from it', () => {
  const { machine } = withDevice('ff e3');
  expect(machine.run({ maxInstructions: 5 }).reason).toBe('exception');
  expect(machine.registers.rip).toBe(DEVICE);
});

test('an unmapped device is gone', () => {
  const { machine, events, run } = withDevice('8a 03');
  machine.unmap(DEVICE, 4096);
  expect(machine.isMapped(DEVICE)).toBe(false);
  expect(run()).toMatchObject({ name: '#PF', cause: 'not-present' });
  expect(events).toEqual([]);
});

test('LASS comes before a device', () => {
  const upper = 0xffff_8000_0000_0000n;
  const { device, events } = recorder();
  const machine = prepare({ code: '8a 03', cr4: ['lass'], with: { rbx: upper } });
  machine.mapDevice(upper, 4096, device);
  expect(machine.run()).toMatchObject({ cause: 'lass' });
  expect(events).toEqual([]);
});

describe('real mode', () => {
  test('has devices by physical address', () => {
    const machine = prepare({ mode: 16, code: '8a 07  89 47 02', with: { ds: 0xb800, bx: 4 } });
    machine.unmap(0xb_8000, 0x1000);
    const { device, events } = recorder();
    machine.mapDevice(0xb_8000, 0x8000, device);
    machine.run({ until: 0x1005 });
    expect(machine.registers.al).toBe(4n);
    expect(events).toEqual([
      ['read', 4, '04'],
      ['write', 6, '0400'],
    ]);
  });

  test('has them where RAM is not', () => {
    const machine = prepare({ mode: 16, code: '90' });
    const { device } = recorder();
    expect(() => machine.mapDevice(0x2000, 4096, device)).toThrow('overlaps');
    machine.unmap(0x2000, 4096);
    expect(() => machine.mapDevice(0x2000, 4096, device)).not.toThrow();
  });
});

test('data of a device stays in what was read', () => {
  const { machine, run } = withDevice('8b 03  89 02', { rdx: DATA });
  expect(run().reason).toBe('until');
  expect(toHex(machine.read(DATA, 4))).toBe('00010203');
});
