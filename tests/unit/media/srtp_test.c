/* SRTP and SRTCP: RFC 7714's vectors, and what must be refused. */
#include "media.h"

#include "rtc/srtp_session.h"
#include "support/alloc_fail.h"

static struct aead_engine *engines[2];
static size_t n_engines;

static int open_engines(void **state)
{
    (void)state;
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &engines[n_engines++]), 0);
    n_engines += aead_engine_new(AEAD_IPSECMB, &engines[n_engines]) == 0;
    return 0;
}

static int close_engines(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_engines; i++)
        aead_engine_free(engines[i]);
    return 0;
}

/* -- RFC 7714, sections 16 and 17: session keys, not master keys ---------------------------- */

#define RTP_PLAIN                                                                               \
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070" \
    "61727465 73207472 6573"
#define RTCP_PLAIN                                                                              \
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef" \
    "deadbeef deadbeef deadbeef"

static const struct {
    size_t key_n;
    const char *rtp, *rtcp, *rtcp_tagged;
} vectors[] = {
    {16,
     "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a"
     "51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
     "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
     "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
     RTCP_PLAIN "841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"},
    {32,
     "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02"
     "76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
     "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be"
     "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
     RTCP_PLAIN "91db4afb feee5a97 8fab4393 ed2615fe 000005d4"},
};

static struct srtp *with_session_key(struct aead_engine *e, size_t key_n, enum srtp_direction d)
{
    uint8_t key[32];
    struct srtp *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    s->direction = d;
    struct srtp_half *halves[] = {&s->rtp, &s->rtcp};
    for (size_t i = 0; i < 2; i++) {
        memcpy(halves[i]->salt, "Quid pro quo", SRTP_SALT);
        assert_int_equal(aead_new(e, key_n == 16 ? AEAD_ALG_GCM128 : AEAD_ALG_GCM256, AEAD_TAG,
                                  bytes_of(key, key_n), &halves[i]->aead),
                         0);
    }
    return s;
}

static void the_vectors_of_rfc_7714_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * n_engines; i++) {
        struct aead_engine *e = engines[i / 2];
        struct srtp *a = with_session_key(e, vectors[i % 2].key_n, SRTP_SEALING);
        struct srtp *b = with_session_key(e, vectors[i % 2].key_n, SRTP_OPENING);
        struct srtp *c = with_session_key(e, vectors[i % 2].key_n, SRTP_OPENING);
        uint8_t p[128], plain[128], want[128];
        size_t n = unhex(RTP_PLAIN, p), want_n = unhex(vectors[i % 2].rtp, want);
        unhex(RTP_PLAIN, plain);
        assert_int_equal(srtp_seal(a, p, n, sizeof p, &n), 0);
        assert_true(bytes_equal(bytes_of(p, n), bytes_of(want, want_n)));
        assert_int_equal(srtp_open(b, p, n, &n), 0);
        assert_true(bytes_equal(bytes_of(p, n), bytes_of(plain, want_n - SRTP_OVERHEAD)));

        n = unhex(RTCP_PLAIN, p);
        want_n = unhex(vectors[i % 2].rtcp, want);
        unhex(RTCP_PLAIN, plain);
        assert_int_equal(srtp_table_reserve(&a->rtcp.streams), 0);
        replay_accept(&srtp_table_put(&a->rtcp.streams, 0x4d617273)->window, 0x5d3);
        assert_int_equal(srtcp_seal(a, p, n, sizeof p, &n), 0);
        assert_true(bytes_equal(bytes_of(p, n), bytes_of(want, want_n)));
        assert_int_equal(srtcp_open(b, p, n, &n), 0);
        assert_true(bytes_equal(bytes_of(p, n), bytes_of(plain, want_n - SRTCP_OVERHEAD)));

        n = unhex(vectors[i % 2].rtcp_tagged, p);
        assert_int_equal(srtcp_open(c, p, n, &n), 0);
        assert_true(bytes_equal(bytes_of(p, n), bytes_of(plain, want_n - SRTCP_OVERHEAD)));
        n += SRTCP_OVERHEAD;
        assert_int_equal(srtcp_open(c, p, n, &n), CONCLAVE_EREPLAY);
        srtp_free(a);
        srtp_free(b);
        srtp_free(c);
    }
}

