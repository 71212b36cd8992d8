import { describe, expect, test } from 'vitest';
import { DATA, prepare, run } from './driver.ts';
import { instructionRows } from './instruction-rows.ts';

describe('shifts', () => {
  instructionRows(64, [
    ['48 c1 e0 20', 'shl rax,0x20', 'rax=80000001', 'rax=8000000100000000 flags=sf,pf,af,of'],
    ['48 c1 e0 3f', 'shl rax,0x3f', 'rax=3', 'rax=8000000000000000 flags=cf,sf,pf,af'],
    ['48 c1 e8 21', 'shr rax,0x21', 'rax=600000000', 'rax=3 flags=pf,af'],
    ['48 c1 e8 20', 'shr rax,0x20', 'rax=180000000', 'rax=1 flags=cf,af'],
    ['48 d1 e8', 'shr rax,1', 'rax=8000000000000000', 'rax=4000000000000000 flags=of,pf,af'],
    ['48 c1 f8 3f', 'sar rax,0x3f', 'rax=8000000000000000', 'rax=ffffffffffffffff flags=sf,pf,af'],
    ['c1 e0 04', 'shl eax,4', 'rax=1111111118000001', 'rax=80000010 flags=cf,sf,af'],
    ['66 c1 e0 04', 'shl ax,4', 'rax=1111111118001801', 'rax=1111111118008010 flags=cf,sf,af'],
    ['c0 ec 04', 'shr ah,4', 'rax=12f8', 'rax=1f8 flags=af'],
    ['d3 e0', 'shl eax,cl', 'rax=1 rcx=1f', 'rax=80000000 flags=sf,pf,af,of'],
    [
      '48 d3 f8',
      'sar rax,cl',
      'rax=fffffffffffffff0 rcx=44',
      'rax=ffffffffffffffff flags=sf,pf,af',
    ],
  ]);
});

describe('a count of 0 after masking', () => {
  const all = 'flags=cf,pf,af,zf,sf,of';
  instructionRows(64, [
    ['c1 e0 20', 'shl eax,0x20', `rax=1111111122222222 ${all}`, 'rax=22222222'],
    ['d3 c8', 'ror eax,cl', `rax=1111111122222222 rcx=40 ${all}`, 'rax=22222222'],
    ['48 c1 e8 40', 'shr rax,0x40', `rax=1111111122222222 ${all}`, ''],
    ['66 d3 d8', 'rcr ax,cl', `rax=1111111122222222 rcx=20 ${all}`, ''],
    ['0f a5 d0', 'shld eax,edx,cl', `rax=1111111122222222 rcx=20 ${all}`, 'rax=22222222'],
  ]);

  test('still accesses memory, and needs the right to write', () => {
    const machine = prepare({ code: 'd3 23', with: { rbx: DATA, rcx: 0 } }); // shl dword [rbx],cl
    machine.protect(DATA, 0x1000, 'ru');
    expect(machine.run({ maxInstructions: 1 })).toMatchObject({
      reason: 'exception',
      name: '#PF',
      errorCode: 7,
      linearAddress: DATA,
    });
  });
});

describe('rotates', () => {
  instructionRows(64, [
    ['48 c1 c0 20', 'rol rax,0x20', 'rax=123456789abcdef1', 'rax=9abcdef112345678 flags=of'],
    ['48 c1 c8 20', 'ror rax,0x20', 'rax=123456789abcdef1', 'rax=9abcdef112345678 flags=cf,of'],
    ['48 c1 c8 04', 'ror rax,4', 'rax=123456789abcdef1', 'rax=1123456789abcdef'],
    ['c1 c0 08', 'rol eax,8', 'rax=ff12345678', 'rax=34567812'],
    ['c0 c0 08', 'rol al,8', 'rax=81 flags=zf,sf', 'flags=cf,zf,sf'],
    ['66 c1 d0 11', 'rcl ax,0x11', 'rax=8001 flags=cf,zf', 'flags=cf,zf'],
    ['48 d1 d8', 'rcr rax,1', 'rax=1 flags=cf', 'rax=8000000000000000 flags=cf,of'],
    ['48 c1 d0 21', 'rcl rax,0x21', 'rax=1 flags=cf', 'rax=300000000 flags=none'],
    ['c1 d8 02', 'rcr eax,2', 'rax=3 flags=none', 'rax=80000000 flags=cf,of'],
  ]);
});

