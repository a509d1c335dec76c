/* libsrtp2 as the second opinion: byte for byte what it seals, and packet for packet what it
 * accepts, over loss, reordering, duplicates, forgeries and wrap-around. */
#include "media.h"

#include <srtp2/srtp.h>

#include "rtc/srtp_session.h"

#define PACKET_MAX 512
#define STREAMS 5

struct setup {
    uint16_t profile;
    uint8_t key[32 + SRTP_SALT];
    size_t key_n;
    struct aead_engine *engine;
    struct srtp *sealing, *opening;
    srtp_t their_sealing, their_opening;
};

static srtp_t their_session(const struct setup *s, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy;
    srtp_t session = NULL;
    uint8_t joined[32 + SRTP_SALT];
    memset(&policy, 0, sizeof policy);
    if (s->key_n == 16) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    }
    memcpy(joined, s->key, s->key_n + SRTP_SALT);
    policy.ssrc.type = direction;
    policy.key = joined;
    policy.window_size = REPLAY_WINDOW;
    assert_int_equal(srtp_create(&session, &policy), srtp_err_status_ok);
    return session;
}

static void set_up(struct setup *s, enum aead_choice choice, size_t key_n, uint64_t seed)
{
    struct random random = {seed};
    *s = (struct setup){.key_n = key_n};
    s->profile = key_n == 16 ? SRTP_AEAD_AES_128_GCM : SRTP_AEAD_AES_256_GCM;
    random_fill(&random, s->key, key_n + SRTP_SALT);
    struct bytes key = bytes_of(s->key, key_n), salt = bytes_of(s->key + key_n, SRTP_SALT);
    assert_int_equal(aead_engine_new(choice, &s->engine), 0);
    assert_int_equal(srtp_new(s->engine, s->profile, SRTP_SEALING, key, salt, &s->sealing), 0);
    assert_int_equal(srtp_new(s->engine, s->profile, SRTP_OPENING, key, salt, &s->opening), 0);
    s->their_sealing = their_session(s, ssrc_any_outbound);
    s->their_opening = their_session(s, ssrc_any_inbound);
}

static void tear_down(struct setup *s)
{
    srtp_free(s->sealing);
    srtp_free(s->opening);
    srtp_dealloc(s->their_sealing);
    srtp_dealloc(s->their_opening);
    aead_engine_free(s->engine);
}

struct packet {
    uint8_t p[PACKET_MAX];
    size_t n;
};

static struct packet random_packet(struct random *random, uint32_t ssrc, uint32_t seq)
{
    struct packet r;
    size_t csrcs = random_u64(random) % 3, words = random_u64(random) % 4;
    bool extended = random_u64(random) % 2 == 0;
    size_t header = 12 + 4 * csrcs + (extended ? 4 + 4 * words : 0);
    r.n = header + random_u64(random) % 150;
    for (size_t i = 0; i < r.n; i++)
        r.p[i] = (uint8_t)(seq + i);
    r.p[0] = (uint8_t)(0x80 | (extended ? 0x10 : 0) | csrcs);
    r.p[2] = (uint8_t)(seq >> 8);
    r.p[3] = (uint8_t)seq;
    srtp_store32(r.p + 8, ssrc);
    if (extended)
        srtp_store32(r.p + 12 + 4 * csrcs, 0xbede0000 | (uint32_t)words);
    return r;
}

/* Both seal the same packet; the result must be the same bytes. */
static struct packet seal_both(struct setup *s, const struct packet *plain)
{
    struct packet ours = *plain, theirs = *plain;
    int n = (int)plain->n;
    assert_int_equal(srtp_seal(s->sealing, ours.p, ours.n, sizeof ours.p, &ours.n), 0);
    assert_int_equal(srtp_protect(s->their_sealing, theirs.p, &n), srtp_err_status_ok);
    assert_true(bytes_equal(bytes_of(ours.p, ours.n), bytes_of(theirs.p, (size_t)n)));
    return ours;
}

/* Both open it; they must agree on whether it is good, and on what it says. */
static bool open_both(struct setup *s, const struct packet *sealed)
{
    struct packet ours = *sealed, theirs = *sealed;
    int n = (int)sealed->n;
    int rv = srtp_open(s->opening, ours.p, ours.n, &ours.n);
    srtp_err_status_t status = srtp_unprotect(s->their_opening, theirs.p, &n);
    assert_int_equal(rv == 0, status == srtp_err_status_ok);
    if (rv == 0)
        assert_true(bytes_equal(bytes_of(ours.p, ours.n), bytes_of(theirs.p, (size_t)n)));
    return rv == 0;
}

