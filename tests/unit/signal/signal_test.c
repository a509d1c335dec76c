/* The messages between client and server: each goes and comes back, and what is no message is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signal/signal.h"
#include "support/alloc_fail.h"

static const uint8_t pattern[64] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct bytes hash32(void)
{
    return bytes_of(pattern, SIGNAL_HASH);
}

/* Lists of two elements each, for the messages that have lists. */
struct lists {
    struct buf entries, refs, presence;
};

static void lists_init(struct lists *l)
{
    const struct signal_entry a = {bytes_str("ref a"), bytes_str("package a"), 17};
    const struct signal_entry b = {bytes_str("ref b"), bytes_str(""), UINT64_MAX};
    *l = (struct lists){0};
    signal_put_entry(&l->entries, &a);
    signal_put_entry(&l->entries, &b);
    signal_put_ref(&l->refs, bytes_str("ref c"));
    signal_put_ref(&l->refs, bytes_str(""));
    signal_put_presence(&l->presence, (struct signal_presence){3, true});
    signal_put_presence(&l->presence, (struct signal_presence){UINT32_MAX, false});
}

static void lists_fini(struct lists *l)
{
    buf_free(&l->entries);
    buf_free(&l->refs);
    buf_free(&l->presence);
}

/* One message of every type, each of its fields set. */
static size_t all_messages(const struct lists *l, struct signal_message out[static 32])
{
    struct bytes body = bytes_str("body"), tree = bytes_str("tree"), sig = bytes_str("signature");
    struct bytes group = bytes_str("group"), entries = buf_view(&l->entries);
    const struct signal_message all[] = {
        {.type = SIGNAL_HELLO,
         .version = SIGNAL_VERSION,
         .number = bytes_str("0123456789"),
         .access = hash32()},
        {.type = SIGNAL_HELLO, .version = 0xfffe, .number = bytes_str("1")},
        {.type = SIGNAL_FOUND, .body = body, .tree = tree, .signature = sig},
        {.type = SIGNAL_KNOCK, .body = body, .signature = sig},
        {.type = SIGNAL_RESUME, .group_id = group, .leaf = 9, .epoch = 8, .signature = sig},
        {.type = SIGNAL_REJOIN, .group_id = group, .leaf = UINT32_MAX, .signature = sig},
        {.type = SIGNAL_PROPOSE, .body = body},
        {.type = SIGNAL_COMMIT, .body = body},
        {.type = SIGNAL_WELCOME, .epoch = UINT64_MAX, .body = body},
        {.type = SIGNAL_APP, .body = body},
        {.type = SIGNAL_INFO, .body = body},
        {.type = SIGNAL_REFUSE, .ref = hash32()},
        {.type = SIGNAL_COMPLAINT, .epoch = 7, .hash = hash32(), .reason = 62},
        {.type = SIGNAL_LEAVE},
        {.type = SIGNAL_MEDIA, .body = bytes_str("media")},
        {.type = SIGNAL_CHALLENGE,
         .version = 1,
         .nonce = bytes_of(pattern, SIGNAL_NONCE),
         .server_time = 1700000000,
         .running = true,
         .card = bytes_str("card")},
        {.type = SIGNAL_WAITING, .waiting = SIGNAL_WAIT_LOBBY},
        {.type = SIGNAL_LOBBY, .entries = entries, .refs = buf_view(&l->refs)},
        {.type = SIGNAL_JOINERS, .entries = entries},
        {.type = SIGNAL_PROPOSED, .body = body},
        {.type = SIGNAL_COMMITTED, .body = body},
        {.type = SIGNAL_REJECTED, .epoch = 5, .reason = 60},
        {.type = SIGNAL_WELCOMED, .body = body, .tree = tree},
        {.type = SIGNAL_APP_FROM, .body = body},
        {.type = SIGNAL_PRESENCE, .presence = buf_view(&l->presence)},
        {.type = SIGNAL_INFO_REQUEST},
        {.type = SIGNAL_INFO_OF, .body = body, .tree = tree},
        {.type = SIGNAL_TAKEN},
        {.type = SIGNAL_LIVE, .epoch = 4, .leaf = 3},
        {.type = SIGNAL_UNDONE, .epoch = 3, .leaf = 2},
        {.type = SIGNAL_FAULT, .reason = 2},
        {.type = SIGNAL_MEDIA_OF, .body = bytes_str("media")},
    };
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static void assert_bytes(struct bytes a, struct bytes b)
{
    assert_true(bytes_equal(a, b));
}

static void assert_same(const struct signal_message *a, const struct signal_message *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->version, b->version);
    assert_bytes(a->number, b->number);
    assert_bytes(a->access, b->access);
    assert_bytes(a->nonce, b->nonce);
    assert_int_equal(a->server_time, b->server_time);
    assert_int_equal(a->running, b->running);
    assert_bytes(a->card, b->card);
    assert_bytes(a->body, b->body);
    assert_bytes(a->tree, b->tree);
    assert_bytes(a->signature, b->signature);
    assert_bytes(a->group_id, b->group_id);
    assert_int_equal(a->leaf, b->leaf);
    assert_int_equal(a->epoch, b->epoch);
    assert_bytes(a->ref, b->ref);
    assert_bytes(a->hash, b->hash);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->waiting, b->waiting);
    assert_bytes(a->entries, b->entries);
    assert_bytes(a->refs, b->refs);
    assert_bytes(a->presence, b->presence);
}