static void a_tag_only_packet_with_any_flipped_bit_is_refused_and_zeroed(void **state)
{
    uint8_t p[128], copy[128];
    size_t n = unhex(vectors[1].rtcp_tagged, p), got = 0;
    struct srtp *s = with_session_key(engines[0], 32, SRTP_OPENING);
    (void)state;
    memcpy(copy, p, n);
    for (size_t bit = 8; bit < 8 * n; bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(srtcp_open(s, p, n, &got), CONCLAVE_EDECRYPT);
        assert_true(all_zero(p + 8, n - 8 - SRTCP_OVERHEAD));
        memcpy(p, copy, n);
    }
    assert_int_equal(srtcp_open(s, p, n, &got), 0);
    srtp_free(s);
}

/* -- Sessions ------------------------------------------------------------------------------ */

static const uint8_t master[32] = {3, 1, 4, 1, 5}, master_salt[SRTP_SALT] = {2, 7, 1, 8};

static struct srtp *session(enum srtp_direction d)
{
    struct srtp *s = NULL;
    assert_int_equal(srtp_new(engines[n_engines - 1], SRTP_AEAD_AES_256_GCM, d,
                              bytes_of(master, 32), bytes_of(master_salt, SRTP_SALT), &s),
                     0);
    return s;
}

struct packet {
    uint8_t p[256];
    size_t n;
};

/* Header with one CSRC and an extension of one word, then a payload of 60 bytes. */
static struct packet rtp(uint32_t ssrc, uint32_t seq)
{
    struct packet r = {.n = 24 + 60};
    memset(r.p, (int)seq, r.n);
    r.p[0] = 0x91;
    r.p[1] = 96;
    r.p[2] = (uint8_t)(seq >> 8);
    r.p[3] = (uint8_t)seq;
    srtp_store32(r.p + 8, ssrc);
    srtp_store32(r.p + 16, 0xbede0001);
    return r;
}

static struct packet sealed(struct srtp *s, uint32_t ssrc, uint32_t seq)
{
    struct packet r = rtp(ssrc, seq);
    assert_int_equal(srtp_seal(s, r.p, r.n, sizeof r.p, &r.n), 0);
    return r;
}

static int open_packet(struct srtp *s, const struct packet *sealed_packet)
{
    struct packet r = *sealed_packet;
    return srtp_open(s, r.p, r.n, &r.n);
}

static void any_flipped_bit_or_missing_byte_is_refused(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet good = sealed(a, 1, 1), bad;
    (void)state;
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        bad = good;
        bad.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(open_packet(b, &bad), 0);
    }
    for (size_t n = 0; n < good.n; n++) {
        bad = good;
        bad.n = n;
        assert_int_not_equal(open_packet(b, &bad), 0);
    }
    assert_int_equal(b->rtp.streams.n, 0); /* nothing has changed */
    bad = good;
    bad.p[good.n - 1] ^= 1;
    assert_int_equal(srtp_open(b, bad.p, bad.n, &bad.n), CONCLAVE_EDECRYPT);
    assert_true(all_zero(bad.p + 24, 60));
    assert_int_equal(open_packet(b, &good), 0);
    srtp_free(a);
    srtp_free(b);
}

static void srtcp_refuses_any_flipped_bit_or_missing_byte(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    uint8_t good[128], p[128];
    size_t n = unhex(RTCP_PLAIN, good), got;
    (void)state;
    assert_int_equal(srtcp_seal(a, good, n, sizeof good, &n), 0);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(p, good, n);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(srtcp_open(b, p, n, &got), 0);
    }
    for (size_t cut = 0; cut < n; cut++) {
        memcpy(p, good, n);
        assert_int_not_equal(srtcp_open(b, p, cut, &got), 0);
    }
    assert_int_equal(b->rtcp.streams.n, 0);
    assert_int_equal(srtcp_open(b, good, n, &got), 0);
    srtp_free(a);
    srtp_free(b);
}

