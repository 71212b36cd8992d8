import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { fileError, UsageError } from '../usage.ts';
import { VectorSyntaxError } from './vector.ts';

/** A file of vectors that does not follow the format. */
export class VectorFileError extends UsageError {
  readonly file: string;
  /** Counted from 1; undefined when the file as a whole is at fault. */
  readonly line: number | undefined;
  /** What is wrong, without the place. */
  readonly problem: string;

  constructor(file: string, line: number | undefined, problem: string) {
    super(line === undefined ? file : `${file}:${line}`, problem);
    this.file = file;
    this.line = line;
    this.problem = problem;
  }
}

/** What `read` makes of a line. @throws VectorFileError where it throws VectorSyntaxError */
export function atLine<T>(file: string, line: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof VectorSyntaxError
      ? new VectorFileError(file, line, error.message)
      : error;
  }
}

/**
 * The lines of a text file, unpacked when its name ends in `.gz`.
 *
 * @throws UsageError when the file cannot be read, VectorFileError when it cannot be unpacked.
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
    throw isGzipError(error)
      ? new VectorFileError(file, undefined, `is no intact gzip file: ${error.message}`)
      : fileError(file, error);
  }
  if (rest !== '') {
    yield rest;
  }
}

function isGzipError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
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
