/* compress IN ARCHIVE */
#include "system.h"

i64 golf_parameter(i64 n);
i64 golf_transform_bytes(i64 n);
i64 golf_forward(u8 *work, u8 *input, i64 n, u8 *out); /* returns the bytes of `out` that it wrote */
/* both return how many bytes they wrote to `out` */
i64 golf_encode(u8 *arena, i64 parameter, u8 *block, i64 n, u8 *out);
i64 golf_finish(u8 *arena, i64 parameter, u8 *out);

enum { WORST = 17 << 16 }; /* bytes out of one block: 16 bits per coded bit, and the last four */

static void run(char **names) {
    i64 n, done, at, payload = 0;
    u8 *input = load(names[0], &n), header[HEADER], *out = map(WORST, -1);
    i64 parameter = golf_parameter(n);
    u8 *arena = map(golf_arena_bytes(parameter), -1);
    i64 file = create(names[1]);
    for (at = 0; at < 7; at++) header[at] = magic[at];
    header[7] = parameter;
    golf_sha_start(sha);
    golf_sha_update(sha, input, n);
    golf_sha_end(sha, digest);
    for (at = 0; at < 32; at++) header[DIGEST_AT + at] = digest[at];
    put(file, header, HEADER);
    u8 *text = map(2 * n + 1000, -1);
    i64 size = n ? golf_forward(map(golf_transform_bytes(n), -1), input, n, text) : 0;
    golf_start(arena, parameter);
    for (at = 0; at < size; at += BLOCK) {
        done = golf_encode(arena, parameter, text + at, size - at < BLOCK ? size - at : BLOCK, out);
        put(file, out, done);
        payload += done;
    }
    done = golf_finish(arena, parameter, out);
    put(file, out, done);
    *(u64 *)(header + 8) = n;
    *(u64 *)(header + 16) = payload + done;
    hash(header, CHECK_AT);
    for (at = 0; at < 4; at++) header[CHECK_AT + at] = digest[at];
    if (call(LSEEK, file, 0, 0, 0, 0)) fail("cannot write output\n");
    put(file, header, HEADER);
    complete();
}
