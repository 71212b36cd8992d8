/* Loads and stores: forward copies by 8 bytes (also misaligned, across pages) and overlapping backward moves by 1. */
#include "kernel.h"

enum { SIZE = 4096 };

static u8 source[SIZE];
static u8 target[2 * SIZE];

static __attribute__((noinline)) void copy_quads(u8 *to, const u8 *from, u64 size) {
  typedef u64 __attribute__((may_alias, aligned(1))) quad;
  for (u64 i = 0; i < size; i += 8) *(quad *)(to + i) = *(const quad *)(from + i);
}

static __attribute__((noinline)) void move_bytes_up(u8 *to, const u8 *from, u64 size) {
  while (size--) to[size] = from[size];
}

u64 kernel(u64 n) {
  u64 random = 42, checksum = 0;
  for (u64 i = 0; i < SIZE; i++) source[i] = (u8)next_random(&random);
  for (u64 i = 0; i < 2 * SIZE; i++) target[i] = 0;
  for (u64 round = 0; round < n; round++) {
    u64 shift = round % 61;
    copy_quads(target + shift, source, SIZE);
    copy_quads(source, target, SIZE);
    move_bytes_up(target + SIZE / 2 + shift, target + SIZE / 4, SIZE / 4);
    checksum = rotate_left64(checksum, 5) ^ target[SIZE / 2 + shift * 3] ^ source[round % SIZE];
  }
  for (u64 i = 0; i < 2 * SIZE; i++) checksum = checksum * 31 + target[i];
  return checksum;
}
