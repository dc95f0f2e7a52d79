/* What a packed program begins with; its packed image follows, and memory behind the program is zeros. */
#include "packing.h"

extern const u8 edata[]; /* the packed image: the linker's name for what follows */
extern u8 table[];       /* where to: the parser's table, and behind it the program */
extern Model model;

static void __attribute__((used)) unpack(void) {
    decode(&model, edata, table, N_BYTES);
}

__asm__(".globl _start\n_start: call unpack\n jmp entry\n");