/* Runs a check over one encoded message of every type. */
static void for_every_message(void (*check)(const struct signal_message *m, struct bytes frame))
{
    struct signal_message all[32];
    struct lists lists;
    lists_init(&lists);
    size_t n = all_messages(&lists, all);
    for (size_t i = 0; i < n; i++) {
        struct buf frame = {0};
        assert_int_equal(signal_write(&all[i], &frame), 0);
        check(&all[i], buf_view(&frame));
        buf_free(&frame);
    }
    lists_fini(&lists);
}

static void comes_back(const struct signal_message *m, struct bytes frame)
{
    struct signal_message back;
    assert_int_equal(frame.p[0], m->type);
    assert_int_equal(signal_read(frame, &back), 0);
    assert_same(m, &back);
}

static void every_message_comes_back_as_it_went(void **state)
{
    (void)state;
    for_every_message(comes_back);
}

static bool ends_in_any_size(enum signal_type type)
{
    switch (type) {
    case SIGNAL_HELLO:
    case SIGNAL_COMPLAINT:
    case SIGNAL_LEAVE:
    case SIGNAL_WAITING:
    case SIGNAL_LOBBY:
    case SIGNAL_JOINERS:
    case SIGNAL_REJECTED:
    case SIGNAL_PRESENCE:
    case SIGNAL_INFO_REQUEST:
    case SIGNAL_TAKEN:
    case SIGNAL_LIVE:
    case SIGNAL_UNDONE:
    case SIGNAL_FAULT:
        return false;
    default:
        return true;
    }
}

static void has_a_head_if_its_end_may_be_elsewhere(const struct signal_message *m,
                                                   struct bytes frame)
{
    struct buf head = {0};
    buf_put(&head, bytes_str("before"));
    if (!ends_in_any_size(m->type)) {
        assert_int_equal(signal_write_head(m, &head), CONCLAVE_EINVAL);
        assert_bytes(buf_view(&head), bytes_str("before"));
    } else {
        struct signal_message back;
        assert_int_equal(signal_write_head(m, &head), 0);
        size_t n = head.n - 6;
        assert_true(n < frame.n);
        assert_memory_equal(head.p + 6, frame.p, n);
        assert_int_equal(signal_read(frame, &back), 0);
        const struct bytes ends[] = {back.body, back.tree, back.signature, back.card, back.ref};
        size_t found = 0;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
            found += ends[i].p == frame.p + n && ends[i].n == frame.n - n;
        assert_int_equal(found, 1);
    }
    buf_free(&head);
}

static void the_end_of_a_frame_may_be_kept_elsewhere(void **state)
{
    (void)state;
    for_every_message(has_a_head_if_its_end_may_be_elsewhere);
}

/* Each cut is a copy of its own size, so that reading beyond it is seen. */
static void is_refused_if_cut(const struct signal_message *m, struct bytes frame)
{
    (void)m;
    for (size_t n = 0; n < frame.n; n++) {
        struct signal_message back = {.leaf = 77};
        uint8_t *cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, frame.p, n);
        assert_int_equal(signal_read(bytes_of(cut, n), &back), CONCLAVE_ESYNTAX);
        assert_int_equal(back.leaf, 77);
        free(cut);
    }
}

static void every_truncation_is_refused_and_leaves_the_output_alone(void **state)
{
    (void)state;
    for_every_message(is_refused_if_cut);
}

static void is_refused_with_a_tail(const struct signal_message *m, struct bytes frame)
{
    struct signal_message back;
    struct buf longer = {0};
    buf_put(&longer, frame);
    buf_put_zero(&longer, 1);
    int rv = signal_read(buf_view(&longer), &back);
    assert_int_equal(rv, frame.n == signal_limit(m->type) ? CONCLAVE_ELIMIT : CONCLAVE_ESYNTAX);
    buf_free(&longer);
}

static void bytes_after_a_message_are_refused(void **state)
{
    (void)state;
    for_every_message(is_refused_with_a_tail);
}

