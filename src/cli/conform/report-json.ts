import type { ConformOptions, ConformReport } from './conform.ts';
import { firstFailures } from './report.ts';

/** The report for programs: one JSON object. */
export function formatJson(report: ConformReport, { maxFailures }: ConformOptions): string {
  const { files, totals, conformant, milliseconds } = report;
  const object = {
    conformant,
    ...totals,
    milliseconds: Math.round(milliseconds),
    files: files.map((file) => ({
      file: file.path,
      group: file.header.group,
      mode: file.header.mode,
      cpu: file.header.cpu,
      vectors: file.vectors,
      ...file.totals,
      skippedBecause: file.skipped,
      notCompared: Object.fromEntries(file.notCompared),
      instructions: Object.fromEntries(file.codes),
    })),
    mismatches: firstFailures(report, maxFailures),
  };
  return `${JSON.stringify(object)}\n`;
}
