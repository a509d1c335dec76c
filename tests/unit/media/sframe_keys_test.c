/* The keys of a group: who can open what, and until when. */
#include "media.h"

#include "sframe/keys.h"
#include "sframe/limits.h"
#include "support/alloc_fail.h"

#define SUITE SFRAME_AES_256_GCM_SHA512_128
#define BITS 4
#define GROUP 64
#define SECOND ((uint64_t)1000000)

static const uint8_t base_keys[20][48] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}};
static const uint8_t plain[] = "a frame of a camera that looks at nothing in particular";
static const uint8_t metadata[] = {1, 2, 3};

#define PLAIN bytes_of(plain, sizeof plain)
#define METADATA bytes_of(metadata, sizeof metadata)

static int add(struct sframe_keys *k, uint64_t id, uint32_t leaf, enum sframe_switch change,
               uint64_t now_us)
{
    struct sframe_epoch e = {id, bytes_of(base_keys[id % 20], 48), GROUP, leaf, change};
    return sframe_keys_add_epoch(k, &e, now_us);
}

/* A member with one epoch, at time 0. */
static struct sframe_keys *member_of(uint16_t suite, uint64_t id, uint32_t leaf)
{
    struct sframe_keys *k = NULL;
    assert_int_equal(sframe_keys_new(suite, BITS, SFRAME_INSIDE, &k), 0);
    assert_int_equal(add(k, id, leaf, SFRAME_SWITCH_NOW, 0), 0);
    return k;
}

static struct sframe_keys *member(uint64_t id, uint32_t leaf)
{
    return member_of(SUITE, id, leaf);
}

struct frame {
    uint8_t p[2048];
    size_t n;
};

static struct frame seal_at(struct sframe_keys *k, uint64_t context, uint64_t now_us)
{
    struct frame f = {.n = 0};
    assert_int_equal(sframe_seal(k, context, METADATA, PLAIN, now_us, f.p, sizeof f.p, &f.n), 0);
    return f;
}

static struct frame seal(struct sframe_keys *k)
{
    return seal_at(k, 0, 0);
}

static int skip_to(struct sframe_keys *k, uint64_t ctr)
{
    struct sframe_used used;
    int rv = sframe_keys_used(k, 0, 0, &used);
    used.ctr = ctr;
    return rv != 0 ? rv : sframe_keys_skip(k, 0, &used, 0);
}

static int open_at(struct sframe_keys *k, const struct frame *f, uint64_t now_us)
{
    uint8_t out[sizeof f->p];
    size_t n = 0;
    int rv = sframe_open(k, METADATA, bytes_of(f->p, f->n), now_us, out, sizeof out, &n, NULL);
    if (rv == 0)
        assert_true(bytes_equal(bytes_of(out, n), PLAIN));
    return rv;
}

static int open_frame(struct sframe_keys *k, const struct frame *f)
{
    return open_at(k, f, 0);
}

/* RFC 9605 5.2, figure 9: E = 4, S = 6 */
static void key_ids_are_those_of_the_rfc(void **state)
{
    static const struct {
        uint64_t epoch, context, kid;
        uint32_t leaf;
    } rows[] = {{14, 0, 0x3e, 3},  {14, 0, 0x7e, 7},   {14, 0, 0x14e, 20},
                {15, 0, 0x3f, 3},  {15, 0, 0x5f, 5},   {16, 2, 0x820, 2},
                {16, 3, 0xc20, 2}, {17, 0, 0x211, 33}, {17, 0, 0x331, 51}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sframe_keys *a = member(rows[i].epoch, rows[i].leaf), *b = member(rows[i].epoch, 0);
        struct frame f = seal_at(a, rows[i].context, 0);
        struct sframe_info info;
        uint8_t out[256];
        size_t n;
        assert_int_equal(
            sframe_open(b, METADATA, bytes_of(f.p, f.n), 0, out, sizeof out, &n, &info), 0);
        assert_true(info.kid == rows[i].kid && info.epoch == rows[i].epoch && info.ctr == 0 &&
                    info.context == rows[i].context && info.leaf == rows[i].leaf);
        sframe_keys_free(a);
        sframe_keys_free(b);
    }
}

