/* Integer ALU: one long dependency chain of 64-bit and 32-bit arithmetic, logic, shifts and compares, in registers. */
#include "kernel.h"

u64 kernel(u64 n) {
  u64 a = 0x243f6a8885a308d3, b = 0x13198a2e03707344, c = 0xa4093822299f31d0;
  u32 d = 0x082efa98;
  for (u64 i = 0; i < n; i++) {
    a += b ^ i;
    b = rotate_left64(b, 13) - a;
    c = (c & a) | (~c & b);
    d = rotate_right32(d, 7) + (u32)c;
    a ^= a >> 29;
    b += c * 9 + d;
    c ^= (u64)d << 21;
    if (a < b) c += 0x9e3779b97f4a7c15;
    d ^= (u32)(a >> 32) - (u32)b;
  }
  return a ^ b ^ c ^ d;
}
