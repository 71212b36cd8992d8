; The 50th Fibonacci number, 12586269025 (0x2ee333961), in RAX (64-bit, any address, no memory).
        bits    64

        xor     eax, eax
        mov     edx, 1
        mov     ecx, 50
next:   xadd    rax, rdx                ; RAX, RDX = RAX + RDX, RAX
        loop    next                    ; then it falls off the end of the blob
