import { afterAll, expect, test } from 'vitest';
import { replaySlice, type SliceTask } from '../../src/cli/conform/slice.ts';
import { mergeSlices } from '../../src/cli/conform/slices.ts';
import { readHeader } from '../../src/cli/conform/vector.ts';
import {
  ADD,
  conformFiles,
  conformVectors,
  FAULT,
  fileOfVectors,
  header,
  type Line,
  removeFiles,
  STORE,
  UNKNOWN,
} from './support.ts';

afterAll(removeFiles);

const WRONG: Line = { ...ADD, f: { rax: '21', fl: '213' } };
const UNDEFINED: Line = { ...WRONG, t: ['undef'] };
const VENDOR: Line = { ...WRONG, t: ['vendor', 'pf'] };
const KNOWN_BAD: Line = {
  b: '669c',
  c: 'Pushfw',
  m: 'pushf',
  i: { esp: '10001e1a', fl: '2d7' },
  f: { esp: '10001e18', mem: [['10001e18', 'd7']] },
};

/** A report without what differs from run to run. */
function stable(output: string, path: string): string {
  return output
    .replaceAll(path, 'FILE')
    .replace(/^file +mode/m, 'file  mode')
    .replace(/That took .*\n/, 'That took T.\n');
}

test('success is a summary and status 0', async () => {
  const path = fileOfVectors([ADD, ADD, STORE, FAULT]);
  const { status, output, progress } = await conformFiles([path]);
  expect(status).toBe(0);
  expect(progress).toBe('');
  expect(stable(output, path)).toBe(
    [
      'file  mode    instructions  passed  failed  unimplemented  skipped',
      'FILE  64-bit             3       4       0              0        0',
      '',
      'Conformant: 4 vectors came out as recorded on a test processor. That took T.',
      '',
    ].join('\n'),
  );
});

test('a mismatch is a table, the difference in full, and status 1', async () => {
  const path = fileOfVectors([ADD, WRONG, STORE]);
  const { status, output } = await conformFiles([path]);
  expect(status).toBe(1);
  expect(stable(output, path)).toBe(
    [
      'instruction  group  passed  failed  unimplemented  skipped',
      'Add_rm8_r8   int         1       1              0        0',
      '',
      'FILE:3: add al,bl',
      '  Add_rm8_r8, bytes 00d8',
      '  initial state: rax=18 rbx=8 fl=203',
      '          expected          got',
      '  rax     0x21              0x20',
      '  rflags  0x213 (CF AF IF)  0x212 (AF IF), differs in CF',
      '',
      'file  mode    instructions  passed  failed  unimplemented  skipped',
      'FILE  64-bit             2       2       1              0        0',
      '',
      'Not conformant: 1 of 3 vectors did not come out as recorded on a test processor. That took T.',
      '',
    ].join('\n'),
  );
});

test('only the first mismatches are shown in full', async () => {
  const { output } = await conformVectors([WRONG, WRONG, WRONG], { maxFailures: '2' });
  expect(output.match(/initial state/g)).toHaveLength(2);
  expect(output).toContain('3 of 3 vectors did not come out as recorded');
  const { output: none } = await conformVectors([WRONG], { maxFailures: '0' });
  expect(none).not.toContain('initial state');
});

test('unimplemented instructions are named, and are status 1 unless allowed', async () => {
  const refused = await conformVectors([ADD, UNKNOWN, UNKNOWN]);
  expect(refused.status).toBe(1);
  expect(refused.output).toContain('Unimplemented: fld1\n');
  expect(refused.output).toContain(
    'Not conformant: 1 vector came out as recorded on a test processor; 2 vectors of unimplemented\ninstructions.',
  );
  const allowed = await conformVectors([ADD, UNKNOWN], { allowUnimplemented: true });
  expect(allowed.status).toBe(0);
  expect(allowed.output).toContain('Unimplemented: fld1\n');
  expect(allowed.output).toContain('Conformant: 1 vector came out as recorded');
});

test('what is undefined or one vendor’s own is skipped unless asked for', async () => {
  const { status, output } = await conformVectors([ADD, UNDEFINED, VENDOR]);
  expect(status).toBe(0);
  expect(output).toContain('Skipped: 1 vector with a result that the manual leaves undefined');
  expect(output).toContain("Skipped: 1 vector with one vendor's own behaviour");
  expect((await conformVectors([ADD, UNDEFINED], { includeUndefined: true })).status).toBe(1);
  expect((await conformVectors([ADD, VENDOR], { includeVendor: true })).status).toBe(1);
});

