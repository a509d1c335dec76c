/* DTLS: two peers that know each other's fingerprint get the same keys, over a network that loses,
 * doubles and shuffles; nobody else gets any, and nothing weaker is agreed to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/ssl.h>

#include "crypto/dtls.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define NOW UINT64_C(1700000000000000)
#define SECOND UINT64_C(1000000)
#define WIRE_MAX 64

/* Datagrams on their way to one of the two. */
struct wire {
    struct buf datagrams[WIRE_MAX];
    size_t n;
};

struct world {
    struct dtls_identity *id[2]; /* by enum dtls_role */
    struct dtls *peer[2];
    struct wire to[2];
    uint64_t now_us;
};

static const enum dtls_role other[] = {[DTLS_CLIENT] = DTLS_SERVER, [DTLS_SERVER] = DTLS_CLIENT};

static void open_world(struct world *w)
{
    *w = (struct world){.now_us = NOW};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(dtls_identity_new(NOW, &w->id[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(dtls_new(w->id[i], (enum dtls_role)i,
                                  dtls_identity_fingerprint(w->id[other[i]]), &w->peer[i]),
                         0);
}

static void drop_all(struct wire *wire)
{
    while (wire->n != 0)
        buf_free(&wire->datagrams[--wire->n]);
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        drop_all(&w->to[i]);
        dtls_free(w->peer[i]);
        dtls_identity_free(w->id[i]);
    }
}

/* Everything one peer wants to send goes onto the wire. */
static void collect(struct world *w, enum dtls_role from)
{
    struct wire *wire = &w->to[other[from]];
    struct bytes datagram;
    while (dtls_next(w->peer[from], &datagram)) {
        assert_true(datagram.n <= DTLS_MTU && wire->n < WIRE_MAX);
        buf_put(&wire->datagrams[wire->n++], datagram);
    }
}

static int deliver_bytes(struct world *w, enum dtls_role to, struct bytes datagram)
{
    int rv = dtls_input(w->peer[to], datagram, w->now_us);
    collect(w, to);
    return rv;
}

/* The oldest datagram on the wire arrives; false: there is none. */
static bool deliver(struct world *w, enum dtls_role to)
{
    struct wire *wire = &w->to[to];
    if (wire->n == 0)
        return false;
    struct buf first = wire->datagrams[0];
    memmove(wire->datagrams, wire->datagrams + 1, --wire->n * sizeof first);
    wire->datagrams[wire->n] = (struct buf){0};
    (void)(deliver_bytes(w, to, buf_view(&first)) == 0);
    buf_free(&first);
    return true;
}

static void start(struct world *w)
{
    assert_int_equal(dtls_start(w->peer[DTLS_CLIENT], w->now_us), 0);
    collect(w, DTLS_CLIENT);
}

static void run(struct world *w)
{
    while (deliver(w, DTLS_SERVER) || deliver(w, DTLS_CLIENT)) {
    }
}

static bool are_connected(struct world *w)
{
    return dtls_state(w->peer[0]) == DTLS_CONNECTED && dtls_state(w->peer[1]) == DTLS_CONNECTED;
}

static void assert_same_keys(struct world *w)
{
    struct dtls_srtp_keys k[2];
    assert_true(are_connected(w));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(dtls_srtp_keys(w->peer[i], &k[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(k[i].seal_key, k[1 - i].open_key, DTLS_SRTP_KEY);
        assert_memory_equal(k[i].seal_salt, k[1 - i].open_salt, DTLS_SRTP_SALT);
    }
    assert_memory_not_equal(k[0].seal_key, k[1].seal_key, DTLS_SRTP_KEY);
    assert_memory_not_equal(k[0].seal_salt, k[1].seal_salt, DTLS_SRTP_SALT);
}

/* Lets timers run until both are connected or half a minute has passed. */
static void run_with_timers(struct world *w)
{
    uint64_t end = w->now_us + 30 * SECOND;
    run(w);
    while (!are_connected(w) && w->now_us < end) {
        uint64_t a = dtls_deadline(w->peer[0]), b = dtls_deadline(w->peer[1]);
        w->now_us = a < b ? a : b;
        if (w->now_us == UINT64_MAX)
            return;
        for (size_t i = 0; i < 2; i++) {
            dtls_tick(w->peer[i], w->now_us);
            collect(w, (enum dtls_role)i);
        }
        run(w);
    }
}

static void both_get_the_same_keys(void **state)
{
    struct world w;
    struct dtls_srtp_keys k;

    (void)state;
    open_world(&w);
    assert_int_equal(dtls_srtp_keys(w.peer[0], &k), CONCLAVE_ESTATE);
    start(&w);
    run(&w);
    assert_same_keys(&w);
    assert_true(dtls_deadline(w.peer[0]) == UINT64_MAX);
    assert_true(dtls_deadline(w.peer[1]) == UINT64_MAX);
    close_world(&w);
}

/* What repeating a flight as it was relies on. */
static void each_flight_is_one_datagram(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    start(&w);
    for (size_t flight = 0; flight < 4; flight++) {
        enum dtls_role to = flight % 2 == 0 ? DTLS_SERVER : DTLS_CLIENT;
        assert_int_equal(w.to[to].n, 1);
        assert_true(deliver(&w, to));
    }
    assert_true(are_connected(&w));
    assert_int_equal(w.to[0].n + w.to[1].n, 0);
    close_world(&w);
}

static void a_flight_that_is_lost_comes_again(void **state)
{
    (void)state;
    for (size_t lost = 0; lost < 4; lost++) {
        struct world w;
        open_world(&w);
        start(&w);
        for (size_t flight = 0; flight < lost; flight++)
            assert_true(deliver(&w, flight % 2 == 0 ? DTLS_SERVER : DTLS_CLIENT));
        drop_all(&w.to[0]);
        drop_all(&w.to[1]);
        run_with_timers(&w);
        assert_same_keys(&w);
        assert_true(w.now_us == NOW + DTLS_RETRANSMIT_US);
        close_world(&w);
    }
}

static void a_flight_comes_again_later_and_later(void **state)
{
    struct world w;
    uint64_t wait_us = DTLS_RETRANSMIT_US;

    (void)state;
    open_world(&w);
    start(&w);
    for (unsigned i = 0; i < 8; i++) {
        drop_all(&w.to[DTLS_SERVER]);
        assert_true(dtls_deadline(w.peer[DTLS_CLIENT]) == w.now_us + wait_us);
        dtls_tick(w.peer[DTLS_CLIENT], w.now_us + wait_us - 1);
        collect(&w, DTLS_CLIENT);
        assert_int_equal(w.to[DTLS_SERVER].n, 0);
        w.now_us += wait_us;
        dtls_tick(w.peer[DTLS_CLIENT], w.now_us);
        collect(&w, DTLS_CLIENT);
        assert_int_equal(w.to[DTLS_SERVER].n, 1);
        wait_us = wait_us * 2 < DTLS_RETRANSMIT_MAX_US ? wait_us * 2 : DTLS_RETRANSMIT_MAX_US;
    }
    run(&w);
    assert_same_keys(&w);
    close_world(&w);
}

/* RFC 6347 4.2.2: if the system's clock says the same as ours, what is sent again is a new record.
 * The test waits, since that clock is not ours to set. */
static void what_is_sent_again_in_real_time_is_a_new_record(void **state)
{
    struct world w;
    struct timespec wait = {.tv_nsec = DTLS_RETRANSMIT_US * INT64_C(1000) + 20000000};

    (void)state;
    open_world(&w);
    start(&w);
    assert_int_equal(nanosleep(&wait, NULL), 0);
    dtls_tick(w.peer[DTLS_CLIENT], NOW + DTLS_RETRANSMIT_US);
    collect(&w, DTLS_CLIENT);
    assert_int_equal(w.to[DTLS_SERVER].n, 2);
    const struct buf *first = &w.to[DTLS_SERVER].datagrams[0], *again = first + 1;
    assert_int_equal(first->n, again->n);
    assert_int_equal(again->p[10], first->p[10] + 1); /* the record's number */
    run(&w);
    assert_same_keys(&w);
    close_world(&w);
}

static void a_bad_network_only_takes_longer(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random r = {seed};
        struct world w;
        open_world(&w);
        start(&w);
        for (unsigned step = 0; step < 400 && !are_connected(&w); step++) {
            enum dtls_role to = random_chance(&r, 50) ? DTLS_SERVER : DTLS_CLIENT;
            struct wire *wire = &w.to[to];
            if (wire->n == 0) {
                w.now_us += DTLS_RETRANSMIT_US / 4;
                dtls_tick(w.peer[to], w.now_us);
                collect(&w, to);
                continue;
            }
            struct buf *any = &wire->datagrams[random_below(&r, wire->n)];
            if (random_chance(&r, 30)) { /* twice, or later */
                (void)(deliver_bytes(&w, to, buf_view(any)) == 0);
                continue;
            }
            if (random_chance(&r, 60))
                (void)(deliver_bytes(&w, to, buf_view(any)) == 0);
            buf_free(any);
            *any = wire->datagrams[--wire->n];
            wire->datagrams[wire->n] = (struct buf){0};
        }
        assert_same_keys(&w);
        close_world(&w);
    }
}

static void another_certificate_is_refused_by(enum dtls_role refuses)
{
    struct world w;
    struct dtls_identity *mallory;

    open_world(&w);
    assert_int_equal(dtls_identity_new(NOW, &mallory), 0);
    dtls_free(w.peer[other[refuses]]);
    assert_int_equal(dtls_new(mallory, other[refuses], dtls_identity_fingerprint(w.id[refuses]),
                              &w.peer[other[refuses]]),
                     0);
    start(&w);
    run_with_timers(&w);
    assert_int_equal(dtls_state(w.peer[refuses]), DTLS_FAILED);
    assert_int_not_equal(dtls_state(w.peer[other[refuses]]), DTLS_CONNECTED);
    assert_int_equal(dtls_input(w.peer[refuses], bytes_str("x"), NOW), CONCLAVE_ESTATE);
    close_world(&w);
    dtls_identity_free(mallory);
}

static void only_the_certificate_with_the_fingerprint_is_taken(void **state)
{
    (void)state;
    another_certificate_is_refused_by(DTLS_CLIENT);
    another_certificate_is_refused_by(DTLS_SERVER);
}

static void each_bit_of_the_fingerprint_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < DTLS_FINGERPRINT; i++) {
        struct world w;
        uint8_t wrong[DTLS_FINGERPRINT];
        open_world(&w);
        memcpy(wrong, dtls_identity_fingerprint(w.id[DTLS_SERVER]), sizeof wrong);
        wrong[i] ^= (uint8_t)(1u << i % 8);
        dtls_free(w.peer[DTLS_CLIENT]);
        assert_int_equal(dtls_new(w.id[DTLS_CLIENT], DTLS_CLIENT, wrong, &w.peer[DTLS_CLIENT]), 0);
        start(&w);
        run(&w);
        assert_int_equal(dtls_state(w.peer[DTLS_CLIENT]), DTLS_FAILED);
        close_world(&w);
    }
}

/* A changed handshake never ends with keys that differ. */
static void nothing_that_was_changed_on_the_way_gets_through(void **state)
{
    struct random r = {11};

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct world w;
        open_world(&w);
        start(&w);
        for (size_t flight = 0; flight < i % 4; flight++)
            assert_true(deliver(&w, flight % 2 == 0 ? DTLS_SERVER : DTLS_CLIENT));
        enum dtls_role to = i % 2 == 0 ? DTLS_SERVER : DTLS_CLIENT;
        struct buf *b = &w.to[to].datagrams[0];
        if (random_chance(&r, 30))
            b->n = random_below(&r, b->n);
        else
            b->p[random_below(&r, b->n)] ^= (uint8_t)(1u << random_below(&r, 8));
        run_with_timers(&w);
        if (are_connected(&w))
            assert_same_keys(&w);
        close_world(&w);
    }
}

