#!/bin/sh
# Rebuilds every example with nasm and tells which .bin was not what its source builds.
#
#   sh build.sh            rebuild
#   sh build.sh --check    rebuild nothing, fail if a .bin differs
set -eu
cd "$(dirname "$0")"
built=$(mktemp)
trap 'rm -f "$built"' EXIT
differing=0

for source in *.asm; do
  binary=${source%.asm}.bin
  nasm -f bin -Wall -o "$built" "$source"
  if cmp -s "$built" "$binary"; then
    echo "$binary: as its source builds"
    continue
  fi
  differing=$((differing + 1))
  if [ "${1:-}" = --check ]; then
    echo "$binary: differs from its source's build"
  else
    cat "$built" >"$binary"
    echo "$binary: differed from its source's build, rebuilt"
  fi
done
[ "${1:-}" != --check ] || [ "$differing" -eq 0 ]
