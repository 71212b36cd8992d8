import type { Command } from 'commander';
import type { BenchFlags } from './bench/command.ts';
import type { Session } from './session.ts';

const HELP = `
Measures the check that every memory access of the emulator makes: canonicality and LASS, over
addresses of both halves in random order. The emulator as a whole, gcc and rejected designs are
measured by the benchmarks of the repository (npm run bench).`;

/** Adds `bit63 bench`. */
export function registerBench(program: Command, session: Session): void {
  program
    .command('bench')
    .description('measure the LASS check on this machine')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (flags: BenchFlags) => {
      const { benchCommand } = await import('./bench/command.ts');
      session.status = await benchCommand(flags, session.io);
    });
}