static void what_is_no_handshake_changes_nothing(void **state)
{
    static const uint8_t junk[][40] = {{0},           {22},           {22, 3, 3},    {20, 255, 255},
                                       {63, 1, 2, 3}, {22, 254, 253}, {20, 254, 253}};

    (void)state;
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        for (size_t n = 0; n <= sizeof junk[0]; n++) {
            struct world w;
            open_world(&w);
            start(&w);
            for (size_t k = 0; k < 2; k++)
                assert_int_equal(dtls_input(w.peer[k], bytes_of(junk[i], n), NOW), 0);
            collect(&w, DTLS_CLIENT);
            run(&w);
            assert_same_keys(&w);
            close_world(&w);
        }
}

static void a_handshake_takes_no_more_than_its_share(void **state)
{
    static uint8_t big[9000] = {22, 254, 253};
    /* a Finished of the next epoch that says nothing */
    uint8_t early[13 + 8] = {22, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8};
    struct world w;
    size_t taken = 0;
    unsigned kept = 0;

    (void)state;
    open_world(&w);
    while (dtls_input(w.peer[DTLS_SERVER], bytes_of(big, sizeof big), NOW) == 0)
        taken += sizeof big;
    assert_true(taken <= DTLS_HANDSHAKE_BYTES_MAX);
    assert_int_equal(dtls_input(w.peer[DTLS_SERVER], bytes_of(big, sizeof big), NOW),
                     CONCLAVE_ELIMIT);
    close_world(&w);

    open_world(&w);
    while (dtls_input(w.peer[DTLS_SERVER], bytes_of(early, sizeof early), NOW) == 0)
        early[10] = (uint8_t)++kept;
    assert_int_equal(kept, DTLS_EARLY_MAX);
    start(&w);
    assert_true(deliver(&w, DTLS_SERVER)); /* and other records are still welcome */
    assert_int_equal(w.to[DTLS_CLIENT].n, 1);
    close_world(&w);
}

