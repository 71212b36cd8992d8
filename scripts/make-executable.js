// Lets the files named on the command line be run. npm does this for packages that it installs,
// but not for the package in whose folder it runs: there `npx bit63` needs it after each build.
import { chmodSync } from 'node:fs';

for (const file of process.argv.slice(2)) {
  chmodSync(file, 0o755);
}
