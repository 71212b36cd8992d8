// As much decoding as the recorder itself needs: what must not be executed, and what needs care.
#ifndef ENCODING_H
#define ENCODING_H

#include <stdbool.h>
#include <stdint.h>

enum map { ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A };

struct encoding {
  enum map map;
  uint8_t opcode;
  uint8_t modrm; // the byte after the opcode, whether the instruction has a ModRM byte or not
  bool vex;
  bool evex_or_xop;
  bool operand_size, repne, rep; // 66, F2, F3: as prefixes or in VEX.pp
  int mode;
};

struct encoding parse_encoding(const uint8_t *bytes, int length, int mode);

bool is_repeated_string(const struct encoding *encoding);
// Near branches, INT3 and INTO.
bool is_branch(const struct encoding *encoding);
bool is_pushf(const struct encoding *encoding);
bool is_popf(const struct encoding *encoding);

// Why the instruction is left out, null if it is not.
const char *reason_to_skip(const struct encoding *encoding);

#endif
