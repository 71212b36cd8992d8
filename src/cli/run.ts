import type { Command } from 'commander';
import type { RunFlags } from './run/options.ts';
import type { Session } from './session.ts';

const HELP = `
Numbers are decimal, 0x… or 0b…, with _ between digits if you like; sizes may end in K, M or G.
Ranges are addr:size. Registers may be negative: --reg rax=-1. Addresses are linear ones, in real
mode too; --reg rip=… sets IP.

Without options: 64-bit code at 0x400000 with CPL 3; with --cpl 0 at 0xffffffff80000000, and
--base in the upper half means CPL 0. 32-bit and compatibility mode: 0x400000 with CPL 3. Real
mode: 0x7c00 in 640 KiB of RAM. A stack of 64 KiB is mapped, and pages are readable, writable and
executable, for the user at CPL 3.

The run ends at the end of the code, at HLT, at --until, when --call returns, with an exception,
with what needs an operating system (INT n, SYSCALL, a port), or at a limit.

Exit status: 0 normal end; 1 the guest asked for a system call, an interrupt, a port or an
instruction that bit63 does not have; 2 bad usage; 3 unhandled exception of the guest; 4 limit
reached; 130 Ctrl-C.

Examples:
  bit63 run --hex 'b8 2a 00 00 00'
  bit63 run --lass examples/hello-kernel.bin
  bit63 run --lass --cpl 0 --map 0x500000:4K:rwu --reg rdi=0x500000 \\
      examples/kernel-forgets-stac.bin
  bit63 run --call --reg rdi=10 function.bin
  bit63 run --mode 16 examples/realmode-sum.bin --trace`;

const collect = (value: string, previous: readonly string[] = []) => [...previous, value];

/** Adds `bit63 run`. */
export function registerRun(program: Command, session: Session): void {
  program
    .command('run')
    .description('run raw machine code')
    .argument('[file]', 'machine code; - for standard input')
    .option('--hex <bytes>', 'the machine code in hexadecimal, instead of a file')
    .option('--mode <mode>', '64, 32, 16 or compat (32-bit code under a 64-bit kernel)', '64')
    .option('--base <addr>', 'where the code goes')
    .option('--entry <addr>', 'where to begin, instead of the base')
    .option('--reg <name=value>', 'a register at the start (repeatable)', collect)
    .option('--map <addr:size[:rwxu]>', 'map zeroed memory, or change rights (repeatable)', collect)
    .option('--load <addr=file>', "put a file's bytes into memory (repeatable)", collect)
    .option('--stack <addr:size>', 'where the stack is mapped; it grows down from its end')
    .option('--ram <size>', 'RAM of the guest, page tables included', '64M')
    .option('--cpl <n>', 'privilege level, 0 or 3')
    .option('--cr4 <names>', 'CR4 bits to set: lass,smap,smep,… (repeatable)', collect)
    .option('--lass', 'short for --cr4 lass,smap')
    .option('--ac', 'RFLAGS.AC = 1 at the start')
    .option('--call', 'call the code as a System V function; the run ends when it returns')
    .option('--until <addr>', 'stop before the instruction there (repeatable)', collect)
    .option('--max-instructions <n>', 'stop after so many', '100M')
    .option('--timeout <seconds>', 'stop after so long')
    .option('--seed <n>', 'make RDRAND and RDSEED repeatable')
    .option('--audit', 'record what LASS would refuse and go on; implies --lass')
    .option('--trace [file]', 'tell of every instruction, to a file or standard error')
    .option(
      '--dump <addr:size>',
      'show memory at the end; addr may be a register (repeatable)',
      collect,
    )
    .option('--json', 'print one JSON object; --trace writes JSON lines')
    .addHelpText('after', HELP)
    .action(async (file: string | undefined, flags: RunFlags) => {
      const { runCommand } = await import('./run/command.ts');
      session.status = await runCommand(file, flags, session.io);
    });
}
