/* RFC 9420 11.2 and 11.3: groups that succeed others, and Welcomes that only claim to. */
#include "mls/reinit.h"

#include <string.h>

#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* Members 0 to 2 of a group that has been reinitialised, or not. */
struct scene {
    struct world w;
    struct mls_group *next;
    struct mls_key_package *kp; /* of member 1, for the next group */
    struct buf welcome;
    struct forge_welcome f;
    uint8_t tag[64];
};

static void found_next(struct scene *s, bool branch)
{
    struct world *w = &s->w;
    s->kp = world_key_package(w, 1);
    struct bytes kps[2] = {mls_key_package_message(s->kp),
                           mls_key_package_message(world_key_package(w, 2))};
    int rv =
        branch
            ? mls_group_branch(w->actor[0].group, bytes_str("next"), kps, 2, WORLD_NOW, &s->next)
            : mls_group_reinit(w->actor[0].group, w->actor[0].client, kps, 2, WORLD_NOW, &s->next);
    assert_int_equal(rv, 0);
    assert_int_equal(mls_group_merge_own(s->next, &s->welcome), 0);
}

static void open_welcome(struct scene *s)
{
    struct buf plain = {0};
    struct mls_group_secrets secrets;
    struct secret psk = {0};
    forge_welcome_secrets(buf_view(&s->welcome), s->kp, &plain, &secrets);
    assert_int_equal(mls_psk_list_secret(s->w.actor[1].client, NULL, &s->w.actor[1].group, 1,
                                         secrets.psks, &psk),
                     0);
    forge_welcome_open(buf_view(&s->welcome), s->kp, s->w.actor[0].signer, &psk, &s->f);
    buf_free(&plain);
}

static void begin(struct scene *s, bool branch)
{
    *s = (struct scene){0};
    world_init(&s->w);
    world_group(&s->w, 3);
    struct mls_change reinit = mls_reinit(bytes_str("next"), 1, NULL, 0);
    if (!branch)
        world_commit(&s->w, 2, &reinit, 1);
    found_next(s, branch);
    open_welcome(s);
}

static void end(struct scene *s)
{
    mls_group_free(s->next);
    forge_welcome_free(&s->f);
    buf_free(&s->welcome);
    world_fini(&s->w);
}

static int join(struct scene *s, struct bytes welcome, size_t n_existing, struct mls_group **out)
{
    return mls_group_join(s->w.actor[1].client, welcome, bytes_of(NULL, 0), s->kp,
                          &s->w.actor[1].group, n_existing, WORLD_NOW, out);
}

/* The Welcome as changed, all that is derived made to fit. */
static void is_refused(struct scene *s, int error)
{
    struct mls_group *g = NULL;
    struct buf out = {0};
    struct buf before = world_state(s->w.actor[1].group);
    forge_welcome_confirm(&s->f, s->w.crypto, s->tag);
    forge_welcome(&s->f, s->kp, &out);
    assert_string_equal(conclave_error_name(join(s, buf_view(&out), 1, &g)),
                        conclave_error_name(error));
    assert_null(g);
    struct buf after = world_state(s->w.actor[1].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
    buf_free(&out);
}

static void is_taken(struct scene *s)
{
    struct mls_group *g = NULL;
    struct buf out = {0};
    forge_welcome_confirm(&s->f, s->w.crypto, s->tag);
    forge_welcome(&s->f, s->kp, &out);
    assert_int_equal(join(s, buf_view(&out), 1, &g), 0);
    assert_int_equal(mls_group_epoch(g), 1);
    assert_true(
        bytes_equal(mls_group_epoch_authenticator(g), mls_group_epoch_authenticator(s->next)));
    mls_group_free(g);
    buf_free(&out);
    end(s);
}

/* The one PSK of the Welcome. */
static struct mls_psk_id psk_of(const struct scene *s)
{
    struct mls_psk_id id;
    struct reader r = reader_of(s->f.secrets.psks);
    mls_psk_id_read(&r, &id);
    assert_int_equal(reader_end(&r), 0);
    return id;
}

/* The Welcome with other PSKs; the secret is made to fit if they can be found. */
static void set_psks(struct scene *s, const struct mls_psk_id *ids, size_t n, struct buf *list)
{
    buf_clear(list);
    for (size_t i = 0; i < n; i++)
        mls_psk_id_write(list, &ids[i]);
    s->f.secrets.psks = buf_view(list);
    assert_int_equal(mls_psk_list_secret(s->w.actor[1].client, NULL, &s->w.actor[1].group, 1,
                                         buf_view(list), &s->f.psk),
                     0);
}

/* RFC 9420 11.2-1..3, 12.4.1-10, 12.4.1-11, 8.4-4, 11.3-1 */
static void a_group_is_reinitialised(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, false);
    struct mls_psk_id id = psk_of(&s);
    assert_int_equal(id.type, PSK_RESUMPTION);
    assert_int_equal(id.usage, PSK_USAGE_REINIT);
    assert_true(bytes_equal(id.group_id, bytes_str("the group")));
    assert_int_equal(id.epoch, mls_group_epoch(s.w.actor[1].group));
    assert_int_equal(id.nonce.n, 32);
    is_taken(&s);
}

