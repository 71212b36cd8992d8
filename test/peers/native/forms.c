// The opcode tables. What is not here can still come up in the group "random".

#include <stddef.h>

#include "generate.h"

// --- Registers for forms that use some implicitly, or that want certain values ---

static void prepare_stack(struct draft *draft) {
  draft->registers.gpr[RSP] = pick_address(draft, false);
  fill_operand(draft, draft->registers.gpr[RSP]);
}

static void prepare_frame(struct draft *draft) {
  prepare_stack(draft);
  if (!one_in(draft, 20)) {
    draft->registers.gpr[RBP] = pick_address(draft, false);
  }
}

static void prepare_string(struct draft *draft) {
  if (!one_in(draft, 3)) {
    add_prefix(draft, one_in(draft, 2) ? REP : REPNE);
  }
  if (!one_in(draft, 10)) {
    set_address_register(draft, RCX, below(draft, one_in(draft, 8) ? 300 : 12));
  }
  point_at_memory(draft, RSI, 0);
  point_at_memory(draft, RDI, 0);
  if (one_in(draft, 3)) { // overlapping
    set_address_register(draft, RDI, draft->registers.gpr[RSI] + below(draft, 33) - 16u);
  }
}

static void prepare_xlat(struct draft *draft) {
  point_at_memory(draft, RBX, draft->registers.gpr[RAX] & 0xff);
}

static uint64_t code_pointer(struct draft *draft) {
  const uint64_t random = next_random(draft);
  switch (below(draft, 12)) {
  case 0:
    return random;
  case 1: // the upper canonical half
    return (int64_t)(random | 1ULL << 63) >> 17;
  case 2: // the edges of the canonical halves
    return (1ULL << 47) + (random >> 62) - 2;
  case 3:
    return random >> 17;
  case 4:
    return random_value(draft);
  default:
    return CODE_PAGE + (random & 0xfff);
  }
}

static void prepare_jump(struct draft *draft) {
  draft->value = code_pointer;
  draft->registers.gpr[with_rex(draft, REX_B, draft->modrm & 7)] = code_pointer(draft);
  prepare_stack(draft);
}

static void prepare_count(struct draft *draft) {
  if (!one_in(draft, 3)) {
    set_address_register(draft, RCX, below(draft, 3));
  }
}

static void prepare_divide(struct draft *draft) {
  uint64_t *rax = &draft->registers.gpr[RAX], *rdx = &draft->registers.gpr[RDX];
  switch (below(draft, 6)) {
  case 0:
    *rdx = 0;
    break;
  case 1:
    *rdx = below(draft, 300);
    break;
  case 2:
    *rdx = (int64_t)*rax >> 63;
    break;
  case 3:
    *rdx = (int32_t)*rax >> 31;
    break;
  case 4:
    *rax = below(draft, 0x8000);
    *rdx = 0;
    break;
  default:
    break;
  }
}

static void prepare_bit_offset(struct draft *draft) {
  if (!one_in(draft, 6)) {
    const int reg = with_rex(draft, REX_R, draft->modrm >> 3 & 7);
    draft->registers.gpr[reg] = (int64_t)below(draft, 0x4000) - 0x2000;
  }
}

static uint64_t like_accumulator(struct draft *draft) {
  const uint64_t rax = draft->registers.gpr[RAX], rdx = draft->registers.gpr[RDX];
  switch (below(draft, 4)) {
  case 0:
    return random_value(draft);
  case 1:
    return rdx;
  case 2:
    return rdx << 32 | (uint32_t)rax;
  default:
    return rax;
  }
}

static void prepare_compare_exchange(struct draft *draft) {
  draft->value = like_accumulator;
  if (one_in(draft, 2)) {
    draft->registers.gpr[with_rex(draft, REX_B, draft->modrm & 7)] = draft->registers.gpr[RAX];
  }
}

static void prepare_direct_store(struct draft *draft) {
  const int reg = with_rex(draft, REX_R, draft->modrm >> 3 & 7);
  const uint64_t alignment = one_in(draft, 8) ? 1 : 64;
  set_address_register(draft, reg, pick_address(draft, false) & -alignment);
}

