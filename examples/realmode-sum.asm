; Sums bytes in AX (16-bit real mode, any CS:IP, SS:SP a stack): 3+1+4+1+5+9+2+6+5+3 = 39.
        bits    16

        call    start                   ; pushes where the bytes are
bytes:  db      3, 1, 4, 1, 5, 9, 2, 6, 5, 3
length  equ     $ - bytes

start:  pop     si
        push    cs
        pop     ds                      ; DS:SI = bytes
        cld
        mov     cx, length
        xor     ax, ax
        xor     bx, bx
next:   lodsb
        add     bx, ax
        loop    next
        mov     ax, bx                  ; then it falls off the end of the blob
