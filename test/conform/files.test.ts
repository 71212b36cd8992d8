import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { VectorFileError } from '../../src/cli/conform/vector-file.ts';
import { UsageError } from '../../src/cli/usage.ts';
import {
  ADD,
  conformFiles,
  conformVectors,
  fileOf,
  fileOfVectors,
  header,
  type Line,
  removeFiles,
} from './support.ts';

afterAll(removeFiles);

/** The error of a run. */
async function refusal(run: Promise<unknown>): Promise<Error> {
  return run.then(
    () => expect.fail('nothing was refused'),
    (error: unknown) => error as Error,
  );
}

test.each<[string, Line | string, string]>([
  ['no JSON', '{"b":"90"', 'expected a vector as a JSON object, found "{\\"b\\":\\"90\\""'],
  ['no object', '[1]', 'expected a vector as a JSON object, found [1]'],
  ['an empty line', '', 'expected a vector as a JSON object, found ""'],
  ['no bytes', { ...ADD, b: '' }, 'expected "b" to be bytes in hex, found ""'],
  ['half a byte', { ...ADD, b: '00d' }, 'expected "b" to be bytes in hex, found "00d"'],
  ['too many bytes', { ...ADD, b: '66'.repeat(16) }, 'expected "b" to be at most 15 bytes'],
  ['no code', { ...ADD, c: 5 }, 'expected "c" to be a string, found 5'],
  ['no disassembly', { ...ADD, m: undefined }, 'expected "m" to be a string, found nothing'],
  ['no state', { ...ADD, f: undefined }, '"f" to be an object, found nothing'],
  [
    'an unknown register',
    { ...ADD, i: { rxx: '1' } },
    'expected a state key of 64-bit mode in "i", found "rxx"',
  ],
  [
    'a register of another mode',
    { ...ADD, f: { eax: '1' } },
    'expected a state key of 64-bit mode in "f", found "eax"',
  ],
  [
    'a value that is no hex',
    { ...ADD, f: { rax: '0x1' } },
    'expected "f.rax" to be 1 to 16 hex digits, found "0x1"',
  ],
  [
    'a value of too many bits',
    { ...ADD, f: { rax: '1'.repeat(17) } },
    'expected "f.rax" to be 1 to 16 hex digits',
  ],
  ['memory that is no list', { ...ADD, i: { mem: {} } }, 'expected "i.mem" to be a list, found {}'],
  [
    'memory that is no pair',
    { ...ADD, i: { mem: ['10'] } },
    'expected "mem" to be a list, found "10"',
  ],
  [
    'an unknown exception',
    { ...ADD, x: 'GP' },
    'expected "x" to be an exception such as "#GP", found "GP"',
  ],
  [
    'an address that is no hex',
    { ...ADD, xa: 16 },
    'expected "xa" to be 1 to 16 hex digits, found 16',
  ],
  ['flags that are no mask', { ...ADD, u: '1' }, 'expected "u" to be a mask of flags, found "1"'],
  ['ignored memory without length', { ...ADD, im: [['10']] }, 'expected "im" to hold pairs'],
  ['a tag that is no string', { ...ADD, t: [1] }, 'expected "t" to be a string, found 1'],
])('a line with %s is refused with its place', async (_, line, problem) => {
  const text = typeof line === 'string' ? line : JSON.stringify(line);
  const lines = [JSON.stringify(header([0, 0, 0])), JSON.stringify(ADD), text, 'never reached'];
  const path = fileOf(lines.join('\n'));
  const error = await refusal(conformFiles([path]));
  expect(error).toBeInstanceOf(VectorFileError);
  expect(error.message).toContain(`${path}:3: `);
  expect(error.message).toContain(problem);
});

test.each<[string, string, string]>([
  ['no header', JSON.stringify(ADD), 'expected a header of format "hwvec-1", found "{'],
  [
    'another format',
    '{"format":"hwvec-2"}',
    'expected a header of format "hwvec-1", found "hwvec-2"',
  ],
  ['no JSON', 'hello', 'expected a header of format hwvec-1, found "hello"'],
  [
    'another mode',
    JSON.stringify({ ...header([]), mode: 16 }),
    'expected "mode" to be 64 or 32, found 16',
  ],
  [
    'no count',
    JSON.stringify({ ...header([]), count: -1 }),
    'expected "count" to be the number of vectors, found -1',
  ],
])('a file that begins with %s is refused', async (_, text, problem) => {
  const path = fileOf(`${text}\n`);
  const error = await refusal(conformFiles([path]));
  expect(error).toBeInstanceOf(VectorFileError);
  expect(error.message).toContain(`${path}:1: ${problem}`);
});

test('a file that lacks vectors is refused', async () => {
  const path = fileOf(`${JSON.stringify(header([1, 2]))}\n${JSON.stringify(ADD)}\n`);
  const { message } = await refusal(conformFiles([path]));
  expect(message).toBe(`${path}: has 1 vector, but its header says 2`);
});

test('an empty file is refused', async () => {
  const path = fileOf('');
  const { message } = await refusal(conformFiles([path]));
  expect(message).toBe(`${path}: is empty; expected vectors in the format hwvec-1`);
});

test('a file that is not there is refused', async () => {
  const error = await refusal(conformFiles(['no/such.jsonl.gz']));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toBe('no/such.jsonl.gz: no such file or directory');
});

test('a gzip file that breaks off is refused', async () => {
  const whole = fileOf(`${JSON.stringify(header([1]))}\n${JSON.stringify(ADD)}\n`, '.jsonl.gz');
  expect((await conformFiles([whole])).status).toBe(0);
  const cut = `${whole}.cut.gz`;
  writeFileSync(cut, readFileSync(whole).subarray(0, -12));
  const { message } = await refusal(conformFiles([cut]));
  expect(message).toBe(`${cut}: is no intact gzip file: unexpected end of file`);
});

test.each([
  [{ jobs: '0' }, '--jobs 0: expected a number from 1 to 256'],
  [{ jobs: 'many' }, '--jobs many: expected a number'],
  [{ maxFailures: '-1' }, '--max-failures -1: expected a number from 0 to 1000000'],
  [{ only: '(' }, '--only (: Invalid regular expression'],
  [{ only: 'fld1' }, '--only fld1: no vector is selected'],
])('options %j are refused', async (flags, problem) => {
  const error = await refusal(conformVectors([ADD], flags));
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toContain(problem);
});

test('a line may be longer than what is read at once, and the last may lack its end', async () => {
  const long = { ...ADD, m: `add al,bl ${'é'.repeat(300_000)}` };
  const lines = [header([1, 2]), long, ADD].map((line) => JSON.stringify(line));
  expect((await conformFiles([fileOf(lines.join('\n'))])).status).toBe(0);
  expect((await conformFiles([fileOf(lines.join('\n'), '.jsonl.gz')])).status).toBe(0);
});

test('32-bit vectors take 32-bit names', async () => {
  const line = {
    b: '01d8',
    c: 'Add_rm32_r32',
    m: 'add eax,ebx',
    i: { eax: '1', ebx: '2', fl: '202' },
    f: { eax: '3', fl: '206' },
  };
  expect((await conformFiles([fileOfVectors([line], 32)])).status).toBe(0);
});