static void a_goodbye_is_heard(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        open_world(&w);
        start(&w);
        run(&w);
        dtls_close(w.peer[i]);
        collect(&w, (enum dtls_role)i);
        assert_int_equal(dtls_state(w.peer[i]), DTLS_CLOSED);
        run(&w);
        assert_int_equal(dtls_state(w.peer[1 - i]), DTLS_CLOSED);
        close_world(&w);
    }
}

static void a_forged_goodbye_is_not(void **state)
{
    static const uint8_t alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0};
    static const uint8_t sealed[13 + 26] = {21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 99, 0, 26};
    struct world w;

    (void)state;
    open_world(&w);
    start(&w);
    run(&w);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(dtls_input(w.peer[i], bytes_of(alert, sizeof alert), NOW), 0);
        assert_int_equal(dtls_input(w.peer[i], bytes_of(sealed, sizeof sealed), NOW), 0);
    }
    assert_same_keys(&w);
    close_world(&w);
}

static void only_a_client_starts_and_once(void **state)
{
    struct world w;

    (void)state;
    open_world(&w);
    assert_int_equal(dtls_input(w.peer[DTLS_CLIENT], bytes_str("x"), NOW), CONCLAVE_ESTATE);
    assert_int_equal(dtls_start(w.peer[DTLS_SERVER], NOW), CONCLAVE_ESTATE);
    assert_int_equal(dtls_start(w.peer[DTLS_CLIENT], NOW), 0);
    assert_int_equal(dtls_start(w.peer[DTLS_CLIENT], NOW), CONCLAVE_ESTATE);
    close_world(&w);
}

