# The way into the recorded instruction and back; see processor.c.

        .set    FLAT_DATA, 0x2b         # Linux's __USER_DS
        .set    RIP, 16 * 8
        .set    FLAGS, 17 * 8
        .set    FS_BASE, 18 * 8
        .set    GS_BASE, 19 * 8
        .set    STATE_X87_SSE_AVX, 7

        .text

# void enter(const struct registers *, uint64_t code_selector, const struct vector_state *)
# Loads all registers and goes to the instruction with TF set. Returns when on_signal() says so.
        .globl  enter
enter:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, own_rsp(%rip)
        rdfsbase %rax
        mov     %rax, own_fs_base(%rip)

        mov     %rdx, %rcx
        mov     $STATE_X87_SSE_AVX, %eax
        xor     %edx, %edx
        xrstor64 (%rcx)

        pushq   $FLAT_DATA
        pushq   RSP_AT(%rdi)
        pushq   FLAGS(%rdi)
        pushq   %rsi
        pushq   RIP(%rdi)
        mov     FS_BASE(%rdi), %rax
        wrfsbase %rax
        mov     GS_BASE(%rdi), %rax
        wrgsbase %rax
        movb    $SYSCALL_DISPATCH_FILTER_BLOCK, system_calls(%rip)
        mov     0 * 8(%rdi), %rax
        mov     1 * 8(%rdi), %rcx
        mov     2 * 8(%rdi), %rdx
        mov     3 * 8(%rdi), %rbx
        mov     5 * 8(%rdi), %rbp
        mov     6 * 8(%rdi), %rsi
        mov     8 * 8(%rdi), %r8
        mov     9 * 8(%rdi), %r9
        mov     10 * 8(%rdi), %r10
        mov     11 * 8(%rdi), %r11
        mov     12 * 8(%rdi), %r12
        mov     13 * 8(%rdi), %r13
        mov     14 * 8(%rdi), %r14
        mov     15 * 8(%rdi), %r15
        mov     7 * 8(%rdi), %rdi
        iretq

        .set    RSP_AT, 4 * 8
        .set    SYSCALL_DISPATCH_FILTER_ALLOW, 0
        .set    SYSCALL_DISPATCH_FILTER_BLOCK, 1

# The signal handler: (int signal, siginfo_t *, ucontext_t *), on a stack of its own. The FS base
# and flags such as AC are still those of the instruction.
        .globl  signal_entry
signal_entry:
        pushq   $0x202
        popfq
        rdfsbase %rax
        mov     %rax, seen_fs_base(%rip)
        rdgsbase %rcx
        mov     %rcx, seen_gs_base(%rip)
        mov     own_fs_base(%rip), %rcx
        wrfsbase %rcx
        movb    $SYSCALL_DISPATCH_FILTER_ALLOW, system_calls(%rip)
        push    %rax
        call    on_signal
        pop     %rcx
        test    %eax, %eax
        jz      1f
        wrfsbase %rcx                   # the instruction is not at its end: go on with it
        ret
1:      mov     own_rsp(%rip), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

# void load_flat_segments(void): compatibility mode uses them, 64-bit mode has left them null.
        .globl  load_flat_segments
load_flat_segments:
        rdfsbase %rcx
        mov     $FLAT_DATA, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        wrfsbase %rcx
        ret

        .bss
        .balign 8
own_rsp:     .quad 0
own_fs_base: .quad 0
        .globl  seen_fs_base, seen_gs_base, system_calls
seen_fs_base: .quad 0
seen_gs_base: .quad 0
system_calls: .byte 0                   # may the process make system calls just now?

        .section .note.GNU-stack, "", @progbits
