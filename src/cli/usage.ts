/** Something that the user gave and that cannot be taken; the message is one line for him. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  /**
   * @param subject What was given: `--map 0x10`, or a file's name.
   * @param problem What is wrong with it, or what was expected.
   */
  constructor(subject: string, problem: string) {
    super(`${subject}: ${problem}`);
  }
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
};

/** The usage error that a failed file operation is; any other error is thrown as it is. */
export function fileError(path: string, error: unknown): UsageError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === '') {
    throw error;
  }
  return new UsageError(path, FILE_PROBLEMS[code] ?? code);
}

/** What `action` returns; errors of the given class become usage errors about `subject`. */
export function blaming<T>(
  subject: string,
  kinds: readonly (abstract new (...args: never) => Error)[],
  action: () => T,
): T {
  try {
    return action();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) {
      throw new UsageError(subject, (error as Error).message);
    }
    throw error;
  }
}
