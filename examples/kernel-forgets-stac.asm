; A kernel (64-bit, CPL 0, in the upper half; CR4.LASS and CR4.SMAP set, EFLAGS.AC clear).
; RDI points to a user's buffer in the lower half, and the kernel reads it as if it were its own: #GP(0).
        bits    64

        xor     eax, eax
        mov     ecx, 8
next:   add     rax, [rdi]              ; violation: no STAC
        add     rdi, 8
        loop    next
        hlt                             ; never reached
