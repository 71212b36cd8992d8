import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CliIo, TextSink } from '../../src/cli/io.ts';
import { main } from '../../src/cli/program.ts';

/** What surrounds a command line; by default files, no terminal. */
export interface World {
  readonly stdin?: Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly columns?: number;
  /** Milliseconds until Ctrl-C. */
  readonly interruptAfter?: number;
}

/** What a command line came to. */
export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. A string is split at spaces. */
export async function bit63(
  command: string | readonly string[],
  world: World = {},
): Promise<Finished> {
  const argv = typeof command === 'string' ? command.split(' ') : command;
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): TextSink => ({
    write: (text) => {
      written[name] += text;
    },
    isTerminal: world.terminal === true,
    columns: world.columns ?? 100,
    drain: () => Promise.resolve(),
  });
  const io: CliIo = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: (async function* () {
      yield world.stdin ?? new Uint8Array(0);
    })(),
    environment: world.environment ?? {},
    onInterrupt: (callback) => {
      const { interruptAfter } = world;
      const timer = interruptAfter === undefined ? undefined : setTimeout(callback, interruptAfter);
      return () => clearTimeout(timer);
    },
  };
  const status = await main(argv, io);
  return { status, ...written };
}

/** The JSON that a command line prints. */
export async function json(command: string | readonly string[], world?: World) {
  const { stdout } = await bit63(command, world);
  return JSON.parse(stdout);
}

/** Path of a file in `examples/`. */
export function example(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}.bin`, import.meta.url));
}

/** Path of a new file; nothing is written if there are no contents. */
export function temporary(name: string, contents?: Uint8Array | string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'bit63-')), name);
  if (contents !== undefined) {
    writeFileSync(path, contents);
  }
  return path;
}
