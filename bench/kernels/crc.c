/* Table look-ups indexed by data: CRC-32 (IEEE 802.3) of n times the bytes 0, 1, ... 255. */
#include "kernel.h"

static u32 table[256];

static void fill_table(void) {
  for (u32 byte = 0; byte < 256; byte++) {
    u32 crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    table[byte] = crc;
  }
}

u64 kernel(u64 n) {
  u32 crc = 0xffffffff;
  fill_table();
  for (u64 round = 0; round < n; round++)
    for (u32 byte = 0; byte < 256; byte++) crc = table[(crc ^ byte) & 0xff] ^ crc >> 8;
  return ~crc;
}
