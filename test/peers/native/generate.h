// Makes random instructions and the states they start from.
#ifndef GENERATE_H
#define GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "encoding.h"
#include "processor.h"

enum { NO_REG = -1, ANY_PREFIX = -1 };
enum { OPERAND_SIZE = 0x66, ADDRESS_SIZE = 0x67, LOCK = 0xf0, REPNE = 0xf2, REP = 0xf3 };
enum { FS = 0x64, GS = 0x65 };
enum { REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

// What an instruction is made of, before it is bytes.
struct draft {
  uint64_t random; // state of the generator
  int mode;
  const struct form *form;
  uint64_t (*value)(struct draft *); // for registers and memory operands
  // Encoding.
  uint8_t prefixes[MAX_INSTRUCTION];
  int prefix_count;
  int segment; // prefix, 0 for none
  bool address_size;
  bool operand_size;
  int rex; // 0 for none; with VEX its bits all the same
  uint8_t vex[3];
  int vvvv;
  int vex_rex; // a REX prefix before VEX, which is illegal; mostly 0
  int opcode;
  uint8_t modrm, sib;
  uint32_t displacement;
  uint8_t immediate[8];
  int immediate_size;
  // The state it starts from.
  struct registers registers;
  struct image *memory;
  bool on_guard; // an operand was put on or over the edge of scratch memory on purpose
};

// One line of the opcode tables (forms.c): an opcode or several that are alike.
struct form {
  const char *group, *name;
  enum map map;
  uint8_t opcode, last_opcode; // one of this range is taken
  int prefix;                  // mandatory one (66, F2, F3), 0: none, ANY_PREFIX: any goes
  int extension;               // ModRM.reg, NO_REG: any
  char immediate;              // see choose_immediate(); 0: none
  uint16_t traits;
  void (*prepare)(struct draft *); // gives registers the values that the form needs
};

enum { // traits
  MODRM = 1 << 0,
  MEMORY_ONLY = 1 << 1 | MODRM,
  REGISTER_ONLY = 1 << 2 | MODRM,
  LOCKABLE = 1 << 3 | MODRM,
  ONLY_32 = 1 << 4,
  ONLY_64 = 1 << 5,
  VEX = 1 << 6 | MODRM,
  NO_VVVV = 1 << 7, // VEX.vvvv must be 1111
};

extern const struct form forms[];
extern const int form_count;

struct instruction {
  uint8_t bytes[MAX_INSTRUCTION];
  int length;
  bool exact; // else the bytes may be more than one instruction
  struct registers registers;
  bool on_guard;
};

// Makes an instruction of this form; `memory` has the default contents and is written to.
void generate(const struct form *form, int mode, uint64_t seed, struct image *memory,
              struct instruction *instruction);

// For `prepare` functions.
uint64_t next_random(struct draft *draft);
uint32_t below(struct draft *draft, uint32_t limit);
bool one_in(struct draft *draft, uint32_t n);
uint64_t random_value(struct draft *draft);
int with_rex(const struct draft *draft, int bit, int number);
void add_prefix(struct draft *draft, int prefix);
uint64_t pick_address(struct draft *draft, bool low);
void store_value(struct draft *draft, uint64_t address, uint64_t value);
void fill_operand(struct draft *draft, uint64_t address);
// Sets the part of a register that addresses use; the rest stays as it is.
void set_address_register(struct draft *draft, int reg, uint64_t value);
// Register plus displacement is then an address in scratch memory.
void point_at_memory(struct draft *draft, int reg, uint64_t displacement);

#endif
