/* Saves and deltas that are not what was written. The first byte says which part of the state is
 * the input's. What restore lets pass must be a group that works or refuses, and saves again. */
#include "fuzz/fuzz.h"
#include "fuzz/mls_stage.h"

#define NOTHING bytes_of(NULL, 0)

/* A group out of nowhere takes messages, and makes some. */
static void use(struct mls_group *g)
{
    const struct stage *s = stage();
    const struct buf *messages[] = {&s->application, &s->proposal, &s->private_commit, &s->commit};
    struct buf out = {0};
    struct mls_member m;
    uint8_t key[32];
    for (uint32_t i = 0; mls_group_next_member(g, &i, &m);) {
    }
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct mls_received r;
        if (mls_group_receive(g, buf_view(messages[i]), STAGE_NOW, &r) != 0)
            continue;
        if (r.kind == MLS_RECEIVED_COMMIT)
            (void)(mls_group_merge(g, mls_received_take(&r)) == 0);
        mls_received_free(&r);
    }
    (void)(mls_group_protect(g, NOTHING, bytes_str("text"), &out) == 0);
    (void)(mls_group_export(g, "label", NOTHING, sizeof key, key) == 0);
    (void)(mls_group_info(g, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &out) == 0);
    (void)(mls_group_merge_own(g, &out) == 0);
    (void)(mls_group_commit(g, NULL, 0, NULL, STAGE_NOW, &out) == 0);
    (void)(mls_group_merge_own(g, &out) == 0);
    buf_free(&out);
}

static void restore(struct bytes saved, const struct bytes *deltas, size_t n)
{
    struct mls_group *g = NULL, *again = NULL;
    struct mls_client *c = stage()->client[1];
    struct buf out = {0};
    if (mls_group_restore(c, NOTHING, saved, deltas, n, &g) != 0) {
        MUST_HOLD(g == NULL);
        return;
    }
    MUST_HOLD(mls_group_save(g, NOTHING, &out) == 0);
    if (mls_group_restore(c, NOTHING, buf_view(&out), NULL, 0, &again) == 0)
        mls_group_free(again);
    use(g);
    mls_group_free(g);
    buf_free(&out);
}

static void restore_others(uint8_t which, struct bytes saved)
{
    const struct stage *s = stage();
    struct mls_public_group *g = NULL;
    struct mls_key_package *kp = NULL;
    struct mls_received r;
    if (which == 0) {
        if (mls_key_package_restore(s->client[STAGE_MEMBERS], NOTHING, saved, &kp) == 0)
            mls_key_package_free(kp);
        return;
    }
    if (mls_public_group_restore(STAGE_SUITE, &s->callbacks, NULL, saved, &g) != 0)
        return;
    if (mls_public_group_receive(g, buf_view(&s->commit), STAGE_NOW, &r) == 0)
        mls_received_free(&r);
    mls_public_group_free(g);
}

/* So many good deltas, then the input; or a save, or what is not a group. */
static void take(size_t kind, struct bytes input)
{
    const struct stage *s = stage();
    struct bytes deltas[STAGE_DELTAS + 1];
    if (kind <= STAGE_DELTAS) {
        for (size_t i = 0; i < kind; i++)
            deltas[i] = buf_view(&s->deltas[i]);
        deltas[kind] = input;
        restore(buf_view(&s->saved[1]), deltas, kind + 1);
    } else if (kind == STAGE_DELTAS + 1) {
        restore(input, NULL, 0);
    } else {
        restore_others((uint8_t)(kind - STAGE_DELTAS - 2), input);
    }
}

/* With the high bit set the input is changes to what belongs there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct stage *s = stage();
    struct buf edited = {0};
    stage_seed(4);
    if (size == 0)
        return 0;
    size_t kind = data[0] % 0x80 % (STAGE_DELTAS + 4);
    struct bytes input = bytes_of(data + 1, size - 1);
    if (data[0] >= 0x80) {
        stage_edit(kind < STAGE_DELTAS        ? &s->deltas[kind]
                   : kind <= STAGE_DELTAS + 1 ? &s->saved[1]
                   : kind == STAGE_DELTAS + 2 ? &s->key_package
                                              : &s->public_saved,
                   input, &edited);
        input = buf_view(&edited);
    }
    take(kind, input);
    buf_free(&edited);
    return 0;
}