static void every_suite_seals_what_it_opens_over_the_other_provider(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 8; suite++) {
        struct sframe_keys *a = member_of(suite, 1, 1), *b = NULL;
        assert_int_equal(keys_new_with(suite, BITS, SFRAME_INSIDE, AEAD_OPENSSL, &b), 0);
        assert_int_equal(add(b, 1, 2, SFRAME_SWITCH_NOW, 0), 0);
        for (int i = 0; i < 300; i++) {
            struct frame f = seal(a);
            assert_int_equal(open_frame(b, &f), 0);
        }
        sframe_keys_free(a);
        sframe_keys_free(b);
    }
    struct sframe_keys *k = NULL;
    assert_int_equal(sframe_keys_new(0, BITS, SFRAME_INSIDE, &k), CONCLAVE_ESUITE);
    assert_int_equal(sframe_keys_new(9, BITS, SFRAME_INSIDE, &k), CONCLAVE_ESUITE);
}

/* RFC 9605 4.4.4-1: and nothing has changed, so the right frame still opens */
static void any_flipped_bit_or_missing_byte_is_refused(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame good = seal(a), bad;
    (void)state;
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        bad = good;
        bad.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(open_frame(b, &bad), 0);
    }
    for (size_t n = 0; n < good.n; n++) {
        bad = good;
        bad.n = n;
        assert_int_not_equal(open_frame(b, &bad), 0);
    }
    assert_int_equal(b->table.n, 0); /* what did not open left no key behind */
    assert_int_equal(open_frame(b, &good), 0);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void other_metadata_is_refused_and_leaves_zeros(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a);
    uint8_t out[sizeof plain];
    size_t n = 77;
    (void)state;
    memset(out, 0xaa, sizeof out);
    assert_int_equal(
        sframe_open(b, bytes_of(metadata, 2), bytes_of(f.p, f.n), 0, out, sizeof out, &n, NULL),
        CONCLAVE_EDECRYPT);
    assert_true(all_zero(out, sizeof out));
    assert_int_equal(n, 77);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void frames_are_sealed_and_opened_wherever_the_buffers_overlap(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    (void)state;
    for (size_t from = 0; from < 100; from++) {
        uint8_t room[400] = {0};
        size_t n = 0;
        memcpy(room + from, plain, sizeof plain);
        assert_int_equal(sframe_seal(a, 0, METADATA, bytes_of(room + from, sizeof plain), 0,
                                     room + 40, sizeof room - 40, &n),
                         0);
        memmove(room + 50, room + 40, n);
        assert_int_equal(sframe_open(b, METADATA, bytes_of(room + 50, n), 0, room + from,
                                     sizeof room - from, &n, NULL),
                         0);
        assert_true(bytes_equal(bytes_of(room + from, n), PLAIN));
    }
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void metadata_may_lie_where_the_frame_goes(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    uint8_t room[200];
    size_t n = 0;
    (void)state;
    memcpy(room, metadata, sizeof metadata);
    memcpy(room + sizeof metadata, plain, sizeof plain);
    assert_int_equal(sframe_seal(a, 0, bytes_of(room, sizeof metadata),
                                 bytes_of(room + sizeof metadata, sizeof plain), 0, room,
                                 sizeof room, &n),
                     0);
    assert_int_equal(sframe_open(b, METADATA, bytes_of(room, n), 0, room, sizeof room, &n, NULL),
                     0);
    assert_true(bytes_equal(bytes_of(room, n), PLAIN));
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void an_empty_frame_and_the_longest_metadata_go_through(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    static uint8_t much[SFRAME_METADATA_MAX + 1];
    uint8_t out[SFRAME_OVERHEAD_MAX];
    size_t n = 0;
    (void)state;
    assert_int_equal(sframe_seal(a, 0, bytes_of(much, SFRAME_METADATA_MAX), bytes_of(NULL, 0), 0,
                                 out, sizeof out, &n),
                     0);
    assert_int_equal(sframe_open(b, bytes_of(much, SFRAME_METADATA_MAX), bytes_of(out, n), 0, out,
                                 sizeof out, &n, NULL),
                     0);
    assert_int_equal(n, 0);
    assert_int_equal(
        sframe_seal(a, 0, bytes_of(much, sizeof much), bytes_of(NULL, 0), 0, out, sizeof out, &n),
        CONCLAVE_EINVAL);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void a_frame_without_all_of_its_tag_or_without_room_is_refused_as_such(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a);
    uint8_t out[sizeof plain];
    size_t n = 0;
    (void)state;
    for (size_t cut = 2; cut < 2 + 16; cut++) /* two bytes of header */
        assert_int_equal(sframe_open(b, METADATA, bytes_of(f.p, cut), 0, out, sizeof out, &n, NULL),
                         CONCLAVE_ESYNTAX);
    assert_int_equal(
        sframe_open(b, METADATA, bytes_of(f.p, f.n), 0, out, sizeof plain - 1, &n, NULL),
        CONCLAVE_EBUFFER);
    assert_int_equal(sframe_open(b, METADATA, bytes_of(f.p, f.n), 0, out, sizeof plain, &n, NULL),
                     0);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void a_frame_opens_once(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame first = seal(a), second = seal(a), old = seal(a);
    (void)state;
    assert_int_equal(open_frame(b, &second), 0);
    assert_int_equal(open_frame(b, &first), 0);
    assert_int_equal(open_frame(b, &first), CONCLAVE_EREPLAY);
    assert_int_equal(open_frame(b, &second), CONCLAVE_EREPLAY);
    for (int i = 0; i < REPLAY_WINDOW; i++)
        first = seal(a);
    assert_int_equal(open_frame(b, &first), 0);
    assert_int_equal(open_frame(b, &old), CONCLAVE_EREPLAY);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

/* RFC 9605 4.4.1-2, 4.4.1-1, 9.2-1 and 4.1-1: a leaf's keys seal for that leaf alone */
static void ones_own_frames_do_not_open(void **state)
{
    struct sframe_keys *a = member(1, 1), *again = member(1, 1);
    struct frame f = seal(a);
    (void)state;
    assert_int_equal(open_frame(a, &f), CONCLAVE_ESENDER);
    assert_int_equal(open_frame(again, &f), CONCLAVE_ESENDER);
    sframe_keys_free(a);
    sframe_keys_free(again);
}

static void a_leaf_outside_the_group_is_refused(void **state)
{
    struct sframe_keys *k = NULL, *a = member(1, 40);
    struct sframe_epoch e = {1, bytes_of(base_keys[1], 48), 33, 2, SFRAME_SWITCH_NOW};
    struct frame f = seal(a);
    (void)state;
    assert_int_equal(sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &k), 0);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), 0);
    assert_int_equal(open_frame(k, &f), CONCLAVE_ESENDER);
    sframe_keys_free(a);
    sframe_keys_free(k);
}

static void without_an_epoch_nothing_is_sealed_and_no_key_is_known(void **state)
{
    struct sframe_keys *k = NULL, *a = member(1, 1);
    struct frame f = seal(a);
    uint64_t id;
    (void)state;
    assert_int_equal(sframe_keys_new(SUITE, 0, SFRAME_INSIDE, &k), CONCLAVE_EINVAL);
    assert_int_equal(sframe_keys_new(SUITE, SFRAME_EPOCH_BITS_MAX + 1, SFRAME_INSIDE, &k),
                     CONCLAVE_EINVAL);
    assert_int_equal(sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &k), 0);
    assert_int_equal(sframe_keys_sending(k, 0, &id), CONCLAVE_ESTATE);
    assert_int_equal(skip_to(k, 1), CONCLAVE_ESTATE);
    assert_int_equal(open_frame(k, &f), CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(sframe_seal(k, 0, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n), CONCLAVE_ESTATE);
    assert_true(sframe_keys_deadline(k) == UINT64_MAX);
    sframe_keys_free(a);
    sframe_keys_free(k);
}

static void a_frame_of_an_epoch_to_come_can_be_held(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f;
    (void)state;
    assert_int_equal(add(a, 2, 1, SFRAME_SWITCH_NOW, 0), 0);
    f = seal(a);
    assert_int_equal(open_frame(b, &f), CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(add(b, 2, 2, SFRAME_SWITCH_NOW, 0), 0);
    assert_int_equal(open_frame(b, &f), 0);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void after_joins_sending_changes_later_and_after_removals_at_once(void **state)
{
    struct sframe_keys *k = member(1, 1);
    uint64_t id = 0;
    (void)state;
    assert_int_equal(add(k, 2, 1, SFRAME_SWITCH_LATER, SECOND), 0);
    assert_int_equal(sframe_keys_sending(k, SECOND + SFRAME_SWITCH_DELAY_US - 1, &id), 0);
    assert_int_equal(id, 1);
    assert_true(sframe_keys_deadline(k) == SECOND + SFRAME_SWITCH_DELAY_US);
    assert_int_equal(sframe_keys_sending(k, SECOND + SFRAME_SWITCH_DELAY_US, &id), 0);
    assert_int_equal(id, 2);
    assert_int_equal(add(k, 3, 1, SFRAME_SWITCH_LATER, 2 * SECOND), 0);
    assert_int_equal(add(k, 4, 1, SFRAME_SWITCH_NOW, 2 * SECOND), 0);
    assert_int_equal(sframe_keys_sending(k, 2 * SECOND, &id), 0);
    assert_int_equal(id, 4);
    sframe_keys_free(k);
}

/* Whoever was removed at epoch 11 has the key of 10: nothing is sealed in it ever again, though the
 * epochs that follow drive 11 out before their own time to be sealed in has come. */
static void sending_never_goes_back_to_an_earlier_epoch(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 4; bits++) {
        struct sframe_keys *k = NULL;
        uint64_t id = 0, last = 11 + ((uint64_t)1 << bits);
        assert_int_equal(sframe_keys_new(SUITE, bits, SFRAME_INSIDE, &k), 0);
        assert_int_equal(add(k, 10, 1, SFRAME_SWITCH_NOW, 0), 0);
        assert_int_equal(add(k, 11, 1, SFRAME_SWITCH_NOW, SECOND), 0);
        assert_int_equal(add(k, last, 1, SFRAME_SWITCH_LATER, SECOND + 100000), 0);
        assert_int_equal(sframe_keys_sending(k, SECOND + 100000, &id), 0);
        assert_true(id == last);
        sframe_keys_free(k);
    }
}

/* E = 1: 12 drives out 10, which was sealed in; 11's time comes only after 12 has been used. */
static void an_epoch_whose_time_comes_after_a_later_one_was_used_is_passed_over(void **state)
{
    struct sframe_keys *k = NULL;
    (void)state;
    assert_int_equal(sframe_keys_new(SUITE, 1, SFRAME_INSIDE, &k), 0);
    assert_int_equal(add(k, 10, 1, SFRAME_SWITCH_NOW, 0), 0);
    assert_int_equal(add(k, 11, 1, SFRAME_SWITCH_LATER, SECOND), 0);
    assert_int_equal(add(k, 12, 1, SFRAME_SWITCH_LATER, SECOND + 100000), 0);
    for (uint64_t t = SECOND + 100000; t < 2 * SECOND; t += 50000) {
        uint64_t id = 0;
        assert_int_equal(sframe_keys_sending(k, t, &id), 0);
        assert_true(id == 12);
    }
    sframe_keys_free(k);
}

static void a_followed_epoch_opens_for_the_grace_and_no_longer(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a), g = seal(a), h = seal(a);
    (void)state;
    assert_int_equal(add(b, 2, 2, SFRAME_SWITCH_LATER, SECOND), 0);
    assert_int_equal(add(b, 3, 2, SFRAME_SWITCH_LATER, SECOND + 500000), 0);
    assert_int_equal(open_at(b, &f, SECOND), 0);
    assert_int_equal(open_at(b, &g, SECOND + SFRAME_GRACE_US - 1), 0);
    assert_int_equal(open_at(b, &h, SECOND + SFRAME_GRACE_US), CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(b->table.n, 0); /* its keys are gone with it */
    sframe_keys_free(a);
    sframe_keys_free(b);
}

/* The removed can forge under any leaf of an epoch it was in: each of them ends soon. */
static void after_a_removal_all_epochs_before_it_end_sooner(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a), g = seal(a), h = seal(a);
    (void)state;
    assert_int_equal(add(b, 2, 2, SFRAME_SWITCH_LATER, SECOND), 0);
    assert_int_equal(open_at(b, &f, 2 * SECOND), 0);
    assert_int_equal(add(b, 3, 2, SFRAME_SWITCH_NOW, 2 * SECOND), 0);
    assert_int_equal(open_at(b, &g, 2 * SECOND + SFRAME_GRACE_REMOVAL_US - 1), 0);
    assert_int_equal(open_at(b, &h, 2 * SECOND + SFRAME_GRACE_REMOVAL_US), CONCLAVE_EUNKNOWNKEY);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

/* RFC 9605 5.2-1 */
static void an_epoch_drives_out_the_one_with_the_same_low_bits(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a), g = seal(a);
    (void)state;
    assert_int_equal(open_frame(b, &f), 0);
    assert_int_equal(add(b, 17, 2, SFRAME_SWITCH_LATER, 0), 0);
    assert_int_equal(open_frame(b, &g), CONCLAVE_EDECRYPT); /* 17's key, the same KID */
    assert_int_equal(add(a, 17, 1, SFRAME_SWITCH_NOW, 0), 0);
    g = seal(a);
    assert_int_equal(open_frame(b, &g), 0);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void epochs_come_in_rising_order_and_in_range(void **state)
{
    struct sframe_keys *k = member(5, 1);
    struct sframe_epoch e = {6, bytes_of(base_keys[1], 15), GROUP, 1, SFRAME_SWITCH_NOW};
    (void)state;
    assert_int_equal(add(k, 5, 1, SFRAME_SWITCH_NOW, 0), CONCLAVE_EINVAL);
    assert_int_equal(add(k, 4, 1, SFRAME_SWITCH_NOW, 0), CONCLAVE_EINVAL);
    assert_int_equal(add(k, 6, GROUP, SFRAME_SWITCH_NOW, 0), CONCLAVE_EINVAL);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), CONCLAVE_EINVAL); /* a short base key */
    e.base_key.n = 16;
    e.group_size = 0;
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), CONCLAVE_EINVAL);
    e.group_size = SFRAME_GROUP_MAX + 1;
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), CONCLAVE_EINVAL);
    sframe_keys_free(k);
}

