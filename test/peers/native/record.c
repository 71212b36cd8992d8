// Records random single instructions on the processor underneath, as vectors of hwvec-1 but for
// what needs a disassembler; name.js adds that. See README.md.

#define _GNU_SOURCE
#include <cpuid.h>
#include <getopt.h>
#include <inttypes.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "encoding.h"
#include "generate.h"
#include "processor.h"

enum { MAX_GAP = 3, FLUSH_EVERY = 1000, INT3 = 0xcc, ZERO = 0 };

struct options {
  int mode;
  uint64_t seed, start, count;
  const char *only;
  bool list;
};

// Shared between the process that records and the one that watches it.
struct progress {
  volatile uint64_t current; // vector being recorded
  volatile uint64_t flushed; // vectors before this one are written, or left out
  volatile uint64_t skipped, unreproducible;
  volatile uint64_t fatal; // vector that ended the recorder, not to be tried again
};

static const char *const exception_names[32] = {
    [0] = "#DE",  [3] = "#BP",  [4] = "#OF",  [5] = "#BR",  [6] = "#UD",  [12] = "#SS",
    [13] = "#GP", [14] = "#PF", [16] = "#MF", [17] = "#AC", [19] = "#XM",
};

static const char *const names_64[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                         "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const names_32[8] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

// --- JSON ---

static void print_bytes(const uint8_t *bytes, int count) {
  for (int n = 0; n < count; n++) {
    printf("%02x", bytes[n]);
  }
}

static const char *separator; // before the next member

static void key(const char *name) {
  printf("%s\"%s\":", separator, name);
  separator = ",";
}

static void number(const char *name, uint64_t value, uint64_t unlisted) {
  if (value != unlisted) {
    key(name);
    printf("\"%" PRIx64 "\"", value);
  }
}

static void open_object(const char *name) {
  key(name);
  putchar('{');
  separator = "";
}

static void close_object(void) {
  putchar('}');
  separator = ",";
}

// --- The parts of a state ---

static void print_registers(int mode, const struct registers *is, const struct registers *was) {
  for (int n = 0; n < (mode == 32 ? 8 : 16); n++) {
    number(mode == 32 ? names_32[n] : names_64[n], is->gpr[n], was->gpr[n]);
  }
  number("fl", is->flags, was->flags);
  number("fsb", is->fs_base, was->fs_base);
  number("gsb", is->gs_base, was->gs_base);
}

// The register that ST(n) is.
static int physical(const struct vector_state *state, int n) {
  return ((state->fsw >> 11) + n) & 7;
}

static void print_vectors(const struct vector_state *is, const struct vector_state *was) {
  char name[8];
  number("mx", is->mxcsr, was->mxcsr);
  number("fcw", is->fcw, was->fcw);
  number("fsw", is->fsw, was->fsw);
  number("ftw", is->ftw, was->ftw);
  const uint8_t *before[8];
  for (int n = 0; n < 8; n++) {
    before[physical(was, n)] = was->st[n];
  }
  for (int n = 0; n < 8; n++) {
    if (memcmp(is->st[n], before[physical(is, n)], 10) != 0) {
      snprintf(name, sizeof name, "p%d", physical(is, n));
      key(name);
      putchar('"');
      for (int byte = 9; byte >= 0; byte--) {
        printf("%02x", is->st[n][byte]);
      }
      putchar('"');
    }
  }
  for (int n = 0; n < 16; n++) {
    const bool high = memcmp(is->ymm_high[n], was->ymm_high[n], 16) != 0;
    if (high || memcmp(is->xmm[n], was->xmm[n], 16) != 0) {
      snprintf(name, sizeof name, "%c%d", high ? 'y' : 'x', n);
      key(name);
      putchar('"');
      print_bytes(is->xmm[n], 16);
      print_bytes(is->ymm_high[n], high ? 16 : 0);
      putchar('"');
    }
  }
}

// A run goes on over up to MAX_GAP bytes that are alike.
static void print_runs(const uint8_t *is, const uint8_t *was, uint32_t address, bool *any) {
  if (memcmp(is, was, SCRATCH_SIZE) == 0) {
    return;
  }
  for (int from = 0; from < SCRATCH_SIZE; from++) {
    if (is[from] == was[from]) {
      continue;
    }
    int last = from;
    for (int n = from; n < SCRATCH_SIZE && n <= last + MAX_GAP + 1; n++) {
      last = is[n] != was[n] ? n : last;
    }
    if (!*any) {
      key("mem");
      putchar('[');
    }
    printf("%s[\"%x\",\"", *any ? "," : "", address + from);
    print_bytes(is + from, last - from + 1);
    printf("\"]");
    *any = true;
    from = last;
  }
}

static void print_memory(int mode, const struct image *is, const struct image *was) {
  bool any = false;
  print_runs(is->scratch, was->scratch, SCRATCH, &any);
  if (mode == 32) {
    print_runs(is->low, was->low, LOW_SCRATCH, &any);
  }
  if (any) {
    putchar(']');
  }
}

// --- One vector ---

static struct image initial_memory;
static struct result first, second;

static void reset_memory(void) {
  initial_memory = default_memory;
}

static void print_vector(int mode, const struct instruction *instruction) {
  struct registers defaults = {.flags = DEFAULT_FLAGS};
  for (int n = 0; n < 16; n++) {
    defaults.gpr[n] = default_register(n, mode);
  }
  separator = "";
  putchar('{');
  key("b");
  putchar('"');
  print_bytes(instruction->bytes, instruction->length);
  putchar('"');
  open_object("i");
  print_registers(mode, &instruction->registers, &defaults);
  print_memory(mode, &initial_memory, &default_memory);
  close_object();
  open_object("f");
  print_registers(mode, &first.registers, &instruction->registers);
  const uint64_t rip = first.registers.rip; // name.js removes it where the format leaves it out
  number("rip", rip, ~rip);
  print_vectors(&first.vectors, &default_vectors);
  print_memory(mode, &first.memory, &initial_memory);
  close_object();
  if (first.outcome == FAULTED) {
    key("x");
    printf("\"%s\"", exception_names[first.exception]);
  }
  number("xa", first.fault_address, 0);
  if (instruction->on_guard) {
    key("t");
    printf("[\"pf\"]");
  }
  close_object();
  putchar('\n');
}

static bool same_results(int mode) {
  const struct vector_state *a = &first.vectors, *b = &second.vectors;
  return first.outcome == second.outcome && first.exception == second.exception &&
         first.fault_address == second.fault_address &&
         memcmp(&first.registers, &second.registers, sizeof first.registers) == 0 &&
         a->fcw == b->fcw && a->fsw == b->fsw && a->ftw == b->ftw && a->mxcsr == b->mxcsr &&
         memcmp(a->st, b->st, sizeof a->st) == 0 && memcmp(a->xmm, b->xmm, sizeof a->xmm) == 0 &&
         memcmp(a->ymm_high, b->ymm_high, sizeof a->ymm_high) == 0 &&
         memcmp(first.memory.scratch, second.memory.scratch, SCRATCH_SIZE) == 0 &&
         (mode == 64 || memcmp(first.memory.low, second.memory.low, SCRATCH_SIZE) == 0);
}

// Executes twice, with other bytes in the rest of the code page, to leave out what read those and
// what is not reproducible. False: there is nothing to record.
static bool record(const struct instruction *instruction, int mode, struct progress *progress) {
  const struct instruction *i = instruction;
  execute(i->bytes, i->length, i->exact, INT3, &i->registers, &initial_memory, &first);
  if (first.outcome == NOT_RECORDABLE ||
      (first.outcome == FAULTED && exception_names[first.exception & 31] == NULL)) {
    progress->skipped++;
    return false;
  }
  execute(i->bytes, i->length, i->exact, ZERO, &i->registers, &initial_memory, &second);
  if (!same_results(mode)) {
    progress->unreproducible++;
    return false;
  }
  return true;
}

// --- All vectors ---

static const struct form **chosen_forms(const struct options *options, int *count) {
  static const struct form *chosen[1024];
  regex_t pattern;
  if (regcomp(&pattern, options->only, REG_EXTENDED | REG_NOSUB) != 0) {
    fprintf(stderr, "record: not a regular expression: %s\n", options->only);
    exit(2);
  }
  *count = 0;
  for (int n = 0; n < form_count; n++) {
    const struct form *form = &forms[n];
    const int other_mode = options->mode == 32 ? ONLY_64 : ONLY_32;
    char name[64];
    snprintf(name, sizeof name, "%s/%s", form->group, form->name);
    if ((form->traits & other_mode) == 0 && regexec(&pattern, name, 0, NULL, 0) == 0) {
      chosen[(*count)++] = form;
    }
  }
  if (*count == 0) {
    fprintf(stderr, "record: nothing in %d-bit mode matches %s; see --list\n", options->mode,
            options->only);
    exit(2);
  }
  return chosen;
}

static uint64_t vector_seed(const struct options *options, uint64_t n) {
  return (options->seed * 0xd1342543de82ef95ULL) ^ (n * 0xbf58476d1ce4e5b9ULL);
}

static void print_header(const struct options *options) {
  uint32_t brand[13] = {0}, *word = brand;
  uint32_t signature = 0, unused;
  for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++, word += 4) {
    __get_cpuid(leaf, &word[0], &word[1], &word[2], &word[3]);
  }
  __get_cpuid(1, &signature, &unused, &unused, &unused);
  printf("{\"mode\":%d,\"seed\":%" PRIu64 ",\"cpu\":\"%s (CPUID signature %x)\"}\n",
         options->mode, options->seed, (const char *)brand, signature);
}

