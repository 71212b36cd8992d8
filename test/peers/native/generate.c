#include "generate.h"

#include <string.h>

static bool is_vex(const struct form *form) { return (form->traits & VEX) == VEX; }

// --- Random numbers and values ---

uint64_t next_random(struct draft *draft) { // SplitMix64
  uint64_t z = draft->random += 0x9e3779b97f4a7c15ULL;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
  return z ^ z >> 31;
}

uint32_t below(struct draft *draft, uint32_t limit) {
  return (next_random(draft) >> 32) * limit >> 32;
}

bool one_in(struct draft *draft, uint32_t n) { return below(draft, n) == 0; }

static uint64_t boundary(struct draft *draft, int bits) {
  const uint64_t sign = 1ULL << (bits - 1);
  const uint64_t values[] = {0, 1, sign, sign - 1, sign + 1, sign * 2 - 1, sign * 2 - 2, 2};
  return values[below(draft, 8)];
}

// Often one on which carries, signs and counts depend.
uint64_t random_value(struct draft *draft) {
  const uint64_t random = next_random(draft);
  const int last_bit = draft->mode - 1;
  switch (below(draft, 10)) {
  case 0:
    return boundary(draft, draft->mode);
  case 1:
    return (random & ~0xffULL) | boundary(draft, 8);
  case 2:
    return (random & ~0xffffULL) | boundary(draft, 16);
  case 3:
    return (random & ~0xffffffffULL) | boundary(draft, 32);
  case 4:
    return below(draft, 70);
  case 5:
    return -(uint64_t)below(draft, 70);
  case 6: // few bits
    return 1ULL << (random & last_bit) | 1ULL << (random >> 6 & last_bit);
  case 7: // a run of bits
    return (UINT64_MAX >> (64 - draft->mode) >> (random & last_bit)) << (random >> 6 & last_bit);
  default:
    return random;
  }
}

// --- Memory ---

static uint8_t *image_byte(struct draft *draft, uint64_t address) {
  if (address >= SCRATCH && address < SCRATCH_END) {
    return draft->memory->scratch + (address - SCRATCH);
  }
  if (draft->mode == 32 && address >= LOW_SCRATCH && address < LOW_SCRATCH + SCRATCH_SIZE) {
    return draft->memory->low + (address - LOW_SCRATCH);
  }
  return NULL;
}

void store_value(struct draft *draft, uint64_t address, uint64_t value) {
  for (int n = 0; n < 8; n++) {
    uint8_t *byte = image_byte(draft, address + n);
    if (byte != NULL) {
      *byte = value >> (8 * n);
    }
  }
}

// An address in scratch memory or, now and then, on one of its edges or beside it.
uint64_t pick_address(struct draft *draft, bool low) {
  const uint32_t start = low ? LOW_SCRATCH : SCRATCH, end = start + SCRATCH_SIZE;
  switch (below(draft, 40)) {
  case 0:
    draft->on_guard = true;
    return end - below(draft, 20);
  case 1:
    draft->on_guard = true;
    return start - below(draft, 20);
  case 2:
    draft->on_guard = true;
    return one_in(draft, 2) ? end + below(draft, 0x1000) : start - below(draft, 0x1000);
  case 3: // across two pages
    return start + 0x1000 - below(draft, 16);
  default:
    break;
  }
  const uint32_t alignments[] = {1, 1, 1, 2, 4, 8, 16, 16};
  const uint32_t address = start + 64 + below(draft, SCRATCH_SIZE - 128);
  return address & -alignments[below(draft, 8)];
}

static int address_bits(const struct draft *draft) {
  if (draft->mode == 64) {
    return draft->address_size ? 32 : 64;
  }
  return draft->address_size ? 16 : 32;
}

static uint64_t truncated(uint64_t value, int bits) {
  return bits == 64 ? value : value & ((1ULL << bits) - 1);
}

void set_address_register(struct draft *draft, int reg, uint64_t value) {
  const int bits = address_bits(draft);
  uint64_t *to = &draft->registers.gpr[reg];
  *to = truncated(value, bits) | (*to - truncated(*to, bits));
}

static uint64_t segment_base(const struct draft *draft) {
  return draft->segment == FS   ? draft->registers.fs_base
         : draft->segment == GS ? draft->registers.gs_base
                                : 0;
}

void fill_operand(struct draft *draft, uint64_t address) {
  if (!one_in(draft, 3)) {
    for (int n = 0; n < 32; n += 8) {
      store_value(draft, address + n, draft->value(draft));
    }
  }
}

