/* Arbitrary bytes for everything that takes bytes from outside. The first byte says what they are
 * taken for, or that they are changes to a good message. Whoever refuses them has not changed. */
#include "fuzz/fuzz.h"
#include "fuzz/mls_stage.h"

#include "mls/framing_private.h"
#include "mls/group_info.h"
#include "mls/key_package.h"
#include "mls/welcome.h"

#define NOTHING bytes_of(NULL, 0)

static int receive(struct bytes message)
{
    struct mls_group *g = stage_member(1);
    struct buf before = {0}, after = {0};
    struct mls_received r;
    MUST_HOLD(mls_group_save(g, NOTHING, &before) == 0);
    int rv = mls_group_receive(g, message, STAGE_NOW, &r);
    if (rv == 0) {
        if (r.kind == MLS_RECEIVED_COMMIT)
            rv = mls_group_merge(g, mls_received_take(&r));
        mls_received_free(&r);
    } else {
        MUST_HOLD(mls_group_save(g, NOTHING, &after) == 0);
        MUST_HOLD(bytes_equal(buf_view(&before), buf_view(&after)));
    }
    buf_free(&before);
    buf_free(&after);
    mls_group_free(g);
    return rv;
}

static int receive_outside(struct bytes message)
{
    const struct stage *s = stage();
    struct mls_public_group *g = NULL;
    struct mls_received r;
    MUST_HOLD(mls_public_group_restore(STAGE_SUITE, &s->callbacks, NULL, buf_view(&s->public_saved),
                                       &g) == 0);
    int rv = mls_public_group_receive(g, message, STAGE_NOW, &r);
    if (rv == 0) {
        if (r.kind == MLS_RECEIVED_COMMIT)
            MUST_HOLD(mls_public_group_merge(g, mls_received_take(&r)) == 0);
        mls_received_free(&r);
    }
    mls_public_group_free(g);
    return rv;
}

static int join(struct bytes welcome)
{
    struct mls_key_package *kp = stage_key_package();
    struct mls_group *g = NULL;
    struct buf slice = {0};
    struct bytes ref;
    struct mls_welcome_walk walk, one;
    int rv = mls_group_join(stage()->client[STAGE_MEMBERS], welcome, NOTHING, kp, NULL, 0,
                            STAGE_NOW, &g);
    MUST_HOLD(rv == 0 || g == NULL);
    if (mls_welcome_open(welcome, &walk) == 0)
        for (size_t left = walk.count; left > 0; left--) {
            MUST_HOLD(mls_welcome_next(&walk, &ref, &slice) == 0);
            MUST_HOLD(mls_welcome_open(buf_view(&slice), &one) == 0 && one.count == 1);
        }
    (void)mls_welcome_is_for(welcome, kp);
    buf_free(&slice);
    mls_group_free(g);
    mls_key_package_free(kp);
    return rv;
}

static int look_at_info(struct bytes info)
{
    const struct stage *s = stage();
    struct mls_public_group *g = NULL;
    struct mls_group *joining = NULL;
    struct buf commit = {0};
    if (mls_public_group_new(STAGE_SUITE, &s->callbacks, NULL, info, buf_view(&s->tree), STAGE_NOW,
                             &g) == 0)
        mls_public_group_free(g);
    int rv = mls_group_join_external(s->client[STAGE_MEMBERS], info, buf_view(&s->tree),
                                     MLS_NO_LEAF, NULL, 0, STAGE_NOW, &joining, &commit);
    MUST_HOLD(rv == 0 || (commit.n == 0 && joining == NULL));
    mls_group_free(joining);
    buf_free(&commit);
    return rv;
}

static int look_at_key_package(struct bytes message)
{
    struct mls_client *c = stage()->client[0];
    struct mls_group *g = stage_member(0);
    struct mls_member member;
    struct mls_change add = mls_add(message);
    struct buf ref = {0}, commit = {0};
    uint16_t suite, preferred = STAGE_SUITE;
    int rv = mls_key_package_inspect(c, message, STAGE_NOW, &member, &ref);
    (void)(mls_choose_suite(&preferred, 1, &message, 1, &suite) == 0);
    /* what cannot be looked at cannot be added */
    MUST_HOLD(mls_group_commit(g, &add, 1, NULL, STAGE_NOW, &commit) != 0 || rv == 0);
    buf_free(&ref);
    buf_free(&commit);
    mls_group_free(g);
    return rv;
}

/* The readers of single structs, which real messages reach only behind a signature. */
static int parse(struct bytes b)
{
    int error = 0;
    struct reader r = reader_of(b);
    struct mls_proposal proposal;
    struct mls_commit_view commit;
    struct mls_group_info_view info;
    struct mls_group_secrets secrets;
    struct mls_authenticated content;
    struct mls_private_message private_message;
    struct mls_proposal_info described = {.type = 0};
    mls_proposal_read(&r, &proposal, &error);
    if (reader_end(&r) == 0)
        mls_proposal_describe(&proposal, &described);
    r = reader_of(b);
    mls_commit_read(&r, &commit, &error);
    r = reader_of(b);
    mls_group_info_read(&r, &info, &error);
    r = reader_of(b);
    mls_group_secrets_read(&r, &secrets);
    r = reader_of(b);
    mls_authenticated_read(&r, &content, &error);
    (void)(mls_private_message_parse(b, &private_message) == 0);
    return error;
}

static int peek(struct bytes message)
{
    enum mls_wire_format kind;
    struct bytes group_id, rest = message, der;
    uint64_t epoch;
    int rv = mls_message_peek(message, &kind, &group_id, &epoch);
    while (mls_certificate_next(&rest, &der)) {
    }
    MUST_HOLD(mls_extension_find(message, MLS_EXT_EXTERNAL_PUB, &der) <= 0);
    return rv;
}

/* A good message of the stage, changed or not, for whom it is meant. */
static void edited(uint8_t which, struct bytes edits)
{
    const struct stage *s = stage();
    const struct {
        const struct buf *message;
        int (*taker)(struct bytes);
    } good[] = {{&s->application, receive},
                {&s->proposal, receive},
                {&s->private_commit, receive},
                {&s->proposal, receive_outside},
                {&s->welcome, join},
                {&s->group_info, look_at_info},
                {&s->commit, receive_outside},
                {&s->key_package_message, look_at_key_package},
                {&s->commit, peek}};
    struct buf message = {0};
    size_t i = which % (sizeof good / sizeof good[0]);
    stage_edit(good[i].message, edits, &message);
    int rv = good[i].taker(buf_view(&message));
    /* what nobody has touched is taken; a commit refers to a proposal that is not there */
    MUST_HOLD(edits.n >= 3 || rv == (i == 6 ? CONCLAVE_EUNKNOWNREF : 0));
    buf_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const takers[])(struct bytes) = {
        receive, receive_outside, join, look_at_info, look_at_key_package, parse, peek};
    (void)stage();
    stage_seed(2);
    if (size >= 2 && data[0] >= 0x80)
        edited(data[1], bytes_of(data + 2, size - 2));
    else if (size != 0)
        (void)takers[data[0] % (sizeof takers / sizeof takers[0])](bytes_of(data + 1, size - 1));
    return 0;
}