static void a_type_that_is_not_in_the_list_is_no_message(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        uint8_t frame[1] = {(uint8_t)type};
        struct signal_message m = {.type = (enum signal_type)type}, back;
        struct buf out = {0};
        if (signal_limit(m.type) != 0)
            continue;
        assert_string_equal(signal_name(m.type), "?");
        assert_false(signal_from_client(m.type));
        assert_int_equal(signal_read(bytes_of(frame, 1), &back), CONCLAVE_ESYNTAX);
        assert_int_equal(signal_write(&m, &out), CONCLAVE_EINVAL);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

static void the_sides_have_types_of_their_own(void **state)
{
    (void)state;
    for (unsigned type = SIGNAL_HELLO; type <= SIGNAL_MEDIA; type++)
        assert_true(signal_from_client((enum signal_type)type));
    for (unsigned type = SIGNAL_CHALLENGE; type <= SIGNAL_MEDIA_OF; type++)
        assert_false(signal_from_client((enum signal_type)type));
    assert_string_equal(signal_name(SIGNAL_HELLO), "HELLO");
    assert_string_equal(signal_name(SIGNAL_FAULT), "FAULT");
}

/* A frame of `total` bytes: type, and one opaque field that fills it. */
static void make_frame(enum signal_type type, size_t total, struct buf *out)
{
    struct signal_message m = {.type = type};
    uint8_t *content = calloc(1, total);
    assert_non_null(content);
    for (m.body = bytes_of(content, total - 5); m.body.n < total; m.body.n++) {
        buf_free(out);
        assert_int_equal(signal_write(&m, out), 0);
        if (out->n == total)
            break;
    }
    assert_int_equal(out->n, total);
    free(content);
}

static void a_frame_may_be_as_large_as_its_limit_and_no_larger(void **state)
{
    static const enum signal_type types[] = {SIGNAL_APP, SIGNAL_PROPOSE, SIGNAL_COMMIT,
                                             SIGNAL_APP_FROM};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct signal_message back;
        struct buf frame = {0};
        size_t limit = signal_limit(types[i]);
        make_frame(types[i], limit, &frame);
        assert_int_equal(signal_read(buf_view(&frame), &back), 0);
        buf_put_zero(&frame, 1);
        assert_int_equal(signal_read(buf_view(&frame), &back), CONCLAVE_ELIMIT);

        struct signal_message larger = {.type = types[i],
                                        .body = bytes_of(frame.p, back.body.n + 1)};
        struct buf out = {0};
        buf_put(&out, bytes_str("before"));
        assert_int_equal(signal_write(&larger, &out), CONCLAVE_ELIMIT);
        assert_int_equal(signal_write_head(&larger, &out), CONCLAVE_ELIMIT);
        larger.body.n = limit + 1;
        larger.body.p = frame.p; /* never read: the size alone is refused */
        assert_int_equal(signal_write(&larger, &out), CONCLAVE_ELIMIT);
        assert_int_equal(signal_write_head(&larger, &out), CONCLAVE_ELIMIT);
        assert_bytes(buf_view(&out), bytes_str("before"));
        buf_free(&out);
        buf_free(&frame);
    }
}