void point_at_memory(struct draft *draft, int reg, uint64_t displacement) {
  const uint64_t address = pick_address(draft, address_bits(draft) == 16);
  fill_operand(draft, address);
  const uint64_t base = reg == RDI ? 0 : segment_base(draft);
  set_address_register(draft, reg, address - base - displacement);
}

// --- ModRM operands ---

int with_rex(const struct draft *draft, int bit, int number) {
  return number | ((draft->rex & bit) != 0 ? 8 : 0);
}

static int displacement_size(const struct draft *draft) {
  const int mod = draft->modrm >> 6, rm = draft->modrm & 7;
  if (mod == 3) {
    return 0;
  }
  if (address_bits(draft) == 16) {
    return mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
  }
  const bool no_base = rm == 5 || (rm == 4 && (draft->sib & 7) == 5);
  return mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
}

static bool has_sib(const struct draft *draft) {
  return draft->modrm < 0xc0 && (draft->modrm & 7) == 4 && address_bits(draft) != 16;
}

static uint64_t signed_displacement(const struct draft *draft) {
  switch (displacement_size(draft)) {
  case 0:
    return 0;
  case 1:
    return (int64_t)(int8_t)draft->displacement;
  default:
    return (int64_t)(int32_t)draft->displacement;
  }
}

static void steer_16(struct draft *draft, uint64_t target) {
  static const int8_t bases[8][2] = {{RBX, RSI}, {RBX, RDI}, {RBP, RSI},    {RBP, RDI},
                                     {RSI, NO_REG}, {RDI, NO_REG}, {RBP, NO_REG}, {RBX, NO_REG}};
  const int rm = draft->modrm & 7;
  if (rm == 6 && draft->modrm < 0x40) {
    draft->displacement = target;
    return;
  }
  const int base = bases[rm][0], index = bases[rm][1];
  uint64_t rest = target - signed_displacement(draft);
  if (index != NO_REG) {
    rest -= draft->registers.gpr[index];
  }
  set_address_register(draft, base, rest);
}

// Chooses base, index or displacement so that the operand is at `target`. `length` counts the
// bytes of the instruction, for RIP-relative operands.
static void steer_32_64(struct draft *draft, uint64_t target, int length) {
  const int mod = draft->modrm >> 6, rm = draft->modrm & 7;
  uint64_t *gpr = draft->registers.gpr;
  if (rm != 4) {
    if (rm != 5 || mod != 0) {
      set_address_register(draft, with_rex(draft, REX_B, rm), target - signed_displacement(draft));
    } else {
      draft->displacement = draft->mode == 64 ? target - (CODE + length) : target;
    }
    return;
  }
  const int scale = 1 << (draft->sib >> 6);
  const int index = with_rex(draft, REX_X, draft->sib >> 3 & 7);
  const int base = with_rex(draft, REX_B, draft->sib & 7);
  const bool has_index = index != 4, has_base = (draft->sib & 7) != 5 || mod != 0;
  if (has_base && has_index && base == index) {
    set_address_register(draft, base, (target - signed_displacement(draft)) / (scale + 1));
  } else if (has_base) {
    const uint64_t indexed = has_index ? gpr[index] * scale : 0;
    set_address_register(draft, base, target - signed_displacement(draft) - indexed);
  } else if (has_index && one_in(draft, 2)) {
    set_address_register(draft, index, (target - signed_displacement(draft)) / scale);
  } else {
    if (has_index) {
      set_address_register(draft, index, below(draft, 0x1000) - 0x800u);
    }
    draft->displacement = target - (has_index ? gpr[index] * scale : 0);
  }
}

static void steer(struct draft *draft, int length) {
  if (draft->modrm >= 0xc0 || one_in(draft, 60)) {
    return;
  }
  const bool low = address_bits(draft) == 16;
  const uint64_t address = pick_address(draft, low);
  fill_operand(draft, address);
  if (segment_base(draft) != 0 && one_in(draft, 8)) { // the offset at the upper end of the segment
    *(draft->segment == FS ? &draft->registers.fs_base : &draft->registers.gs_base) =
        address + below(draft, 20);
  }
  const uint64_t target = address - segment_base(draft);
  if (low) {
    steer_16(draft, target);
  } else {
    steer_32_64(draft, target, length);
  }
}

static void choose_modrm(struct draft *draft) {
  const struct form *form = draft->form;
  const uint32_t random = next_random(draft);
  int mod = random & 3;
  if ((form->traits & MEMORY_ONLY) == MEMORY_ONLY && !one_in(draft, 40)) {
    mod = mod == 3 ? 0 : mod;
  }
  if ((form->traits & REGISTER_ONLY) == REGISTER_ONLY && !one_in(draft, 40)) {
    mod = 3;
  }
  const int reg = form->extension != NO_REG ? form->extension : (int)(random >> 2 & 7);
  draft->modrm = mod << 6 | reg << 3 | (random >> 5 & 7);
  draft->sib = random >> 8;
  draft->displacement = one_in(draft, 2) ? next_random(draft) : below(draft, 0x2000) - 0x1000u;
}