// Tries instructions until one can be recorded, so that there are as many vectors as asked for.
static void record_vector(const struct options *options, const struct form **chosen, int forms,
                          uint64_t n, struct progress *progress) {
  struct draft dice = {.random = vector_seed(options, n)};
  for (int attempt = 0; attempt < 1000; attempt++) {
    const struct form *form = chosen[below(&dice, forms)];
    struct instruction instruction;
    generate(form, options->mode, next_random(&dice), &initial_memory, &instruction);
    const struct encoding encoding =
        parse_encoding(instruction.bytes, instruction.length, options->mode);
    const bool good = reason_to_skip(&encoding) == NULL &&
                      record(&instruction, options->mode, progress);
    if (good) {
      print_vector(options->mode, &instruction);
    }
    reset_memory();
    if (good) {
      return;
    }
  }
}

static void record_all(const struct options *options, struct progress *progress) {
  int forms = 0;
  const struct form **chosen = chosen_forms(options, &forms);
  if (progress->flushed == options->start) {
    print_header(options);
  }
  start_processor(options->mode);
  reset_memory();
  for (uint64_t n = progress->flushed; n < options->start + options->count; n++) {
    progress->current = n;
    if (n != progress->fatal) {
      record_vector(options, chosen, forms, n, progress);
    }
    if (n % FLUSH_EVERY == 0) {
      fflush(stdout);
      progress->flushed = n + 1;
    }
  }
  fflush(stdout);
  progress->flushed = options->start + options->count;
}

