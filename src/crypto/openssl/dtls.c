/* One connection. OpenSSL's state machine reads and writes datagrams through a BIO of ours.
 *
 * The last flight is kept, since it may have to go out again (RFC 6347 4.2.4). What is sent again
 * should be new records; OpenSSL makes them if its clock, which is the system's, says that it is
 * time. Where time is a number, or the system's clock was set back, it does not: then the same
 * datagrams go out, as if the network had doubled them. Each flight of ours is one datagram, which
 * a peer has got whole or not at all, so that is as good; but for a flight whose answer was lost.
 * There the peer takes it for a replay, and what must be sent again is the answer: see
 * repeat_last_flight().
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/wipe.h"
#include "crypto/openssl/dtls.h"
#include "crypto/openssl/state.h"

#define RECORD_HEADER 13
#define CONTENT_HANDSHAKE 22
#define AEAD_AES_256_GCM 0x0008 /* RFC 7714 14.2 */

struct dtls {
    SSL *ssl;
    enum dtls_role role;
    enum dtls_state state;
    bool started;
    bool is_peer;    /* the certificate shown had the right fingerprint */
    size_t received; /* bytes before there were keys */
    unsigned early;  /* records of the next epoch among them */
    uint64_t due_us, wait_us;
    uint8_t peer[DTLS_FINGERPRINT];
    struct bytes in; /* the datagram that OpenSSL reads */

    /* The last flight, and what of it is still to be handed out. */
    bool fresh; /* what is written next begins another */
    size_t n, next;
    size_t end[DTLS_FLIGHT_DATAGRAMS_MAX];
    uint8_t flight[DTLS_FLIGHT_BYTES_MAX];
};

/* ---- Datagrams, as OpenSSL sees them ---- */

static int bio_read(BIO *bio, char *out, int max)
{
    struct dtls *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (d->in.n == 0 || max <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = d->in.n < (size_t)max ? d->in.n : (size_t)max;
    memcpy(out, d->in.p, n);
    d->in = bytes_of(NULL, 0); /* what does not fit of a datagram is gone, as with a socket */
    return (int)n;
}

/* What has no room is lost, as it may be on the way. */
static int bio_write(BIO *bio, const char *data, int size)
{
    struct dtls *d = BIO_get_data(bio);
    size_t n = size > 0 ? (size_t)size : 0;
    if (d->fresh) {
        d->n = d->next = 0;
        d->fresh = false;
    }
    size_t start = d->n == 0 ? 0 : d->end[d->n - 1];
    if (d->n == DTLS_FLIGHT_DATAGRAMS_MAX || n > sizeof d->flight - start)
        return size;
    memcpy(d->flight + start, data, n);
    d->end[d->n++] = start + n;
    return size;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DTLS_MTU;
    default:
        return 0;
    }
}