static void a_packet_opens_once(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p = sealed(a, 1, 1), q = sealed(a, 1, 2), old = sealed(a, 1, 3);
    (void)state;
    assert_int_equal(open_packet(b, &q), 0);
    assert_int_equal(open_packet(b, &q), CONCLAVE_EREPLAY);
    assert_int_equal(open_packet(b, &p), 0);
    assert_int_equal(open_packet(b, &p), CONCLAVE_EREPLAY);
    p = sealed(a, 1, 3 + REPLAY_WINDOW);
    assert_int_equal(open_packet(b, &p), 0);
    assert_int_equal(open_packet(b, &old), CONCLAVE_EREPLAY);
    srtp_free(a);
    srtp_free(b);
}

/* A second packet under one nonce would give away the key that authenticates. */
static void a_sequence_number_is_sealed_once(void **state)
{
    struct srtp *a = session(SRTP_SEALING);
    struct packet p;
    (void)state;
    sealed(a, 1, 10);
    sealed(a, 1, 12);
    sealed(a, 1, 11);
    p = rtp(1, 11);
    assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_EREPLAY);
    sealed(a, 2, 11);
    p = rtp(1, 13);
    assert_int_equal(srtp_seal(a, p.p, p.n, p.n + SRTP_OVERHEAD - 1, &p.n), CONCLAVE_EBUFFER);
    sealed(a, 1, 13); /* the attempt used nothing up */
    srtp_free(a);
}

/* Every second packet is lost and neighbours are swapped, over three wrap-arounds. */
static void the_rollover_counter_survives_loss_and_reordering(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct random random = {3};
    (void)state;
    for (uint32_t seq = 65000; seq < 4 * 65536; seq += 1 + (uint32_t)(random_u64(&random) % 400)) {
        struct packet p = sealed(a, 1, seq), q = sealed(a, 1, seq + 1);
        seq++;
        if (random_u64(&random) % 2 == 0)
            continue;
        assert_int_equal(open_packet(b, &q), 0);
        assert_int_equal(open_packet(b, &p), 0);
    }
    assert_true(srtp_table_get(&b->rtp.streams, 1)->window.top >> 16 >= 3);
    srtp_free(a);
    srtp_free(b);
}

/* RFC 3711 3.3.1: what is half the numbers away or more is taken for the other side */
static void the_rollover_counter_is_the_nearest(void **state)
{
    static const struct {
        uint32_t last, seq;
        bool ahead;
    } rows[] = {{0xc000, 0x3fff, true},  {0xc000, 0x4000, false},  {0xc000, 0x4800, false},
                {0x11000, 0x9000, true}, {0x11000, 0x9001, false}, {0x11000, 0xa000, false},
                {0x1ffff, 0x7ffe, true}, {0x1ffff, 0x7fff, false}, {0x10000, 0x8000, true},
                {0x10000, 0x8001, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct srtp *a = session(SRTP_SEALING);
        struct packet p = sealed(a, 1, 0);
        struct replay *w = &srtp_table_get(&a->rtp.streams, 1)->window;
        replay_accept(w, rows[i].last);
        p = rtp(1, rows[i].seq);
        assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n),
                         rows[i].ahead ? 0 : CONCLAVE_EREPLAY);
        assert_true(rows[i].ahead ? w->top > rows[i].last : w->top == rows[i].last);
        srtp_free(a);
    }
}

static void a_stream_whose_packets_before_the_wrap_are_late_or_lost_still_opens(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet late = sealed(a, 1, 65535), p = sealed(a, 1, 65536), q = sealed(a, 1, 65537);
    (void)state;
    assert_int_equal(open_packet(b, &p), 0);
    assert_int_equal(open_packet(b, &late), 0);
    assert_int_equal(open_packet(b, &q), 0);
    srtp_free(a);
    srtp_free(b);
}

