import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { registerBench } from './bench.ts';
import { registerCheck } from './check.ts';
import { registerConform } from './conform/command.ts';
import { registerDisasm } from './disasm.ts';
import type { CliIo } from './io.ts';
import { registerRun } from './run.ts';
import type { Session } from './session.ts';
import { ExitStatus } from './status.ts';
import { UsageError } from './usage.ts';

/**
 * The command line of bit63.
 *
 * @param argv Arguments after the program's name.
 * @returns The exit status.
 */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const session: Session = { io, status: ExitStatus.Ok };
  const program = createProgram(session);
  let command = program.name();
  program.hook('preAction', (_, action) => {
    command = nameOf(action);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return session.status;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? ExitStatus.Ok : ExitStatus.Usage;
    }
    return report(error, command, io);
  }
}

function createProgram(session: Session): Command {
  const program = new Command('bit63')
    .description(
      'Runs x86 machine code with Intel LASS (Linear Address Space Separation) enforced.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError();
  registerRun(program, session);
  registerCheck(program, session);
  registerDisasm(program, session);
  registerConform(program, session);
  registerBench(program, session);
  for (const command of [program, ...program.commands]) {
    speakThrough(command, session.io);
  }
  return program;
}

/** Makes a command throw instead of exiting, and say one line of its own about bad usage. */
function speakThrough(command: Command, { stdout, stderr }: CliIo): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    getOutHelpWidth: () => stdout.columns,
    getErrHelpWidth: () => stderr.columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    outputError: (text, write) => {
      const line = text
        .trim()
        .replace(/^error: /, '')
        .replace(/\.$/, '')
        .replaceAll(/\s*\n\s*/g, ' ');
      write(`${nameOf(command)}: ${line}; see ${nameOf(command)} --help\n`);
    },
  });
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function report(error: unknown, command: string, { stderr, environment }: CliIo): number {
  const debugging = (environment.BIT63_DEBUG ?? '') !== '';
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof UsageError) {
    stderr.write(`${command}: ${error.message}\n`);
    if (debugging) {
      stderr.write(`${stack}\n`);
    }
    return ExitStatus.Usage;
  }
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(`${command}: internal error: ${message}\n`);
  stderr.write(debugging ? `${stack}\n` : 'This is a bug in bit63; BIT63_DEBUG=1 shows where.\n');
  return ExitStatus.Internal;
}

function version(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String(JSON.parse(file).version);
}
