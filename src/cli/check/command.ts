import {
  judge,
  LASS_KINDS,
  LassArgumentError,
  type LassCase,
  type LassExplanation,
  type LassKind,
  type LassMode,
  type LassSegment,
} from '../../lass/index.ts';
import { paletteFor } from '../colour.ts';
import { wrap } from '../format.ts';
import type { CliIo } from '../io.ts';
import { parseSize, toAddress, toInteger } from '../numbers.ts';
import { blaming, UsageError } from '../usage.ts';
import { checkRules } from './rules.ts';

/** The options as commander gives them. */
export interface CheckFlags {
  readonly mode: string;
  readonly cpl: string;
  readonly lass?: true;
  readonly smap?: true;
  readonly ac?: true;
  readonly segment: string;
  readonly size: string;
  readonly la57?: true;
  readonly override?: string;
  readonly rules?: string;
  readonly json?: true;
}

const MODES: Readonly<Record<string, LassMode>> = {
  64: '64bit',
  compat: 'compat',
  32: 'legacy32',
  16: 'real',
};
const SEGMENTS: readonly string[] = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] satisfies LassSegment[];
const WIDEST_TEXT = 100;

/** Does what `bit63 check` says; returns the exit status. @throws UsageError */
export async function checkCommand(
  address: string | undefined,
  kind: string | undefined,
  flags: CheckFlags,
  io: CliIo,
): Promise<number> {
  if (flags.rules !== undefined) {
    if (address !== undefined) {
      throw new UsageError(address, '--rules brings its own accesses');
    }
    return checkRules(flags.rules, flags.json === true, io);
  }
  if (address === undefined || kind === undefined) {
    throw new UsageError('no access', 'give an address and a kind, or --rules');
  }
  const given = toCase(address, kind, flags);
  const answer = blaming(`${address} ${kind}`, [LassArgumentError], () => judge(given));
  io.stdout.write(flags.json === true ? `${JSON.stringify(answer)}\n` : inWords(answer, io));
  return 0;
}

function toCase(address: string, kind: string, flags: CheckFlags): LassCase {
  const { override } = flags;
  return {
    mode: toMode(flags.mode),
    cpl: Number(toInteger('--cpl', flags.cpl, 0n, 3n)),
    lass: flags.lass === true,
    smap: flags.smap === true,
    ac: flags.ac === true,
    kind: toKind(kind),
    segment: toSegment(flags.segment),
    address: toAddress('address', address, 64),
    size: toSize(flags.size),
    la57: flags.la57 === true,
    ...(override === undefined ? {} : { override: toOverride(override) }),
  };
}

function toMode(text: string): LassMode {
  const mode = Object.hasOwn(MODES, text) ? MODES[text] : undefined;
  if (mode === undefined) {
    throw new UsageError(`--mode ${text}`, 'expected 64, compat, 32 or 16');
  }
  return mode;
}

function toKind(text: string): LassKind {
  if (!Object.hasOwn(LASS_KINDS, text)) {
    const known = Object.keys(LASS_KINDS).join(', ');
    throw new UsageError(text, `is no kind of access; expected one of ${known}`);
  }
  return text as LassKind;
}

function toSegment(text: string): LassSegment {
  const name = text.toUpperCase();
  if (!SEGMENTS.includes(name)) {
    throw new UsageError(`--segment ${text}`, 'expected es, cs, ss, ds, fs or gs');
  }
  return name as LassSegment;
}

function toSize(text: string): number {
  const size = text === '0' ? 0 : parseSize(text);
  if (size === undefined || size > 2 ** 31) {
    throw new UsageError(`--size ${text}`, 'expected bytes, 0 to 2G');
  }
  return size;
}

const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

function toOverride(text: string): number {
  const byte = Number(toInteger('--override', text, 0n, 255n));
  if (!PREFIXES.includes(byte)) {
    const known = PREFIXES.map((prefix) => `0x${prefix.toString(16)}`).join(', ');
    throw new UsageError(`--override ${text}`, `expected one of ${known}`);
  }
  return byte;
}

function inWords({ verdict, rule, explanation }: LassExplanation, io: CliIo): string {
  const palette = paletteFor(io.stdout, io.environment);
  const mark =
    verdict === 'ok' ? palette.green : verdict === 'suppressed' ? palette.yellow : palette.red;
  const width = Math.min(io.stdout.columns, WIDEST_TEXT);
  return `${palette.bold(mark(verdict))}  rule ${rule}\n${wrap(explanation, width).join('\n')}\n`;
}
