; A user program (64-bit, CPL 3, any address in the lower half, e.g. 0x400000, with a stack).
; It works, then asks for a kernel's memory: LASS answers #GP(0) before paging is even consulted.
        bits    64

        mov     ecx, 10
fill:   push    rcx                     ; an array on the stack: 1, 2 ... 10
        loop    fill

        xor     eax, eax
        mov     ecx, 10
sum:    pop     rdx
        add     rax, rdx
        loop    sum                     ; RAX = 55

        mov     rbx, 0xffff888000001000 ; bit 63 is set: the supervisor's half
        mov     rax, [rbx]              ; violation: RAX stays 55
