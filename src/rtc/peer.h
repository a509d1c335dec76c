/* One media peer: ICE finds the way, DTLS makes keys, SRTP protects what goes along it. The switch
 * has one for each participant's transport (PEER_SERVER), a native participant one towards the
 * switch (PEER_CLIENT).
 *
 * Sans-IO. After peer_new(), each peer_input(), each peer_tick() at peer_deadline(), and anything
 * else that takes `now_us`, call peer_next() until it has nothing more:
 *
 *     rv = peer_input(p, datagram, n, &from, now);    a packet is opened in place
 *     while ((rv = peer_next(p, now, &e)) == 0 && e.kind != PEER_NOTHING) ...
 *
 * Who has many behind one socket finds a peer by the address of a datagram, if peer_knows() it
 * still, and by ice_addressee() if it is a check from elsewhere.
 *
 * Times are microseconds that never go back. Signalling binds a peer: nothing is agreed with anyone
 * who does not know the ICE password and whose certificate has another fingerprint.
 */
#ifndef RTC_PEER_H
#define RTC_PEER_H

#include "crypto/dtls.h"
#include "rtc/ice_client.h"
#include "rtc/ice_lite.h"
#include "rtc/srtp.h"

/* From peer_new() until there are keys and a path. */
#define PEER_SETUP_US (30 * ICE_SECOND)

enum peer_role {
    PEER_SERVER, /* ICE lite and controlled */
    PEER_CLIENT, /* ICE full and controlling */
};

struct peer_config {
    enum peer_role role;
    enum dtls_role dtls_role;
    struct dtls_identity *identity;        /* borrowed, outlives the peer */
    struct aead_engine *engine;            /* likewise */
    uint8_t fingerprint[DTLS_FINGERPRINT]; /* of the peer's certificate */
    struct ice_login local, remote;        /* see below */
    const struct rtc_address *candidates;  /* a client's: the server's addresses, best first */
    size_t n_candidates;
    enum ice_nomination nomination;
    uint8_t seed[ICE_SEED]; /* secret and random */
    uint64_t setup_us;      /* 0: PEER_SETUP_US */
};

struct peer;

/* A server may do without `remote` if it is the DTLS server too, but then its client cannot move:
 * see rtc/ice_lite.h. EINVAL, ENOMEM, ECRYPTO. */
int peer_new(const struct peer_config *config, uint64_t now_us, struct peer **out) CONCLAVE_CHECKED;
void peer_free(struct peer *p);

/* A datagram, told apart by its first byte (RFC 7983). Media is opened in place, and handed out by
 * the next peer_next(). Errors of the peer's class say why it was dropped, nothing having changed:
 * ESENDER: from where nobody was checked; EUNKNOWNKEY: media before there are keys; ESTATE: closed;
 * ESYNTAX, ESIGNATURE, EDECRYPT, EREPLAY, ELIMIT. ENOMEM, ECRYPTO. */
int peer_input(struct peer *p, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us) CONCLAVE_CHECKED;

/* UINT64_MAX: not before something comes in. ENOMEM, ECRYPTO: call again. */
uint64_t peer_deadline(const struct peer *p);
int peer_tick(struct peer *p, uint64_t now_us) CONCLAVE_CHECKED;

enum peer_effect_kind {
    PEER_NOTHING,
    PEER_SEND,      /* data to an address */
    PEER_RTP,       /* packet was opened: it lies in the datagram that came in */
    PEER_RTCP,      /* likewise, a compound */
    PEER_CONNECTED, /* media may flow: for the first time, or again */
    PEER_LOST,      /* the peer's consent has ended: nothing is sent until a check comes through */
    PEER_CLOSED,    /* for this reason, and for good */
};

enum peer_reason {
    PEER_CLOSED_HERE = 1,  /* peer_close() */
    PEER_CLOSED_THERE,     /* the peer said goodbye */
    PEER_NO_PATH,          /* none of the server's addresses answered */
    PEER_HANDSHAKE_FAILED, /* another certificate, or nothing in common */
    PEER_SETUP_TIMEOUT,
};

struct peer_effect {
    enum peer_effect_kind kind;
    struct rtc_address to; /* SEND */
    struct bytes data;     /* SEND: good until the next call */
    uint8_t *packet;       /* RTP, RTCP */
    size_t packet_n;
    enum peer_reason reason; /* CLOSED */
};

/* The next thing to be done. ENOMEM, ECRYPTO: call again. */
int peer_next(struct peer *p, uint64_t now_us, struct peer_effect *out) CONCLAVE_CHECKED;

/* ---- Media out ---- */

/* Where media goes: NULL unless the peer is connected. */
const struct rtc_address *peer_remote(const struct peer *p, uint64_t now_us);

/* Seal in place for peer_remote(). ESTATE: there are no keys; else as srtp_seal(), srtcp_seal(). */
int peer_seal_rtp(struct peer *p, uint8_t *packet, size_t n, size_t cap,
                  size_t *out_n) CONCLAVE_CHECKED;
int peer_seal_rtcp(struct peer *p, uint8_t *packet, size_t n, size_t cap,
                   size_t *out_n) CONCLAVE_CHECKED;

/* The session itself, for sealing one payload for many: NULL without keys. */
struct srtp *peer_sealing(struct peer *p);

/* A stream has come to its end: as srtp_remove(), in both directions. */
int peer_remove_stream(struct peer *p, uint32_t ssrc) CONCLAVE_CHECKED;

/* ---- Other ---- */

/* ICE restart: login, remote and candidates are looked at. EINVAL; ESTATE: closed. */
int peer_restart(struct peer *p, const struct peer_config *config) CONCLAVE_CHECKED;

/* A server is told the `remote` that it did without until now: its client can move from here on.
 * EINVAL; ESTATE: closed, a client, or known already. */
int peer_login(struct peer *p, struct ice_login remote, uint64_t now_us) CONCLAVE_CHECKED;

/* A client's network has changed. */
void peer_recheck(struct peer *p);

/* Says goodbye; PEER_CLOSED follows. */
void peer_close(struct peer *p);

/* Whether checks of this peer have come from there lately: for who finds peers by address. */
bool peer_knows(const struct peer *p, const struct rtc_address *from, uint64_t now_us);

/* A client's last measured round trip; 0: none. */
uint64_t peer_rtt_us(const struct peer *p);

#endif
