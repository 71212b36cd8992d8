import { type Command, Option } from 'commander';
import { LASS_KINDS } from '../lass/kinds.ts';
import type { CheckFlags } from './check/command.ts';
import type { Session } from './session.ts';

const HELP = `
The address is a linear one, after LAM. Kinds:
${kindLines()}

Exit status: 0, whatever the verdict; 1 if rows of --rules differ; 2 bad usage.

Examples:
  bit63 check --lass 0xffff888000001000 read
  bit63 check --lass --smap --cpl 0 0x7fff00001000 write
  bit63 check --lass --smap --cpl 0 --segment ss 0x7fff00001000 read
  bit63 check --rules lass-rules.json`;

/** Adds `bit63 check`. */
export function registerCheck(program: Command, session: Session): void {
  program
    .command('check')
    .description('say what LASS makes of one access, and why')
    .argument('[address]', 'linear address')
    .argument('[kind]', 'kind of access, see below')
    .option('--mode <mode>', '64, compat, 32 or 16', '64')
    .option('--cpl <n>', 'privilege level, 0 to 3', '3')
    .option('--lass', 'CR4.LASS = 1')
    .option('--smap', 'CR4.SMAP = 1')
    .option('--ac', 'RFLAGS.AC = 1')
    .option('--segment <name>', 'segment of the operand: es, cs, ss, ds, fs or gs', 'ds')
    .option('--size <n>', 'bytes of the access', '1')
    .option('--la57', '5-level paging: linear addresses of 57 bits')
    .option('--override <byte>', 'segment-override prefix, such as 0x36 for SS')
    .addOption(
      new Option(
        '--rules <file>',
        'check the rows of a file and print those that differ',
      ).conflicts(['mode', 'cpl', 'lass', 'smap', 'ac', 'segment', 'size', 'la57', 'override']),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (address: string | undefined, kind: string | undefined, flags: CheckFlags) => {
      const { checkCommand } = await import('./check/command.ts');
      session.status = await checkCommand(address, kind, flags, session.io);
    });
}

function kindLines(): string {
  const names = Object.keys(LASS_KINDS);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const lines: string[] = [];
  for (let n = 0; n < names.length; n += 4) {
    const cells = names.slice(n, n + 4).map((name) => name.padEnd(width));
    lines.push(`  ${cells.join('')}`.trimEnd());
  }
  return lines.join('\n');
}