/* RFC 9420 11.3-1, 11.3-3 */
static void a_group_is_branched(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, true);
    assert_int_equal(psk_of(&s).usage, PSK_USAGE_BRANCH);
    assert_int_equal(psk_of(&s).nonce.n, 32);
    world_talks(&s.w); /* the old group goes on */
    is_taken(&s);
}

/* RFC 9420 12.4.3.1-23, 11.2-2, 11.3-3 */
static void its_epoch_is_one(void **state)
{
    (void)state;
    struct scene s;
    for (int branch = 0; branch < 2; branch++) {
        begin(&s, branch);
        s.f.info.context.epoch = 2;
        is_refused(&s, CONCLAVE_EREINIT);
        s.f.info.context.epoch = 0;
        is_refused(&s, CONCLAVE_EREINIT);
        s.f.info.context.epoch = 1;
        is_taken(&s);
    }
}

/* RFC 9420 12.4.3.1-25, 11.2-1 */
static void its_parameters_are_the_reinits(void **state)
{
    (void)state;
    struct scene s;
    struct buf extensions = {0};
    begin(&s, false);
    forge_extension(bytes_of(NULL, 0), MLS_EXT_APPLICATION_ID, bytes_str("x"), &extensions);
    s.f.info.context.extensions = buf_view(&extensions);
    is_refused(&s, CONCLAVE_EREINIT);
    s.f.info.context.extensions = bytes_of(NULL, 0);
    buf_free(&extensions);
    is_taken(&s);
}

/* RFC 9420 12.4.3.1-25: a version that this library does not speak */
static void its_version_is_the_reinits(void **state)
{
    (void)state;
    struct scene s;
    struct buf *reinit;
    struct mls_group *g = NULL;
    begin(&s, false);
    reinit = &s.w.actor[1].group->pub.reinit;
    size_t at = 2 + 1 + 4 + 1; /* type, "next" with its length, the low byte of the version */
    assert_int_equal(reinit->p[at], 1);
    reinit->p[at] = 2; /* as if a member had proposed it, and another committed */
    is_refused(&s, CONCLAVE_EREINIT);
    reinit->p[at] = 1;
    reinit = &s.w.actor[0].group->pub.reinit;
    reinit->p[at] = 2;
    assert_int_equal(
        mls_group_reinit(s.w.actor[0].group, s.w.actor[0].client, NULL, 0, WORLD_NOW, &g),
        CONCLAVE_EUNSUPPORTED);
    reinit->p[at] = 1;
    is_taken(&s);
}

/* RFC 9420 12.4.3.1-24 */
static void the_old_group_has_ended_with_a_reinit(void **state)
{
    (void)state;
    struct scene s;
    struct buf list = {0};
    begin(&s, true); /* a branch that calls itself a reinitialisation */
    struct mls_psk_id id = psk_of(&s);
    id.usage = PSK_USAGE_REINIT;
    set_psks(&s, &id, 1, &list);
    is_refused(&s, CONCLAVE_EREINIT);
    id.usage = PSK_USAGE_BRANCH;
    set_psks(&s, &id, 1, &list);
    is_taken(&s);
    buf_free(&list);
}

