// How an instruction is run: enter() loads its registers and leaves by IRETQ; the processor
// executes it and arrives at the INT3 behind, or it faults; the kernel makes a signal of either;
// the handler reads the state from the signal frame and returns from enter(). The frame has the
// exception's vector and CR2, so nothing has to be guessed from the signal's number. In 32-bit
// mode IRETQ goes to Linux's 32-bit code segment; signals arrive in 64-bit mode all the same.
// Where an INT3 behind does not do, as with branches, TF is set. It would do for all, but the debug
// exceptions take several times as long, in a virtual machine at least.

#define _GNU_SOURCE
#include "processor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#include "encoding.h"

enum { CODE_SELECTOR_64 = 0x33, CODE_SELECTOR_32 = 0x23 };
enum { PAGE = 0x1000, INT3 = 0xcc, PADDING = 16, MAX_ITERATIONS = 20000 };
enum { VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_PF = 14 };
enum { HWCAP2_FSGSBASE_BIT = 1 << 1 };
enum { X87 = 1 << 0, SSE = 1 << 1, AVX = 1 << 2 };

// In enter.S.
void enter(const struct registers *, uint64_t code_selector, const struct vector_state *);
void signal_entry(int, siginfo_t *, void *);
void load_flat_segments(void);
extern uint64_t seen_fs_base, seen_gs_base;
extern char system_calls;

int on_signal(int signal, siginfo_t *info, ucontext_t *context);

struct vector_state default_vectors;
struct image default_memory;

static int processor_mode;
static struct result *running; // where the result goes; null when no instruction is running
static bool steps;             // it runs with TF
static uint64_t end;           // where it ends
static bool repeats;           // it is a REP string instruction: TF traps at each iteration
static int iterations;
static uint64_t kept_flags;    // which the way back through the kernel to the next one loses

uint64_t default_register(int n, int mode) {
  if (n == RSP) {
    return 0x10002000;
  }
  uint64_t value = (n + 1) * 0x0123456789abcdefULL;
  return mode == 32 ? (uint32_t)value : value;
}

static void die(const char *what) {
  perror(what);
  exit(2);
}

static void map(uint32_t address, size_t size, int protection) {
  void *wanted = (void *)(uintptr_t)address;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE;
  if (mmap(wanted, size, protection, flags, -1, 0) != wanted) {
    fprintf(stderr, "record: cannot map 0x%x (vm.mmap_min_addr?)\n", address);
    exit(2);
  }
}

static void fill_pattern(uint8_t *bytes, uint32_t address) {
  for (uint32_t n = 0; n < SCRATCH_SIZE; n++) {
    bytes[n] = ((address + n) * 0x9e3779b1u) >> 24;
  }
}

static void fill_defaults(void) {
  fill_pattern(default_memory.scratch, SCRATCH);
  if (processor_mode == 32) {
    fill_pattern(default_memory.low, LOW_SCRATCH);
  }
  default_vectors.fcw = 0x37f;
  default_vectors.mxcsr = 0x1f80;
  default_vectors.components[0] = X87 | SSE | AVX;
  for (int n = 0; n < 16; n++) {
    for (int i = 0; i < 16; i++) {
      default_vectors.xmm[n][i] = n * 37 + i * 11 + 5;
      default_vectors.ymm_high[n][i] = n * 37 + (i + 16) * 11 + 5;
    }
  }
}

static void catch_signals(void) {
  size_t size = 1 << 17;
  stack_t stack = {.ss_size = size};
  stack.ss_sp =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) != 0) {
    die("sigaltstack");
  }
  // The handler does not return to the kernel, so the kernel must not block or keep anything.
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  action.sa_sigaction = signal_entry;
  const int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
  for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) {
    sigaction(signals[n], &action, NULL);
  }
}

void start_processor(int mode) {
  processor_mode = mode;
  if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) == 0) {
    fprintf(stderr, "record: the kernel does not let programs use WRFSBASE\n");
    exit(2);
  }
  map(SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE);
  map(CODE_PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
  if (mode == 32) {
    map(LOW_SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE);
  }
  fill_defaults();
  catch_signals();
  // encoding.c refuses instructions that call the system; should one slip through, it is a SIGSYS.
  if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &system_calls) != 0) {
    die("PR_SET_SYSCALL_USER_DISPATCH");
  }
  if (mode == 32) {
    load_flat_segments();
  }
}


static void write_memory(const struct image *image) {
  memcpy((void *)(uintptr_t)SCRATCH, image->scratch, SCRATCH_SIZE);
  if (processor_mode == 32) {
    memcpy((void *)(uintptr_t)LOW_SCRATCH, image->low, SCRATCH_SIZE);
  }
}