static void a_forged_packet_does_not_move_the_rollover_counter(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p = sealed(a, 1, 40000), forged = p;
    (void)state;
    assert_int_equal(open_packet(b, &p), 0);
    for (uint32_t seq = 0; seq < 65536; seq += 999) {
        forged.p[2] = (uint8_t)(seq >> 8);
        forged.p[3] = (uint8_t)seq;
        assert_int_not_equal(open_packet(b, &forged), 0);
    }
    p = sealed(a, 1, 40001);
    assert_int_equal(open_packet(b, &p), 0);
    srtp_free(a);
    srtp_free(b);
}

static void keys_end_before_an_index_comes_again(void **state)
{
    struct srtp *a = session(SRTP_SEALING);
    struct packet p = sealed(a, 1, 1);
    uint8_t report[128];
    size_t n = unhex(RTCP_PLAIN, report);
    (void)state;
    srtp_table_get(&a->rtp.streams, 1)->window.top = ((uint64_t)1 << 48) - 10;
    sealed(a, 1, 0xffff);
    p = rtp(1, 0);
    assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_EEXHAUSTED);
    assert_int_equal(srtcp_seal(a, report, n, sizeof report, &n), 0);
    srtp_table_get(&a->rtcp.streams, 0x4d617273)->window.top = 0x7ffffffe;
    n = unhex(RTCP_PLAIN, report);
    assert_int_equal(srtcp_seal(a, report, n, sizeof report, &n), 0);
    n = unhex(RTCP_PLAIN, report);
    assert_int_equal(srtcp_seal(a, report, n, sizeof report, &n), CONCLAVE_EEXHAUSTED);
    srtp_free(a);
}

static void as_many_streams_as_may_be_are_kept_apart(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p;
    (void)state;
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 0; i < SRTP_STREAMS_MAX; i++) {
            p = sealed(a, i * 0x10001, (uint32_t)round);
            assert_int_equal(open_packet(b, &p), 0);
        }
    p = rtp(0xffffffff, 1);
    assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_ELIMIT);
    srtp_free(a);
    srtp_free(b);
}

/* A switch's link lives for hours, and its peers come and go with new SSRCs. */
static void new_streams_take_the_place_of_those_long_silent(void **state)
{
    struct srtp *b = session(SRTP_OPENING);
    uint32_t seq = 0;
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        struct srtp *a =
            session(SRTP_SEALING); /* one key: a peer with many more SSRCs than may be */
        for (uint32_t j = 0; j < SRTP_STREAMS_MAX / 3; j++) {
            struct packet p = sealed(a, 1000 + i * SRTP_STREAMS_MAX + j, 1);
            assert_int_equal(open_packet(b, &p), 0);
            if (j % 64 == 0) { /* one that speaks all the time stays, with all it remembers */
                struct srtp *speaker = session(SRTP_SEALING);
                p = sealed(speaker, 7, seq++);
                assert_int_equal(open_packet(b, &p), 0);
                assert_int_equal(open_packet(b, &p), CONCLAVE_EREPLAY);
                assert_true(srtp_table_get(&b->rtp.streams, 7)->window.top == seq - 1);
                srtp_free(speaker);
            }
        }
        srtp_free(a);
    }
    assert_int_equal(b->rtp.streams.n, SRTP_STREAMS_MAX);
    srtp_free(b);
}

