import { describe, expect, test } from 'vitest';
import { DATA, run } from './driver.ts';
import { instructionRows } from './instruction-rows.ts';

const ALL = 'flags=cf,pf,af,zf,sf,of';
const MIN = '8000000000000000';
const MAX = '7fffffffffffffff';
const ONES = 'ffffffffffffffff';

describe('MUL and IMUL', () => {
  instructionRows(64, [
    ['f6 e3', 'mul bl', 'rax=11ff rbx=ff', 'rax=fe01 flags=cf,of'],
    ['66 f7 e3', 'mul bx', 'rax=110002 rdx=22ffff rbx=3', 'rax=110006 rdx=220000'],
    [
      'f7 e3',
      'mul ebx',
      `rax=11ffffffff rdx=${ONES} rbx=ffffffff`,
      'rax=1 rdx=fffffffe flags=cf,of',
    ],
    ['48 f7 e3', 'mul rbx', `rax=${ONES} rbx=${ONES}`, 'rax=1 rdx=fffffffffffffffe flags=cf,of'],
    ['48 f7 e0', 'mul rax', 'rax=ffffffff', 'rax=fffffffe00000001 rdx=0'],
    ['48 f7 eb', 'imul rbx', `rax=${MIN} rbx=${ONES}`, `rax=${MIN} rdx=0 flags=cf,of`],
    ['48 f7 eb', 'imul rbx', `rax=${ONES} rbx=${ONES}`, 'rax=1 rdx=0'],
    ['f7 eb', 'imul ebx', 'rax=80000000 rbx=1', 'rax=80000000 rdx=ffffffff'],
    ['f6 eb', 'imul bl', 'rax=80 rbx=80', 'rax=4000 flags=cf,of'],
  ]);
});

describe('IMUL with two and three operands', () => {
  instructionRows(64, [
    ['48 0f af c3', 'imul rax,rbx', `rax=${MAX} rbx=${ONES}`, 'rax=8000000000000001'],
    ['48 0f af c3', 'imul rax,rbx', `rax=${MIN} rbx=${ONES}`, `rax=${MIN} flags=cf,of`],
    ['48 0f af c3', 'imul rax,rbx', 'rax=80000000 rbx=100000000', `rax=${MIN} flags=cf,of`],
    ['48 0f af c3', 'imul rax,rbx', 'rax=ffffffff80000000 rbx=100000000', `rax=${MIN}`],
    ['48 0f af c3', 'imul rax,rbx', `rax=${MIN} rbx=2`, 'rax=0 flags=cf,of'],
    ['48 6b c3 fe', 'imul rax,rbx,0xfffffffffffffffe', 'rbx=3', 'rax=fffffffffffffffa'],
    ['6b c3 fe', 'imul eax,ebx,0xfffffffe', `rax=${ONES} rbx=3`, 'rax=fffffffa'],
    ['66 69 c3 ff ff', 'imul ax,bx,0xffff', 'rax=110000 rbx=8000', 'rax=118000 flags=cf,of'],
  ]);
  describe('change no flag but CF and OF', () => {
    instructionRows(64, [
      ['0f af c3', 'imul eax,ebx', `rax=0 rbx=1 ${ALL}`, 'flags=pf,af,zf,sf'],
      ['0f af c3', 'imul eax,ebx', 'rax=10000 rbx=10000', 'rax=0 flags=cf,of'],
    ]);
  });
});

describe('DIV and IDIV', () => {
  instructionRows(64, [
    ['f6 f3', 'div bl', 'rax=fe00 rbx=ff', 'rax=fefe flags=af'],
    ['66 f7 f3', 'div bx', 'rax=110007 rdx=220001 rbx=2', 'rax=118003 rdx=220001 flags=af'],
    [
      'f7 f3',
      'div ebx',
      'rax=ffffffff rdx=fffffffe rbx=ffffffff',
      'rax=ffffffff rdx=fffffffe flags=af',
    ],
    ['48 f7 f3', 'div rbx', 'rax=5 rdx=1 rbx=2', 'rax=8000000000000002 rdx=1 flags=af'],
    ['48 f7 f3', 'div rbx', `rax=${ONES} rdx=0 rbx=a`, 'rax=1999999999999999 rdx=5 flags=af'],
    ['48 f7 fb', 'idiv rbx', `rax=${MIN} rdx=${ONES} rbx=1`, `rdx=0 flags=af`],
    [
      '48 f7 fb',
      'idiv rbx',
      `rax=fffffffffffffff9 rdx=${ONES} rbx=2`,
      `rax=fffffffffffffffd rdx=${ONES} flags=af`,
    ],
    [
      '48 f7 fb',
      'idiv rbx',
      'rax=7 rdx=0 rbx=fffffffffffffffe',
      'rax=fffffffffffffffd rdx=1 flags=af',
    ],
    ['f7 fb', 'idiv ebx', 'rax=80000000 rdx=ffffffff rbx=1', 'rdx=0 flags=af'],
    ['f7 fb', 'idiv ebx', 'rax=80000005 rdx=3fffffff rbx=80000001', 'rax=80000000 rdx=5 flags=af'],
    ['f6 fb', 'idiv bl', 'rax=ff80 rbx=1', 'rax=80 flags=af'],
  ]);
  describe('keep CF and OF', () => {
    instructionRows(64, [['f7 f3', 'div ebx', `rax=4 rdx=0 rbx=2 ${ALL}`, 'rax=2 flags=cf,af,of']]);
  });
});

