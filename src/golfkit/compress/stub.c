/* compress IN ARCHIVE and decompress ARCHIVE OUT around the kernels: no libc, Linux system calls only.
   The container is described in container.py. Any fault is one line on stderr, exit 1, and no output file. */
#include <stdint.h>

typedef uint8_t u8;
typedef uint64_t u64;
typedef int64_t i64;

i64 golf_arena_bytes(i64 parameter); /* 0: no such parameter */
i64 golf_parameter(i64 n);
void golf_start(u8 *arena, i64 parameter);
i64 golf_encode(u8 *arena, i64 parameter, u8 *block, i64 n, u8 *out);
i64 golf_finish(u8 *arena, i64 parameter, u8 *out);
i64 golf_decode(u8 *arena, i64 parameter, u8 *payload, i64 n_payload, u8 *out, i64 n);
void golf_sha_start(u8 *context);
void golf_sha_update(u8 *context, u8 *data, i64 n);
void golf_sha_end(u8 *context, u8 *digest);

enum { HEADER = 60, DIGEST_AT = 24, CHECK_AT = 56, BLOCK = 1 << 16, WORST = 17 << 16 };
enum { WRITE = 1, OPEN = 2, LSEEK = 8, MMAP = 9, MADVISE = 28, EXIT = 60, RENAME = 82, UNLINK = 87 };

static u8 sha[704], digest[32], block[BLOCK];
static char *target, part[4096];

static i64 call(i64 number, u64 a, u64 b, u64 c, u64 d) {
    register u64 r10 __asm__("r10") = d;
    register u64 r8 __asm__("r8") = ~0ul; /* mmap: no file where none is given; the fd is set by `map` */
    register u64 r9 __asm__("r9") = 0;
    i64 result;
    if (number == MMAP && !(d & 32)) r8 = d >> 32;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void __attribute__((noreturn)) leave(int code) {
    for (;;) call(EXIT, code, 0, 0, 0);
}

static void __attribute__((noreturn)) fail(const char *why) {
    i64 n = 0;
    while (why[n]) n++;
    call(WRITE, 2, (u64)why, n, 0);
    if (*part) call(UNLINK, (u64)part, 0, 0, 0);
    leave(1);
}

static u8 *map(u64 n, i64 file) { /* file -1: zeroed memory */
    i64 at = call(MMAP, 0, n, file < 0 ? 3 : 1, file < 0 ? 0x22 : (u64)file << 32 | 2);
    if (at < 0 && at > -4096) fail("no memory\n");
    if (file < 0) call(MADVISE, at, n, 14, 0); /* huge pages */
    return (u8 *)at;
}

static u8 *load(char *name, i64 *n) {
    i64 file = call(OPEN, (u64)name, 0, 0, 0);
    *n = file < 0 ? -1 : call(LSEEK, file, 0, 2, 0);
    if (*n < 0) fail("cannot read input\n");
    return *n ? map(*n, file) : block;
}

static i64 create(char *name) { /* TARGET.part, renamed when it is complete */
    const char *suffix = ".part";
    i64 n = 0;
    target = name;
    while (name[n] && n < 4000) part[n] = name[n], n++;
    if (name[n]) fail("name too long\n");
    do part[n++] = *suffix; while (*suffix++);
    i64 file = call(OPEN, (u64)part, 0301, 0666, 0); /* a new file: it could be the archive */
    if (file < 0) *part = 0, fail("OUT.part is there, or cannot be made\n");
    return file;
}

static void put(i64 file, u8 *data, i64 n) {
    while (n) {
        i64 done = call(WRITE, file, (u64)data, n, 0);
        if (done <= 0) fail("cannot write output\n");
        data += done, n -= done;
    }
}

static void complete(void) {
    if (call(RENAME, (u64)part, (u64)target, 0, 0) < 0) fail("cannot write output\n");
    leave(0);
}

static int differ(u8 *a, const u8 *b, int n) {
    while (n--) if (a[n] != b[n]) return 1;
    return 0;
}

static void hash(u8 *data, i64 n) {
    golf_sha_start(sha);
    golf_sha_update(sha, data, n);
    golf_sha_end(sha, digest);
}

static const u8 magic[7] = {'g', 'o', 'l', 'f', 1, CODEC_ID, CODEC_VERSION};

#ifdef DECOMPRESS
static void run(char **names) {
    i64 n, done, used = 4;
    u8 *archive = load(names[0], &n);
    if (n >= HEADER) hash(archive, CHECK_AT);
    if (n < HEADER || differ(archive, magic, 7) || differ(archive + CHECK_AT, digest, 4)) fail("not such an archive\n");
    i64 parameter = archive[7], size = golf_arena_bytes(parameter);
    u64 total = *(u64 *)(archive + 8), payload = *(u64 *)(archive + 16);
    if (!size || payload != n - HEADER || total >> 16 > payload) fail("damaged header\n");
    u8 *arena = map(size, -1);
    i64 file = create(names[1]);
    golf_start(arena, parameter);
    golf_sha_start(sha);
    for (; total; total -= done) {
        done = total < BLOCK ? total : BLOCK;
        used = golf_decode(arena, parameter, archive + HEADER, payload, block, done);
        if (used > payload) break;
        golf_sha_update(sha, block, done);
        put(file, block, done);
    }
    golf_sha_end(sha, digest);
    if (used != payload || differ(archive + DIGEST_AT, digest, 32)) fail("damaged archive\n");
    complete();
}
#else
static void run(char **names) {
    i64 n, done, at, payload = 0;
    u8 *input = load(names[0], &n), header[HEADER], *out = map(WORST, -1);
    i64 parameter = golf_parameter(n);
    u8 *arena = map(golf_arena_bytes(parameter), -1);
    i64 file = create(names[1]);
    for (at = 0; at < 7; at++) header[at] = magic[at];
    header[7] = parameter;
    hash(input, n);
    for (at = 0; at < 32; at++) header[DIGEST_AT + at] = digest[at];
    put(file, header, HEADER);
    golf_start(arena, parameter);
    for (at = 0; at < n; at += BLOCK) {
        done = golf_encode(arena, parameter, input + at, n - at < BLOCK ? n - at : BLOCK, out);
        put(file, out, done);
        payload += done;
    }
    done = golf_finish(arena, parameter, out);
    put(file, out, done);
    *(u64 *)(header + 8) = n;
    *(u64 *)(header + 16) = payload + done;
    hash(header, CHECK_AT);
    for (at = 0; at < 4; at++) header[CHECK_AT + at] = digest[at];
    if (call(LSEEK, file, 0, 0, 0)) fail("cannot write output\n");
    put(file, header, HEADER);
    complete();
}
#endif

static void __attribute__((used)) begin(u64 *stack) {
    if (*stack != 3) fail("usage: FROM TO\n");
    run((char **)stack + 2);
}

__asm__(".globl _start\n_start: mov %rsp,%rdi\n and $-16,%rsp\n call begin\n");
