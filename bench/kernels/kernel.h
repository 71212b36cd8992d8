#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef unsigned __int128 u128;

u64 kernel(u64 n);

static inline u32 rotate_right32(u32 value, int count) { return value >> count | value << (32 - count); }
static inline u64 rotate_left64(u64 value, int count) { return value << count | value >> (64 - count); }

/* Knuth's MMIX generator: every kernel seeds its own, so that a second call returns the same checksum. */
static inline u64 next_random(u64 *state) {
  *state = *state * 6364136223846793005 + 1442695040888963407;
  return *state >> 17;
}