/* Packets wait in a pool and leave it in random order: some twice, some never, some changed. */
static void random_streams(struct setup *s, uint64_t seed, int packets)
{
    struct random random = {seed};
    enum { POOL = 40 };
    static struct packet pool[POOL];
    uint32_t seq[STREAMS];
    int opened = 0;
    for (size_t i = 0; i < STREAMS; i++)
        seq[i] = (uint32_t)(random_u64(&random) % 0x8000) + (i == 0 ? 0x7f00 : 0);
    for (size_t i = 0; i < POOL; i++)
        pool[i].n = 0;
    for (int i = 0; i < packets; i++) {
        size_t stream = random_u64(&random) % STREAMS, at = random_u64(&random) % POOL;
        /* one stream runs through its numbers fast, as if others were lost before they came here */
        seq[stream] += stream == 0 ? 1 + (uint32_t)(random_u64(&random) % 300) : 1;
        struct packet plain = random_packet(&random, 7 + 1000 * (uint32_t)stream, seq[stream]);
        struct packet out = pool[at];
        pool[at] = seal_both(s, &plain);
        if (out.n == 0 || random_u64(&random) % 16 == 0)
            continue; /* lost */
        if (random_u64(&random) % 16 == 0) {
            struct packet forged = out;
            forged.p[random_u64(&random) % forged.n] ^= 1;
            open_both(s, &forged);
        }
        opened += open_both(s, &out);
        if (random_u64(&random) % 16 == 0)
            assert_false(open_both(s, &out));
    }
    assert_true(opened > packets / 2);
}

static void random_streams_are_sealed_and_accepted_as_by_libsrtp(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        struct setup s;
        set_up(&s, i < 2 ? AEAD_OPENSSL : AEAD_BEST, i % 2 == 0 ? 16 : 32, i);
        random_streams(&s, 100 + i, 20000);
        tear_down(&s);
    }
}

static struct packet random_report(struct random *random)
{
    struct packet r = {.n = 8 + 4 * (random_u64(random) % 40)};
    random_fill(random, r.p, r.n);
    r.p[0] = 0x80;
    r.p[1] = 200;
    srtp_store32(r.p + 4, 1 + (uint32_t)(random_u64(random) % 3));
    return r;
}

static struct packet seal_report_both(struct setup *s, const struct packet *plain)
{
    struct packet ours = *plain, theirs = *plain;
    struct srtp_table *streams = &s->sealing->rtcp.streams;
    uint32_t ssrc = srtp_load32(plain->p + 4);
    int n = (int)theirs.n;
    /* libsrtp's first index is 1, ours is 0 as RFC 3711 3.4 says */
    if (srtp_table_get(streams, ssrc) == NULL) {
        assert_int_equal(srtp_table_reserve(streams), 0);
        replay_accept(&srtp_table_put(streams, ssrc)->window, 0);
    }
    assert_int_equal(srtcp_seal(s->sealing, ours.p, ours.n, sizeof ours.p, &ours.n), 0);
    assert_int_equal(srtp_protect_rtcp(s->their_sealing, theirs.p, &n), srtp_err_status_ok);
    assert_true(bytes_equal(bytes_of(ours.p, ours.n), bytes_of(theirs.p, (size_t)n)));
    return ours;
}

static bool open_report_both(struct setup *s, const struct packet *sealed)
{
    struct packet ours = *sealed, theirs = *sealed;
    int n = (int)sealed->n;
    int rv = srtcp_open(s->opening, ours.p, ours.n, &ours.n);
    srtp_err_status_t status = srtp_unprotect_rtcp(s->their_opening, theirs.p, &n);
    assert_int_equal(rv == 0, status == srtp_err_status_ok);
    if (rv == 0)
        assert_true(bytes_equal(bytes_of(ours.p, ours.n), bytes_of(theirs.p, (size_t)n)));
    return rv == 0;
}

/* As random_streams(): a pool that reports leave in random order, twice, never or changed. */
static void random_reports(struct setup *s, uint64_t seed, int reports)
{
    struct random random = {seed};
    enum { POOL = 10 }; /* libsrtp's window for reports is 128 */
    struct packet pool[POOL] = {0};
    int opened = 0;
    for (int i = 0; i < reports; i++) {
        size_t at = random_u64(&random) % POOL;
        struct packet plain = random_report(&random), out = pool[at];
        pool[at] = seal_report_both(s, &plain);
        if (out.n == 0 || random_u64(&random) % 16 == 0)
            continue; /* lost */
        if (random_u64(&random) % 4 == 0) {
            struct packet forged = out;
            forged.p[random_u64(&random) % forged.n] ^= (uint8_t)(1u << random_u64(&random) % 8);
            assert_false(open_report_both(s, &forged));
        }
        opened += open_report_both(s, &out);
        if (random_u64(&random) % 16 == 0)
            assert_false(open_report_both(s, &out));
    }
    assert_true(opened > reports * 9 / 10);
}

static void reports_are_sealed_and_accepted_as_by_libsrtp(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        struct setup s;
        set_up(&s, i < 2 ? AEAD_OPENSSL : AEAD_BEST, i % 2 == 0 ? 16 : 32, 9 + i);
        random_reports(&s, 5 + i, 3000);
        tear_down(&s);
    }
}

static int start(void **state)
{
    (void)state;
    return srtp_init() == srtp_err_status_ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_streams_are_sealed_and_accepted_as_by_libsrtp),
        cmocka_unit_test(reports_are_sealed_and_accepted_as_by_libsrtp),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
