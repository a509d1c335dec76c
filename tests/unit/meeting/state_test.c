/* The meeting's state and the extensions it travels in: each goes and comes back, and what section
 * 3 of docs/PROTOCOL.md does not say is refused. */
#include "support/meeting_world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "meeting/state.h"
#include "support/alloc_fail.h"
#include "wire/writer.h"

#define NONE bytes_of(NULL, 0)

/* ---- Lists ---- */

static void a_list_has_what_was_put_into_it_once(void **state)
{
    struct buf one = {0}, two = {0}, again = {0}, less = {0}, none = {0};
    struct bytes a = bytes_str("a@company.com"), b = bytes_str("b@company.com");
    (void)state;
    assert_int_equal(meeting_list_with(NONE, a, &one), 0);
    assert_int_equal(meeting_list_with(buf_view(&one), b, &two), 0);
    assert_int_equal(meeting_list_with(buf_view(&two), a, &again), 0);
    assert_true(bytes_equal(buf_view(&two), buf_view(&again)));
    assert_true(meeting_list_has(buf_view(&two), a));
    assert_true(meeting_list_has(buf_view(&two), b));
    assert_false(meeting_list_has(buf_view(&one), b));
    assert_false(meeting_list_has(NONE, a));
    assert_int_equal(meeting_list_count(buf_view(&two)), 2);
    assert_int_equal(meeting_list_count(NONE), 0);
    assert_int_equal(meeting_list_without(buf_view(&two), b, &less), 0);
    assert_true(bytes_equal(buf_view(&less), buf_view(&one)));
    assert_int_equal(meeting_list_without(buf_view(&less), a, &none), 0);
    assert_int_equal(none.n, 0);
    buf_free(&one);
    buf_free(&two);
    buf_free(&again);
    buf_free(&less);
}

static int change_lists(void *ctx)
{
    struct buf one = {0}, less = {0};
    (void)ctx;
    int rv = meeting_list_with(NONE, bytes_str("a@company.com"), &one);
    if (rv == 0)
        rv = meeting_list_without(buf_view(&one), bytes_str("b@company.com"), &less);
    buf_free(&one);
    buf_free(&less);
    return rv;
}

static void a_list_that_cannot_be_made_is_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(change_lists, NULL), 2);
}

/* ---- The state ---- */

static void a_state_comes_back_and_no_part_of_it_does(void **state)
{
    struct buf cohosts = {0}, encoded = {0};
    struct meeting_state back = {.started_at = 77};
    (void)state;
    assert_int_equal(meeting_list_with(NONE, bytes_str("carol@company.com"), &cohosts), 0);
    const struct meeting_state s = {.locked = true,
                                    .ended = true,
                                    .started_at = MEETING_NOW,
                                    .cohosts = buf_view(&cohosts),
                                    .barred = buf_view(&cohosts)};
    assert_int_equal(meeting_state_write(&s, &encoded), 0);
    for (size_t n = 0; n < encoded.n; n++) {
        uint8_t *cut = malloc(n + 1); /* of its own size, so that reading beyond it is seen */
        assert_non_null(cut);
        memcpy(cut, encoded.p, n);
        assert_int_equal(meeting_state_read(bytes_of(cut, n), &back), CONCLAVE_ESYNTAX);
        free(cut);
    }
    assert_int_equal(back.started_at, 77);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &back), 0);
    assert_true(back.locked && back.ended);
    assert_int_equal(back.started_at, MEETING_NOW);
    assert_true(bytes_equal(back.cohosts, s.cohosts));
    assert_true(bytes_equal(back.barred, s.barred));
    assert_false(meeting_state_is_fresh(&back));
    buf_put_zero(&encoded, 1);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &back), CONCLAVE_ESYNTAX);
    buf_free(&encoded);
    buf_free(&cohosts);
}

static void a_fresh_state_is_open_and_empty(void **state)
{
    struct meeting_state s[5] = {{.started_at = MEETING_NOW}};
    (void)state;
    s[1].locked = true;
    s[2].ended = true;
    s[3].cohosts = bytes_str("x");
    s[4].barred = bytes_str("x");
    assert_true(meeting_state_is_fresh(&s[0]));
    for (size_t i = 1; i < 5; i++)
        assert_false(meeting_state_is_fresh(&s[i]));
}

static void states_outside_the_format_are_refused(void **state)
{
#define BYTES(literal) literal, sizeof(literal) - 1
#define TIME "\0\0\0\0\0\0\0\0"
    static const struct {
        const char *p;
        size_t n;
    } wrong[] = {
        {BYTES("\2\0" TIME "\0\0")},   /* neither locked nor unlocked */
        {BYTES("\0\2" TIME "\0\0")},   /* neither ended nor running */
        {BYTES("\0\0" TIME "\1\0\0")}, /* an empty co-host */
        {BYTES("\0\0" TIME "\6\5"
               "carol"
               "\0")}, /* one without a domain */
        {BYTES("\0\0" TIME "\10\7"
               "a@B.com"
               "\0")}, /* in another spelling */
        {BYTES("\0\0" TIME "\20\7"
               "a@b.com"
               "\7"
               "a@b.com"
               "\0")},                  /* twice */
        {BYTES("\0\0" TIME "\2\5x\0")}, /* cut off */
        {BYTES("\0\0" TIME "\0\1\0")},  /* nobody is barred */
        {BYTES("\0\0" TIME "\0\2\5x")},
    };
    struct meeting_state s;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(meeting_state_read(bytes_of(wrong[i].p, wrong[i].n), &s),
                         CONCLAVE_ESYNTAX);
}

