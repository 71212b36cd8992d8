import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The path of a file of the repository, or undefined. Looked for upwards from here, because the
 * benchmarks run compiled, from .build/, and the tests use the same modules as they are.
 */
export function findInRepository(path: string): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) {
      return candidate;
    }
    folder = dirname(folder);
  }
  return undefined;
}
