/* Quicksort of n random 32-bit integers (at most 256 Ki), then a checksum that knows their order. */
#include "kernel.h"

enum { LIMIT = 256 * 1024 };

static int values[LIMIT];

static void sort(long low, long high) {
  while (low < high) {
    int pivot = values[(low + high) / 2];
    long i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      int swapped = values[i];
      values[i++] = values[j];
      values[j--] = swapped;
    }
    sort(low, j);
    low = i;
  }
}

u64 kernel(u64 n) {
  u64 random = 11, checksum = 0;
  if (n > LIMIT) n = LIMIT;
  for (u64 i = 0; i < n; i++) values[i] = (int)next_random(&random);
  sort(0, (long)n - 1);
  for (u64 i = 0; i < n; i++) {
    if (i && values[i - 1] > values[i]) return 0;
    checksum += (u64)(long)values[i] * (i + 1);
  }
  return checksum;
}
