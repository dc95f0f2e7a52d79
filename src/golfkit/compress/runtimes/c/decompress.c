/* decompress ARCHIVE OUT */
#include "system.h"

/* both return how many payload bytes were used so far; settle -1 when they do not end as an encoder ends them */
i64 golf_decode(u8 *arena, i64 parameter, u8 *payload, i64 n_payload, u8 *out, i64 n);
i64 golf_settle(u8 *arena, i64 parameter, u8 *payload, i64 n_payload);

static void run(char **names) {
    i64 n, done;
    u8 *archive = load(names[0], &n);
    if (n >= HEADER) hash(archive, CHECK_AT);
    if (n < HEADER || differ(archive, magic, 7) || differ(archive + CHECK_AT, digest, 4)) fail("not such an archive\n");
    i64 parameter = archive[7], size = golf_arena_bytes(parameter);
    u64 total = *(u64 *)(archive + 8), payload = *(u64 *)(archive + 16);
    if (!size || payload != n - HEADER || total >> 21 > payload) fail("damaged header\n");
    u8 *arena = map(size, -1);
    i64 file = create(names[1]);
    golf_start(arena, parameter);
    golf_sha_start(sha);
    for (; total; total -= done) {
        done = total < BLOCK ? total : BLOCK;
        if (golf_decode(arena, parameter, archive + HEADER, payload, block, done) > payload) break;
        golf_sha_update(sha, block, done);
        put(file, block, done);
    }
    golf_sha_end(sha, digest);
    if (golf_settle(arena, parameter, archive + HEADER, payload) != payload) fail("damaged archive\n");
    if (differ(archive + DIGEST_AT, digest, 32)) fail("damaged archive\n");
    complete();
}
