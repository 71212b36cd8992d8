#!/usr/bin/env bash
# Runs the built command line and the whole test suite on every supported release line of Node,
# and prints a table. The binaries come from the npm package `node`.
#
#   scripts/check-nodes.sh            # 20, 22 and 24
#   scripts/check-nodes.sh 20.19.0    # any version or release line
set -euo pipefail
cd "$(dirname "$0")/.."

lines=("$@")
if [ ${#lines[@]} -eq 0 ]; then lines=(20 22 24); fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
table=("$(printf '%-10s %-12s %-10s %s' asked version 'bit63' tests)")
failures=0

# row ASKED VERSION CLI TESTS
row() {
  table+=("$(printf '%-10s %-12s %-10s %s' "$@")")
}

# attempt NAME COMMAND...: runs it, keeps its output, says "ok" or "FAILED"
attempt() {
  local log="$folder/$1.log"
  shift
  if "$@" >"$log" 2>&1; then
    echo ok
  else
    echo FAILED
    sed 's/^/    /' "$log" >&2
  fi
}

npm run build >/dev/null

for line in "${lines[@]}"; do
  printf 'Node %s\n' "$line" >&2
  home="$folder/$line"
  mkdir -p "$home"
  echo '{ "private": true }' >"$home/package.json"
  # The package puts its binary in place by an install script.
  installed=$(attempt "install-$line" npm install --prefix "$home" --ignore-scripts=false \
    --no-audit --no-fund --loglevel=error "node@$line")
  bin="$home/node_modules/node/bin"
  if [ "$installed" != ok ] || ! version=$("$bin/node" --version); then
    row "$line" 'no binary' - -
    failures=$((failures + 1))
    continue
  fi
  # First in PATH, so that processes started by a test run on this Node as well.
  cli=$(PATH="$bin:$PATH" attempt "cli-$line" node dist/cli/main.js --help)
  tests=$(PATH="$bin:$PATH" attempt "tests-$line" node node_modules/vitest/vitest.mjs run)
  row "$line" "$version" "$cli" "$tests"
  if [ "$cli" != ok ] || [ "$tests" != ok ]; then failures=$((failures + 1)); fi
done

printf '%s\n' "${table[@]}"
[ "$failures" -eq 0 ]
