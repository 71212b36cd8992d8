import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CliIo } from '../src/cli/io.ts';
import { main } from '../src/cli/program.ts';

const README = new URL('../README.md', import.meta.url);

/** The commands of the README's transcripts with what they print. */
function transcripts(): { command: string; output: string }[] {
  const text = readFileSync(README, 'utf8');
  return [...text.matchAll(/```console\n\$ npx bit63 (.*)\n([^`]*)```/g)].map((match) => ({
    command: match[1] ?? '',
    output: match[2] ?? '',
  }));
}

/** What a command prints where there is no terminal. */
async function run(command: string): Promise<string> {
  let printed = '';
  const sink = {
    write: (text: string) => {
      printed += text;
    },
    isTerminal: false,
    columns: 100,
    drain: async () => {},
  };
  const io: CliIo = {
    stdout: sink,
    stderr: sink,
    stdin: {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
    },
    environment: {},
    onInterrupt: () => () => {},
  };
  await main(command.split(' '), io);
  return printed;
}

/** The time a run takes is nobody's promise. */
const withoutTimes = (text: string): string =>
  text.replaceAll(/ in \d+(\.\d+)? m?s.*/g, ' in N ms');

test.each(transcripts())('README is right about bit63 $command', async ({ command, output }) => {
  expect(withoutTimes(await run(command))).toBe(withoutTimes(output));
});

test('README has transcripts', () => {
  expect(transcripts().length).toBeGreaterThanOrEqual(5);
});
