; Patches the immediate of the very next instruction (64-bit, any address, page both writable and executable).
; A processor must notice: RAX = 0x63, not 0x11111111.
        bits    64
        default rel

        mov     dword [next + 1], 0x63  ; b8 11 11 11 11 becomes b8 63 00 00 00
next:   mov     eax, 0x11111111
