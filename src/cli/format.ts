/** `1,234,567`. By hand, because Intl takes 15 ms to load. */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 byte`, `8 bytes`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${grouped(count)} ${count === 1 ? singular : plural}`;
}

/** A time in the unit that suits it. */
export function duration(milliseconds: number): string {
  return milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** `64 MiB`. */
export function binarySize(bytes: number): string {
  for (const [unit, name] of [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ] as const) {
    if (bytes >= unit && bytes % unit === 0) {
      return `${grouped(bytes / unit)} ${name}`;
    }
  }
  return counted(bytes, 'byte');
}

/** Instructions below which their speed says nothing. */
const ENOUGH = 100_000;

/** Instructions and how fast they went, once there is a time to speak of. */
export function speed(instructions: number, milliseconds: number): string {
  const rate = instructions / milliseconds / 1000;
  const done = `${counted(instructions, 'instruction')} in ${duration(milliseconds)}`;
  return instructions < ENOUGH ? done : `${done}, ${rate.toFixed(1)} million a second`;
}

/** Breaks text into lines of at most `width` characters, between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
