/* 32-bit multiply-add with strided loads: product of two n by n integer matrices (n at most 192). */
#include "kernel.h"

enum { LIMIT = 192 };

static int left[LIMIT][LIMIT], right[LIMIT][LIMIT], product[LIMIT][LIMIT];

u64 kernel(u64 n) {
  u64 random = 5, checksum = 0;
  if (n > LIMIT) n = LIMIT;
  for (u64 row = 0; row < n; row++) {
    for (u64 column = 0; column < n; column++) {
      left[row][column] = (int)next_random(&random) >> 16;
      right[row][column] = (int)next_random(&random) >> 16;
    }
  }
  for (u64 row = 0; row < n; row++) {
    for (u64 column = 0; column < n; column++) {
      u32 sum = 0;
      for (u64 k = 0; k < n; k++) sum += (u32)left[row][k] * (u32)right[k][column];
      product[row][column] = (int)sum;
    }
  }
  for (u64 row = 0; row < n; row++)
    for (u64 column = 0; column < n; column++) checksum = checksum * 31 + (u64)(long)product[row][column];
  return checksum;
}