static void a_removed_members_old_keys_open_nothing(void **state)
{
    struct sframe_keys *eve = member(1, 3), *other = member(1, 4), *b = member(1, 2);
    struct frame f = seal(eve), g = seal(eve), h = seal(other), next;
    (void)state;
    assert_int_equal(open_frame(b, &f), 0);
    assert_int_equal(add(b, 2, 2, SFRAME_SWITCH_NOW, 0), 0);
    sframe_keys_bar_leaf(b, 3, 2);
    assert_int_equal(open_frame(b, &g), CONCLAVE_ESENDER);
    assert_int_equal(open_frame(b, &h), 0);
    next = seal(b);
    assert_int_equal(open_frame(eve, &next), CONCLAVE_EUNKNOWNKEY);
    /* whoever sits on that leaf in the new epoch is heard */
    assert_int_equal(add(other, 2, 3, SFRAME_SWITCH_NOW, 0), 0);
    next = seal(other);
    assert_int_equal(open_frame(b, &next), 0);
    sframe_keys_free(eve);
    sframe_keys_free(other);
    sframe_keys_free(b);
}

static void a_leaf_is_barred_whether_the_next_epoch_is_there_yet_or_not(void **state)
{
    struct sframe_keys *eve = member(1, 3), *b = member(1, 2);
    struct frame f = seal(eve);
    (void)state;
    sframe_keys_bar_leaf(b, 3, 2);
    assert_int_equal(open_frame(b, &f), CONCLAVE_ESENDER);
    assert_int_equal(add(b, 2, 2, SFRAME_SWITCH_NOW, 0), 0);
    assert_int_equal(open_frame(b, &f), CONCLAVE_ESENDER);
    sframe_keys_free(eve);
    sframe_keys_free(b);
}

