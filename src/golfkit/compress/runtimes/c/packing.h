/* The model of a packed program: what the packer and the unpacker share, so that they cannot drift apart.

   Bytes are coded bit by bit. Each context is a mask that says which of 32 bytes about the past are hashed with the bits
   of the present byte: the last 8 bytes, and of this instruction and the two before it what a small parser noted. A
   context finds a slot: an adaptive probability, and the history of its last bits, which finds a second slot. Stretched,
   all are mixed by weights learnt online, one set for each state of the parser. All state begins as zeros.
   Sources: Mahoney, lpaq1 (2007), for mixing and histories; Muth, kkrunchy (2006), for contexts that know x86 code. */
#include <stdint.h>
#include <x86intrin.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

enum {
    N_CONTEXTS = 18,
    INDEX_BITS = 24,   /* of the slots: 64 MiB; half as many cost some 50 bytes of archive */
    TABLE = 1024,      /* bytes before the program: what the parser knows of x86, 4 pages of 256 */
    LIMIT = 255,       /* times seen after which a slot's rate falls no more */
    WEIGHT = 8000,     /* of every input at first, in 65536ths */
    RATE = 16,         /* bits that a step of a weight is shifted down */
    STEPS = 4096,      /* of the tables: probabilities in 4096ths; stretched ones from -8 to 8 in 256ths */
};

typedef struct {
    int16_t p; /* P(1) - 1/2 in 65536ths */
    u8 n;      /* times seen, up to LIMIT */
    u8 history;
} Slot;

typedef struct {
    int stretch[STEPS]; /* of a probability in 4096ths less 2048 */
    int squash[STEPS];  /* P(1) in 65536ths of a stretched probability plus 2048 */
    int weights[256][2 * N_CONTEXTS], *set;
    Slot *used[2 * N_CONTEXTS];
    int c0;   /* the bits of this byte behind a 1 */
    int page, rest; /* the parser: which page of the table comes next, and bytes of displacement * 8 + of immediate */
    u64 *past;      /* 8 bytes about each instruction, and behind the present one's the last 8 bytes */
    u64 records[1 << 20];
    Slot histories[N_CONTEXTS][256];
    Slot slots[1 << INDEX_BITS];
} Model;

static void prepare(Model *m) {
    i64 odds = 90051, i, j = 0; /* 2^28 e^-8 */
    for (i = 0; i < STEPS + 1024; i++) {
        int p = (odds << 16) / (odds + (1 << 28));
        if (i < STEPS) m->squash[i] = p;
        for (; j <= p >> 4; j++) m->stretch[j] = i - STEPS / 2;
        odds += odds >> 8;
    }
    m->past = m->records + 2;
    m->c0 = 1;
}

static const u32 masks[N_CONTEXTS] = {MASKS};

/* P(1) in 65536ths, from 1 to 65535 */
static int predict(Model *m) {
    i64 dot = 0, i, j;
    m->set = m->weights[((u8 *)m->past)[7]];
    for (i = 0; i < N_CONTEXTS; i++) {
        u64 hash = m->c0 + (i << 8);
        for (j = 0; j < 4; j++)
            hash = _mm_crc32_u64(hash, m->past[j - 2] & _pdep_u64(masks[i] >> 8 * j, 0x0101010101010101) * 255);
        Slot *slot = m->used[2 * i] = m->slots + (hash >> (32 - INDEX_BITS));
        m->used[2 * i + 1] = m->histories[i] + slot->history;
    }
    for (i = 0; i < 2 * N_CONTEXTS; i++) dot += (i64)(m->set[i] + WEIGHT) * m->stretch[(m->used[i]->p >> 4) + STEPS / 2];
    dot >>= 16;
    if (dot > 2047) dot = 2047;
    if (dot < -2047) dot = -2047;
    return m->squash[dot + 2048];
}

static void update(Model *m, int p, int bit) {
    int i, error = (bit << 16) - p;
    for (i = 0; i < 2 * N_CONTEXTS; i++) {
        Slot *slot = m->used[i];
        int history = slot->history * 2 + 1 + bit;
        m->set[i] += m->stretch[(slot->p >> 4) + STEPS / 2] * (i64)error >> RATE;
        slot->p += ((bit << 16) - bit - 32768 - slot->p) * 2 / (2 * slot->n + 3);
        if (slot->n < LIMIT) slot->n++;
        slot->history = history > 254 ? (history & 127) + 127 : history;
    }
    m->c0 = m->c0 * 2 + bit;
}

static void parse(Model *m, const u8 *table) {
    u8 c = m->c0, *record = (u8 *)m->past;
    u64 last = m->past[1] >> 8 | (u64)c << 56;
    int slot = m->page, known = 0;
    if (m->rest && m->page < 2) {
        m->rest -= m->rest > 7 ? 8 : 1;
        slot = 5;
    } else {
        int entry = table[m->page << 8 | c];
        m->rest += m->page > 1 ? (entry & 15) << 3 : entry & 15;
        m->page = entry >> 4;
        if (m->page == 4) m->page = 0, slot = 4, known = 1;
    }
    record[slot] = c;
    record[7] = m->page << 6 | m->rest;
    if (!m->page && !m->rest && !known) *++m->past = 0;
    m->past[1] = last;
    m->c0 = 1;
}

/* A range coder as in LZMA: `range` from 2^24 below 2^32, `code` below it. */
static void decode(Model *m, const u8 *in, u8 *out, i64 n) {
    u32 range = -1, code = __builtin_bswap32(*(const u32 *)in);
    i64 at;
    in += 4;
    prepare(m);
    for (at = 0; at < n; at++) {
        while (m->c0 < 256) {
            int p = predict(m), bit;
            u32 bound = (range >> 16) * p;
            bit = code < bound;
            if (bit) range = bound;
            else code -= bound, range -= bound;
            update(m, p, bit);
            while (range < 1 << 24) range <<= 8, code = code << 8 | *in++;
        }
        out[at] = m->c0;
        parse(m, out);
    }
}