/* ---- Against OpenSSL as others set it up ---- */

struct foreign {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    long mtu;
};

/* A peer with the key of `id`'s certificate or none, which speaks what `set` leaves it. */
static void open_foreign(struct foreign *f, bool client, void (*set)(SSL_CTX *ctx), bool has_key,
                         uint8_t out_fingerprint[static DTLS_FINGERPRINT])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    f->ctx = SSL_CTX_new(DTLS_method());
    assert_true(key != NULL && x != NULL && f->ctx != NULL);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 1000));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(X509_digest(x, EVP_sha256(), out_fingerprint, NULL), 1);
    if (has_key) {
        assert_int_equal(SSL_CTX_use_certificate(f->ctx, x), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(f->ctx, key), 1);
    }
    assert_int_equal(
        SSL_CTX_set_tlsext_use_srtp(f->ctx, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM"), 0);
    SSL_CTX_set_security_level(f->ctx, 0);
    set(f->ctx);
    f->ssl = SSL_new(f->ctx);
    f->in = BIO_new(BIO_s_mem());
    f->out = BIO_new(BIO_s_mem());
    assert_true(f->ssl != NULL && f->in != NULL && f->out != NULL);
    BIO_set_mem_eof_return(f->in, -1);
    SSL_set_bio(f->ssl, f->in, f->out);
    SSL_set_options(f->ssl, SSL_OP_NO_QUERY_MTU);
    assert_true(SSL_set_mtu(f->ssl, f->mtu) > 0);
    if (client)
        SSL_set_connect_state(f->ssl);
    else
        SSL_set_accept_state(f->ssl);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* What the peer has written arrives, one record a datagram. */
static void arrive_by_record(struct dtls *d, const uint8_t *data, size_t n)
{
    while (n >= 13) {
        size_t size = 13 + ((size_t)data[11] << 8 | data[12]);
        assert_true(size <= n);
        (void)(dtls_input(d, bytes_of(data, size), NOW) == 0);
        data += size;
        n -= size;
    }
}

/* Whether our side ends up connected with such a peer. */
static bool gets_on_with(bool foreign_is_client, void (*set)(SSL_CTX *ctx), bool has_key, long mtu)
{
    struct foreign f = {.mtu = mtu};
    struct dtls_identity *id;
    struct dtls *d;
    struct bytes out;
    uint8_t fingerprint[DTLS_FINGERPRINT], in[8192];

    open_foreign(&f, foreign_is_client, set, has_key, fingerprint);
    assert_int_equal(dtls_identity_new(NOW, &id), 0);
    assert_int_equal(dtls_new(id, foreign_is_client ? DTLS_SERVER : DTLS_CLIENT, fingerprint, &d),
                     0);
    if (!foreign_is_client)
        assert_int_equal(dtls_start(d, NOW), 0);
    for (unsigned i = 0; i < 10; i++) {
        while (dtls_next(d, &out)) {
            assert_int_equal(BIO_write(f.in, out.p, (int)out.n), out.n);
            (void)SSL_do_handshake(f.ssl);
        }
        (void)SSL_do_handshake(f.ssl);
        int n = BIO_read(f.out, in, sizeof in);
        if (n > 0)
            arrive_by_record(d, in, (size_t)n);
    }
    bool connected = dtls_state(d) == DTLS_CONNECTED;
    dtls_free(d);
    dtls_identity_free(id);
    SSL_free(f.ssl);
    SSL_CTX_free(f.ctx);
    return connected;
}

static void usual(SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
}

static void browser(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, "DEFAULT:!NULL:!aNULL:!SHA256:!SHA384:!aECDH:"
                                                  "!AESGCM+AES256:!aPSK"),
                     1);
}

