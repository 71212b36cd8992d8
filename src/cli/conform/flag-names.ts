const FLAGS: readonly (readonly [string, number])[] = [
  ['CF', 0],
  ['PF', 2],
  ['AF', 4],
  ['ZF', 6],
  ['SF', 7],
  ['TF', 8],
  ['IF', 9],
  ['DF', 10],
  ['OF', 11],
  ['IOPL', 12],
  ['NT', 14],
  ['RF', 16],
  ['AC', 18],
  ['ID', 21],
];

/** The flags that are set, by name; `-` for none. */
export function flagNames(value: bigint): string {
  const names = FLAGS.filter(([, bit]) => ((value >> BigInt(bit)) & 1n) !== 0n);
  return names.map(([name]) => name).join(' ') || '-';
}
