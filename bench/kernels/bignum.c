/* Wide arithmetic: n! in 64-bit limbs (MUL, ADC), then the sum of its decimal digits (DIV). */
#include "kernel.h"

enum { LIMBS = 2048 };

static u64 limbs[LIMBS];

static u64 multiply(u64 count, u64 factor) {
  u64 carry = 0;
  for (u64 i = 0; i < count; i++) {
    u128 wide = (u128)limbs[i] * factor + carry;
    limbs[i] = (u64)wide;
    carry = (u64)(wide >> 64);
  }
  if (carry) limbs[count++] = carry;
  return count;
}

static u64 divide(u64 count, u64 divisor, u64 remainder) {
  while (count--) {
    u64 quotient;
    __asm__("divq %[divisor]"
            : "=a"(quotient), "=d"(remainder)
            : "a"(limbs[count]), "d"(remainder), [divisor] "r"(divisor)
            : "cc");
    limbs[count] = quotient;
  }
  return remainder;
}

u64 kernel(u64 n) {
  u64 count = 1, digits = 0;
  limbs[0] = 1;
  for (u64 factor = 2; factor <= n && count < LIMBS; factor++) count = multiply(count, factor);
  while (count) {
    for (u64 chunk = divide(count, 10000000000000000000u, 0); chunk; chunk /= 10) digits += chunk % 10;
    while (count && !limbs[count - 1]) count--;
  }
  return digits;
}