static void fields_of_one_size_have_that_size(void **state)
{
    const struct signal_message wrong[] = {
        {.type = SIGNAL_HELLO, .access = bytes_of(pattern, SIGNAL_HASH - 1)},
        {.type = SIGNAL_HELLO, .access = bytes_of(pattern, SIGNAL_HASH + 1)},
        {.type = SIGNAL_COMPLAINT},
        {.type = SIGNAL_COMPLAINT, .hash = bytes_of(pattern, SIGNAL_HASH - 1)},
        {.type = SIGNAL_COMPLAINT, .hash = bytes_of(pattern, SIGNAL_HASH + 1)},
        {.type = SIGNAL_CHALLENGE},
        {.type = SIGNAL_CHALLENGE, .nonce = bytes_of(pattern, SIGNAL_NONCE + 1)},
        {.type = SIGNAL_LOBBY, .entries = bytes_str("\x05no list")},
        {.type = SIGNAL_LOBBY, .refs = bytes_str("\x05no")},
        {.type = SIGNAL_JOINERS, .entries = bytes_str("\x05no list")},
        {.type = SIGNAL_PRESENCE, .presence = bytes_str("four")},
        {.type = SIGNAL_PRESENCE, .presence = bytes_str("leaf\x02")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf out = {0};
        assert_int_equal(signal_write(&wrong[i], &out), CONCLAVE_EINVAL);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

/* The same by hand, since the writer refuses to make them. */
static void frames_with_such_fields_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } wrong[] = {
#define FRAME(literal) {literal, sizeof(literal) - 1}
        FRAME("\x01\x00\x01\x00\x01x"),         /* HELLO, access of one byte */
        FRAME("\x0c\0\0\0\0\0\0\0\0\x01x\0\0"), /* COMPLAINT, a hash of one byte */
        FRAME("\x42\x03\x05no\x00"),            /* LOBBY, an entry cut off */
        FRAME("\x42\x00\x02\x05x"),             /* LOBBY, a ref cut off */
        FRAME("\x43\x01\x00"),                  /* JOINERS, an entry without a time */
        FRAME("\x49\x04\0\0\0\1"),              /* PRESENCE, a leaf alone */
        FRAME("\x49\x05\0\0\0\1\2"),            /* PRESENCE, neither here nor gone */
        FRAME("\x49\x40\x05\0\0\0\1\1"),        /* a length in a longer form */
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct signal_message back;
        assert_int_equal(signal_read(bytes_of(wrong[i].p, wrong[i].n), &back), CONCLAVE_ESYNTAX);
    }
}

static void lists_are_walked_from_their_first_to_their_last(void **state)
{
    struct lists lists;
    struct signal_entry entry;
    struct signal_presence change;
    struct bytes ref;
    (void)state;
    lists_init(&lists);
    struct bytes rest = buf_view(&lists.entries);
    assert_true(signal_next_entry(&rest, &entry));
    assert_bytes(entry.ref, bytes_str("ref a"));
    assert_bytes(entry.key_package, bytes_str("package a"));
    assert_int_equal(entry.since, 17);
    assert_true(signal_next_entry(&rest, &entry));
    assert_bytes(entry.ref, bytes_str("ref b"));
    assert_int_equal(entry.key_package.n, 0);
    assert_false(signal_next_entry(&rest, &entry));

    rest = buf_view(&lists.refs);
    assert_true(signal_next_ref(&rest, &ref));
    assert_bytes(ref, bytes_str("ref c"));
    assert_true(signal_next_ref(&rest, &ref));
    assert_int_equal(ref.n, 0);
    assert_false(signal_next_ref(&rest, &ref));

    rest = buf_view(&lists.presence);
    assert_true(signal_next_presence(&rest, &change));
    assert_int_equal(change.leaf, 3);
    assert_true(change.connected);
    assert_true(signal_next_presence(&rest, &change));
    assert_int_equal(change.leaf, UINT32_MAX);
    assert_false(change.connected);
    assert_false(signal_next_presence(&rest, &change));
    lists_fini(&lists);
}

static void what_is_signed_names_the_nonce_the_type_and_the_subject(void **state)
{
    struct buf out = {0};
    (void)state;
    assert_int_equal(signal_connect_tbs(hash32(), SIGNAL_KNOCK, bytes_str("subject"), &out), 0);
    assert_int_equal(out.n, SIGNAL_NONCE + 1 + 1 + 7);
    assert_memory_equal(out.p, pattern, SIGNAL_NONCE);
    assert_memory_equal(out.p + SIGNAL_NONCE, "\x03\x07subject", 9);
    buf_clear(&out);
    assert_int_equal(
        signal_connect_tbs(bytes_of(pattern, 31), SIGNAL_KNOCK, bytes_str("subject"), &out),
        CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static int write_one(void *ctx)
{
    struct signal_message m = {.type = SIGNAL_FOUND, .body = bytes_of(pattern, 64)};
    struct buf out = {0};
    (void)ctx;
    m.tree = m.signature = m.body;
    int rv = signal_write(&m, &out);
    if (rv != 0) {
        assert_int_equal(out.n, 0);
        assert_int_equal(buf_check(&out), 0);
    }
    buf_free(&out);
    return rv;
}

static void without_memory_nothing_is_written(void **state)
{
    (void)state;
    assert_true(alloc_sweep(write_one, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_went),
        cmocka_unit_test(the_end_of_a_frame_may_be_kept_elsewhere),
        cmocka_unit_test(every_truncation_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(bytes_after_a_message_are_refused),
        cmocka_unit_test(a_type_that_is_not_in_the_list_is_no_message),
        cmocka_unit_test(the_sides_have_types_of_their_own),
        cmocka_unit_test(a_frame_may_be_as_large_as_its_limit_and_no_larger),
        cmocka_unit_test(fields_of_one_size_have_that_size),
        cmocka_unit_test(frames_with_such_fields_are_refused),
        cmocka_unit_test(lists_are_walked_from_their_first_to_their_last),
        cmocka_unit_test(what_is_signed_names_the_nonce_the_type_and_the_subject),
        cmocka_unit_test(without_memory_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
