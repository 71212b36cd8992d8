import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  judge,
  LASS_RULES,
  type LassKind,
  type LassMode,
  type LassSegment,
} from '../../src/lass/index.ts';

interface Row {
  id: string;
  mode: LassMode;
  cpl: number;
  cr4_lass: number;
  cr4_smap: number;
  rflags_ac: number;
  kind: LassKind;
  seg: LassSegment;
  la: string;
  size: number;
  expect: string;
  rule: string;
  note: string;
  la57?: number;
  override?: string;
}

const file = JSON.parse(readFileSync(new URL('lass-rules.json', import.meta.url), 'utf8')) as {
  rules: Record<string, string>;
  vectors: Row[];
};

function judgeRow(row: Row) {
  return judge({
    mode: row.mode,
    cpl: row.cpl,
    lass: row.cr4_lass === 1,
    smap: row.cr4_smap === 1,
    ac: row.rflags_ac === 1,
    kind: row.kind,
    segment: row.seg,
    address: BigInt(row.la),
    size: row.size,
    la57: row.la57 === 1,
    override: row.override === undefined ? 0 : Number.parseInt(row.override, 16),
  });
}

function title(row: Row): string {
  const where = `${row.kind} of ${row.size} at ${row.la} through ${row.seg}`;
  const state = `SMAP=${row.cr4_smap} AC=${row.rflags_ac}${row.cr4_lass ? '' : ' LASS=0'}`;
  return `${row.id}: ${row.mode} CPL ${row.cpl}, ${state}: ${where} gives ${row.expect} by ${row.rule}`;
}

describe('the published LASS rows', () => {
  it('are 106, and use no rule that we do not have', () => {
    expect(file.vectors).toHaveLength(106);
    expect(Object.keys(file.rules)).toEqual(Object.keys(LASS_RULES));
  });

  it.each(file.vectors.map((row) => [title(row), row] as const))('%s', (_, row) => {
    expect(judgeRow(row)).toMatchObject({ verdict: row.expect, rule: row.rule });
  });
});
