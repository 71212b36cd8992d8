/* Bytes: length, compare, find, and a tokeniser that writes into initialised data and dispatches through a jump table. */
#include "kernel.h"

static char text[] =
    "mov rax, [rbx + 8*rcx]; stac; add rax, 0x10; clac; ret\n"
    "A user may not touch the upper half, nor a kernel the lower half unless it says so.\n"
    "if (address >> 63 != mode) raise(13, 0); else walk(cr3, address);\n";

static const char words[][8] = {"stac", "clac", "kernel", "raise", "half", "address"};

static u64 length_of(const char *string) {
  const char *end = string;
  while (*end) end++;
  return (u64)(end - string);
}

static int compare(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}

static char *find(char *string, char wanted) {
  for (; *string; string++)
    if (*string == wanted) return string;
  return 0;
}

static int is_word(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

static u64 after_separator(char separator, u64 value) {
  switch (separator) {
    case ' ': return value + 1;
    case '(': return value << 1;
    case ')': return value >> 1;
    case '*': return value * 7;
    case '+': return value + 0x2b;
    case ',': return value ^ 0x2c2c;
    case '.': return ~value;
    case ';': return rotate_left64(value, 5);
    case '<': return value - 60;
    case '>': return value * 3 + 62;
    default: return value ^ value >> 32;
  }
}

static u64 word_value(const char *word) {
  for (u64 i = 0; i < sizeof words / sizeof *words; i++)
    if (compare(word, words[i]) == 0) return 1000 * (i + 1);
  return length_of(word);
}

static u64 tokenise(char *cursor) {
  u64 value = 0;
  while (*cursor) {
    char *start = cursor;
    while (is_word(*cursor)) cursor++;
    char separator = *cursor;
    *cursor = 0;
    if (cursor != start) value = value * 3 + word_value(start);
    *cursor = separator;
    value = after_separator(separator, value);
    if (separator) cursor++;
  }
  return value;
}

u64 kernel(u64 n) {
  u64 checksum = 0;
  for (u64 round = 0; round < n; round++) {
    char *found = find(text, (char)('!' + round % 94));
    checksum = rotate_left64(checksum, 3) ^ tokenise(text) ^ length_of(found ? found : text);
  }
  return checksum;
}