static void a_stream_that_ended_makes_room_and_its_nonces_stay_used(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p;
    (void)state;
    for (uint32_t i = 0; i < 2 * SRTP_STREAMS_MAX; i++) {
        p = sealed(a, i, 1);
        assert_int_equal(srtcp_seal(a, p.p, 28, sizeof p.p, &p.n), 0);
        p = sealed(a, i, 2);
        if (i % 2 == 0)
            assert_int_equal(srtp_remove(a, i), 0);
    }
    assert_int_equal(srtp_remove(a, 0), 0); /* once more changes nothing */
    for (uint32_t i = 0; i < 2 * SRTP_STREAMS_MAX; i += 999) {
        p = rtp(i, 2);
        assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_EREPLAY);
        p = rtp(i, 3);
        assert_int_equal(srtp_seal(a, p.p, p.n, sizeof p.p, &p.n),
                         i % 2 == 0 ? CONCLAVE_EREPLAY : 0);
    }
    p = sealed(a, 1, 9);
    assert_int_equal(open_packet(b, &p), 0);
    assert_int_equal(srtp_remove(b, 1), 0);
    assert_int_equal(srtp_remove(b, 2), 0);
    assert_int_equal(open_packet(b, &p), 0); /* who opens begins anew */
    a->rtp.streams.removed_n = SRTP_REMOVED_MAX;
    a->rtp.streams.removed_room = SRTP_REMOVED_MAX;
    assert_int_equal(srtp_remove(a, 1), CONCLAVE_ELIMIT);
    srtp_free(a);
    srtp_free(b);
}

static void one_payload_goes_to_many_receivers(void **state)
{
    enum { RECEIVERS = 20, HEADER = 24 };
    struct srtp *a[RECEIVERS], *b[RECEIVERS];
    struct srtp_job jobs[RECEIVERS];
    struct packet packets[RECEIVERS];
    const struct packet model = rtp(0, 0);
    (void)state;
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        a[i] = session(SRTP_SEALING);
        b[i] = session(SRTP_OPENING);
        packets[i] = rtp(100 + i, 7 * i);
        memset(packets[i].p + HEADER, 0xee, sizeof packets[i].p - HEADER);
        jobs[i] = (struct srtp_job){a[i], packets[i].p, HEADER, sizeof packets[i].p, 0, 0};
    }
    jobs[3].cap = 90;
    jobs[4].header_n = 23;
    jobs[5].srtp = b[5];
    jobs[6].header_n = 28;
    assert_int_equal(srtp_seal_each(jobs, RECEIVERS, bytes_of(model.p + HEADER, model.n - HEADER)),
                     RECEIVERS - 4);
    assert_int_equal(jobs[3].result, CONCLAVE_EBUFFER);
    assert_int_equal(jobs[4].result, CONCLAVE_ESYNTAX);
    assert_int_equal(jobs[5].result, CONCLAVE_ESTATE);
    assert_int_equal(jobs[6].result, CONCLAVE_ESYNTAX);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        if (jobs[i].result == 0) {
            struct packet p = packets[i];
            assert_int_equal(srtp_open(b[i], p.p, jobs[i].out_n, &p.n), 0);
            assert_int_equal(p.n, model.n);
            assert_memory_equal(p.p + HEADER, model.p + HEADER, model.n - HEADER);
        }
        srtp_free(a[i]);
        srtp_free(b[i]);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    struct srtp *s = NULL, *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p = rtp(1, 1);
    (void)state;
    assert_int_equal(
        srtp_new(engines[0], 1, SRTP_SEALING, bytes_of(master, 16), bytes_of(master_salt, 12), &s),
        CONCLAVE_EUNSUPPORTED);
    assert_int_equal(srtp_new(engines[0], SRTP_AEAD_AES_256_GCM, SRTP_SEALING, bytes_of(master, 16),
                              bytes_of(master_salt, 12), &s),
                     CONCLAVE_EINVAL);
    assert_int_equal(srtp_new(engines[0], SRTP_AEAD_AES_128_GCM, SRTP_SEALING, bytes_of(master, 16),
                              bytes_of(master_salt, 11), &s),
                     CONCLAVE_EINVAL);
    assert_int_equal(srtp_open(a, p.p, p.n, &p.n), CONCLAVE_ESTATE);
    assert_int_equal(srtcp_open(a, p.p, p.n, &p.n), CONCLAVE_ESTATE);
    assert_int_equal(srtp_seal(b, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_ESTATE);
    assert_int_equal(srtcp_seal(b, p.p, p.n, sizeof p.p, &p.n), CONCLAVE_ESTATE);
    for (size_t n = 0; n < 24; n++)
        assert_int_equal(srtp_seal(a, p.p, n, sizeof p.p, &p.n), CONCLAVE_ESYNTAX);
    p.p[0] = 0x51; /* version 1 */
    assert_int_equal(srtp_seal(a, p.p, 84, sizeof p.p, &p.n), CONCLAVE_ESYNTAX);
    assert_int_equal(srtcp_seal(a, p.p, 84, sizeof p.p, &p.n), CONCLAVE_ESYNTAX);
    srtp_free(a);
    srtp_free(b);
}

