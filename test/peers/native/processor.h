// Runs single instructions on the processor underneath, in the machine model of hwvec-1.
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>

enum {
  CODE_PAGE = 0x20000000,
  CODE = 0x20000800, // where the instruction is
  SCRATCH = 0x10001000,
  LOW_SCRATCH = 0x4000, // for 16-bit addresses; in 32-bit mode only
  SCRATCH_SIZE = 0x2000,
  SCRATCH_END = SCRATCH + SCRATCH_SIZE,
  MAX_INSTRUCTION = 15,
};

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

enum {
  CF = 1 << 0, PF = 1 << 2, AF = 1 << 4, ZF = 1 << 6, SF = 1 << 7, TF = 1 << 8,
  DF = 1 << 10, OF = 1 << 11, NT = 1 << 14, RF = 1 << 16, ID = 1 << 21,
};

enum { DEFAULT_FLAGS = 0x202 };

// Layout known to enter.S.
struct registers {
  uint64_t gpr[16]; // in the order of the encoding
  uint64_t rip, flags, fs_base, gs_base;
};

// The part of an XSAVE area that vectors describe: x87, MMX, SSE and AVX state.
struct vector_state {
  uint16_t fcw, fsw;
  uint8_t ftw, reserved; // abridged
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16]; // ST(0) first
  uint8_t xmm[16][16];
  uint8_t unused[96];
  uint64_t components[8];
  uint8_t ymm_high[16][16];
} __attribute__((aligned(64)));

struct image { // of scratch memory
  uint8_t scratch[SCRATCH_SIZE];
  uint8_t low[SCRATCH_SIZE];
};

enum outcome { COMPLETED, FAULTED, NOT_RECORDABLE };

struct result {
  enum outcome outcome;
  int exception;          // vector, when FAULTED
  uint64_t fault_address; // CR2, after #PF
  struct registers registers;
  struct vector_state vectors;
  struct image memory;
};

extern struct vector_state default_vectors;
extern struct image default_memory;

uint64_t default_register(int n, int mode);

// Call once, before anything else. Ends the program if the host cannot do it.
void start_processor(int mode);

// Executes one instruction (REP string instructions: to their end). It is followed by 16 INT3, and
// the rest of its page contains `rest_of_page`. `exact`: `length` is surely the instruction's,
// else there may be more bytes than that.
void execute(const uint8_t *bytes, int length, bool exact, uint8_t rest_of_page,
             const struct registers *initial, const struct image *memory, struct result *result);

#endif
