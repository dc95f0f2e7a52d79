/* pack < IMAGE > PACKED, and pack N < PACKED > IMAGE of N bytes. An image begins with the parser's table. */
#include <stdio.h>
#include <stdlib.h>
#include "packing.h"

enum { MOST = 1 << 24 };

static u8 in[MOST], out[2 * MOST], seen[MOST]; /* the parser reads a table that is there as far as it is decoded */
static Model model;

static i64 encode(i64 n) {
    u64 low = 0;
    u32 range = -1;
    i64 at, n_out = 0, i;
    prepare(&model);
    for (at = 0; at < n; at++) {
        while (model.c0 < 256) {
            int p = predict(&model), bit = in[at] >> (__builtin_clz(model.c0) - 24) & 1;
            u32 bound = (range >> 16) * p;
            if (bit) range = bound;
            else low += bound, range -= bound;
            update(&model, p, bit);
            for (; range < 1 << 24; range <<= 8, low = low << 8 & 0xffffffff) {
                if (low >> 32) for (i = n_out; !++out[--i];) {} /* carry */
                out[n_out++] = low >> 24;
            }
        }
        seen[at] = in[at];
        parse(&model, seen);
    }
    low += range - 1; /* the last of the range: what follows the packed image may be zeros, or nothing */
    if (low >> 32) for (i = n_out; !++out[--i];) {}
    out[n_out++] = low >> 24;
    while (n_out && !out[n_out - 1]) n_out--;
    return n_out;
}

int main(int argc, char **argv) {
    i64 n = fread(in, 1, MOST, stdin);
    if (argc == 1) n = encode(n);
    else decode(&model, in, out, n = strtoll(argv[1], 0, 10));
    return n > MOST || fwrite(out, 1, n, stdout) != n || fflush(stdout);
}
