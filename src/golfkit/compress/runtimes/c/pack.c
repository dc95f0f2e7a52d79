/* pack < IMAGE > PACKED, and pack N < PACKED > IMAGE of N bytes. An image begins with the parser's table. */
#include <stdio.h>
#include <stdlib.h>
#include "packing.h"

enum { MOST = 1 << 22 };

static u8 in[MOST], out[2 * MOST], seen[MOST];
static Model model;

static void put(Coder *c) {
    u8 *at;
    if (c->low >> 32) for (at = c->at; !++*--at;) {} /* carry */
    *c->at++ = c->low >> 24;
    c->low = c->low << 8 & 0xffffffff;
}

static u32 encode(Coder *c, u32 p) {
    u32 bound = (c->range >> 16) * p, bit = *c->image >> (7 - c->code) & 1;
    c->code = (c->code + 1) % 8; /* which bit of the image's byte */
    c->image += !c->code;
    if (bit) c->range = bound;
    else c->low += bound, c->range -= bound;
    for (; c->range < 1 << 24; c->range <<= 8) put(c);
    return bit;
}

int main(int argc, char **argv) {
    i64 n = fread(in, 1, MOST, stdin);
    if (argc == 1) {
        Coder coder = {-1, 0, out, 0, in};
        code_all(&model, &coder, encode, seen, n);
        coder.low += (1 << 24) - 1; /* of the range's last values the one with zeros behind it, which need not be there */
        put(&coder);
        n = coder.at - out;
        while (n && !out[n - 1]) n--;
    } else {
        Coder coder = {-1, __builtin_bswap32(*(u32 *)in), in + 4};
        code_all(&model, &coder, decode, out, n = strtoll(argv[1], 0, 10));
    }
    return fwrite(out, 1, n, stdout) != n || fflush(stdout);
}
