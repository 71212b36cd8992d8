// Runs random programs for a while: node scripts/fuzz.js --seconds 60 --seed 7
import { execFileSync } from 'node:child_process';

const root = new URL('../', import.meta.url);
execFileSync('npx', ['tsc', '-p', 'tsconfig.fuzz.json'], { cwd: root, stdio: 'inherit' });
await import(new URL('.build/fuzz/test/emulator/fuzz/main.js', root).href);