describe('double shifts', () => {
  instructionRows(64, [
    [
      '48 0f a4 d0 28',
      'shld rax,rdx,0x28',
      'rax=ff rdx=1122334455667788',
      'rax=ff1122334455 flags=pf,af',
    ],
    [
      '48 0f ac d0 28',
      'shrd rax,rdx,0x28',
      'rax=1122334455667788 rdx=ff',
      'rax=ff112233 flags=pf,af',
    ],
    [
      '48 0f a4 d0 20',
      'shld rax,rdx,0x20',
      'rax=1 rdx=2222222233333333',
      'rax=122222222 flags=pf,af',
    ],
    ['0f ac d0 08', 'shrd eax,edx,8', 'rax=ff11223344 rdx=ab', 'rax=ab112233 flags=sf,pf,af,of'],
    ['66 0f a4 d0 10', 'shld ax,dx,0x10', 'rax=1 rdx=1234', 'rax=1234 flags=cf,of,af'],
  ]);
  describe('by more than 16 bits go on with the bits of the source', () => {
    instructionRows(64, [
      ['66 0f a4 d0 14', 'shld ax,dx,0x14', 'rax=ffff rdx=1234', 'rax=2341 flags=pf,af'],
      ['66 0f ac d0 14', 'shrd ax,dx,0x14', 'rax=ffff rdx=1234', 'rax=4123 flags=of,af'],
    ]);
  });
});

describe('in real mode', () => {
  instructionRows(16, [
    ['d3 e0', 'shl ax,cl', 'rax=12348001 rcx=1', 'rax=12340002 flags=cf,of,af'],
    ['66 c1 e0 10', 'shl eax,0x10', 'rax=12348001', 'rax=80010000 flags=sf,pf,af,of'],
    [
      'c1 27 04',
      'shl word ptr [bx],4',
      'rbx=11112000 [2000]=0f10',
      '[2000]=f000 flags=cf,af,pf,of',
    ],
    [
      '0f a5 17',
      'shld [bx],dx,cl',
      'rbx=2000 rcx=4 rdx=abcd [2000]=3412',
      '[2000]=4a23 flags=cf,af,of',
    ],
  ]);
});

test.each([
  ['c1 03 04', 'rol dword [rbx],4'],
  ['48 d1 23', 'shl qword [rbx],1'],
  ['66 d3 3b', 'sar word [rbx],cl'],
  ['0f ac 03 08', 'shrd [rbx],eax,8'],
])('%s, %s, works across pages and changes nothing if it faults there', (code) => {
  const start = { code, with: { rcx: 3, rax: 0x55, rflags: 0xad7 } };
  const memory = '8182838485868788';
  const aligned = run({
    ...start,
    with: { ...start.with, rbx: DATA },
    memory: { [`${DATA}`]: memory },
  });
  const crossing = DATA + 0xfffn;
  const crossed = run({
    ...start,
    with: { ...start.with, rbx: crossing },
    memory: { [`${crossing}`]: memory },
  });
  expect(crossed.memory(crossing, 8)).toBe(aligned.memory(DATA, 8));
  expect(crossed.memory(crossing, 8)).not.toBe(memory);
  const last = DATA + 0x1fffn;
  const faulted = run({
    ...start,
    with: { ...start.with, rbx: last },
    memory: { [`${last}`]: 'ff' },
  });
  expect(faulted.ended).toBe('#PF(6)');
  expect(faulted.register('rflags')).toBe(0xad7n);
  expect(faulted.memory(last, 1)).toBe('ff');
});
