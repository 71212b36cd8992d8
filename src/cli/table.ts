/** A column: its heading, and whether its cells stand at its right edge. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Lines of a table, the heading first, as wide as its cells ask for. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  indent = '',
): string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, n) => Math.max(...all.map((row) => (row[n] ?? '').length)));
  return all.map((row) => {
    const cells = columns.map(({ right = false }, n) => {
      const cell = row[n] ?? '';
      return right ? cell.padStart(widths[n]) : cell.padEnd(widths[n]);
    });
    return (indent + cells.join('  ')).trimEnd();
  });
}
