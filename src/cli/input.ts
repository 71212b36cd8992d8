import { createReadStream } from 'node:fs';
import type { CliIo } from './io.ts';
import { fileError, UsageError } from './usage.ts';

/** How much to read, and what to say if there is more. */
export interface InputLimit {
  /** Bytes. */
  readonly bytes: number;
  readonly tooLarge: string;
}

/**
 * The bytes of a file, or of standard input for `-`. Reads no further than the limit, so that an
 * endless device does no harm.
 *
 * @throws UsageError
 */
export async function readInput(path: string, limit: InputLimit, io: CliIo): Promise<Uint8Array> {
  const name = path === '-' ? 'standard input' : path;
  const source: AsyncIterable<Uint8Array> = path === '-' ? io.stdin : createReadStream(path);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > limit.bytes) {
        throw new UsageError(name, limit.tooLarge);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof UsageError ? error : fileError(name, error);
  }
  if (size === 0) {
    throw new UsageError(name, 'is empty');
  }
  return Buffer.concat(chunks);
}