static void prepare_base_write(struct draft *draft) {
  if (!one_in(draft, 4)) {
    uint64_t *value = &draft->registers.gpr[with_rex(draft, REX_B, draft->modrm & 7)];
    *value = (int64_t)*value >> 17;
  }
}

// --- Tables ---

#define ANY NO_REG

#define ALU(name, opcode, n)                                                                  \
  {"alu", name, ONE_BYTE, opcode, opcode + 1, 0, ANY, 0, LOCKABLE, NULL},                     \
  {"alu", name, ONE_BYTE, opcode + 2, opcode + 3, 0, ANY, 0, MODRM, NULL},                    \
  {"alu", name, ONE_BYTE, opcode + 4, opcode + 4, 0, ANY, 'b', 0, NULL},                      \
  {"alu", name, ONE_BYTE, opcode + 5, opcode + 5, 0, ANY, 'z', 0, NULL},                      \
  {"alu", name, ONE_BYTE, 0x80, 0x80, 0, n, 'b', LOCKABLE, NULL},                             \
  {"alu", name, ONE_BYTE, 0x81, 0x81, 0, n, 'z', LOCKABLE, NULL},                             \
  {"alu", name, ONE_BYTE, 0x82, 0x82, 0, n, 'b', LOCKABLE | ONLY_32, NULL},                   \
  {"alu", name, ONE_BYTE, 0x83, 0x83, 0, n, 'b', LOCKABLE, NULL}

#define SHIFT(name, n)                                                                        \
  {"shift", name, ONE_BYTE, 0xc0, 0xc1, 0, n, 'b', MODRM, NULL},                              \
  {"shift", name, ONE_BYTE, 0xd0, 0xd1, 0, n, 0, MODRM, NULL},                                \
  {"shift", name, ONE_BYTE, 0xd2, 0xd3, 0, n, 0, MODRM, NULL}

#define UNARY(group, name, n, traits, prepare)                                                \
  {group, name, ONE_BYTE, 0xf6, 0xf7, 0, n, 0, traits, prepare}

#define BIT(name, opcode, n, traits)                                                          \
  {"bit", name, MAP_0F, opcode, opcode, 0, ANY, 0, traits, prepare_bit_offset},               \
  {"bit", name, MAP_0F, 0xba, 0xba, 0, n, 'b', traits, NULL}

