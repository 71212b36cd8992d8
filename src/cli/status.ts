/** What the process exits with. */
export const ExitStatus = {
  Ok: 0,
  /** The guest asked for something that the command does not give: a system call, a port. */
  Unserved: 1,
  /** `bit63 check --rules` and `bit63 conform` found rows that differ. */
  Different: 1,
  /** Bad usage, and files that cannot be read or written. */
  Usage: 2,
  /** An exception of the guest that nothing handles. */
  Exception: 3,
  /** The limit of instructions or time. */
  Limit: 4,
  /** An error of bit63 itself, as in sysexits.h. */
  Internal: 70,
  /** Ctrl-C, as shells report it. */
  Interrupted: 130,
  /** The reader of our output went away, as shells report it. */
  BrokenPipe: 141,
} as const;
