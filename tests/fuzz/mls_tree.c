/* Arbitrary bytes as a ratchet tree: read, hashed, validated, changed. What is read is written back
 * as it was; a tree is valid for one context only, so the context is made for the tree: all checks
 * behind the tree hash are reached. */
#include "fuzz/fuzz.h"
#include "fuzz/mls_stage.h"

#include "mls/client.h"
#include "mls/public_group.h"

/* Grows and shrinks a tree, after which it must still hash and be readable. */
static void change(struct mls_tree *t, struct crypto *c)
{
    struct buf written = {0};
    struct mls_tree again = {0};
    uint8_t hash[CRYPTO_HASH_MAX], hash_again[CRYPTO_HASH_MAX];
    uint32_t leaf;
    for (uint32_t i = 0; i < t->width; i += 3)
        if (mls_tree_leaf(t, i) != NULL && t->n_members > 1) {
            MUST_HOLD(mls_tree_blank_path(t, i) == 0);
            MUST_HOLD(mls_tree_blank_leaf(t, i) == 0);
        }
    MUST_HOLD(mls_tree_truncate(t) == 0);
    MUST_HOLD(mls_tree_root_hash(t, c, hash) == 0);
    mls_tree_write(t, &written);
    struct reader r = reader_of(buf_view(&written));
    MUST_HOLD(mls_tree_init(&again, c) == 0);
    MUST_HOLD(mls_tree_read(&again, &r) == 0 && reader_end(&r) == 0);
    MUST_HOLD(mls_tree_root_hash(&again, c, hash_again) == 0);
    MUST_HOLD(bytes_equal(bytes_of(hash, t->nh), bytes_of(hash_again, t->nh)));
    MUST_HOLD(mls_tree_next_leaf(t, &leaf) == 0);
    mls_tree_fini(&again);
    buf_free(&written);
}

static void validate(struct bytes bytes, struct mls_tree *t, struct crypto *c)
{
    const struct stage *s = stage();
    uint8_t hash[CRYPTO_HASH_MAX];
    struct mls_tree loaded = {0};
    struct mls_public_group g = {
        .crypto = c, .callbacks = s->callbacks, .policy = mls_policy_default()};
    MUST_HOLD(mls_tree_root_hash(t, c, hash) == 0);
    struct mls_context context = {.suite = STAGE_SUITE,
                                  .group_id = bytes_str("stage"),
                                  .epoch = 1,
                                  .tree_hash = bytes_of(hash, t->nh)};
    int structure = mls_tree_check_structure(t, c);
    int parents = mls_tree_verify_parent_hashes(t, c);
    int rv = mls_tree_load(&g, &context, bytes, STAGE_NOW, &loaded);
    MUST_HOLD(rv != CONCLAVE_ETREEHASH);
    MUST_HOLD(rv != 0 || (structure == 0 && parents == 0));
    if (rv == 0)
        mls_tree_fini(&loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crypto *c = stage()->client[0]->crypto;
    struct mls_tree t = {0};
    struct buf written = {0};
    struct reader r = reader_of(bytes_of(data, size));
    stage_seed(3);
    MUST_HOLD(mls_tree_init(&t, c) == 0);
    if (mls_tree_read(&t, &r) == 0 && reader_end(&r) == 0) {
        mls_tree_write(&t, &written);
        MUST_HOLD(bytes_equal(buf_view(&written), bytes_of(data, size)));
        validate(bytes_of(data, size), &t, c);
        change(&t, c);
    }
    buf_free(&written);
    mls_tree_fini(&t);
    return 0;
}
