import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Layer {
  /** The layers whose modules this layer may import, besides its own. */
  readonly below: readonly string[];
  /** The layers of which it may import types, and nothing that runs. */
  readonly typesFrom?: readonly string[];
  /** The packages it may import; `node:` stands for all of Node's own modules. */
  readonly packages?: readonly string[];
}

/** Every folder of src/, and `index` for the modules that lie in src/ itself. */
const layers: Readonly<Record<string, Layer>> = {
  lass: { below: [] },
  decoder: { below: [], packages: ['iced-x86'] },
  emulator: { below: ['lass', 'decoder'] },
  devices: { below: [], typesFrom: ['emulator'] },
  kvm: { below: ['lass', 'decoder', 'emulator', 'devices'] },
  index: { below: ['lass', 'decoder', 'emulator', 'devices', 'kvm'] },
  cli: {
    below: ['lass', 'decoder', 'emulator', 'devices', 'kvm', 'index'],
    packages: ['commander', 'node:'],
  },
};

interface Import {
  readonly specifier: string;
  readonly isType: boolean;
}

const staticImport = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const dynamicImport = /\bimport\(\s*['"]([^'"]+)['"]/g;

function importsOf(source: string): Import[] {
  const found: Import[] = [];
  for (const [, type, specifier = ''] of source.matchAll(staticImport)) {
    found.push({ specifier, isType: type !== undefined });
  }
  for (const [, specifier = ''] of source.matchAll(dynamicImport)) {
    found.push({ specifier, isType: false });
  }
  return found;
}

/** The layer of a module, given its path inside src/. */
function layerOf(path: string): string {
  const [folder = '', ...rest] = path.split('/');
  return rest.length === 0 ? 'index' : folder;
}

/** Why `path` may not import this, in words; nothing if it may. */
function objection(path: string, { specifier, isType }: Import): string | undefined {
  const from = layerOf(path);
  const layer = layers[from];
  if (layer === undefined) {
    return `src/${path}: "${from}" has no place among the layers; give it one in this test`;
  }
  if (!specifier.startsWith('.')) {
    const allowed = (layer.packages ?? []).some(
      (name) => specifier === name || (name === 'node:' && specifier.startsWith(name)),
    );
    return allowed ? undefined : `src/${path}: ${from} must not import the package "${specifier}"`;
  }
  const to = layerOf(posix.join(posix.dirname(path), specifier));
  if (to === from || layer.below.includes(to)) return undefined;
  if (layer.typesFrom?.includes(to)) {
    return isType ? undefined : `src/${path}: ${from} may import only types from ${to}`;
  }
  return `src/${path}: ${from} must not import "${specifier}", which belongs to ${to}`;
}

const sourceFolder = new URL('../src/', import.meta.url);

const modules = readdirSync(sourceFolder, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'));

describe('layers', () => {
  test('every module imports only what stands below it', () => {
    const objections = modules.flatMap((path) =>
      importsOf(readFileSync(new URL(path, sourceFolder), 'utf8'))
        .map((found) => objection(path, found))
        .filter((text) => text !== undefined),
    );
    expect(objections).toEqual([]);
  });

  test.each([
    ['lass/policy.ts', "import { x } from '../decoder/decoder.ts';", 'lass must not import'],
    [
      'lass/policy.ts',
      "import { Code } from 'iced-x86';",
      'must not import the package "iced-x86"',
    ],
    ['decoder/decoder.ts', "import type { x } from '../lass/index.ts';", 'decoder must not import'],
    ['emulator/state/cpu.ts', "export * from '../../kvm/vm.ts';", 'belongs to kvm'],
    ['emulator/cpu.ts', "import {\n  a,\n  b,\n} from '../cli/main.ts';", 'belongs to cli'],
    ['emulator/cpu.ts', "import '../cli/main.ts';", 'belongs to cli'],
    ['emulator/cpu.ts', "const fs = await import('node:fs');", 'the package "node:fs"'],
    ['devices/uart.ts', "import { Cpu } from '../emulator/cpu.ts';", 'only types from emulator'],
    ['index.ts', "export { main } from './cli/main.ts';", 'index must not import'],
    ['attic/old.ts', "import { x } from './new.ts';", 'has no place among the layers'],
  ])('objects when %s says %s', (path, source, complaint) => {
    const [found] = importsOf(source);
    expect(found && objection(path, found)).toContain(complaint);
  });

  test.each([
    ['emulator/memory/tlb.ts', "import { isLassViolation } from '../../lass/index.ts';"],
    ['devices/uart.ts', "import type { PortDevice } from '../emulator/io.ts';"],
    ['cli/main.ts', "import { readFileSync } from 'node:fs';"],
    ['index.ts', "export { Machine } from './emulator/machine.ts';"],
  ])('lets %s say %s', (path, source) => {
    const [found] = importsOf(source);
    expect(found && objection(path, found)).toBeUndefined();
  });
});
