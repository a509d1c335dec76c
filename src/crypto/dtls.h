/* DTLS 1.2 as WebRTC uses it: a handshake between two self-made certificates, each known to the
 * other by its fingerprint, whose result is keys for SRTP (RFC 5763, RFC 5764, RFC 8827 6.5).
 *
 * Sans-IO: datagrams and the time come in, datagrams are pulled. Offered and accepted are only
 * DTLS 1.2, ECDHE-ECDSA with AES-256-GCM or, for browsers, which have no other and whose own rule
 * it is (RFC 8827 6.5), AES-128-GCM; SRTP_AEAD_AES_256_GCM; and the extended master secret
 * (RFC 7627). The suite's cipher protects the handshake's last message, media has SRTP's. Both
 * sides show a certificate; nothing of it counts but its SHA-256 fingerprint, which signalling
 * gave. No application data, no renegotiation, no resumption.
 *
 * There is no HelloVerifyRequest: give it datagrams only of addresses that ICE has checked, and
 * bound what goes out as long as none is proven (rtc/ice_lite.h).
 *
 *     dtls_input(d, datagram, now)       or dtls_start(), dtls_tick(), dtls_close()
 *     while (dtls_next(d, &datagram)) ...  after each of them: send these
 */
#ifndef CRYPTO_DTLS_H
#define CRYPTO_DTLS_H

#include <conclave/bytes.h>

#define DTLS_FINGERPRINT 32
#define DTLS_SRTP_KEY 32
#define DTLS_SRTP_SALT 12

/* A datagram without IP and UDP header: what goes through anywhere (RFC 8085 3.2, with tunnels). */
#define DTLS_MTU 1200

/* RFC 6347 4.2.4.1 wants a second at first for want of knowledge. Here ICE has just seen the path
 * work, and people wait; what is sent too early does no harm. Doubled each time up to the last. */
#define DTLS_RETRANSMIT_US 250000
#define DTLS_RETRANSMIT_MAX_US 2000000

/* What comes in before there are keys. A flight has a few hundred bytes, two thousand with a chain
 * of certificates or post-quantum key shares: what is more is no handshake. */
#define DTLS_HANDSHAKE_BYTES_MAX ((size_t)64 << 10)
/* Records of the next epoch that come before it begins: OpenSSL keeps them, at 17 kB each. Honest
 * are the peer's last message, and that again for each time it was not answered. */
#define DTLS_EARLY_MAX 16
/* Of our own flight: certificate, key, signature. */
#define DTLS_FLIGHT_BYTES_MAX 4096
#define DTLS_FLIGHT_DATAGRAMS_MAX 8

/* A key, its certificate, and what all connections under it share. It does not change: connections
 * of several threads may use it at once. It must outlive them. */
struct dtls_identity;

/* A fresh P-256 key. now_us, microseconds since 1970, dates the certificate; nobody checks. ENOMEM,
 * ECRYPTO, ERANDOM. */
int dtls_identity_new(uint64_t now_us, struct dtls_identity **out) CONCLAVE_CHECKED;
void dtls_identity_free(struct dtls_identity *id);

/* What to tell the peer: SHA-256 of the certificate, DTLS_FINGERPRINT bytes. */
const uint8_t *dtls_identity_fingerprint(const struct dtls_identity *id);

enum dtls_role { DTLS_CLIENT, DTLS_SERVER };

enum dtls_state {
    DTLS_CONNECTING,
    DTLS_CONNECTED, /* there are keys */
    DTLS_CLOSED,    /* the peer said goodbye, or dtls_close() was called */
    DTLS_FAILED,    /* no handshake comes of this any more */
};

/* Master keys and salts as this side uses them (RFC 5764 4.2). Secret: wipe. */
struct dtls_srtp_keys {
    uint8_t seal_key[DTLS_SRTP_KEY], seal_salt[DTLS_SRTP_SALT];
    uint8_t open_key[DTLS_SRTP_KEY], open_salt[DTLS_SRTP_SALT];
};

struct dtls;

/* ENOMEM, ECRYPTO. */
int dtls_new(struct dtls_identity *id, enum dtls_role role,
             const uint8_t peer_fingerprint[static DTLS_FINGERPRINT],
             struct dtls **out) CONCLAVE_CHECKED;
void dtls_free(struct dtls *d);

/* A client speaks first. ESTATE: it has, or is none. */
int dtls_start(struct dtls *d, uint64_t now_us) CONCLAVE_CHECKED;

/* A datagram of the peer's. What is wrong with it shows in the state, if it matters at all. ELIMIT:
 * dropped, as one of the limits above says. ESTATE: not started, or over. */
int dtls_input(struct dtls *d, struct bytes datagram, uint64_t now_us) CONCLAVE_CHECKED;

/* When a flight is to be sent again if nothing comes; UINT64_MAX: never. */
uint64_t dtls_deadline(const struct dtls *d);
void dtls_tick(struct dtls *d, uint64_t now_us);

/* The next datagram to be sent, good until the next call but this; false: there is none. */
bool dtls_next(struct dtls *d, struct bytes *out);

/* How large it is; 0: there is none. For who may have to keep it waiting. */
size_t dtls_pending(const struct dtls *d);

enum dtls_state dtls_state(const struct dtls *d);

/* ESTATE: not connected. ECRYPTO. */
int dtls_srtp_keys(struct dtls *d, struct dtls_srtp_keys *out) CONCLAVE_CHECKED;

/* Says goodbye to a peer it is connected with. */
void dtls_close(struct dtls *d);

#endif
