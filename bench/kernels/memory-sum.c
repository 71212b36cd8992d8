/* Loads: sums a 64 KiB array again and again, by 8, by 4 and by 1 byte. */
#include "kernel.h"

enum { SIZE = 64 * 1024 };

static union {
  u64 quads[SIZE / 8];
  u32 doubles[SIZE / 4];
  u8 bytes[SIZE];
} array;

static void fill(void) {
  u64 value = 1;
  for (u64 i = 0; i < SIZE / 8; i++) array.quads[i] = value += 0x9e3779b97f4a7c15;
}

u64 kernel(u64 n) {
  fill();
  u64 sum = 0;
  for (u64 pass = 0; pass < n; pass++) {
    for (u64 i = 0; i < SIZE / 8; i++) sum += array.quads[i] ^ pass;
    for (u64 i = 0; i < SIZE / 4; i += 4) sum += array.doubles[i];
    for (u64 i = 0; i < SIZE; i += 16) sum -= array.bytes[i];
  }
  return sum;
}
