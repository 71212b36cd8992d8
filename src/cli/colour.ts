import type { CliIo, TextSink } from './io.ts';

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Marks up text for a terminal, or leaves it as it is. */
export type Palette = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/**
 * The colours for a sink: on a terminal only, unless `FORCE_COLOR` asks for them or `NO_COLOR`
 * (https://no-color.org) forbids them.
 */
export function paletteFor(sink: TextSink, environment: CliIo['environment']): Palette {
  const coloured = wantsColour(sink, environment);
  const entries = Object.entries(CODES).map(([name, [on, off]]) => [
    name,
    (text: string) => (coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text),
  ]);
  return Object.fromEntries(entries) as Palette;
}

function wantsColour(sink: TextSink, environment: CliIo['environment']): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no = '', TERM: terminal } = environment;
  if (force !== undefined) {
    return force !== '0' && force !== 'false';
  }
  return no === '' && terminal !== 'dumb' && sink.isTerminal;
}
