import type { Command } from 'commander';
import type { DisasmFlags } from './disasm/command.ts';
import type { Session } from './session.ts';

const HELP = `
Exit status: 0; 2 bad usage.

Examples:
  bit63 disasm --hex '48 8b 03 c3'
  bit63 disasm --mode 16 --base 0x7c00 boot.bin
  bit63 disasm --json code.bin | jq .text`;

/** Adds `bit63 disasm`. */
export function registerDisasm(program: Command, session: Session): void {
  program
    .command('disasm')
    .description('disassemble raw machine code')
    .argument('[file]', 'machine code; - for standard input')
    .option('--hex <bytes>', 'the machine code in hexadecimal, instead of a file')
    .option('--mode <bits>', '64, 32 or 16', '64')
    .option('--base <addr>', 'address of the first byte', '0')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', HELP)
    .action(async (file: string | undefined, flags: DisasmFlags) => {
      const { disasmCommand } = await import('./disasm/command.ts');
      session.status = await disasmCommand(file, flags, session.io);
    });
}