static int a_short_life(void *ctx)
{
    struct srtp *a = NULL, *b = NULL;
    (void)ctx;
    int rv = srtp_new(engines[0], SRTP_AEAD_AES_256_GCM, SRTP_SEALING, bytes_of(master, 32),
                      bytes_of(master_salt, SRTP_SALT), &a);
    if (rv == 0)
        rv = srtp_new(engines[0], SRTP_AEAD_AES_256_GCM, SRTP_OPENING, bytes_of(master, 32),
                      bytes_of(master_salt, SRTP_SALT), &b);
    for (uint32_t i = 0; rv == 0 && i < 20; i++) {
        struct packet p = rtp(i, 1);
        rv = srtp_seal(a, p.p, p.n, sizeof p.p, &p.n);
        if (rv == 0)
            rv = srtp_open(b, p.p, p.n, &p.n);
        if (rv == 0)
            rv = srtcp_seal(a, p.p, p.n, sizeof p.p, &p.n);
        if (rv == 0)
            rv = srtcp_open(b, p.p, p.n, &p.n);
        if (rv == 0)
            rv = srtp_remove(a, i);
    }
    srtp_free(a);
    srtp_free(b);
    return rv;
}

static void failing_allocations_are_reported_and_leak_nothing(void **state)
{
    (void)state;
    assert_true(alloc_sweep(a_short_life, NULL) > 10);
}

static void a_packet_of_a_known_stream_allocates_nothing(void **state)
{
    struct srtp *a = session(SRTP_SEALING), *b = session(SRTP_OPENING);
    struct packet p = sealed(a, 1, 1);
    (void)state;
    assert_int_equal(open_packet(b, &p), 0);
    alloc_fail_after(0);
    p = sealed(a, 1, 2);
    int rv = open_packet(b, &p);
    alloc_fail_off();
    assert_int_equal(rv, 0);
    assert_false(alloc_fail_hit());
    srtp_free(a);
    srtp_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_7714_are_met),
        cmocka_unit_test(a_tag_only_packet_with_any_flipped_bit_is_refused_and_zeroed),
        cmocka_unit_test(any_flipped_bit_or_missing_byte_is_refused),
        cmocka_unit_test(srtcp_refuses_any_flipped_bit_or_missing_byte),
        cmocka_unit_test(a_packet_opens_once),
        cmocka_unit_test(a_sequence_number_is_sealed_once),
        cmocka_unit_test(the_rollover_counter_survives_loss_and_reordering),
        cmocka_unit_test(the_rollover_counter_is_the_nearest),
        cmocka_unit_test(a_stream_whose_packets_before_the_wrap_are_late_or_lost_still_opens),
        cmocka_unit_test(a_forged_packet_does_not_move_the_rollover_counter),
        cmocka_unit_test(keys_end_before_an_index_comes_again),
        cmocka_unit_test(as_many_streams_as_may_be_are_kept_apart),
        cmocka_unit_test(new_streams_take_the_place_of_those_long_silent),
        cmocka_unit_test(a_stream_that_ended_makes_room_and_its_nonces_stay_used),
        cmocka_unit_test(one_payload_goes_to_many_receivers),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(failing_allocations_are_reported_and_leak_nothing),
        cmocka_unit_test(a_packet_of_a_known_stream_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, open_engines, close_engines);
}
