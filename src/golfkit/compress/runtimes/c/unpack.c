/* What a packed program begins with. What is packed follows it; all memory behind is zeros. */
#include "packing.h"

extern u8 edata[]; /* what is packed: the linker's name for what follows */
extern u8 table[]; /* where to: the parser's table, and behind it the program */
extern Model model;

static void __attribute__((used)) unpack(void) {
    Coder coder = {-1, __builtin_bswap32(*(u32 *)edata), edata + 4};
    code_all(&model, &coder, decode, table, N_BYTES);
}

__asm__(".globl _start\n_start: call unpack\n jmp entry\n");
