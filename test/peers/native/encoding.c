#include "encoding.h"

#include <stddef.h>

static bool is_legacy_prefix(uint8_t byte) {
  switch (byte) {
  case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
  case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
    return true;
  default:
    return false;
  }
}

static void parse_vex(struct encoding *encoding, const uint8_t *at) {
  const bool long_form = at[0] == 0xc4;
  const uint8_t last = at[long_form ? 2 : 1];
  encoding->vex = true;
  encoding->map = long_form ? at[1] & 31 : MAP_0F;
  encoding->operand_size = (last & 3) == 1;
  encoding->rep = (last & 3) == 2;
  encoding->repne = (last & 3) == 3;
  encoding->opcode = at[long_form ? 3 : 2];
  encoding->modrm = at[long_form ? 4 : 3];
}

static void parse_opcode(struct encoding *encoding, const uint8_t *at) {
  if (*at == 0x0f) {
    at++;
    encoding->map = *at == 0x38 ? MAP_0F38 : *at == 0x3a ? MAP_0F3A : MAP_0F;
    if (encoding->map != MAP_0F) {
      at++;
    }
  }
  encoding->opcode = at[0];
  encoding->modrm = at[1];
}

struct encoding parse_encoding(const uint8_t *bytes, int length, int mode) {
  enum { LONGEST = 15, MARGIN = 8, INT3 = 0xcc };
  uint8_t padded[LONGEST + MARGIN];
  for (int n = 0; n < LONGEST + MARGIN; n++) {
    padded[n] = n < length ? bytes[n] : INT3;
  }
  struct encoding encoding = {.map = ONE_BYTE, .mode = mode};
  const uint8_t *at = padded;
  while (at < padded + LONGEST &&
         (is_legacy_prefix(*at) || (mode == 64 && (*at & 0xf0) == 0x40))) {
    encoding.operand_size |= *at == 0x66;
    encoding.repne |= *at == 0xf2;
    encoding.rep |= *at == 0xf3;
    at++;
  }
  const bool register_form = at[1] >= 0xc0;
  const bool always = mode == 64 || register_form;
  encoding.evex_or_xop = (*at == 0x62 && always) || (*at == 0x8f && (at[1] & 0x38) != 0);
  if ((*at == 0xc4 || *at == 0xc5) && always) {
    parse_vex(&encoding, at);
  } else {
    parse_opcode(&encoding, at);
  }
  return encoding;
}

bool is_repeated_string(const struct encoding *encoding) {
  const uint8_t opcode = encoding->opcode;
  return encoding->map == ONE_BYTE && !encoding->vex && (encoding->rep || encoding->repne) &&
         ((opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf) ||
          (opcode >= 0x6c && opcode <= 0x6f));
}

bool is_branch(const struct encoding *encoding) {
  const uint8_t opcode = encoding->opcode;
  if (encoding->vex || encoding->map > MAP_0F) {
    return false;
  }
  if (encoding->map == MAP_0F) {
    return (opcode & 0xf0) == 0x80;
  }
  const int extension = encoding->modrm >> 3 & 7;
  return (opcode & 0xf0) == 0x70 || (opcode >= 0xe0 && opcode <= 0xe3) || opcode == 0xe8 ||
         opcode == 0xe9 || opcode == 0xeb || opcode == 0xc2 || opcode == 0xc3 || opcode == 0xcc ||
         opcode == 0xce || (opcode == 0xff && (extension == 2 || extension == 4));
}

bool is_pushf(const struct encoding *encoding) {
  return encoding->map == ONE_BYTE && !encoding->vex && encoding->opcode == 0x9c;
}

bool is_popf(const struct encoding *encoding) {
  return encoding->map == ONE_BYTE && !encoding->vex && encoding->opcode == 0x9d;
}

static const char SEGMENT[] = "uses segment registers";
static const char SYSTEM[] = "enters the system";
static const char DEBUG[] = "debug exception";
static const char HOST[] = "depends on the host";
static const char WAITS[] = "waits";
static const char TRANSACTION[] = "transaction";
static const char X87[] = "x87: its undefined condition codes are not known here";
static const char VENDOR[] = "exists at one vendor only";
static const char AVX512[] = "EVEX, opmasks or XOP";
static const char EXTENDED_STATE[] = "saves or loads extended state";

