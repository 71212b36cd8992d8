import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import type { CliIo } from '../io.ts';
import { fileError, UsageError } from '../usage.ts';

/** Where a trace goes. It may be long: what is written leaves the process in large pieces. */
export interface TraceSink {
  write(text: string): void;
  /** Waits until a slow reader has caught up. */
  drain(): Promise<void>;
  close(): void;
}

const CHUNK = 65_536;

/**
 * Opens a trace.
 *
 * @param target A file, or true for standard error.
 * @param inputs Files that the run reads, which must not be overwritten.
 * @throws UsageError
 */
export function openTrace(target: string | true, inputs: readonly string[], io: CliIo): TraceSink {
  if (target === true) {
    const { stderr } = io;
    return buffered(
      (text) => stderr.write(text),
      () => stderr.drain(),
      () => {},
    );
  }
  if (inputs.some((input) => isSameFile(input, target))) {
    throw new UsageError(`--trace ${target}`, 'is a file that the run reads');
  }
  const descriptor = withFile(target, () => openSync(target, 'w'));
  return buffered(
    (text) => withFile(target, () => writeSync(descriptor, text)),
    () => Promise.resolve(),
    () => closeSync(descriptor),
  );
}

function withFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(path, error);
  }
}

function isSameFile(a: string, b: string): boolean {
  const [first, second] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return (
    first !== undefined &&
    second !== undefined &&
    first.isFile() &&
    first.ino === second.ino &&
    first.dev === second.dev
  );
}

function buffered(
  write: (text: string) => void,
  drain: () => Promise<void>,
  close: () => void,
): TraceSink {
  let text = '';
  const flush = () => {
    if (text !== '') {
      write(text);
      text = '';
    }
  };
  return {
    write: (more) => {
      text += more;
      if (text.length >= CHUNK) {
        flush();
      }
    },
    drain,
    close: () => {
      flush();
      close();
    },
  };
}