static void what_a_key_has_sealed_is_told_and_taken_up_again(void **state)
{
    struct sframe_keys *k = member(1, 1), *again = member(1, 1);
    struct sframe_used used = {.ctr = 99};
    (void)state;
    assert_int_equal(sframe_keys_used(k, 0, 0, &used), 0);
    assert_true(used.ctr == 0 && used.blocks == 0 && !used.spent);
    assert_int_equal(k->table.n, 0); /* asking made no key */
    for (int i = 0; i < 3; i++)
        seal(k);
    assert_int_equal(sframe_keys_used(k, 0, 0, &used), 0);
    assert_true(used.ctr == 3 && used.blocks == 3 * (sizeof plain / 16 + 2));
    assert_int_equal(sframe_keys_skip(again, 0, &used, 0), 0);
    struct sframe_used resumed;
    assert_int_equal(sframe_keys_used(again, 0, 0, &resumed), 0);
    assert_true(resumed.ctr == used.ctr && resumed.blocks == used.blocks);
    used.blocks--; /* nobody forgets blocks */
    assert_int_equal(sframe_keys_skip(again, 0, &used, 0), CONCLAVE_EINVAL);
    used = (struct sframe_used){UINT64_MAX, UINT64_MAX, true};
    assert_int_equal(sframe_keys_skip(again, 0, &used, 0), 0);
    struct frame f;
    assert_int_equal(sframe_seal(again, 0, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n),
                     CONCLAVE_EEXHAUSTED);
    assert_int_equal(sframe_keys_used(k, UINT64_MAX, 0, &used), CONCLAVE_EINVAL);
    sframe_keys_free(k);
    sframe_keys_free(again);
}