// An instruction could hit the recorder's own memory. It is then left out.
static int watch(const struct options *options) {
  struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  progress->flushed = options->start;
  progress->fatal = UINT64_MAX;
  while (progress->flushed < options->start + options->count) {
    const pid_t child = fork();
    if (child == 0) {
      record_all(options, progress);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
      return 2;
    }
    if (status != 0) {
      fprintf(stderr, "record: vector %" PRIu64 " ended the recorder (status %#x); left out\n",
              progress->current, status);
      progress->fatal = progress->current;
    }
  }
  fprintf(stderr, "record: %" PRIu64 " tries not recordable, %" PRIu64 " not reproducible\n",
          progress->skipped, progress->unreproducible);
  return 0;
}

static void list_forms(void) {
  for (int n = 0; n < form_count; n++) {
    if (n == 0 || strcmp(forms[n].name, forms[n - 1].name) != 0) {
      printf("%s/%s\n", forms[n].group, forms[n].name);
    }
  }
}

static int usage(void) {
  fprintf(stderr, "usage: record --mode 64|32 --count N [--seed N] [--start N] [--only REGEX]\n"
                  "       record --list\n");
  return 2;
}

int main(int argc, char **argv) {
  static const struct option known[] = {
      {"mode", required_argument, NULL, 'm'},  {"seed", required_argument, NULL, 's'},
      {"count", required_argument, NULL, 'c'}, {"start", required_argument, NULL, 'f'},
      {"only", required_argument, NULL, 'o'},  {"list", no_argument, NULL, 'l'},
      {NULL, 0, NULL, 0},
  };
  struct options options = {.seed = 1, .only = "."};
  for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (option) {
    case 'm':
      options.mode = atoi(optarg);
      break;
    case 's':
      options.seed = strtoull(optarg, NULL, 0);
      break;
    case 'c':
      options.count = strtoull(optarg, NULL, 0);
      break;
    case 'f':
      options.start = strtoull(optarg, NULL, 0);
      break;
    case 'o':
      options.only = optarg;
      break;
    case 'l':
      options.list = true;
      break;
    default:
      return usage();
    }
  }
  if (options.list) {
    list_forms();
    return 0;
  }
  if ((options.mode != 64 && options.mode != 32) || options.count == 0 || optind != argc) {
    return usage();
  }
  return watch(&options);
}