BIO_METHOD *dtls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");
    if (m == NULL || BIO_meth_set_read(m, bio_read) != 1 || BIO_meth_set_write(m, bio_write) != 1 ||
        BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

/* ---- The connection ---- */

/* RFC 8122 5: the fingerprint is all there is to know about the peer. */
int dtls_verify_peer(X509_STORE_CTX *store, void *unused)
{
    uint8_t shown[DTLS_FINGERPRINT];
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dtls *d = SSL_get_app_data(ssl);
    (void)unused;
    d->is_peer = dtls_fingerprint_of(X509_STORE_CTX_get0_cert(store), shown) &&
                 ct_equal(bytes_of(shown, sizeof shown), bytes_of(d->peer, sizeof d->peer));
    X509_STORE_CTX_set_error(store, d->is_peer ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return d->is_peer;
}

/* How long OpenSSL's own timer waits: 0 came in for the first time. */
static unsigned timer(SSL *ssl, unsigned previous_us)
{
    const struct dtls *d = SSL_get_app_data(ssl);
    return previous_us == 0 ? DTLS_RETRANSMIT_US : (unsigned)d->wait_us;
}

static int set_up(struct dtls *d, const struct dtls_identity *id)
{
    BIO *bio = BIO_new(id->bio);
    d->ssl = SSL_new(id->ctx);
    if (bio == NULL || d->ssl == NULL) {
        BIO_free(bio);
        return ossl_error(CONCLAVE_ECRYPTO);
    }
    BIO_set_data(bio, d);
    BIO_set_init(bio, 1);
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_app_data(d->ssl, d);
    DTLS_set_timer_cb(d->ssl, timer);
    if (d->role == DTLS_SERVER)
        SSL_set_accept_state(d->ssl);
    else
        SSL_set_connect_state(d->ssl);
    return SSL_set_mtu(d->ssl, DTLS_MTU) > 0 ? 0 : ossl_error(CONCLAVE_ECRYPTO);
}

int dtls_new(struct dtls_identity *id, enum dtls_role role,
             const uint8_t peer_fingerprint[static DTLS_FINGERPRINT], struct dtls **out)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (d == NULL)
        return CONCLAVE_ENOMEM;
    d->role = role;
    d->started = role == DTLS_SERVER;
    d->due_us = UINT64_MAX;
    memcpy(d->peer, peer_fingerprint, sizeof d->peer);
    int rv = set_up(d, id);
    if (rv != 0) {
        dtls_free(d);
        return rv;
    }
    *out = d;
    return 0;
}

void dtls_free(struct dtls *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    wipe(d, sizeof *d);
    free(d);
}

enum dtls_state dtls_state(const struct dtls *d)
{
    return d->state;
}

static size_t start_of_next(const struct dtls *d)
{
    return d->next == 0 ? 0 : d->end[d->next - 1];
}

size_t dtls_pending(const struct dtls *d)
{
    return d->next == d->n ? 0 : d->end[d->next] - start_of_next(d);
}

bool dtls_next(struct dtls *d, struct bytes *out)
{
    size_t n = dtls_pending(d);
    if (n == 0)
        return false;
    *out = bytes_of(d->flight + start_of_next(d), n);
    d->next++;
    return true;
}

/* ---- The handshake ---- */

/* What both have agreed on is what this side insists on; the rest is in set_algorithms(). */
static bool is_acceptable(const struct dtls *d)
{
    SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    return d->is_peer && profile != NULL && profile->id == AEAD_AES_256_GCM &&
           SSL_get_extms_support(d->ssl) == 1; /* RFC 7627: the keys belong to this handshake */
}

static bool is_waiting(const struct dtls *d, int rv)
{
    int error = SSL_get_error(d->ssl, rv);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void shake_hands(struct dtls *d)
{
    int rv = SSL_do_handshake(d->ssl);
    if (rv == 1)
        d->state = is_acceptable(d) ? DTLS_CONNECTED : DTLS_FAILED;
    else if (!is_waiting(d, rv))
        d->state = DTLS_FAILED;
}

/* Alerts, and a last flight that did not get through. Application data is dropped. */
static void listen(struct dtls *d)
{
    uint8_t data[256];
    int rv;
    do
        rv = SSL_read(d->ssl, data, sizeof data);
    while (rv > 0);
    if (!is_waiting(d, rv))
        d->state = DTLS_CLOSED;
}

/* A handshake was answered with the last flight of all, and comes again as the same datagrams:
 * OpenSSL took it for a replay, but what it says is that the answer was lost. Not larger than what
 * it answers. */
static void repeat_last_flight(struct dtls *d, struct bytes datagram)
{
    if (d->role == DTLS_SERVER && d->fresh && d->n != 0 && datagram.n >= d->end[d->n - 1] &&
        datagram.p[0] == CONTENT_HANDSHAKE)
        d->next = 0;
}

static void go_on(struct dtls *d, struct bytes datagram, uint64_t now_us)
{
    bool was_connected = d->state == DTLS_CONNECTED;
    ERR_clear_error();
    d->in = datagram;
    d->fresh = true;
    if (d->state == DTLS_CONNECTING)
        shake_hands(d);
    if (d->state == DTLS_CONNECTED)
        listen(d);
    d->in = bytes_of(NULL, 0);
    ERR_clear_error();
    if (was_connected)
        repeat_last_flight(d, datagram);
    if (d->state != DTLS_CONNECTING) {
        d->due_us = UINT64_MAX;
    } else if (!d->fresh) {
        d->wait_us = DTLS_RETRANSMIT_US;
        d->due_us = now_us + d->wait_us;
    }
}

int dtls_start(struct dtls *d, uint64_t now_us)
{
    if (d->started || d->state != DTLS_CONNECTING)
        return CONCLAVE_ESTATE;
    d->started = true;
    go_on(d, bytes_of(NULL, 0), now_us);
    return 0;
}

/* Records of the next epoch (RFC 6347 4.1: type, version, epoch, number, length). */
static unsigned early_records(struct bytes datagram)
{
    unsigned count = 0;
    while (datagram.n >= RECORD_HEADER) {
        size_t size = RECORD_HEADER + ((size_t)datagram.p[11] << 8 | datagram.p[12]);
        count += (datagram.p[3] | datagram.p[4]) != 0;
        if (size > datagram.n)
            break;
        datagram = bytes_of(datagram.p + size, datagram.n - size);
    }
    return count;
}

static bool is_too_much(struct dtls *d, struct bytes datagram)
{
    unsigned early = early_records(datagram);
    if (d->state != DTLS_CONNECTING)
        return false;
    if (datagram.n > DTLS_HANDSHAKE_BYTES_MAX - d->received || early > DTLS_EARLY_MAX - d->early)
        return true;
    d->received += datagram.n;
    d->early += early;
    return false;
}

int dtls_input(struct dtls *d, struct bytes datagram, uint64_t now_us)
{
    if (!d->started || d->state == DTLS_CLOSED || d->state == DTLS_FAILED)
        return CONCLAVE_ESTATE;
    if (datagram.n == 0)
        return 0;
    if (is_too_much(d, datagram))
        return CONCLAVE_ELIMIT;
    go_on(d, datagram, now_us);
    return 0;
}

uint64_t dtls_deadline(const struct dtls *d)
{
    return d->due_us;
}

void dtls_tick(struct dtls *d, uint64_t now_us)
{
    if (now_us < d->due_us)
        return;
    d->wait_us = d->wait_us * 2 < DTLS_RETRANSMIT_MAX_US ? d->wait_us * 2 : DTLS_RETRANSMIT_MAX_US;
    d->due_us = now_us + d->wait_us;
    d->fresh = true;
    ERR_clear_error();
    (void)DTLSv1_handle_timeout(d->ssl);
    ERR_clear_error();
    if (d->fresh) /* its clock does not agree */
        d->next = 0;
}

/* ---- What comes of it ---- */

/* RFC 5764 4.2: keys, then salts, each of the client first. */
struct exported {
    uint8_t key[2][DTLS_SRTP_KEY];
    uint8_t salt[2][DTLS_SRTP_SALT];
};

int dtls_srtp_keys(struct dtls *d, struct dtls_srtp_keys *out)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    struct exported e;
    size_t mine = d->role == DTLS_CLIENT ? 0 : 1;
    if (d->state != DTLS_CONNECTED)
        return CONCLAVE_ESTATE;
    int rv = 0;
    if (SSL_export_keying_material(d->ssl, (uint8_t *)&e, sizeof e, label, sizeof label - 1, NULL,
                                   0, 0) != 1) {
        rv = ossl_error(CONCLAVE_ECRYPTO);
        goto out;
    }
    memcpy(out->seal_key, e.key[mine], DTLS_SRTP_KEY);
    memcpy(out->open_key, e.key[1 - mine], DTLS_SRTP_KEY);
    memcpy(out->seal_salt, e.salt[mine], DTLS_SRTP_SALT);
    memcpy(out->open_salt, e.salt[1 - mine], DTLS_SRTP_SALT);
out:
    wipe(&e, sizeof e);
    return rv;
}

void dtls_close(struct dtls *d)
{
    if (d->state == DTLS_CONNECTED) {
        ERR_clear_error();
        d->fresh = true;
        (void)SSL_shutdown(d->ssl);
        ERR_clear_error();
    }
    if (d->state != DTLS_FAILED)
        d->state = DTLS_CLOSED;
    d->due_us = UINT64_MAX;
}