/* RFC 9605 7.4-1, 9.3-1, 9.1-1 and 4.3-1 */
static void a_counter_serves_once_and_never_goes_back(void **state)
{
    struct sframe_keys *k = member(1, 1);
    struct sframe_header h;
    struct frame f;
    size_t n = 0;
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        f = seal_at(k, i % 2, 0);
        assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &n), 0);
        assert_true(h.ctr == i / 2);
    }
    assert_int_equal(skip_to(k, 9), CONCLAVE_EINVAL);
    assert_int_equal(skip_to(k, 1000), 0);
    f = seal(k);
    assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &n), 0);
    assert_true(h.ctr == 1000);
    /* a buffer too small costs nothing, as nothing was sealed */
    assert_int_equal(sframe_seal(k, 0, METADATA, PLAIN, 0, f.p, sizeof plain, &n),
                     CONCLAVE_EBUFFER);
    f = seal(k);
    assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &n), 0);
    assert_true(h.ctr == 1001);
    sframe_keys_free(k);
}

static void a_key_says_so_before_it_is_used_up(void **state)
{
    struct sframe_keys *k = member(1, 1);
    struct frame f;
    (void)state;
    assert_int_equal(skip_to(k, UINT64_MAX), 0);
    f = seal(k);
    assert_int_equal(sframe_seal(k, 0, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n),
                     CONCLAVE_EEXHAUSTED);
    assert_int_equal(skip_to(k, UINT64_MAX), CONCLAVE_EINVAL);
    f = seal_at(k, 1, 0);
    struct sframe_header h;
    assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &f.n), 0);
    sframe_table_get(&k->table, h.kid)->blocks = SFRAME_BLOCKS_MAX - sizeof plain / 16 - 2;
    f = seal_at(k, 1, 0);
    assert_int_equal(sframe_seal(k, 1, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n),
                     CONCLAVE_EEXHAUSTED);
    /* the next epoch's key is fresh */
    assert_int_equal(add(k, 2, 1, SFRAME_SWITCH_NOW, 0), 0);
    f = seal_at(k, 1, 0);
    sframe_keys_free(k);
}

