/*
 * The check of src/lass/check.ts in C, to compare with. Prints one line of JSON.
 *   lass-check POLICY ACCESS SIZE LINEAR_ADDRESS_BITS ADDRESSES ROUNDS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline int32_t last_byte_hi(int32_t lo, int32_t hi, uint32_t size) {
  uint32_t last = (uint32_t)lo + size - 1;
  return (int32_t)((uint32_t)hi + (((uint32_t)lo & ~last) >> 31));
}

static inline int violates(int32_t policy, int access, int32_t hi, int32_t last_hi) {
  int32_t verdicts = policy >> (access << 1);
  int32_t touches_lower = (int32_t)((uint32_t) ~(hi & last_hi) >> 31);
  int32_t touches_upper = (int32_t)((uint32_t)(hi | last_hi) >> 31);
  return ((verdicts & touches_lower) | ((verdicts >> 1) & touches_upper)) & 1;
}

__attribute__((noinline)) static int is_lass_violation_sized(int32_t policy, int access,
                                                             int32_t lo, int32_t hi,
                                                             uint32_t size) {
  return violates(policy, access, hi, last_byte_hi(lo, hi, size));
}

__attribute__((noinline)) static int check_linear(int32_t policy, int access, int32_t lo,
                                                  int32_t hi, uint32_t size, int bits) {
  int32_t last_hi = last_byte_hi(lo, hi, size);
  int shift = bits - 33;
  if ((uint32_t)(((hi >> shift) + 1) | ((last_hi >> shift) + 1)) >> 1 != 0) return 1;
  return violates(policy, access, hi, last_hi) << 1;
}

/* Same generator as prepareAddresses() in src/cli/bench/check-loop.ts. */
static void prepare(int32_t *los, int32_t *his, int n) {
  uint32_t x = 0x9e3779b9;
  for (int i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    int wraps = (x & 0xff) == 0;
    los[i] = wraps ? -4 : (int32_t)x;
    his[i] = wraps ? -1 : (int32_t)(x >> 31 ? 0xffff8880u | (x >> 8 & 0xf) : x >> 20 & 0x7fff);
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  int32_t policy = atoi(argv[1]);
  int access = atoi(argv[2]), bits = atoi(argv[4]), n = atoi(argv[5]), rounds = atoi(argv[6]);
  uint32_t size = (uint32_t)atoi(argv[3]);
  int32_t *los = malloc(4ul * (size_t)n), *his = malloc(4ul * (size_t)n);
  if (!los || !his) return 1;
  prepare(los, his, n);

  double best_sized = 1e18, best_linear = 1e18;
  long sized = 0, linear = 0;
  for (int round = 0; round < rounds; round++) {
    double start = now();
    sized = 0;
    for (int i = 0; i < n; i++) {
      sized += is_lass_violation_sized(policy, access, los[i], his[i], size);
    }
    double middle = now();
    linear = 0;
    for (int i = 0; i < n; i++) {
      linear += check_linear(policy, access, los[i], his[i], size, bits);
    }
    double end = now();
    if (middle - start < best_sized) best_sized = middle - start;
    if (end - middle < best_linear) best_linear = end - middle;
  }
  printf("{\"isLassViolationSized\":{\"ns\":%.4f,\"count\":%ld},"
         "\"checkLinear\":{\"ns\":%.4f,\"count\":%ld}}\n",
         best_sized / n, sized, best_linear / n, linear / 2);
  return 0;
}
