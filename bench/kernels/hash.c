/* 64-bit multiplies and rotates over a buffer: FNV-1a by bytes, then four lanes in the manner of xxHash. */
#include "kernel.h"

enum { SIZE = 4096 };

static u64 buffer[SIZE / 8];

static u64 fnv1a(const u8 *bytes, u64 size) {
  u64 hash = 0xcbf29ce484222325;
  for (u64 i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}

static u64 mix(u64 lane, u64 value) {
  return rotate_left64(lane + value * 0xc2b2ae3d27d4eb4f, 31) * 0x9e3779b185ebca87;
}

static u64 four_lanes(const u64 *quads, u64 count, u64 seed) {
  u64 a = seed, b = ~seed, c = seed << 1, d = seed >> 1;
  for (u64 i = 0; i < count; i += 4) {
    a = mix(a, quads[i]);
    b = mix(b, quads[i + 1]);
    c = mix(c, quads[i + 2]);
    d = mix(d, quads[i + 3]);
  }
  u64 hash = rotate_left64(a, 1) + rotate_left64(b, 7) + rotate_left64(c, 12) + rotate_left64(d, 18);
  return hash ^ hash >> 33;
}

u64 kernel(u64 n) {
  u64 random = 7, hash = 0;
  for (u64 i = 0; i < SIZE / 8; i++) buffer[i] = next_random(&random);
  for (u64 round = 0; round < n; round++) {
    hash = four_lanes(buffer, SIZE / 8, hash ^ fnv1a((const u8 *)buffer, SIZE / 2));
    hash = four_lanes(buffer, SIZE / 8, hash);
    buffer[round % (SIZE / 8)] ^= hash;
  }
  return hash;
}