static void contexts_have_a_limit_on_both_sides(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2), *more = member(1, 1);
    struct frame f;
    (void)state;
    for (uint64_t i = 0; i < SFRAME_CONTEXTS_MAX; i++) {
        f = seal_at(a, i, 0);
        assert_int_equal(open_frame(b, &f), 0);
    }
    assert_int_equal(sframe_seal(a, 99, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n),
                     CONCLAVE_ELIMIT);
    f = seal_at(more, 99, 0);
    assert_int_equal(open_frame(b, &f), CONCLAVE_ELIMIT);
    f = seal_at(a, 0, 0);
    assert_int_equal(open_frame(b, &f), 0);
    uint64_t largest = UINT64_MAX >> (BITS + 6);
    f = seal_at(more, largest, 0);
    assert_int_equal(sframe_seal(more, largest + 1, METADATA, PLAIN, 0, f.p, sizeof f.p, &f.n),
                     CONCLAVE_EINVAL);
    sframe_keys_free(a);
    sframe_keys_free(b);
    sframe_keys_free(more);
}

/* More streams than keys may be ready: each still opens, and none twice. */
static void keys_that_made_room_remember_what_they_opened(void **state)
{
    enum { LEAVES = SFRAME_READY_MAX + 500 };
    struct sframe_keys *a = NULL, *b = NULL;
    static struct frame frames[LEAVES];
    struct sframe_epoch e = {1, bytes_of(base_keys[1], 48), LEAVES + 2, 0, SFRAME_SWITCH_NOW};
    (void)state;
    assert_int_equal(sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &b), 0);
    assert_int_equal(sframe_keys_add_epoch(b, &e, 0), 0);
    assert_int_equal(sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &a), 0);
    for (uint32_t i = 0; i < LEAVES; i++) {
        struct epoch *slot;
        e.own_leaf = i + 1;
        if (i == 0)
            assert_int_equal(sframe_keys_add_epoch(a, &e, 0), 0);
        slot = keys_epoch(a, 1);
        slot->own_leaf = e.own_leaf; /* one sealer plays them all */
        frames[i] = seal(a);
    }
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < LEAVES; i++)
            assert_int_equal(open_frame(b, &frames[i]), round == 0 ? 0 : CONCLAVE_EREPLAY);
    assert_int_equal(b->table.n, LEAVES);
    assert_true(b->table.ready <= SFRAME_READY_MAX);
    /* who is heard all the time never has to make room */
    struct sframe_header h;
    size_t n;
    assert_int_equal(sframe_header_read(bytes_of(frames[7].p, frames[7].n), &h, &n), 0);
    for (size_t i = 0; i < (size_t)6 * LEAVES; i++) {
        keys_epoch(a, 1)->own_leaf = 7 + 1;
        struct frame f = seal(a);
        assert_int_equal(open_frame(b, &f), 0);
        keys_epoch(a, 1)->own_leaf = (uint32_t)(i % LEAVES) + 1;
        f = seal(a);
        assert_int_equal(open_frame(b, &f), 0);
        assert_non_null(sframe_table_get(&b->table, h.kid)->aead);
    }
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void a_frame_allocates_nothing_after_the_first(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a);
    (void)state;
    assert_int_equal(open_frame(b, &f), 0);
    alloc_fail_after(0);
    f = seal(a);
    int rv = open_frame(b, &f);
    alloc_fail_off();
    assert_int_equal(rv, 0);
    assert_false(alloc_fail_hit());
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static int a_short_life(void *ctx)
{
    struct sframe_keys *a = NULL, *b = NULL;
    uint8_t out[200];
    size_t n = 0;
    (void)ctx;
    int rv = sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &a);
    if (rv == 0)
        rv = sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &b);
    for (uint64_t id = 1; rv == 0 && id < 3; id++) {
        rv = add(a, id, 1, SFRAME_SWITCH_NOW, 0);
        if (rv == 0)
            rv = add(b, id, 2, SFRAME_SWITCH_NOW, 0);
        for (uint64_t i = 0; rv == 0 && i < 10; i++) {
            rv = sframe_seal(a, i, METADATA, PLAIN, 0, out, sizeof out, &n);
            if (rv == 0)
                rv = sframe_open(b, METADATA, bytes_of(out, n), 0, out, sizeof out, &n, NULL);
        }
    }
    sframe_keys_free(a);
    sframe_keys_free(b);
    return rv;
}

