import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A file of vectors that cannot be read, or that does not follow the format. */
export class VectorFileError extends Error {
  readonly file: string;
  /** Counted from 1; absent when the file as a whole is at fault. */
  readonly line: number | undefined;
  /** What is wrong, without the place. */
  readonly problem: string;

  constructor(file: string, line: number | undefined, problem: string) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${problem}`);
    this.name = 'VectorFileError';
    this.file = file;
    this.line = line;
    this.problem = problem;
  }
}

/**
 * The lines of a text file, unpacked when its name ends in `.gz`.
 *
 * @throws VectorFileError when the file cannot be read or unpacked.
 */
export async function* readLines(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of open(file)) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new VectorFileError(file, undefined, `cannot be read: ${reason}`);
  }
  if (rest !== '') {
    yield rest;
  }
}

function open(file: string): Readable {
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  if (!file.endsWith('.gz')) {
    return source.setEncoding('utf8');
  }
  const text = createGunzip({ chunkSize: 1 << 18 });
  source.on('error', (error) => text.destroy(error));
  // A consumer that has seen enough destroys what it reads from; the file must be closed too.
  text.on('close', () => source.destroy());
  return source.pipe(text).setEncoding('utf8');
}