/* RFC 9420 12.4.3.1-6 */
static void there_is_one_such_psk(void **state)
{
    (void)state;
    struct scene s;
    struct buf list = {0}, keep = {0};
    uint8_t nonce[32] = {1};
    begin(&s, true);
    buf_put(&keep, s.f.secrets.psks);
    struct mls_psk_id ids[2] = {psk_of(&s), psk_of(&s)};
    ids[1].nonce = bytes_of(nonce, 32);
    set_psks(&s, ids, 2, &list);
    is_refused(&s, CONCLAVE_EPSK);
    /* one for the application beside it is no such PSK */
    ids[1].usage = PSK_USAGE_APPLICATION;
    set_psks(&s, ids, 2, &list);
    struct mls_group *g = NULL;
    struct buf out = {0};
    forge_welcome_confirm(&s.f, s.w.crypto, s.tag);
    forge_welcome(&s.f, s.kp, &out);
    assert_int_equal(join(&s, buf_view(&out), 1, &g), 0);
    mls_group_free(g);
    buf_free(&out);
    buf_free(&list);
    buf_free(&keep);
    end(&s);
}

/* RFC 9420 12.4.3.1-5, 12.4.2-17: who does not have the old group cannot tell, and does not join */
static void without_the_old_group_nobody_joins(void **state)
{
    (void)state;
    struct scene s;
    struct mls_group *g = NULL;
    begin(&s, false);
    assert_int_equal(join(&s, buf_view(&s.welcome), 0, &g), CONCLAVE_EPSK);
    assert_null(g);
    is_taken(&s);
}

/* A group of our own making, of members 0, 1 and one more or none, in disguise. */
static void disguise(struct scene *s, enum mls_psk_usage usage, const char *group_id,
                     size_t one_more)
{
    struct world *w = &s->w;
    struct buf commit = {0}, list = {0};
    uint8_t nonce[32] = {3};
    s->kp = world_key_package(w, 1);
    struct mls_change adds[2] = {mls_add(mls_key_package_message(s->kp))};
    if (one_more != 0)
        adds[1] = world_add(w, one_more);
    assert_int_equal(
        mls_group_new(w->actor[0].client, bytes_str(group_id), NULL, 0, WORLD_NOW, &s->next), 0);
    assert_int_equal(
        mls_group_commit(s->next, adds, one_more != 0 ? 2 : 1, NULL, WORLD_NOW, &commit), 0);
    assert_int_equal(mls_group_merge_own(s->next, &s->welcome), 0);
    forge_welcome_open(buf_view(&s->welcome), s->kp, w->actor[0].signer, NULL, &s->f);
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .usage = usage,
                            .group_id = bytes_str("the group"),
                            .epoch = mls_group_epoch(w->actor[1].group),
                            .nonce = bytes_of(nonce, 32)};
    set_psks(s, &id, 1, &list);
    is_refused(s, CONCLAVE_EREINIT);
    buf_free(&commit);
    buf_free(&list);
    end(s);
}

/* RFC 9420 12.4.3.1-26 */
static void a_reinitialised_group_leaves_nobody_behind(void **state)
{
    (void)state;
    struct scene s = {0};
    world_init(&s.w);
    world_group(&s.w, 3);
    struct mls_change reinit = mls_reinit(bytes_str("next"), 1, NULL, 0);
    world_commit(&s.w, 2, &reinit, 1);
    struct bytes one = mls_key_package_message(world_key_package(&s.w, 1));
    struct mls_group *g = NULL; /* the founder's own library refuses, too */
    assert_int_equal(
        mls_group_reinit(s.w.actor[0].group, s.w.actor[0].client, &one, 1, WORLD_NOW, &g),
        CONCLAVE_EREINIT);
    assert_null(g);
    disguise(&s, PSK_USAGE_REINIT, "next", 0); /* member 2 is missing */
}

/* RFC 9420 12.4.3.1-28, 11.3-4 */
static void a_branch_brings_no_strangers(void **state)
{
    (void)state;
    struct scene s = {0};
    world_init(&s.w);
    world_group(&s.w, 3);
    struct bytes stranger = mls_key_package_message(world_key_package(&s.w, world_actor(&s.w)));
    struct mls_group *g = NULL;
    assert_int_equal(
        mls_group_branch(s.w.actor[0].group, bytes_str("next"), &stranger, 1, WORLD_NOW, &g),
        CONCLAVE_EREINIT);
    assert_null(g);
    disguise(&s, PSK_USAGE_BRANCH, "next", 3);
}

