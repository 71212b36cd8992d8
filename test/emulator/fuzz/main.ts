import { parseArgs } from 'node:util';
import { Fuzzer } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    count: { type: 'string', default: 'Infinity' },
  },
});
const seed = Number(values.seed);
const first = Number(values.first);
const end = first + Number(values.count);
const deadline = performance.now() + 1_000 * Number(values.seconds);
const MAX_FAILURES = 20;

const fuzzer = new Fuzzer(seed);
let failures = 0;
let number = first;
for (; number < end && performance.now() < deadline && failures < MAX_FAILURES; number++) {
  const failure = fuzzer.run(number);
  if (failure !== undefined) {
    failures++;
    console.log(`case ${number} of seed ${seed}: ${failure.problem}`);
    console.log(`  ${failure.setting}, against ${failure.variant}: ${failure.code}`);
    console.log(`  again: node scripts/fuzz.js --seed ${seed} --first ${number} --count 1`);
  }
}
const endings = [...fuzzer.endings].sort(([, a], [, b]) => b - a);
const heap = Math.round(process.memoryUsage().rss / (1 << 20));
console.log(
  `${number - first} cases, ${fuzzer.instructions} instructions, ${failures} failures, ${heap} MiB`,
);
console.log(endings.map(([ending, count]) => `${ending} ${count}`).join(', '));
process.exitCode = failures === 0 ? 0 : 1;
