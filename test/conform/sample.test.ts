import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import {
  ADD,
  conformFiles,
  FAULT,
  fileOf,
  header,
  type Line,
  removeFiles,
  STORE,
} from './support.ts';

afterAll(removeFiles);

const script = fileURLToPath(new URL('../../scripts/sample-vectors.js', import.meta.url));

test('the sampling script keeps a few vectors of every instruction, special ones first', async () => {
  const plain = Array.from({ length: 20 }, (_, n) => ({ ...ADD, m: `add ${n}` }));
  const vectors: Line[] = [...plain, STORE, { ...FAULT, c: 'Add_rm8_r8' }, FAULT];
  const text = [header(vectors), ...vectors].map((line) => JSON.stringify(line)).join('\n');
  const from = fileOf(`${text}\n`, '.jsonl.gz');
  const to = `${from}.sample.jsonl.gz`;
  execFileSync(process.execPath, [script, from, to, '4']);
  const [first, ...kept] = gunzipSync(readFileSync(to))
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(first).toEqual({ ...header(vectors), count: 6, perCode: 4 });
  expect(kept.map(({ m }) => m)).toEqual([FAULT.m, 'add 0', 'add 6', 'add 13', STORE.m, FAULT.m]);
  expect((await conformFiles([to])).status).toBe(0);
});