test('a vector known to be bad is skipped with its reason, others like it are not', async () => {
  const { status, output } = await conformVectors([KNOWN_BAD, NOP_32], {}, 32);
  expect(status).toBe(0);
  expect(output).toContain('Skipped: 1 vector known to be recorded wrongly\n  int32 669c: ');
  const other = { ...KNOWN_BAD, i: { esp: '10001e1a', fl: '2d6' } };
  expect((await conformVectors([other], {}, 32)).status).toBe(1);
});

const NOP_32: Line = { b: '90', c: 'Nopd', m: 'nop', i: {}, f: {} };

test('comparing nothing is no success', async () => {
  const skipped = await conformVectors([UNDEFINED]);
  expect(skipped.status).toBe(1);
  expect(skipped.output).toContain('Not conformant: nothing was compared.');
  const unknown = await conformVectors([UNKNOWN], { allowUnimplemented: true });
  expect(unknown.status).toBe(1);
});

test('state that the machine lacks is named', async () => {
  const line = { ...ADD, i: { ...(ADD.i as Line), ftw: '80', p7: '3fff8000000000000000' } };
  const { output } = await conformVectors([line]);
  expect(output).toContain('Not compared, as the machine lacks it: ftw p7\n');
});

test('--only selects by code or disassembly', async () => {
  const tally = async (only: string) => {
    const { output } = await conformVectors([ADD, STORE, FAULT], { only, json: true });
    return Object.keys(JSON.parse(output).files[0].instructions);
  };
  expect(await tally('^add_')).toEqual(['Add_rm8_r8']);
  expect(await tally('\\[rdi\\]')).toEqual(['Mov_rm32_r32', 'Mov_r32_rm32']);
});

test('--json prints the same as one object', async () => {
  const first = fileOfVectors([ADD, WRONG, UNKNOWN, UNDEFINED]);
  const second = fileOfVectors([NOP_32, KNOWN_BAD], 32);
  const { status, output } = await conformFiles([first, second], { json: true });
  expect(status).toBe(1);
  expect(JSON.parse(output)).toEqual({
    conformant: false,
    passed: 2,
    failed: 1,
    unimplemented: 1,
    skipped: 2,
    milliseconds: expect.any(Number),
    files: [
      {
        file: first,
        group: 'int',
        mode: 64,
        cpu: 'a test processor',
        vectors: 4,
        passed: 1,
        failed: 1,
        unimplemented: 1,
        skipped: 1,
        skippedBecause: { undefined: 1, vendor: 0, 'known-bad': 0 },
        notCompared: {},
        instructions: {
          Add_rm8_r8: { passed: 1, failed: 1, unimplemented: 0, skipped: 1 },
          Fld1: { passed: 0, failed: 0, unimplemented: 1, skipped: 0 },
        },
      },
      expect.objectContaining({
        group: 'int32',
        passed: 1,
        skippedBecause: { undefined: 0, vendor: 0, 'known-bad': 1 },
      }),
    ],
    mismatches: [
      {
        file: first,
        line: 3,
        bytes: '00d8',
        code: 'Add_rm8_r8',
        disassembly: 'add al,bl',
        initial: { rax: '18', rbx: '8', fl: '203' },
        differences: [
          { part: 'rax', expected: '0x21', got: '0x20' },
          { part: 'rflags', expected: '0x213 (CF AF IF)', got: '0x212 (AF IF)', note: 'CF' },
        ],
      },
    ],
  });
});

test('slices of a file add up to the whole', async () => {
  const vectors = [ADD, WRONG, UNKNOWN, STORE, WRONG, UNDEFINED, FAULT, VENDOR];
  const path = fileOfVectors(vectors);
  const whole: SliceTask = {
    files: [{ path, header: readHeader(JSON.stringify(header(vectors))) }],
    slice: { index: 0, count: 1 },
    only: undefined,
    includeUndefined: false,
    includeVendor: false,
    tolerance: { strict: false, faultAddress: false },
    maxFailures: 10,
  };
  let done = 0;
  const replay = (index: number, count: number) =>
    replaySlice({ ...whole, slice: { index, count } }, ({ vectors }) => {
      done += vectors;
    });
  const together = await replay(0, 1);
  expect(done).toBe(vectors.length);
  const apart = mergeSlices([await replay(2, 3), await replay(0, 3), await replay(1, 3)]);
  expect(apart[0].failures.map(({ line }) => line)).toEqual([3, 6]);
  const sorted = (codes: Map<string, unknown>) => Object.fromEntries(codes);
  expect(sorted(apart[0].codes)).toEqual(sorted(together[0].codes));
  expect({ ...apart[0], codes: 0 }).toEqual({ ...together[0], codes: 0 });
});
