/**
 * The benchmark suite: `npm run bench [-- section…] [--json]`.
 *
 * @module
 */
import { arch, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { kernelsSection } from './sections/kernels.ts';
import { lassSection } from './sections/lass.ts';
import { lassCostSection } from './sections/lass-cost.ts';
import { microSection } from './sections/micro.ts';
import { rejectedSection } from './sections/rejected.ts';
import { startUpSection } from './sections/start-up.ts';
import type { Progress, Section } from './support/section.ts';

const SECTIONS: readonly Section[] = [
  lassSection,
  kernelsSection,
  lassCostSection,
  startUpSection,
  rejectedSection,
  microSection,
];

const USAGE = `usage: npm run bench [-- section…] [--json]
sections: ${SECTIONS.map(({ name }) => name).join(', ')}; all by default`;

/** Where the figures come from. */
function environment() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    arch: arch(),
    node: process.version,
    v8: process.versions.v8,
    load: loadavg()[0] ?? 0,
    date: new Date().toISOString(),
  };
}

/** Shows progress on a terminal, in one line that the next one replaces. */
function progressOf(section: string): Progress {
  return (what) => {
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K${section}: ${what}`);
    }
  };
}

function clearProgress(): void {
  if (process.stderr.isTTY) {
    process.stderr.write('\r\x1b[K');
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const unknown = positionals.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length > 0) {
    throw new TypeError(`no section '${unknown.join("', '")}'\n${USAGE}`);
  }
  const chosen = SECTIONS.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );

  const machine = environment();
  if (!values.json) {
    const { cpu, cores, node, load } = machine;
    console.log(`${cpu}, ${cores} cores; Node ${node}; load ${load.toFixed(1)}`);
  }
  const results: Record<string, unknown> = {};
  for (const { name, title, run } of chosen) {
    const { data, text } = await run(progressOf(name));
    clearProgress();
    results[name] = data;
    if (!values.json) {
      console.log(`\n${title} [${name}]\n\n${text}`);
    }
  }
  if (values.json) {
    console.log(JSON.stringify({ environment: machine, sections: results }, null, 2));
  }
}

main().catch((error: unknown) => {
  clearProgress();
  const isUsage = error instanceof TypeError;
  console.error(isUsage ? error.message : error);
  process.exitCode = isUsage ? 2 : 1;
});