/* n names of seven bytes, all different. */
static void many_names(size_t n, struct buf *out)
{
    char name[] = "aaa@b.cd";
    buf_clear(out);
    for (size_t i = 0; i < n; i++) {
        name[0] = (char)('a' + i % 26);
        name[1] = (char)('a' + i / 26 % 26);
        write_vec(out, bytes_str(name));
    }
}

static void encode_by_hand(struct bytes cohosts, struct bytes barred, struct buf *out)
{
    buf_clear(out);
    buf_put_zero(out, 10);
    write_vec(out, cohosts);
    write_vec(out, barred);
}

static void lists_have_limits(void **state)
{
    struct buf names = {0}, encoded = {0}, out = {0};
    struct meeting_state s = {0};
    (void)state;
    many_names(MEETING_COHOSTS_MAX, &names);
    encode_by_hand(buf_view(&names), NONE, &encoded);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &s), 0);
    many_names(MEETING_COHOSTS_MAX + 1, &names);
    encode_by_hand(buf_view(&names), NONE, &encoded);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &s), CONCLAVE_ELIMIT);
    s = (struct meeting_state){.cohosts = buf_view(&names)};
    assert_int_equal(meeting_state_write(&s, &out), CONCLAVE_EINVAL);
    many_names(MEETING_BARRED_MAX, &names);
    encode_by_hand(NONE, buf_view(&names), &encoded);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &s), 0);
    many_names(MEETING_BARRED_MAX + 1, &names);
    encode_by_hand(NONE, buf_view(&names), &encoded);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &s), CONCLAVE_ELIMIT);
    s = (struct meeting_state){.barred = buf_view(&names)};
    assert_int_equal(meeting_state_write(&s, &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);

    buf_clear(&names);
    buf_clear(&encoded);
    buf_put_zero(&encoded, IDENTITY_NAME_MAX + 1);
    write_vec(&names, buf_view(&encoded));
    encode_by_hand(NONE, buf_view(&names), &encoded);
    assert_int_equal(meeting_state_read(buf_view(&encoded), &s), CONCLAVE_ESYNTAX);
    buf_free(&names);
    buf_free(&encoded);
    buf_free(&out);
}

static void the_verified_are_barred_by_name_and_others_by_key(void **state)
{
    struct identity bob = {.category = IDENTITY_EXTERNAL, .identifier = "bob@company.com"};
    struct identity guest = {.kind = IDENTITY_GUEST, .identifier = MEETING_GUEST};
    uint8_t hash[SHA256_SIZE];
    struct buf out = {0};
    (void)state;
    assert_int_equal(meeting_barred_entry(&bob, bytes_str("key"), &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_str("bob@company.com")));
    buf_clear(&out);
    assert_int_equal(crypto_sha256(bytes_str("key"), hash), 0);
    assert_int_equal(meeting_barred_entry(&guest, bytes_str("key"), &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(hash, sizeof hash)));
    buf_free(&out);
}

/* ---- Extensions ---- */

struct stage {
    struct meeting_world world;
    struct card *card;
    struct meeting_state state;
    struct meeting_extensions extensions;
};

static void stage_init(struct stage *g)
{
    meeting_world_init(&g->world);
    assert_int_equal(card_read(buf_view(&g->world.card), &g->card), 0);
    g->state = (struct meeting_state){.locked = true, .started_at = MEETING_NOW};
    assert_int_equal(meeting_extensions_init(&g->extensions, g->card, &g->state), 0);
}

static void stage_fini(struct stage *g)
{
    meeting_extensions_fini(&g->extensions);
    card_free(g->card);
    meeting_world_fini(&g->world);
}

/* The content of extensions<V>, as a GroupContext has it. */
static int check_list(const struct stage *g, const struct mls_extension *list, size_t n,
                      struct meeting_state *out)
{
    struct buf encoded = {0};
    for (size_t i = 0; i < n; i++) {
        write_u16(&encoded, list[i].type);
        write_vec(&encoded, list[i].data);
    }
    int rv = meeting_extensions_check(buf_view(&encoded), g->card, out);
    if (out->started_at == MEETING_NOW) /* views into what is freed here */
        out->cohosts = out->barred = NONE;
    buf_free(&encoded);
    return rv;
}

static void a_meetings_extensions_are_its_own(void **state)
{
    struct stage g;
    struct meeting_state back;
    (void)state;
    stage_init(&g);
    struct mls_extension list[5];
    memcpy(list, g.extensions.list, sizeof g.extensions.list);
    assert_int_equal(check_list(&g, list, 4, &back), 0);
    assert_true(back.locked);
    assert_int_equal(back.started_at, MEETING_NOW);
    struct mls_extension first = list[0];
    list[0] = list[3]; /* their order does not matter */
    list[3] = first;
    assert_int_equal(check_list(&g, list, 4, &back), 0);
    stage_fini(&g);
}