const struct form forms[] = {
    ALU("add", 0x00, 0), ALU("or", 0x08, 1), ALU("adc", 0x10, 2), ALU("sbb", 0x18, 3),
    ALU("and", 0x20, 4), ALU("sub", 0x28, 5), ALU("xor", 0x30, 6), ALU("cmp", 0x38, 7),
    UNARY("alu", "not", 2, LOCKABLE, NULL),
    UNARY("alu", "neg", 3, LOCKABLE, NULL),
    {"alu", "inc", ONE_BYTE, 0xfe, 0xff, 0, 0, 0, LOCKABLE, NULL},
    {"alu", "dec", ONE_BYTE, 0xfe, 0xff, 0, 1, 0, LOCKABLE, NULL},
    {"alu", "inc-dec", ONE_BYTE, 0x40, 0x4f, 0, ANY, 0, ONLY_32, NULL},
    {"alu", "test", ONE_BYTE, 0x84, 0x85, 0, ANY, 0, MODRM, NULL},
    {"alu", "test", ONE_BYTE, 0xa8, 0xa8, 0, ANY, 'b', 0, NULL},
    {"alu", "test", ONE_BYTE, 0xa9, 0xa9, 0, ANY, 'z', 0, NULL},
    {"alu", "test", ONE_BYTE, 0xf6, 0xf6, 0, 0, 'b', MODRM, NULL},
    {"alu", "test", ONE_BYTE, 0xf6, 0xf6, 0, 1, 'b', MODRM, NULL},
    {"alu", "test", ONE_BYTE, 0xf7, 0xf7, 0, 0, 'z', MODRM, NULL},
    {"alu", "test", ONE_BYTE, 0xf7, 0xf7, 0, 1, 'z', MODRM, NULL},
    {"alu", "adcx", MAP_0F38, 0xf6, 0xf6, 0x66, ANY, 0, MODRM, NULL},
    {"alu", "adox", MAP_0F38, 0xf6, 0xf6, 0xf3, ANY, 0, MODRM, NULL},
    {"alu", "crc32", MAP_0F38, 0xf0, 0xf1, 0xf2, ANY, 0, MODRM, NULL},

    UNARY("muldiv", "mul", 4, MODRM, NULL),
    UNARY("muldiv", "imul", 5, MODRM, NULL),
    UNARY("muldiv", "div", 6, MODRM, prepare_divide),
    UNARY("muldiv", "idiv", 7, MODRM, prepare_divide),
    {"muldiv", "imul", ONE_BYTE, 0x69, 0x69, 0, ANY, 'z', MODRM, NULL},
    {"muldiv", "imul", ONE_BYTE, 0x6b, 0x6b, 0, ANY, 'b', MODRM, NULL},
    {"muldiv", "imul", MAP_0F, 0xaf, 0xaf, 0, ANY, 0, MODRM, NULL},

    SHIFT("rol", 0), SHIFT("ror", 1), SHIFT("rcl", 2), SHIFT("rcr", 3),
    SHIFT("shl", 4), SHIFT("shr", 5), SHIFT("sal", 6), SHIFT("sar", 7),
    {"shift", "shld", MAP_0F, 0xa4, 0xa4, 0, ANY, 'b', MODRM, NULL},
    {"shift", "shld", MAP_0F, 0xa5, 0xa5, 0, ANY, 0, MODRM, NULL},
    {"shift", "shrd", MAP_0F, 0xac, 0xac, 0, ANY, 'b', MODRM, NULL},
    {"shift", "shrd", MAP_0F, 0xad, 0xad, 0, ANY, 0, MODRM, NULL},

    BIT("bt", 0xa3, 4, MODRM), BIT("bts", 0xab, 5, LOCKABLE),
    BIT("btr", 0xb3, 6, LOCKABLE), BIT("btc", 0xbb, 7, LOCKABLE),
    {"bit", "bsf-bsr", MAP_0F, 0xbc, 0xbd, 0, ANY, 0, MODRM, NULL},
    {"bit", "tzcnt-lzcnt", MAP_0F, 0xbc, 0xbd, 0xf3, ANY, 0, MODRM, NULL},
    {"bit", "popcnt", MAP_0F, 0xb8, 0xb8, 0xf3, ANY, 0, MODRM, NULL},
    {"bit", "setcc", MAP_0F, 0x90, 0x9f, 0, ANY, 0, MODRM, NULL},

    {"bmi", "andn", MAP_0F38, 0xf2, 0xf2, 0, ANY, 0, VEX, NULL},
    {"bmi", "blsr", MAP_0F38, 0xf3, 0xf3, 0, 1, 0, VEX, NULL},
    {"bmi", "blsmsk", MAP_0F38, 0xf3, 0xf3, 0, 2, 0, VEX, NULL},
    {"bmi", "blsi", MAP_0F38, 0xf3, 0xf3, 0, 3, 0, VEX, NULL},
    {"bmi", "blsX", MAP_0F38, 0xf3, 0xf3, 0, ANY, 0, VEX, NULL},
    {"bmi", "bzhi", MAP_0F38, 0xf5, 0xf5, 0, ANY, 0, VEX, NULL},
    {"bmi", "pdep", MAP_0F38, 0xf5, 0xf5, 0xf2, ANY, 0, VEX, NULL},
    {"bmi", "pext", MAP_0F38, 0xf5, 0xf5, 0xf3, ANY, 0, VEX, NULL},
    {"bmi", "mulx", MAP_0F38, 0xf6, 0xf6, 0xf2, ANY, 0, VEX, NULL},
    {"bmi", "bextr", MAP_0F38, 0xf7, 0xf7, 0, ANY, 0, VEX, NULL},
    {"bmi", "shlx", MAP_0F38, 0xf7, 0xf7, 0x66, ANY, 0, VEX, NULL},
    {"bmi", "shrx", MAP_0F38, 0xf7, 0xf7, 0xf2, ANY, 0, VEX, NULL},
    {"bmi", "sarx", MAP_0F38, 0xf7, 0xf7, 0xf3, ANY, 0, VEX, NULL},
    {"bmi", "rorx", MAP_0F3A, 0xf0, 0xf0, 0xf2, ANY, 'b', VEX | NO_VVVV, NULL},
    {"bmi", "any", MAP_0F38, 0xf0, 0xf7, ANY_PREFIX, ANY, 0, VEX, NULL},

    {"move", "mov", ONE_BYTE, 0x88, 0x8b, 0, ANY, 0, MODRM, NULL},
    {"move", "mov", ONE_BYTE, 0xa0, 0xa3, 0, ANY, 'a', 0, NULL},
    {"move", "mov", ONE_BYTE, 0xb0, 0xb7, 0, ANY, 'b', 0, NULL},
    {"move", "mov", ONE_BYTE, 0xb8, 0xbf, 0, ANY, 'v', 0, NULL},
    {"move", "mov", ONE_BYTE, 0xc6, 0xc6, 0, 0, 'b', MODRM, NULL},
    {"move", "mov", ONE_BYTE, 0xc7, 0xc7, 0, 0, 'z', MODRM, NULL},
    {"move", "movsxd", ONE_BYTE, 0x63, 0x63, 0, ANY, 0, MODRM | ONLY_64, NULL},
    {"move", "movzx", MAP_0F, 0xb6, 0xb7, 0, ANY, 0, MODRM, NULL},
    {"move", "movsx", MAP_0F, 0xbe, 0xbf, 0, ANY, 0, MODRM, NULL},
    {"move", "movbe", MAP_0F38, 0xf0, 0xf1, 0, ANY, 0, MEMORY_ONLY, NULL},
    {"move", "movnti", MAP_0F, 0xc3, 0xc3, 0, ANY, 0, MEMORY_ONLY, NULL},
    {"move", "movdiri", MAP_0F38, 0xf9, 0xf9, 0, ANY, 0, MEMORY_ONLY, NULL},
    {"move", "movdir64b", MAP_0F38, 0xf8, 0xf8, 0x66, ANY, 0, MEMORY_ONLY, prepare_direct_store},
    {"move", "lea", ONE_BYTE, 0x8d, 0x8d, 0, ANY, 0, MEMORY_ONLY, NULL},
    {"move", "cmovcc", MAP_0F, 0x40, 0x4f, 0, ANY, 0, MODRM, NULL},
    {"move", "xchg", ONE_BYTE, 0x86, 0x87, 0, ANY, 0, LOCKABLE, NULL},
    {"move", "xchg", ONE_BYTE, 0x90, 0x97, 0, ANY, 0, 0, NULL},
    {"move", "xadd", MAP_0F, 0xc0, 0xc1, 0, ANY, 0, LOCKABLE, NULL},
    {"move", "cmpxchg", MAP_0F, 0xb0, 0xb1, 0, ANY, 0, LOCKABLE, prepare_compare_exchange},
    {"move", "cmpxchg8b", MAP_0F, 0xc7, 0xc7, 0, 1, 0, LOCKABLE | MEMORY_ONLY,
     prepare_compare_exchange},
    {"move", "bswap", MAP_0F, 0xc8, 0xcf, 0, ANY, 0, 0, NULL},
    {"move", "cbw-cwd", ONE_BYTE, 0x98, 0x99, 0, ANY, 0, 0, NULL},
    {"move", "xlat", ONE_BYTE, 0xd7, 0xd7, 0, ANY, 0, 0, prepare_xlat},

    {"stack", "push-pop", ONE_BYTE, 0x50, 0x5f, 0, ANY, 0, 0, prepare_stack},
    {"stack", "push", ONE_BYTE, 0x68, 0x68, 0, ANY, 'z', 0, prepare_stack},
    {"stack", "push", ONE_BYTE, 0x6a, 0x6a, 0, ANY, 'b', 0, prepare_stack},
    {"stack", "push", ONE_BYTE, 0xff, 0xff, 0, 6, 0, MODRM, prepare_stack},
    {"stack", "pop", ONE_BYTE, 0x8f, 0x8f, 0, 0, 0, MODRM, prepare_stack},
    {"stack", "pusha-popa", ONE_BYTE, 0x60, 0x61, 0, ANY, 0, ONLY_32, prepare_stack},
    {"stack", "pushf-popf", ONE_BYTE, 0x9c, 0x9d, 0, ANY, 0, 0, prepare_stack},
    {"stack", "enter", ONE_BYTE, 0xc8, 0xc8, 0, ANY, 'e', 0, prepare_frame},
    {"stack", "leave", ONE_BYTE, 0xc9, 0xc9, 0, ANY, 0, 0, prepare_frame},

    {"branch", "jcc", ONE_BYTE, 0x70, 0x7f, 0, ANY, 'b', 0, NULL},
    {"branch", "jcc", MAP_0F, 0x80, 0x8f, 0, ANY, 'z', 0, NULL},
    {"branch", "loop-jcxz", ONE_BYTE, 0xe0, 0xe3, 0, ANY, 'b', 0, prepare_count},
    {"branch", "call-jmp", ONE_BYTE, 0xe8, 0xe9, 0, ANY, 'z', 0, prepare_stack},
    {"branch", "jmp", ONE_BYTE, 0xeb, 0xeb, 0, ANY, 'b', 0, NULL},
    {"branch", "call", ONE_BYTE, 0xff, 0xff, 0, 2, 0, MODRM, prepare_jump},
    {"branch", "jmp", ONE_BYTE, 0xff, 0xff, 0, 4, 0, MODRM, prepare_jump},
    {"branch", "ret", ONE_BYTE, 0xc2, 0xc2, 0, ANY, 'w', 0, prepare_jump},
    {"branch", "ret", ONE_BYTE, 0xc3, 0xc3, 0, ANY, 0, 0, prepare_jump},
    {"branch", "int3-into", ONE_BYTE, 0xcc, 0xcc, 0, ANY, 0, 0, NULL},
    {"branch", "int3-into", ONE_BYTE, 0xce, 0xce, 0, ANY, 0, 0, NULL},
    {"branch", "bound", ONE_BYTE, 0x62, 0x62, 0, ANY, 0, MEMORY_ONLY | ONLY_32, NULL},

    {"string", "movs-cmps", ONE_BYTE, 0xa4, 0xa7, 0, ANY, 0, 0, prepare_string},
    {"string", "stos-lods-scas", ONE_BYTE, 0xaa, 0xaf, 0, ANY, 0, 0, prepare_string},

    {"flag", "sahf-lahf", ONE_BYTE, 0x9e, 0x9f, 0, ANY, 0, 0, NULL},
    {"flag", "cmc", ONE_BYTE, 0xf5, 0xf5, 0, ANY, 0, 0, NULL},
    {"flag", "clc-stc", ONE_BYTE, 0xf8, 0xf9, 0, ANY, 0, 0, NULL},
    {"flag", "cld-std", ONE_BYTE, 0xfc, 0xfd, 0, ANY, 0, 0, NULL},

    {"decimal", "daa", ONE_BYTE, 0x27, 0x27, 0, ANY, 0, ONLY_32, NULL},
    {"decimal", "das", ONE_BYTE, 0x2f, 0x2f, 0, ANY, 0, ONLY_32, NULL},
    {"decimal", "aaa", ONE_BYTE, 0x37, 0x37, 0, ANY, 0, ONLY_32, NULL},
    {"decimal", "aas", ONE_BYTE, 0x3f, 0x3f, 0, ANY, 0, ONLY_32, NULL},
    {"decimal", "aam-aad", ONE_BYTE, 0xd4, 0xd5, 0, ANY, 'b', ONLY_32, NULL},
    {"decimal", "salc", ONE_BYTE, 0xd6, 0xd6, 0, ANY, 0, ONLY_32, NULL},

    {"system", "in-out", ONE_BYTE, 0xe4, 0xe7, 0, ANY, 'b', 0, NULL},
    {"system", "in-out", ONE_BYTE, 0xec, 0xef, 0, ANY, 0, 0, NULL},
    {"system", "ins-outs", ONE_BYTE, 0x6c, 0x6f, 0, ANY, 0, 0, prepare_string},
    {"system", "hlt", ONE_BYTE, 0xf4, 0xf4, 0, ANY, 0, 0, NULL},
    {"system", "cli-sti", ONE_BYTE, 0xfa, 0xfb, 0, ANY, 0, 0, NULL},
    {"system", "clts-invd", MAP_0F, 0x06, 0x09, 0, ANY, 0, 0, NULL},
    {"system", "mov-cr-dr", MAP_0F, 0x20, 0x23, 0, ANY, 0, REGISTER_ONLY, NULL},
    {"system", "wrmsr", MAP_0F, 0x30, 0x30, 0, ANY, 0, 0, NULL},
    {"system", "rdmsr", MAP_0F, 0x32, 0x32, 0, ANY, 0, 0, NULL},
    {"system", "arpl", ONE_BYTE, 0x63, 0x63, 0, ANY, 0, MODRM | ONLY_32, NULL},
    {"system", "rdbase", MAP_0F, 0xae, 0xae, 0xf3, 0, 0, REGISTER_ONLY | ONLY_64, NULL},
    {"system", "rdbase", MAP_0F, 0xae, 0xae, 0xf3, 1, 0, REGISTER_ONLY | ONLY_64, NULL},
    {"system", "wrbase", MAP_0F, 0xae, 0xae, 0xf3, 2, 0, REGISTER_ONLY, prepare_base_write},
    {"system", "wrbase", MAP_0F, 0xae, 0xae, 0xf3, 3, 0, REGISTER_ONLY, prepare_base_write},
    {"system", "fence-flush", MAP_0F, 0xae, 0xae, ANY_PREFIX, ANY, 0, MODRM, NULL},
    {"system", "ud", MAP_0F, 0x0b, 0x0b, 0, ANY, 0, 0, NULL},
    {"system", "ud", MAP_0F, 0xb9, 0xb9, 0, ANY, 0, MODRM, NULL},
    {"system", "ud", MAP_0F, 0xff, 0xff, 0, ANY, 0, MODRM, NULL},
    {"system", "hint", MAP_0F, 0x18, 0x1f, ANY_PREFIX, ANY, 0, MODRM, NULL},
    {"system", "prefetchw", MAP_0F, 0x0d, 0x0d, ANY_PREFIX, ANY, 0, MODRM, NULL},
    {"system", "wait-pause", ONE_BYTE, 0x9b, 0x9b, 0, ANY, 0, 0, NULL},
    {"system", "wait-pause", ONE_BYTE, 0x90, 0x90, 0xf3, ANY, 0, 0, NULL},

    // Any opcode, most of them not of the instructions above.
    {"random", "one-byte", ONE_BYTE, 0x00, 0xff, ANY_PREFIX, ANY, 'r', MODRM, NULL},
    {"random", "bytes", ONE_BYTE, 0x00, 0xff, ANY_PREFIX, ANY, 'r', 0, NULL},
    {"random", "0f", MAP_0F, 0x00, 0xff, ANY_PREFIX, ANY, 'r', MODRM, NULL},
    {"random", "0f", MAP_0F, 0x00, 0xff, ANY_PREFIX, ANY, 'r', MODRM, NULL},
    {"random", "0f38", MAP_0F38, 0x00, 0xff, ANY_PREFIX, ANY, 'r', MODRM, NULL},
    {"random", "0f3a", MAP_0F3A, 0x00, 0xff, ANY_PREFIX, ANY, 'r', MODRM, NULL},
    {"random", "vex-0f", MAP_0F, 0x00, 0xff, ANY_PREFIX, ANY, 'r', VEX, NULL},
    {"random", "vex-0f38", MAP_0F38, 0x00, 0xff, ANY_PREFIX, ANY, 'r', VEX, NULL},
    {"random", "vex-0f3a", MAP_0F3A, 0x00, 0xff, ANY_PREFIX, ANY, 'r', VEX, NULL},
};

const int form_count = sizeof forms / sizeof *forms;