// --- Prefixes and immediates ---

static int vex_prefix(struct draft *draft) {
  switch (draft->form->prefix) {
  case OPERAND_SIZE:
    return 1;
  case REP:
    return 2;
  case REPNE:
    return 3;
  default:
    return draft->form->prefix == ANY_PREFIX ? below(draft, 4) : 0;
  }
}

static void choose_vex(struct draft *draft) {
  const uint32_t random = next_random(draft);
  const bool long_vectors = one_in(draft, draft->form->prefix == ANY_PREFIX ? 2 : 20);
  const bool unused = (draft->form->traits & NO_VVVV) != 0 && !one_in(draft, 20);
  draft->vvvv = unused ? 0 : random & 15;
  draft->vex_rex = one_in(draft, 30) ? draft->rex : 0;
  int extension = random >> 4 & (REX_R | REX_X | REX_B);
  if (draft->mode == 32) {
    extension &= REX_B; // with R or X it is LES
    draft->vvvv &= one_in(draft, 20) ? 15 : 7;
  }
  const int wide = random >> 7 & 1;
  draft->vex[0] = 0xc4;
  draft->vex[1] = (~extension & 7) << 5 | draft->form->map;
  draft->vex[2] = wide << 7 | (~draft->vvvv & 15) << 3 | long_vectors << 2 | vex_prefix(draft);
  draft->rex = draft->mode == 32 ? 0 : REX | extension;
}

void add_prefix(struct draft *draft, int prefix) {
  if (draft->prefix_count < MAX_INSTRUCTION) {
    const int at = below(draft, draft->prefix_count + 1);
    memmove(draft->prefixes + at + 1, draft->prefixes + at, draft->prefix_count - at);
    draft->prefixes[at] = prefix;
    draft->prefix_count++;
  }
}

static void choose_segment(struct draft *draft) {
  static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, FS, GS, FS, GS};
  draft->segment = segments[below(draft, 8)];
  add_prefix(draft, draft->segment);
  if (draft->segment == FS || draft->segment == GS) {
    uint64_t base = next_random(draft) >> 33; // reachable with a displacement alone
    if (draft->mode == 64 && one_in(draft, 3)) {
      base = (int64_t)next_random(draft) >> 17; // any canonical address
    }
    *(draft->segment == FS ? &draft->registers.fs_base : &draft->registers.gs_base) = base;
  }
}

static void choose_prefixes(struct draft *draft) {
  const struct form *form = draft->form;
  if (form->prefix > 0 && !is_vex(form)) {
    add_prefix(draft, form->prefix);
  }
  if (one_in(draft, form->prefix > 0 ? 12 : 4)) {
    add_prefix(draft, OPERAND_SIZE);
  }
  if (one_in(draft, 10)) {
    draft->address_size = true;
    add_prefix(draft, ADDRESS_SIZE);
  }
  if (one_in(draft, 10)) {
    choose_segment(draft);
  }
  if (one_in(draft, form->prefix == ANY_PREFIX ? 4 : 50)) {
    add_prefix(draft, one_in(draft, 2) ? REPNE : REP);
  }
  if (one_in(draft, (form->traits & LOCKABLE) == LOCKABLE ? 6 : 80)) {
    add_prefix(draft, LOCK);
  }
  if (one_in(draft, 40) && draft->prefix_count > 0) {
    add_prefix(draft, draft->prefixes[0]);
  }
  for (int n = 0; n < draft->prefix_count; n++) {
    draft->operand_size |= draft->prefixes[n] == OPERAND_SIZE;
  }
  if (draft->mode == 64 && !one_in(draft, 3)) {
    draft->rex = REX | (next_random(draft) & 15);
  }
}

static int immediate_size(const struct draft *draft) {
  const bool wide = (draft->rex & REX_W) != 0;
  switch (draft->form->immediate) {
  case 0: // none
    return 0;
  case 'b':
    return 1;
  case 'w':
    return 2;
  case 'e': // ENTER's pair
    return 3;
  case 'r': // whatever may follow
    return 8;
  case 'a': // address of a memory operand
    return address_bits(draft) / 8;
  case 'v': // as large as the operand
    return wide ? 8 : draft->operand_size ? 2 : 4;
  default: // 'z': the same but at most 32 bits
    return draft->operand_size && !wide ? 2 : 4;
  }
}

