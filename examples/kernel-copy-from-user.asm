; A kernel (64-bit, CPL 0, in the upper half; CR4.LASS and CR4.SMAP set).
; It sums 8 quadwords of the user's buffer at RDI, and says so first: legal between STAC and CLAC.
        bits    64

        xor     eax, eax
        mov     ecx, 8
        stac                            ; 0f 01 cb: EFLAGS.AC = 1
next:   add     rax, [rdi]
        add     rdi, 8
        loop    next
        clac                            ; 0f 01 ca: EFLAGS.AC = 0
        hlt                             ; the sum is in RAX