static void failing_allocations_are_reported_and_leak_nothing(void **state)
{
    (void)state;
    assert_true(alloc_sweep(a_short_life, NULL) > 50);
}

static void a_failed_allocation_loses_no_frame(void **state)
{
    struct sframe_keys *a = member(1, 1), *b = member(1, 2);
    struct frame f = seal(a);
    (void)state;
    static const size_t rounds[] = {0, 1, 1}; /* the table, which stays; the key; its AEAD */
    for (size_t i = 0; i < 3; i++) {
        alloc_fail_after(rounds[i]);
        int rv = open_frame(b, &f);
        alloc_fail_off();
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        assert_int_equal(b->table.n, 0);
    }
    assert_int_equal(open_frame(b, &f), 0);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_ids_are_those_of_the_rfc),
        cmocka_unit_test(every_suite_seals_what_it_opens_over_the_other_provider),
        cmocka_unit_test(any_flipped_bit_or_missing_byte_is_refused),
        cmocka_unit_test(other_metadata_is_refused_and_leaves_zeros),
        cmocka_unit_test(frames_are_sealed_and_opened_wherever_the_buffers_overlap),
        cmocka_unit_test(metadata_may_lie_where_the_frame_goes),
        cmocka_unit_test(an_empty_frame_and_the_longest_metadata_go_through),
        cmocka_unit_test(a_frame_without_all_of_its_tag_or_without_room_is_refused_as_such),
        cmocka_unit_test(a_frame_opens_once),
        cmocka_unit_test(ones_own_frames_do_not_open),
        cmocka_unit_test(a_leaf_outside_the_group_is_refused),
        cmocka_unit_test(without_an_epoch_nothing_is_sealed_and_no_key_is_known),
        cmocka_unit_test(a_frame_of_an_epoch_to_come_can_be_held),
        cmocka_unit_test(after_joins_sending_changes_later_and_after_removals_at_once),
        cmocka_unit_test(sending_never_goes_back_to_an_earlier_epoch),
        cmocka_unit_test(an_epoch_whose_time_comes_after_a_later_one_was_used_is_passed_over),
        cmocka_unit_test(a_followed_epoch_opens_for_the_grace_and_no_longer),
        cmocka_unit_test(after_a_removal_all_epochs_before_it_end_sooner),
        cmocka_unit_test(an_epoch_drives_out_the_one_with_the_same_low_bits),
        cmocka_unit_test(epochs_come_in_rising_order_and_in_range),
        cmocka_unit_test(a_removed_members_old_keys_open_nothing),
        cmocka_unit_test(a_leaf_is_barred_whether_the_next_epoch_is_there_yet_or_not),
        cmocka_unit_test(what_a_key_has_sealed_is_told_and_taken_up_again),
        cmocka_unit_test(a_counter_serves_once_and_never_goes_back),
        cmocka_unit_test(a_key_says_so_before_it_is_used_up),
        cmocka_unit_test(contexts_have_a_limit_on_both_sides),
        cmocka_unit_test(keys_that_made_room_remember_what_they_opened),
        cmocka_unit_test(a_frame_allocates_nothing_after_the_first),
        cmocka_unit_test(failing_allocations_are_reported_and_leak_nothing),
        cmocka_unit_test(a_failed_allocation_loses_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