/* RFC 9420 12.4.3.1-25, 11.2-1 */
static void a_reinitialised_group_has_the_reinits_group_id(void **state)
{
    (void)state;
    struct scene s = {0};
    world_init(&s.w);
    world_group(&s.w, 3);
    struct mls_change reinit = mls_reinit(bytes_str("next"), 1, NULL, 0);
    world_commit(&s.w, 2, &reinit, 1);
    disguise(&s, PSK_USAGE_REINIT, "elsewhere", 2);
}

/* RFC 9420 11.3-2, 12.4.3.1-27 */
static void a_branch_keeps_the_suite(void **state)
{
    (void)state;
    struct world old, w;
    struct mls_group *next = NULL, *g = NULL;
    struct buf commit = {0}, welcome = {0}, list = {0}, out = {0};
    struct forge_welcome f;
    uint8_t nonce[32] = {4}, tag[64];
    world_init_suite(&old, CRYPTO_X25519_CHACHA20POLY1305_SHA256_ED25519);
    world_group(&old, 2);
    world_init(&w);
    world_actor(&w);
    world_actor(&w);
    struct mls_change add = world_add(&w, 1);
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("next"), NULL, 0, WORLD_NOW, &next),
                     0);
    assert_int_equal(mls_group_commit(next, &add, 1, NULL, WORLD_NOW, &commit), 0);
    assert_int_equal(mls_group_merge_own(next, &welcome), 0);
    forge_welcome_open(buf_view(&welcome), w.packages[0], w.actor[0].signer, NULL, &f);
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .usage = PSK_USAGE_BRANCH,
                            .group_id = bytes_str("the group"),
                            .epoch = mls_group_epoch(old.actor[1].group),
                            .nonce = bytes_of(nonce, 32)};
    mls_psk_id_write(&list, &id);
    f.secrets.psks = buf_view(&list);
    assert_int_equal(mls_psk_list_secret(w.actor[1].client, NULL, &old.actor[1].group, 1,
                                         buf_view(&list), &f.psk),
                     0);
    forge_welcome_confirm(&f, w.crypto, tag);
    forge_welcome(&f, w.packages[0], &out);
    assert_int_equal(mls_group_join(w.actor[1].client, buf_view(&out), bytes_of(NULL, 0),
                                    w.packages[0], &old.actor[1].group, 1, WORLD_NOW, &g),
                     CONCLAVE_EREINIT);
    assert_null(g);
    forge_welcome_free(&f);
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&list);
    buf_free(&out);
    mls_group_free(next);
    world_fini(&old);
    world_fini(&w);
}

static void a_group_is_not_succeeded_before_its_end(void **state)
{
    (void)state;
    struct world w;
    struct mls_group *g = NULL;
    world_init(&w);
    world_group(&w, 2);
    struct bytes kp = mls_key_package_message(world_key_package(&w, 1));
    assert_int_equal(mls_group_reinit(w.actor[0].group, w.actor[0].client, &kp, 1, WORLD_NOW, &g),
                     CONCLAVE_ESTATE);
    assert_int_equal(
        mls_group_branch(w.actor[0].group, bytes_str("the group"), &kp, 1, WORLD_NOW, &g),
        CONCLAVE_EINVAL);
    assert_null(g);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_reinitialised),
        cmocka_unit_test(a_group_is_branched),
        cmocka_unit_test(its_epoch_is_one),
        cmocka_unit_test(its_parameters_are_the_reinits),
        cmocka_unit_test(its_version_is_the_reinits),
        cmocka_unit_test(the_old_group_has_ended_with_a_reinit),
        cmocka_unit_test(there_is_one_such_psk),
        cmocka_unit_test(without_the_old_group_nobody_joins),
        cmocka_unit_test(a_reinitialised_group_leaves_nobody_behind),
        cmocka_unit_test(a_branch_brings_no_strangers),
        cmocka_unit_test(a_reinitialised_group_has_the_reinits_group_id),
        cmocka_unit_test(a_branch_keeps_the_suite),
        cmocka_unit_test(a_group_is_not_succeeded_before_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
