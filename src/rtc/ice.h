/* What both sides of ICE share (RFC 8445): credentials, requests and answers, rates, and where
 * unpredictable numbers come from.
 *
 * One side is a server with addresses everybody can reach, which answers checks (rtc/ice_lite.h);
 * the other makes them (rtc/ice_client.h). There are no relays and no server-reflexive candidates:
 * clients need none towards such a server. Component 1 only: RTP and RTCP share a port (RFC 5761).
 */
#ifndef RTC_ICE_H
#define RTC_ICE_H

#include "rtc/stun.h"

#define ICE_SECOND UINT64_C(1000000)

/* RFC 7675 5.1: media may be sent for so long after the last sign of consent. */
#define ICE_CONSENT_US (30 * ICE_SECOND)

/* RFC 8445 14.3: how long to wait for an answer at first, doubled each time; and how often a check
 * is sent before it has failed: 7.5 s of trying and 8 s of waiting. */
#define ICE_RTO_US (ICE_SECOND / 2)
#define ICE_TRIES 5

/* RFC 8445 5.3: ufrag of 4 to 256, password of 22 to 256 characters of ALPHA / DIGIT / "+" / "/".
 * The bytes are copied. */
struct ice_credentials {
    uint16_t ufrag_n, pwd_n; /* 0: not known */
    uint8_t ufrag[ICE_CREDENTIAL_MAX];
    uint8_t pwd[ICE_CREDENTIAL_MAX];
};

/* As signalling gives them. */
struct ice_login {
    struct bytes ufrag, pwd;
};

/* EINVAL: out of the alphabet or of bounds. */
int ice_credentials_set(struct ice_credentials *c, struct ice_login login) CONCLAVE_CHECKED;
void ice_credentials_wipe(struct ice_credentials *c);

static inline struct bytes ice_pwd(const struct ice_credentials *c)
{
    return bytes_of(c->pwd, c->pwd_n);
}

/* Numbers that nobody without the seed can tell: SipHash of a counter. RFC 8489 5 wants that of
 * transaction ids. The same seed gives the same run. */
#define ICE_SEED 16
struct ice_random {
    uint8_t key[ICE_SEED];
    uint64_t n;
};
uint64_t ice_random_next(struct ice_random *r);
void ice_random_transaction(struct ice_random *r, uint8_t out[static STUN_TRANSACTION_SIZE]);

/* A rate: so many a second on average, and so many at once. Start with {0}. */
struct ice_rate {
    uint64_t next_us;
};
bool ice_rate_take(struct ice_rate *r, unsigned per_second, unsigned burst, uint64_t now_us);

/* A check to be sent (RFC 8445 7.2.2). */
struct ice_check {
    const uint8_t *transaction; /* STUN_TRANSACTION_SIZE bytes */
    enum stun_role role;
    uint64_t tie_breaker;
    uint32_t priority;
    bool nominate; /* USE-CANDIDATE */
};

/* Append a message. ENOMEM, ECRYPTO; out is then what it was. */
int ice_check_write(const struct ice_check *c, const struct ice_credentials *local,
                    const struct ice_credentials *remote, struct buf *out) CONCLAVE_CHECKED;

/* Whom a check is for: the fragment before the colon of its USERNAME, a view. For who has many
 * peers behind one socket; nothing is verified. ESYNTAX, ELIMIT: it is none. */
int ice_addressee(struct bytes datagram, struct bytes *out_ufrag) CONCLAVE_CHECKED;

/* Whether USERNAME is local:remote, or with remote not known local:anything. It is no secret, but
 * who is not on the way does not know it: so it stands before what costs an HMAC. */
bool ice_request_is_named(const struct stun_message *m, const struct ice_credentials *local,
                          const struct ice_credentials *remote);

/* RFC 8445 7.3: what is wrong with a request that was verified, from a peer who must not have our
 * role; 0: nothing. */
uint16_t ice_request_objection(const struct stun_message *m, enum stun_role ours);

/* The answer to a request that was verified: success, or an error that is not about who asks. */
int ice_answer_write(const struct stun_message *request, uint16_t error,
                     const struct rtc_address *from, const struct ice_credentials *local,
                     struct buf *out) CONCLAVE_CHECKED;

/* The answer to one that is not the peer's: RFC 8489 9.1.3 has no integrity there. 36 bytes. */
int ice_refusal_write(const struct stun_message *request, struct buf *out) CONCLAVE_CHECKED;

/* RFC 8445 5.1.2.1, of type preference, local preference, and component 1. */
#define ICE_PRIORITY(type, local) ((uint32_t)(type) << 24 | (uint32_t)(local) << 8 | 255u)
#define ICE_TYPE_HOST 126
#define ICE_TYPE_PEER_REFLEXIVE 110

#endif
