// Takes a few vectors of every instruction out of a file in the format hwvec-1:
//
//   node scripts/sample-vectors.js <full.jsonl.gz> <sample.jsonl.gz> [vectors per instruction]
//
// Exceptions and other special cases come first, up to half of the vectors, each kind in turn; the
// rest is spread evenly over the ordinary ones. test/conform/vectors/ is made with this, 8 each.
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const [from, to, perCode = '8'] = process.argv.slice(2);
if (from === undefined || to === undefined || !/^[1-9]\d*$/.test(perCode)) {
  console.error('usage: sample-vectors.js <full.jsonl.gz> <sample.jsonl.gz> [vectors per code]');
  process.exit(2);
}
const wanted = Number(perCode);

const [first, ...lines] = gunzipSync(readFileSync(from)).toString().trimEnd().split('\n');
const byCode = groupBy(lines, codeOf);
const kept = [...byCode.values()].flatMap(choose);
const header = { ...JSON.parse(first), perCode: wanted, count: kept.length };
const text = `${[JSON.stringify(header), ...kept].join('\n')}\n`;
writeFileSync(to, gzipSync(text, { level: 9 }));

function codeOf(line) {
  return JSON.parse(line).c;
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [item]);
    } else {
      group.push(item);
    }
  }
  return groups;
}

/** What is special about a vector: its exception and tags; empty for an ordinary one. */
function kindOf(line) {
  const { x = '', t = [] } = JSON.parse(line);
  return [x, ...t].join(' ').trim();
}

function choose(all) {
  const kinds = groupBy(all, kindOf);
  const ordinary = kinds.get('') ?? [];
  kinds.delete('');
  const special = inTurn([...kinds.values()]);
  const few = Math.max(Math.floor(wanted / 2), wanted - ordinary.length);
  const chosen = special.slice(0, few);
  return [...chosen, ...spread(ordinary, wanted - chosen.length)];
}

/** The first of each list, then the second of each, and so on. */
function inTurn(lists) {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const rounds = Array.from({ length: longest }, (_, n) => lists.map((list) => list[n]));
  return rounds.flat().filter((item) => item !== undefined);
}

function spread(items, count) {
  const chosen = Math.min(count, items.length);
  return Array.from({ length: chosen }, (_, n) => items[Math.floor((n * items.length) / chosen)]);
}
