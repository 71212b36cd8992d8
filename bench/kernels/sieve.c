/* Strided stores over up to 2 MiB: counts the primes below n with the sieve of Eratosthenes. */
#include "kernel.h"

enum { LIMIT = 2 * 1024 * 1024 };

static u8 composite[LIMIT];

u64 kernel(u64 n) {
  if (n > LIMIT) n = LIMIT;
  for (u64 i = 0; i < n; i++) composite[i] = 0;
  for (u64 i = 2; i * i < n; i++) {
    if (composite[i]) continue;
    for (u64 multiple = i * i; multiple < n; multiple += i) composite[multiple] = 1;
  }
  u64 primes = 0;
  for (u64 i = 2; i < n; i++) primes += !composite[i];
  return primes;
}