static const char *skip_one_byte(const struct encoding *encoding) {
  const int extension = encoding->modrm >> 3 & 7;
  switch (encoding->opcode) {
  case 0x06: case 0x07: case 0x0e: case 0x16: case 0x17: case 0x1e: case 0x1f:
  case 0x9a: case 0xc4: case 0xc5: case 0xea:
    return encoding->mode == 32 ? SEGMENT : NULL; // else undefined or VEX
  case 0x8c: case 0x8e: case 0xca: case 0xcb: case 0xcf:
    return SEGMENT;
  case 0xc6: case 0xc7:
    return encoding->modrm == 0xf8 ? TRANSACTION : NULL;
  case 0xcd:
    return SYSTEM;
  case 0xf1:
    return DEBUG;
  case 0xd8: case 0xd9: case 0xda: case 0xdb: case 0xdc: case 0xdd: case 0xde: case 0xdf:
    return X87;
  case 0xff:
    return extension == 3 || extension == 5 ? SEGMENT : NULL;
  default:
    return NULL;
  }
}

// Fences, FSGSBASE, LDMXCSR, STMXCSR and cache-line flushes are fine.
static const char *skip_group_15(const struct encoding *encoding) {
  const int extension = encoding->modrm >> 3 & 7;
  if (encoding->modrm >= 0xc0) {
    const bool prefixed = encoding->operand_size || encoding->repne || encoding->rep;
    return prefixed && extension >= 4 ? WAITS : NULL;
  }
  return extension == 2 || extension == 3 || extension == 7 ? NULL : EXTENDED_STATE;
}

static const char *skip_map_0f(const struct encoding *encoding) {
  const int extension = encoding->modrm >> 3 & 7;
  switch (encoding->opcode) {
  case 0x00: case 0x01: case 0x02: case 0x03:
    return HOST; // descriptor tables, MSW, LAR, LSL; 0F 01 has much else of the kind
  case 0x05: case 0x07: case 0x34: case 0x35:
    return SYSTEM;
  case 0x0e: case 0x0f: case 0xa6: case 0xa7:
    return VENDOR;
  case 0x31: case 0x33: case 0x37: case 0xa2:
    return HOST; // RDTSC, RDPMC, GETSEC, CPUID
  case 0xa0: case 0xa1: case 0xa8: case 0xa9: case 0xb2: case 0xb4: case 0xb5:
    return SEGMENT;
  case 0xae:
    return skip_group_15(encoding);
  case 0xc7: // CMPXCHG8B; RDRAND, RDSEED, RDPID; XSAVEC, XSAVES, XRSTORS
    if (encoding->modrm >= 0xc0) {
      return extension >= 6 ? HOST : NULL;
    }
    return extension == 1 ? NULL : EXTENDED_STATE;
  default:
    return NULL;
  }
}

static const char *skip_vex(const struct encoding *encoding) {
  const uint8_t opcode = encoding->opcode;
  if (encoding->map == MAP_0F) {
    const bool mask = (opcode >= 0x41 && opcode <= 0x4b) || (opcode >= 0x90 && opcode <= 0x99);
    return mask ? AVX512 : opcode == 0xae ? skip_group_15(encoding) : NULL;
  }
  if (encoding->map == MAP_0F38) {
    const bool tiles = opcode == 0x49 || opcode == 0x4b || opcode == 0x5c || opcode == 0x5e;
    return tiles ? EXTENDED_STATE : NULL;
  }
  return encoding->map == MAP_0F3A && opcode >= 0x30 && opcode <= 0x33 ? AVX512 : NULL;
}

const char *reason_to_skip(const struct encoding *encoding) {
  if (encoding->evex_or_xop) {
    return AVX512;
  }
  if (encoding->vex) {
    return skip_vex(encoding);
  }
  if (encoding->map == ONE_BYTE) {
    return skip_one_byte(encoding);
  }
  if (encoding->map == MAP_0F) {
    return skip_map_0f(encoding);
  }
  const bool enqcmd = encoding->opcode == 0xf8 && (encoding->rep || encoding->repne);
  return encoding->map == MAP_0F38 && enqcmd ? HOST : NULL;
}