static void read_memory(struct image *image) {
  memcpy(image->scratch, (void *)(uintptr_t)SCRATCH, SCRATCH_SIZE);
  if (processor_mode == 32) {
    memcpy(image->low, (void *)(uintptr_t)LOW_SCRATCH, SCRATCH_SIZE);
  }
}

// PUSHF stored TF, which is ours.
static void clear_pushed_tf(struct result *result) {
  uint64_t at = result->registers.gpr[RSP] + 1;
  if (at >= SCRATCH && at < SCRATCH_END) {
    result->memory.scratch[at - SCRATCH] &= ~(TF >> 8);
  } else if (processor_mode == 32 && at >= LOW_SCRATCH && at < LOW_SCRATCH + SCRATCH_SIZE) {
    result->memory.low[at - LOW_SCRATCH] &= ~(TF >> 8);
  }
}

void execute(const uint8_t *bytes, int length, bool exact, uint8_t rest_of_page,
             const struct registers *initial, const struct image *memory,
             struct result *result) {
  uint8_t page[PAGE];
  const int offset = CODE - CODE_PAGE;
  memset(page, rest_of_page, PAGE);
  memset(page + offset, INT3, length + PADDING);
  memcpy(page + offset, bytes, length);
  memcpy((void *)(uintptr_t)CODE_PAGE, page, PAGE);
  write_memory(memory);

  struct encoding encoding = parse_encoding(bytes, length, processor_mode);
  steps = !exact || is_branch(&encoding) || is_popf(&encoding);
  end = CODE + length;
  repeats = is_repeated_string(&encoding);
  iterations = 0;
  kept_flags = repeats ? initial->flags & (NT | ID) : 0;
  running = result;
  struct registers start = *initial;
  start.rip = CODE;
  start.flags |= steps ? TF : 0;
  enter(&start, processor_mode == 32 ? CODE_SELECTOR_32 : CODE_SELECTOR_64, &default_vectors);
  running = NULL;

  read_memory(&result->memory);
  if (result->outcome == COMPLETED && steps && is_pushf(&encoding)) {
    clear_pushed_tf(result);
  }
  if (memcmp((void *)(uintptr_t)CODE_PAGE, page, PAGE) != 0) {
    result->outcome = NOT_RECORDABLE;
  }
}

static void read_registers(const greg_t *from, struct registers *to) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
  const uint64_t mask = processor_mode == 32 ? UINT32_MAX : UINT64_MAX;
  for (int n = 0; n < 16; n++) {
    to->gpr[n] = from[order[n]] & mask;
  }
  to->rip = from[REG_RIP];
  to->flags = (from[REG_EFL] & ~(uint64_t)(TF | RF)) | kept_flags;
  to->fs_base = seen_fs_base;
  to->gs_base = seen_gs_base;
}

static void read_vectors(const void *frame, struct vector_state *to) {
  memcpy(to, frame, sizeof *to);
  // A component in its initial state need not be in the frame.
  const uint64_t present = to->components[0];
  if ((present & X87) == 0) {
    to->fcw = 0x37f;
    to->fsw = to->ftw = 0;
    memset(to->st, 0, sizeof to->st);
  }
  if ((present & SSE) == 0) {
    memset(to->xmm, 0, sizeof to->xmm);
  }
  if ((present & AVX) == 0) {
    memset(to->ymm_high, 0, sizeof to->ymm_high);
  }
}

static enum outcome outcome_of(int vector, uint64_t rip) {
  if (steps) {
    return vector == VECTOR_DB ? COMPLETED : FAULTED;
  }
  if (vector == VECTOR_BP) {
    return rip == end + 1 ? COMPLETED : NOT_RECORDABLE;
  }
  return rip == CODE ? FAULTED : NOT_RECORDABLE;
}

// Called by signal_entry. Whether to go on with the instruction.
int on_signal(int signal, siginfo_t *info, ucontext_t *context) {
  const greg_t *registers = context->uc_mcontext.gregs;
  const int vector = registers[REG_TRAPNO];
  const uint64_t rip = registers[REG_RIP];
  struct result *result = running;
  if (result == NULL) {
    fprintf(stderr, "record: signal %d at %#llx, address %p\n", signal, (unsigned long long)rip,
            info->si_addr);
    _exit(3);
  }
  if (vector == VECTOR_DB && repeats && rip == CODE && ++iterations < MAX_ITERATIONS) {
    return 1;
  }
  result->outcome = outcome_of(vector, rip);
  if (signal == SIGSYS || iterations >= MAX_ITERATIONS) {
    result->outcome = NOT_RECORDABLE;
  }
  result->exception = vector;
  result->fault_address = vector == VECTOR_PF ? registers[REG_CR2] : 0;
  read_registers(registers, &result->registers);
  if (!steps && result->outcome == COMPLETED) {
    result->registers.rip = end;
  }
  read_vectors(context->uc_mcontext.fpregs, &result->vectors);
  return 0;
}