describe('#DE changes nothing, flags included', () => {
  instructionRows(64, [
    ['f6 f3', 'div bl', `rax=ff00 rbx=ff ${ALL}`, '#DE'],
    ['f7 f3', 'div ebx', `rax=1 rdx=0 rbx=0 ${ALL}`, '#DE'],
    ['f7 f3', 'div ebx', `rax=0 rdx=2 rbx=2 ${ALL}`, '#DE'],
    ['48 f7 f3', 'div rbx', `rax=1 rdx=0 rbx=0 ${ALL}`, '#DE'],
    ['48 f7 f3', 'div rbx', `rax=0 rdx=2 rbx=2 ${ALL}`, '#DE'],
    ['48 f7 fb', 'idiv rbx', `rax=${MIN} rdx=${ONES} rbx=${ONES} ${ALL}`, '#DE'],
    ['48 f7 fb', 'idiv rbx', `rax=${MIN} rdx=0 rbx=1 ${ALL}`, '#DE'],
    ['48 f7 fb', 'idiv rbx', `rax=0 rdx=${MIN} rbx=${MIN} ${ALL}`, '#DE'],
    ['f7 fb', 'idiv ebx', `rax=80000000 rdx=ffffffff rbx=ffffffff ${ALL}`, '#DE'],
    ['f7 fb', 'idiv ebx', `rax=80000000 rdx=0 rbx=1 ${ALL}`, '#DE'],
    ['f7 fb', 'idiv ebx', `rax=0 rdx=80000000 rbx=1 ${ALL}`, '#DE'],
    ['66 f7 fb', 'idiv bx', `rax=8000 rdx=ffff rbx=ffff ${ALL}`, '#DE'],
    ['f6 fb', 'idiv bl', `rax=ff80 rbx=ff ${ALL}`, '#DE'],
  ]);
});

describe('in real mode', () => {
  instructionRows(16, [
    [
      'f7 37',
      'div word ptr [bx]',
      'rax=110007 rdx=220001 rbx=2000 [2000]=0200',
      'rax=118003 rdx=220001 flags=af',
    ],
    ['0f af 07', 'imul ax,[bx]', 'rax=11fffe rbx=2000 [2000]=0300', 'rax=11fffa'],
    ['66 f7 e3', 'mul ebx', 'rax=ffffffff rbx=2', 'rax=fffffffe rdx=1 flags=cf,of'],
    ['f6 f3', 'div bl', 'rax=1 rbx=0', '#DE'],
  ]);
});

describe('sign extension', () => {
  instructionRows(64, [
    ['66 98', 'cbw', 'rax=1234567811111180', 'rax=123456781111ff80'],
    ['98', 'cwde', `rax=${ONES.slice(0, 12)}8000`, 'rax=ffff8000'],
    ['48 98', 'cdqe', 'rax=80000000', 'rax=ffffffff80000000'],
    ['66 99', 'cwd', 'rax=8000 rdx=1122334455667788', 'rdx=112233445566ffff'],
    ['99', 'cdq', `rax=80000000 rdx=${MAX}`, 'rdx=ffffffff'],
    ['48 99', 'cqo', `rax=${MIN} rdx=1`, `rdx=${ONES}`],
    ['48 99', 'cqo', `rax=${MAX} rdx=1`, 'rdx=0'],
  ]);
});

test.each([
  ['48 f7 23', 'mul qword [rbx]'],
  ['48 f7 33', 'div qword [rbx]'],
  ['48 0f af 03', 'imul rax,[rbx]'],
  ['48 6b 03 05', 'imul rax,[rbx],5'],
])('%s, %s, reads across pages, and faults before it changes anything', (code) => {
  const fields = { rax: 0x1122_3344_5566_7788n, rdx: 0x12, rflags: 0xad7 };
  const results = [DATA, DATA + 0xffdn].map((rbx) =>
    run({ code, with: { ...fields, rbx }, memory: { [`${rbx}`]: '8899aabbccddeeff' } }),
  );
  for (const name of ['rax', 'rdx', 'rflags']) {
    expect(results[1].register(name)).toBe(results[0].register(name));
  }
  const { ended, register } = run({ code, with: { ...fields, rbx: DATA + 0x1ffdn } });
  expect(ended).toBe('#PF(4)');
  expect(register('rax')).toBe(fields.rax);
  expect(register('rdx')).toBe(0x12n);
  expect(register('rflags')).toBe(0xad7n);
});
