#!/bin/sh
# Rebuilds every kernel and runs it natively against kernels.json. Needs gcc, binutils and a Linux x86-64 machine.
#
#   sh build.sh            build, check, run at two addresses
#   sh build.sh --count    also single-step the quick runs and check their instruction counts (a minute)
#
# Native runs print: name n result nanoseconds. The host stays in $BIT63_NATIVE (default /tmp/bit63-native).
set -eu
cd "$(dirname "$0")"
native=${BIT63_NATIVE:-/tmp/bit63-native}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

flags="-std=gnu11 -Wall -Wextra -Wconversion -O2 -march=x86-64 -mtune=generic -mgeneral-regs-only
  -ffreestanding -fpie -fvisibility=hidden -ffunction-sections -fno-stack-protector -fcf-protection=none
  -fno-tree-vectorize -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables"

complain() {
  echo "$*" >&2
  failures=$((failures + 1))
}

# name file argument result quick.argument quick.result quick.instructions bss, one kernel a line
kernels() {
  { tr -d ' \n\t"' <kernels.json; echo; } | sed 's/{name:/\
/g' | sed -n 's/^\([^,]*\),.*file:\([^,]*\),argument:\([0-9]*\),result:\([0-9a-fx]*\),.*quick:{argument:\([0-9]*\),result:\([0-9a-fx]*\),instructions:\([0-9]*\)},bss:\([0-9]*\),.*/\1 \2 \3 \4 \5 \6 \7 \8/p'
}

# Nothing absolute, and integer registers only.
inspect() {
  if objdump -r "$work/$1.o" | grep R_X86_64 | grep -v -e R_X86_64_PC32 -e R_X86_64_PLT32; then
    complain "$1: absolute relocations"
  fi
  if objdump -d "$work/$1.elf" | grep -i -e '%[xyz]mm' -e '%mm[0-7]' -e '%st' -e '(bad)'; then
    complain "$1: not only integer registers"
  fi
}

# run FILE BSS N EXPECTED OPTIONS...
run() {
  file=$1 bss=$2 n=$3 expected=$4
  shift 4
  line=$("$native" "$@" "$file" "$bss" "$n") || { complain "$file: failed"; return; }
  echo "$line"
  set -- $line
  [ "$3" = "$expected" ] || complain "$1: result $3, kernels.json says $expected"
}

gcc -std=gnu11 -Wall -Wextra -O2 -o "$native" native.c

for source in *.c; do
  name=${source%.c}
  [ "$name" = native ] && continue
  # shellcheck disable=SC2086
  gcc $flags -c -o "$work/$name.o" "$source"
  ld -T kernels.ld --build-id=none -z noexecstack -o "$work/$name.elf" "$work/$name.o"
  objcopy -O binary "$work/$name.elf" "$work/$name.bin"
  inspect "$name"
  size=$(wc -c <"$work/$name.bin")
  end=$(nm "$work/$name.elf" | sed -n 's/ . blob_end$//p')
  change=unchanged
  cmp -s "$work/$name.bin" "$name.bin" || change=new
  cp "$work/$name.bin" "$name.bin" && chmod 644 "$name.bin"
  echo "built $name.bin: $((size)) bytes, bss $((0x$end - size)), $change"
  echo "$name $((0x$end - size))" >>"$work/sizes"
done

kernels >"$work/list"
[ "$(wc -l <"$work/list")" -eq "$(wc -l <"$work/sizes")" ] || complain "kernels.json does not list what was built"
while read -r name file n result quick quick_result quick_instructions bss; do
  grep -qx "$name $bss" "$work/sizes" || complain "$name: kernels.json says bss $bss"
  run "$file" "$bss" "$n" "$result" -r 5
  run "$file" "$bss" "$n" "$result" -a 0x400000 >/dev/null
  run "$file" "$bss" "$quick" "$quick_result" -a 0x7f1234560000 >/dev/null
  if [ "${1:-}" = --count ]; then
    set -- --count $("$native" -c "$file" "$bss" "$quick")
    [ "$5" = "$quick_instructions" ] || complain "$name: $5 instructions, kernels.json says $quick_instructions"
    set -- --count
  fi
done <"$work/list"

[ "$failures" -eq 0 ] || { echo "$failures failures" >&2; exit 1; }
echo "all kernels agree with kernels.json"