static void each_extension_must_be_there_once_and_as_it_should(void **state)
{
    struct stage g;
    struct meeting_state back = {0};
    (void)state;
    stage_init(&g);
    struct mls_extension list[5];
    memcpy(list, g.extensions.list, sizeof g.extensions.list);
    for (size_t i = 0; i < 4; i++) {
        struct mls_extension was = list[i];
        struct buf longer = {0};
        buf_put(&longer, was.data);
        buf_put_zero(&longer, 1);
        int error = was.type == MEETING_EXT_STATE ? CONCLAVE_ESYNTAX : CONCLAVE_EPOLICY;
        list[i].data.n--;
        assert_int_equal(check_list(&g, list, 4, &back), error);
        list[i].data = buf_view(&longer);
        assert_int_equal(check_list(&g, list, 4, &back), error);
        list[i] = list[(i + 1) % 4]; /* one missing, one twice */
        assert_int_equal(check_list(&g, list, 4, &back), CONCLAVE_EPOLICY);
        list[i] = was;
        list[4] = was;
        assert_int_equal(check_list(&g, list, 5, &back), CONCLAVE_EPOLICY);
        buf_free(&longer);
    }
    assert_int_equal(check_list(&g, list, 3, &back), CONCLAVE_EPOLICY);
    assert_int_equal(check_list(&g, list, 0, &back), CONCLAVE_EPOLICY);
    list[4] = (struct mls_extension){MEETING_EXT_NAME, NONE};
    assert_int_equal(check_list(&g, list, 5, &back), CONCLAVE_EPOLICY);
    assert_int_equal(meeting_extensions_check(bytes_str("\xf0"), g.card, &back), CONCLAVE_ESYNTAX);
    assert_int_equal(back.started_at, 0);
    stage_fini(&g);
}

static int make_and_check(void *ctx)
{
    const struct stage *g = ctx;
    struct meeting_extensions e;
    struct meeting_state back;
    struct buf encoded = {0};
    int rv = meeting_extensions_init(&e, g->card, &g->state);
    if (rv != 0)
        return rv;
    for (size_t i = 0; i < MEETING_EXTENSIONS; i++) {
        write_u16(&encoded, e.list[i].type);
        write_vec(&encoded, e.list[i].data);
    }
    rv = buf_check(&encoded);
    if (rv == 0)
        rv = meeting_extensions_check(buf_view(&encoded), g->card, &back);
    buf_free(&encoded);
    meeting_extensions_fini(&e);
    return rv;
}

static void extensions_report_every_failed_allocation(void **state)
{
    struct stage g;
    (void)state;
    stage_init(&g);
    assert_true(alloc_sweep(make_and_check, &g) > 0);
    stage_fini(&g);
}

static void a_state_that_cannot_be_written_makes_no_extensions(void **state)
{
    struct stage g;
    struct meeting_extensions e;
    (void)state;
    stage_init(&g);
    g.state.cohosts = bytes_str("no list");
    assert_int_equal(meeting_extensions_init(&e, g.card, &g.state), CONCLAVE_EINVAL);
    assert_null(e.data[0].p);
    stage_fini(&g);
}

static void a_group_id_begins_with_the_meetings(void **state)
{
    struct stage g;
    uint8_t id[MEETING_GROUP_ID + 1] = {0};
    (void)state;
    stage_init(&g);
    memcpy(id, card_terms(g.card)->meeting_id, CARD_ID);
    assert_true(meeting_group_is_of(g.card, bytes_of(id, MEETING_GROUP_ID)));
    id[MEETING_GROUP_ID - 1] = 1;
    assert_true(meeting_group_is_of(g.card, bytes_of(id, MEETING_GROUP_ID)));
    assert_false(meeting_group_is_of(g.card, bytes_of(id, MEETING_GROUP_ID - 1)));
    assert_false(meeting_group_is_of(g.card, bytes_of(id, MEETING_GROUP_ID + 1)));
    assert_false(meeting_group_is_of(g.card, NONE));
    id[CARD_ID - 1] ^= 1;
    assert_false(meeting_group_is_of(g.card, bytes_of(id, MEETING_GROUP_ID)));
    stage_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_what_was_put_into_it_once),
        cmocka_unit_test(a_list_that_cannot_be_made_is_reported),
        cmocka_unit_test(a_state_comes_back_and_no_part_of_it_does),
        cmocka_unit_test(a_fresh_state_is_open_and_empty),
        cmocka_unit_test(states_outside_the_format_are_refused),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(the_verified_are_barred_by_name_and_others_by_key),
        cmocka_unit_test(a_meetings_extensions_are_its_own),
        cmocka_unit_test(each_extension_must_be_there_once_and_as_it_should),
        cmocka_unit_test(extensions_report_every_failed_allocation),
        cmocka_unit_test(a_state_that_cannot_be_written_makes_no_extensions),
        cmocka_unit_test(a_group_id_begins_with_the_meetings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
