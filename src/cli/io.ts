import { once } from 'node:events';
import { ExitStatus } from './status.ts';

/** Where text goes. */
export interface TextSink {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Characters a line; what a terminal says, else a width that reads well in files. */
  readonly columns: number;
  /** Waits until what was written has left the process, if much of it has not. */
  drain(): Promise<void>;
}

/** What a command sees of the world outside, files excepted; tests bring their own. */
export interface CliIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Calls back on Ctrl-C; returns what ends that. */
  onInterrupt(callback: () => void): () => void;
}

/** Characters a line where there is no terminal. */
const FILE_COLUMNS = 100;

/** The process's own streams and signals. */
export function processIo(): CliIo {
  return {
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    get stdin() {
      return process.stdin;
    },
    environment: process.env,
    onInterrupt: (callback) => {
      process.on('SIGINT', callback);
      return () => process.off('SIGINT', callback);
    },
  };
}

function sink(stream: NodeJS.WriteStream): TextSink {
  // `bit63 disasm big.bin | head`: the reader leaving early is no error of ours.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exit(ExitStatus.BrokenPipe);
    }
    process.stderr.write(`bit63: the output cannot be written: ${error.message}\n`);
    process.exit(ExitStatus.Usage);
  });
  return {
    write: (text) => {
      stream.write(text);
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.columns || FILE_COLUMNS;
    },
    drain: async () => {
      if (stream.writableNeedDrain) {
        await once(stream, 'drain');
      }
    },
  };
}
