import type { CliIo } from './io.ts';

/** What commands share: the world outside, and what the process will exit with. */
export interface Session {
  readonly io: CliIo;
  status: number;
}
