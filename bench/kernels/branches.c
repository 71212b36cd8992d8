/* Branches that nothing predicts: Collatz trajectories, and binary search for random keys. */
#include "kernel.h"

enum { KEYS = 1024 };

static u32 keys[KEYS];

static u64 collatz_steps(u64 n) {
  u64 steps = 0;
  for (; n != 1; steps++) {
    if (n & 1)
      n = 3 * n + 1;
    else
      n >>= 1;
  }
  return steps;
}

static u64 search(u32 key) {
  u64 low = 0, high = KEYS;
  while (low < high) {
    u64 middle = (low + high) / 2;
    if (keys[middle] == key) return middle;
    if (keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return KEYS + low;
}

u64 kernel(u64 n) {
  u64 random = 3, steps = 0, found = 0;
  for (u32 i = 0; i < KEYS; i++) keys[i] = i * 5 + (i & 3);
  for (u64 i = 1; i <= n; i++) {
    steps += collatz_steps(i);
    for (int probe = 0; probe < 4; probe++) found += search((u32)next_random(&random) % (KEYS * 5));
  }
  return steps << 32 ^ found;
}
