import type { Command } from 'commander';
import type { Session } from '../session.ts';
import type { ConformFlags } from './run.ts';

const HELP = `
Files are JSON lines in the format hwvec-1, gzip if their name ends in .gz. Each vector is one
instruction with the state before and after it. Registers, memory and exceptions are compared;
flags that the manual leaves undefined are not. A --only expression does not mind upper or lower
case: --only '^adc_' is about codes, --only 'rep movs' about disassemblies.

Exit status: 0 all came out as recorded; 1 some did not, some instructions are unimplemented (but
for --allow-unimplemented), or nothing was compared; 2 bad usage or a bad file.

Examples:
  bit63 conform int.jsonl.gz int32.jsonl.gz
  bit63 conform --only '^sh[lr]d' --strict --include-undefined int.jsonl.gz`;

/** Adds `bit63 conform`. */
export function registerConform(program: Command, session: Session): void {
  program
    .command('conform')
    .description('replay instructions recorded on real processors and compare')
    .argument('<file...>', 'vectors, .jsonl or .jsonl.gz')
    .option('--jobs <n>', 'threads at most (default: as many as there are processors)')
    .option('--only <regex>', 'only vectors whose code name or disassembly matches')
    .option('--strict', 'compare flags that the manual leaves undefined too')
    .option('--fault-address', 'compare CR2 after page faults')
    .option('--include-undefined', 'compare vectors whose result the manual leaves undefined')
    .option('--include-vendor', "compare vectors that show one vendor's behaviour")
    .option('--allow-unimplemented', 'pass although instructions are unimplemented')
    .option('--max-failures <n>', 'mismatches to show in full', '5')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (files: string[], flags: ConformFlags) => {
      const { runConform } = await import('./run.ts');
      session.status = await runConform(files, flags, session.io);
    });
}
