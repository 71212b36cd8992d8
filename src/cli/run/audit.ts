import { type AuditRecord, LASS_RULES, type LassRuleId } from '../../index.ts';
import { counted, grouped, wrap } from '../format.ts';
import { hex } from '../hex.ts';
import { table } from '../table.ts';

const COLUMNS = [
  { title: 'count', right: true },
  { title: 'rip' },
  { title: 'access' },
  { title: 'address' },
  { title: 'rule' },
  { title: 'instruction' },
];

/** What LASS would have refused: where, how often, and by which rules. */
export function auditLines(records: readonly AuditRecord[], width: number): string[] {
  if (records.length === 0) {
    return ['LASS audit: it would have refused nothing'];
  }
  const total = records.reduce((sum, { count }) => sum + count, 0);
  const rows = records.map((record) => [
    grouped(record.count),
    hex(record.rip),
    record.access === 'execute' ? 'fetch' : `${record.access} ${counted(record.size, 'byte')}`,
    hex(record.linearAddress),
    record.rule,
    record.instruction ?? '',
  ]);
  const places = counted(records.length, 'place');
  return [
    `LASS audit: it would have refused ${counted(total, 'access', 'accesses')} at ${places}`,
    '',
    ...table(COLUMNS, rows, '  '),
    '',
    ...rulesOf(records).flatMap((rule) => ruleLines(rule, width)),
  ];
}

/** The records for machines. */
export function auditAsJson(records: readonly AuditRecord[]): object[] {
  return records.map((record) => ({
    ...record,
    rip: hex(record.rip),
    linearAddress: hex(record.linearAddress),
  }));
}

function rulesOf(records: readonly AuditRecord[]): LassRuleId[] {
  const ids = new Set(records.flatMap(({ rule }) => rule.split('+')));
  return (Object.keys(LASS_RULES) as LassRuleId[]).filter((id) => ids.has(id));
}

function ruleLines(rule: LassRuleId, width: number): string[] {
  const label = `  ${rule.padEnd(4)}  `;
  return wrap(LASS_RULES[rule], width - label.length).map(
    (line, n) => (n === 0 ? label : ' '.repeat(label.length)) + line,
  );
}
