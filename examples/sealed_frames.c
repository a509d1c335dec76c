/* Two members and a frame: sealed end to end, refused when changed, replayed or too old.
 *
 * The base key comes from somewhere both know; in a meeting it is the MLS exporter's
 * ("SFrame 1.0 Base Key", ""), new in each epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <conclave/sframe.h>

#define SUITE SFRAME_AES_256_GCM_SHA512_128
#define CAMERA 0 /* a context for each track and layer */
#define SECOND ((uint64_t)1000000)

#define MUST(call)                                                            \
    do {                                                                      \
        int must_rv = (call);                                                 \
        if (must_rv != 0) {                                                   \
            fprintf(stderr, "%s: %s\n", #call, conclave_error_text(must_rv)); \
            exit(EXIT_FAILURE);                                               \
        }                                                                     \
    } while (0)

static void enter_epoch(struct sframe_keys *k, uint64_t id, uint32_t leaf, uint64_t now_us)
{
    uint8_t base_key[32];
    memset(base_key, (int)id, sizeof base_key);
    struct sframe_epoch epoch = {.id = id,
                                 .base_key = bytes_of(base_key, sizeof base_key),
                                 .group_size = 2,
                                 .own_leaf = leaf,
                                 .change = SFRAME_SWITCH_NOW};
    MUST(sframe_keys_add_epoch(k, &epoch, now_us));
}

static void try_open(struct sframe_keys *k, const char *what, struct bytes frame, uint64_t now_us)
{
    uint8_t out[128];
    size_t n;
    struct sframe_info from;
    int rv = sframe_open(k, bytes_of(NULL, 0), frame, now_us, out, sizeof out, &n, &from);
    if (rv == 0)
        printf("%-28s leaf %u says \"%.*s\"\n", what, (unsigned)from.leaf, (int)n,
               (const char *)out);
    else
        printf("%-28s refused: %s\n", what, conclave_error_text(rv));
}

int main(void)
{
    struct sframe_keys *alice, *bob;
    uint8_t first[128], second[128], third[128];
    size_t first_n, second_n, third_n;
    MUST(sframe_keys_new(SUITE, 4, SFRAME_INSIDE, &alice));
    MUST(sframe_keys_new(SUITE, 4, SFRAME_INSIDE, &bob));
    enter_epoch(alice, 1, 0, 0);
    enter_epoch(bob, 1, 1, 0);

    MUST(sframe_seal(alice, CAMERA, bytes_of(NULL, 0), bytes_str("good morning"), 0, first,
                     sizeof first, &first_n));
    try_open(bob, "a frame", bytes_of(first, first_n), 0);
    try_open(bob, "the same once more", bytes_of(first, first_n), 0);
    try_open(alice, "reflected to its sender", bytes_of(first, first_n), 0);

    MUST(sframe_seal(alice, CAMERA, bytes_of(NULL, 0), bytes_str("how are you"), 0, second,
                     sizeof second, &second_n));
    second[second_n - 1] ^= 1;
    try_open(bob, "a frame with a bit changed", bytes_of(second, second_n), 0);
    second[second_n - 1] ^= 1;

    enter_epoch(alice, 2, 0, SECOND);
    MUST(sframe_seal(alice, CAMERA, bytes_of(NULL, 0), bytes_str("who joined?"), SECOND, third,
                     sizeof third, &third_n));
    try_open(bob, "a frame of the next epoch", bytes_of(third, third_n), SECOND);
    enter_epoch(bob, 2, 1, SECOND);
    try_open(bob, "held, and tried again", bytes_of(third, third_n), SECOND);
    try_open(bob, "of the last epoch, 3 s late", bytes_of(second, second_n), 4 * SECOND);

    sframe_keys_free(alice);
    sframe_keys_free(bob);
    return 0;
}
