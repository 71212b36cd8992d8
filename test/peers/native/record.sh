#!/usr/bin/env bash
# Records random instructions on this processor as vectors for `bit63 conform`.
# Needs x86-64 Linux 5.11 or later and gcc. See README.md.
set -euo pipefail

usage() {
  cat >&2 <<'END'
usage: record.sh --mode 64|32 --count N [--seed N] [--only REGEX] [--raw] > vectors.jsonl
       record.sh --list

  --mode    64-bit mode, or 32-bit protected mode
  --count   vectors to record
  --seed    the same seed gives the same instructions and states (default 1)
  --only    forms whose GROUP/NAME matches, such as '^shift/' or 'div|mul'
  --raw     as recorded, without what name.js adds
  --list    prints all groups and names
END
  exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../../.build/native
record=$build/record
mode= count= seed=1 only=. raw=false list=false
while [ $# -gt 0 ]; do
  case $1 in
    --raw) raw=true; shift; continue ;;
    --list) list=true; shift; continue ;;
    --mode|--count|--seed|--only) [ $# -ge 2 ] || usage ;;
    *) usage ;;
  esac
  case $1 in
    --mode) mode=$2 ;;
    --count) count=$2 ;;
    --seed) seed=$2 ;;
    --only) only=$2 ;;
  esac
  shift 2
done

mkdir -p "$build"
(cd "$here" && "${CC:-gcc}" -std=gnu17 -O2 -Wall -Wextra -Wno-missing-field-initializers \
  -fno-stack-protector record.c generate.c forms.c encoding.c processor.c enter.S -o "$record")

if $list; then exec "$record" --list; fi
[ -n "$mode" ] && [ -n "$count" ] || usage
run=("$record" --mode "$mode" --count "$count" --seed "$seed" --only "$only")
if $raw; then exec "${run[@]}"; fi
"${run[@]}" | node "$here/name.js"
