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
  ['NT', 14],
  ['RF', 16],
  ['VM', 17],
  ['AC', 18],
  ['VIF', 19],
  ['VIP', 20],
  ['ID', 21],
];

/** The flags that are set, by name. */
export function flagNames(rflags: bigint): string {
  const flags = Number(rflags);
  let names = '';
  for (const [name, bit] of FLAGS) {
    if (((flags >>> bit) & 1) === 1) {
      names += names === '' ? name : ` ${name}`;
    }
  }
  const level = (flags >>> 12) & 3;
  return level === 0 ? names : `${names} IOPL=${level}`.trimStart();
}
