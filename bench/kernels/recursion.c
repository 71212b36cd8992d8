/* Calls, returns, pushes and pops: Fibonacci by double recursion, then Ackermann's function, which goes deep. */
#include "kernel.h"

static __attribute__((noinline)) u64 fibonacci(u64 n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static __attribute__((noinline)) u64 ackermann(u64 m, u64 n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

u64 kernel(u64 n) {
  return fibonacci(n) << 16 ^ ackermann(2, 2 * n);
}