static void choose_immediate(struct draft *draft) {
  draft->immediate_size = immediate_size(draft);
  uint64_t value = random_value(draft);
  if (draft->form->immediate == 'a') {
    const uint64_t address = pick_address(draft, address_bits(draft) == 16);
    fill_operand(draft, address);
    value = address - segment_base(draft);
  } else if (draft->form->immediate == 'e') {
    value = below(draft, 0x400) | below(draft, 64) << 16;
  } else if (draft->form->immediate == 'r') {
    value = next_random(draft);
  }
  memcpy(draft->immediate, &value, sizeof value);
}

// --- All together ---

struct bytes {
  uint8_t at[64];
  int length;
};

static void put(struct bytes *to, uint64_t value, int size) {
  memcpy(to->at + to->length, &value, size);
  to->length += size;
}

static void put_escape(enum map map, struct bytes *to) {
  put(to, 0x0f, map != ONE_BYTE);
  put(to, map == MAP_0F38 ? 0x38 : 0x3a, map == MAP_0F38 || map == MAP_0F3A);
}

static void assemble(struct draft *draft, struct bytes *to) {
  for (int n = 0; n < draft->prefix_count; n++) {
    put(to, draft->prefixes[n], 1);
  }
  if (is_vex(draft->form)) {
    put(to, draft->vex_rex, draft->vex_rex != 0);
    for (int n = 0; n < 3; n++) {
      put(to, draft->vex[n], 1);
    }
  } else {
    put(to, draft->rex, draft->rex != 0);
    put_escape(draft->form->map, to);
  }
  put(to, draft->opcode, 1);
  if ((draft->form->traits & MODRM) != 0) {
    const int sib = has_sib(draft), displacement = displacement_size(draft);
    steer(draft, to->length + 1 + sib + displacement + draft->immediate_size);
    put(to, draft->modrm, 1);
    put(to, draft->sib, sib);
    put(to, draft->displacement, displacement);
  }
  uint64_t immediate;
  memcpy(&immediate, draft->immediate, sizeof immediate);
  put(to, immediate, draft->immediate_size);
}

// Registers that the instruction may use are random, the others mostly as they are by default.
static void choose_registers(struct draft *draft) {
  const int candidates[] = {
      RAX, RCX, RDX, draft->vvvv,
      with_rex(draft, REX_B, draft->opcode & 7), with_rex(draft, REX_R, draft->modrm >> 3 & 7),
      with_rex(draft, REX_B, draft->modrm & 7), with_rex(draft, REX_X, draft->sib >> 3 & 7),
      with_rex(draft, REX_B, draft->sib & 7), below(draft, 16),
  };
  for (size_t n = 0; n < sizeof candidates / sizeof *candidates; n++) {
    if (candidates[n] != RSP || one_in(draft, 3)) {
      draft->registers.gpr[candidates[n]] = draft->value(draft);
    }
  }
  const uint32_t often = CF | PF | AF | ZF | SF | OF, seldom = NT | ID;
  draft->registers.flags |= next_random(draft) & often;
  draft->registers.flags |= one_in(draft, 8) ? DF : 0;
  draft->registers.flags |= one_in(draft, 30) ? next_random(draft) & seldom : 0;
}

void generate(const struct form *form, int mode, uint64_t seed, struct image *memory,
              struct instruction *instruction) {
  struct draft draft = {.random = seed, .mode = mode, .form = form, .memory = memory};
  draft.value = random_value;
  for (int n = 0; n < 16; n++) {
    draft.registers.gpr[n] = default_register(n, mode);
  }
  draft.registers.flags = DEFAULT_FLAGS;
  choose_prefixes(&draft);
  draft.opcode = form->opcode + below(&draft, form->last_opcode - form->opcode + 1);
  if (is_vex(form)) {
    choose_vex(&draft);
  }
  choose_modrm(&draft);
  choose_registers(&draft);
  if (form->prepare != NULL) {
    form->prepare(&draft);
  }
  choose_immediate(&draft);
  struct bytes bytes = {.length = 0};
  assemble(&draft, &bytes);

  // What is longer is executed as far as it goes, and is a #GP.
  instruction->length = bytes.length < MAX_INSTRUCTION ? bytes.length : MAX_INSTRUCTION;
  memcpy(instruction->bytes, bytes.at, instruction->length);
  instruction->exact = form->immediate != 'r' && bytes.length <= MAX_INSTRUCTION;
  instruction->on_guard = draft.on_guard;
  instruction->registers = draft.registers;
  for (int n = 0; mode == 32 && n < 16; n++) {
    uint64_t *value = &instruction->registers.gpr[n];
    *value = n < 8 ? (uint32_t)*value : default_register(n, 64);
  }
}