static void version_1_0(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, DTLS1_VERSION), 1);
}

static void no_gcm(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, "ECDHE+AES:!AESGCM:!AESCCM"), 1);
}

static void no_forward_secrecy(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, "AES256-GCM-SHA384"), 1);
}

static void old_srtp(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AES128_CM_SHA1_80"), 0);
}

static void short_srtp(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM"), 0);
}

static void no_extended_master_secret(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
}

static void old_curve(SSL_CTX *ctx)
{
    assert_int_equal(SSL_CTX_set1_groups_list(ctx, "P-521"), 1);
}

static void what_browsers_offer_is_enough_and_anything_weaker_is_not(void **state)
{
    static const struct {
        void (*set)(SSL_CTX *ctx);
        bool good;
    } cases[] = {
        {usual, true},       {browser, true},    {version_1_0, false},
        {no_gcm, false},     {old_srtp, false},  {no_forward_secrecy, false},
        {short_srtp, false}, {old_curve, false}, {no_extended_master_secret, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gets_on_with(true, cases[i].set, true, DTLS_MTU), cases[i].good);
        assert_int_equal(gets_on_with(false, cases[i].set, true, DTLS_MTU), cases[i].good);
    }
    assert_false(gets_on_with(true, usual, false, DTLS_MTU)); /* a client without a certificate */
}

static void a_handshake_in_small_pieces_is_put_together(void **state)
{
    (void)state;
    assert_true(gets_on_with(true, usual, true, 256));
    assert_true(gets_on_with(false, usual, true, 256));
}

static int make_everything(void *ctx)
{
    struct dtls_identity *id = NULL;
    struct dtls *d = NULL;
    static const uint8_t fingerprint[DTLS_FINGERPRINT];

    (void)ctx;
    int rv = dtls_identity_new(NOW, &id);
    if (rv == 0)
        rv = dtls_new(id, DTLS_SERVER, fingerprint, &d);
    dtls_free(d);
    dtls_identity_free(id);
    return rv;
}

static void failed_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(make_everything, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_get_the_same_keys),
        cmocka_unit_test(each_flight_is_one_datagram),
        cmocka_unit_test(a_flight_that_is_lost_comes_again),
        cmocka_unit_test(a_flight_comes_again_later_and_later),
        cmocka_unit_test(what_is_sent_again_in_real_time_is_a_new_record),
        cmocka_unit_test(a_bad_network_only_takes_longer),
        cmocka_unit_test(only_the_certificate_with_the_fingerprint_is_taken),
        cmocka_unit_test(each_bit_of_the_fingerprint_counts),
        cmocka_unit_test(nothing_that_was_changed_on_the_way_gets_through),
        cmocka_unit_test(what_is_no_handshake_changes_nothing),
        cmocka_unit_test(a_handshake_takes_no_more_than_its_share),
        cmocka_unit_test(a_goodbye_is_heard),
        cmocka_unit_test(a_forged_goodbye_is_not),
        cmocka_unit_test(only_a_client_starts_and_once),
        cmocka_unit_test(what_browsers_offer_is_enough_and_anything_weaker_is_not),
        cmocka_unit_test(a_handshake_in_small_pieces_is_put_together),
        cmocka_unit_test(failed_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
