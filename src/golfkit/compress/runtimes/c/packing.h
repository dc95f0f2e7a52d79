/* The model of a packed program: all that packer and unpacker do, so that they cannot drift apart.

   Bytes are coded bit by bit. Each context is a mask of what it knows beside the bits of the present byte: which of the 32
   bytes that a small parser of x86-64 code keeps about this instruction, the two before it and the last 8 bytes. Hashed,
   it finds a slot: an adaptive probability, and the history of its last bits, which finds a second slot. Stretched, all
   are mixed by weights learnt online. All state begins as zeros. The code is written to be short: it is counted.
   Sources: Mahoney, lpaq1 (2007), for mixing and histories; Pavlov, LZMA SDK (public domain), for the range coder. */
#include <stdint.h>
#include <x86intrin.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

static const u32 __attribute__((aligned(4))) masks[] = {MASKS}; /* cc would align it more */

enum {
    N_CONTEXTS = sizeof masks / sizeof *masks,
    N_INPUTS = 2 * N_CONTEXTS,
    INDEX_BITS = 22,   /* of the slots, 32 MiB of them */
    STEPS = 4096,      /* probabilities in 4096ths; stretched ones from -8 to 8 in 256ths */
    FINE = 4,          /* steps of the tables' making to one of theirs, so that none of their entries is left out */
    ONE = 1 << 28,     /* odds of 1:1 */
    LOWEST = 90051,    /* ONE * e^-8 */
    WEIGHT = 104000,   /* of every input at first, in 2^-20ths */
    SPREAD = 0x9E3779B1, /* 2^32 / golden ratio */
    PREFIX = 4, SKIPPED = 5, STATE = 7, /* bytes of a record behind those that pages of the table name; 6 stays 0 */
};

typedef struct {
    int16_t p; /* P(1) - 1/2 in 65536ths */
    u8 n;      /* times seen, up to 255 */
    u8 history; /* 0, and from there 2 h + 1 + bit in 8 bits: the last 7 bits */
    u32 hash;  /* whose slot this is */
} Slot;

typedef struct {
    i64 stretch[STEPS];    /* of P(1) - 1/2 as 12 bits with sign */
    i64 squash[2 * STEPS]; /* P(1) in 65536ths of a stretched probability as 12 bits with sign, and of more */
    i64 weights[3][256][N_INPUTS]; /* three rows are added: by the parser's state, by the bits of this byte, by the last */
    Slot *used[N_INPUTS];
    Slot histories[N_CONTEXTS][256];
    Slot slots[1 << INDEX_BITS];
    u64 records[1 << 22]; /* 8 bytes about each instruction; behind the present one's the last 8 bytes */
} Model;

typedef struct {
    u32 range, code; /* 2^24 <= range, code < range */
    u8 *at;          /* of what is packed */
    u64 low;         /* and the image: what a packer has instead of a code */
    u8 *image;
} Coder;

static inline void prepare(Model *m) {
    u64 odds = LOWEST, i;
    for (i = 0; i < FINE * (STEPS + STEPS / 4); i++) {
        u64 p = (odds << 16) / (odds + ONE);
        m->squash[i / FINE ^ STEPS / 2] = p;
        m->stretch[p / 16 ^ STEPS / 2] = i / FINE - STEPS / 2;
        odds += odds / (256 * FINE);
    }
}

static inline i64 stretched(Model *m, Slot *slot) {
    return m->stretch[(u16)slot->p >> 4];
}

/* Code all of an image, which begins with the parser's table (x86.py) and is written as it becomes known.

   code  codes one bit, whose P(1) is p in 65536ths, from 1 to 65535, and returns it */
static inline __attribute__((always_inline)) void code_all(Model *m, Coder *coder, u32 (*code)(Coder *, u32 p), u8 *image,
                                                           i64 n) {
    u64 *past = m->records + 2, i;
    u8 *out = image;
    prepare(m);
    do {
        u64 c0 = 1; /* the bits of this byte behind a 1 */
        u8 *record = (u8 *)past;
        do {
            i64 *by_state = m->weights[0][record[STATE]], *by_bits = m->weights[1][c0], *by_last = m->weights[2][record[8]];
            i64 dot = 0;
            for (i = 0; i < N_CONTEXTS; i++) {
                u32 hash = (c0 + (i << 8)) * SPREAD, mask = masks[i];
                do hash = _mm_crc32_u8(hash, record[(i64)__builtin_ctz(mask) - 16]); while (mask &= mask - 1);
                Slot *found = m->slots + (hash >> (32 - INDEX_BITS));
                if (found->hash != hash) *(u64 *)found = (u64)hash << 32; /* all else 0 */
                m->used[2 * i] = found;
                m->used[2 * i + 1] = m->histories[i] + found->history;
            }
            for (i = 0; i < N_INPUTS; i++) dot += (by_state[i] + by_bits[i] + by_last[i] + WEIGHT) * stretched(m, m->used[i]);
            __m128i sixteenths = _mm_packs_epi32(_mm_cvtsi32_si128(dot >> 16), _mm_setzero_si128()); /* clamps */
            int p = m->squash[(u16)_mm_cvtsi128_si32(sixteenths) >> 4], bit = code(coder, p);
            i64 error = (bit << 16) - p;
            for (i = 0; i < N_INPUTS; i++) {
                Slot *slot = m->used[i];
                i64 step = stretched(m, slot) * error >> 13;
                by_state[i] += step;
                by_bits[i] += step;
                by_last[i] += step;
                slot->p += ((bit << 16) - bit - 32768 - slot->p) * 5 / (4 * slot->n + 6);
                if (!++slot->n) slot->n--;
                slot->history = 2 * slot->history + 1 + bit;
            }
            c0 = c0 * 2 + bit;
        } while (c0 < 256);
        *out++ = c0;
        u64 last = (past[1] << 8) + c0; /* its leading 1 is added to the byte before, which does no harm */
        u64 state = record[STATE], at = state & 3; /* the table's page + 4 * bytes of immediate + 32 * of displacement */
        if (state > 3 && !(state & 2)) {
            state -= state > 31 ? 32 : 4;
            at = SKIPPED;
        } else {
            u64 entry = image[4 * c0 + at - 4 * 256];
            if (entry == 255) at = PREFIX;
            else state += entry - at;
        }
        record[at] = c0;
        record[STATE] = state;
        if (!state && at != PREFIX) *++past = 0; /* the next instruction */
        past[1] = last;
    } while (out < image + n);
}

static inline u32 decode(Coder *c, u32 p) {
    u32 bound = (c->range >> 16) * p, bit = c->code < bound;
    if (bit) c->range = bound;
    else c->code -= bound, c->range -= bound;
    while (c->range < 1 << 24) c->range <<= 8, c->code = c->code << 8 | *c->at++;
    return bit;
}
