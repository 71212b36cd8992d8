/*
 * Runs a kernel on this machine's own processor and prints: name n result nanoseconds
 *
 *   native [-a ADDRESS] [-r RUNS] FILE BSS N    the fastest of RUNS calls (default 1)
 *   native -c FILE BSS N                        the number of instructions retired instead of nanoseconds
 *
 * The count single-steps the processor (EFLAGS.TF), about a microsecond an instruction.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { TRAP_FLAG = 0x100 };

typedef unsigned long (*kernel_function)(unsigned long);

static unsigned long first, last;
static volatile unsigned long steps;

static kernel_function load(const char *file, unsigned long bss, unsigned long address) {
  int descriptor = open(file, O_RDONLY);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status)) err(1, "%s", file);
  unsigned long size = (unsigned long)status.st_size + bss;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | (address ? MAP_FIXED_NOREPLACE : 0);
  void *memory = mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
  if (memory == MAP_FAILED) err(1, "mmap at %#lx", address);
  if (read(descriptor, memory, (size_t)status.st_size) != status.st_size) err(1, "%s", file);
  close(descriptor);
  first = (unsigned long)memory;
  last = first + size;
  return (kernel_function)memory;
}

static void on_step(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  unsigned long rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  if (rip >= first && rip < last) steps++;
}

static unsigned long count(kernel_function kernel, unsigned long n) {
  struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
  sigaction(SIGTRAP, &action, NULL);
  unsigned long result;
  __asm__ volatile(
      "subq $128, %%rsp\n\t"
      "pushfq\n\t"
      "orq %[trap], (%%rsp)\n\t"
      "popfq\n\t"
      "call *%[kernel]\n\t"
      "pushfq\n\t"
      "andq %[no_trap], (%%rsp)\n\t"
      "popfq\n\t"
      "addq $128, %%rsp"
      : "=a"(result), "+D"(n)
      : [kernel] "b"(kernel), [trap] "i"(TRAP_FLAG), [no_trap] "i"(~TRAP_FLAG)
      : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

static unsigned long nanoseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long)now.tv_sec * 1000000000 + (unsigned long)now.tv_nsec;
}

static void print(const char *file, unsigned long n, unsigned long result, unsigned long figure) {
  const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
  printf("%.*s %lu 0x%lx %lu\n", (int)strcspn(name, "."), name, n, result, figure);
}

int main(int argc, char **argv) {
  unsigned long address = 0, runs = 1;
  int counting = 0;
  for (int option; (option = getopt(argc, argv, "a:r:c")) != -1;) {
    if (option == 'a') address = strtoul(optarg, NULL, 0);
    else if (option == 'r') runs = strtoul(optarg, NULL, 0);
    else if (option == 'c') counting = 1;
    else return 2;
  }
  if (argc - optind != 3) errx(2, "usage: native [-a ADDRESS] [-r RUNS] [-c] FILE BSS N");
  const char *file = argv[optind];
  unsigned long n = strtoul(argv[optind + 2], NULL, 0);
  kernel_function kernel = load(file, strtoul(argv[optind + 1], NULL, 0), address);

  if (counting) {
    unsigned long result = count(kernel, n);
    print(file, n, result, steps);
    return 0;
  }
  unsigned long fastest = -1UL, result = 0;
  for (unsigned long run = 0; run < runs; run++) {
    unsigned long start = nanoseconds_now(), returned = kernel(n), elapsed = nanoseconds_now() - start;
    if (run && returned != result) errx(1, "%s: 0x%lx at first, 0x%lx when called again", file, result, returned);
    result = returned;
    if (elapsed < fastest) fastest = elapsed;
  }
  print(file, n, result, fastest);
}
