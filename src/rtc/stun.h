/* STUN messages as ICE uses them (RFC 8489, RFC 8445 7): binding requests, their answers and
 * indications, with short-term credentials.
 *
 * stun_read() is strict about framing and about the attributes it knows, and borrows from the
 * datagram. It believes nothing: call stun_verify() before anything in the message is acted upon.
 * Of an attribute that occurs twice the first counts (RFC 8489 14), and what stands behind
 * MESSAGE-INTEGRITY is not looked at, but for FINGERPRINT (RFC 8489 14.5).
 */
#ifndef RTC_STUN_H
#define RTC_STUN_H

#include "rtc/address.h"
#include "rtc/limits.h"

#define STUN_HEADER_SIZE 20
#define STUN_TRANSACTION_SIZE 12
#define STUN_BINDING 0x001

/* RFC 8489 5: the two class bits. */
enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

/* RFC 8489 14.8, RFC 8445 16.2 */
enum stun_error {
    STUN_BAD_REQUEST = 400,
    STUN_UNAUTHENTICATED = 401,
    STUN_UNKNOWN_ATTRIBUTE = 420,
    STUN_ROLE_CONFLICT = 487,
};

/* RFC 8445 7.1.2: which of the two ICE roles the sender says it has. */
enum stun_role { STUN_NO_ROLE, STUN_CONTROLLING, STUN_CONTROLLED };

struct stun_message {
    enum stun_class class;
    uint16_t method; /* 12 bits */
    uint8_t transaction[STUN_TRANSACTION_SIZE];

    bool has_username;
    bool has_priority;
    bool use_candidate;
    bool has_fingerprint; /* and it is right */
    struct bytes username;
    uint32_t priority;
    enum stun_role role;
    uint64_t tie_breaker;               /* with a role */
    struct rtc_address mapped;          /* XOR-MAPPED-ADDRESS; of no family: none */
    uint16_t error;                     /* 300 to 699; 0: none */
    uint16_t unknown[STUN_UNKNOWN_MAX]; /* required attributes this code does not know */
    size_t unknown_count;

    struct bytes integrity; /* the HMAC; empty: there is none. Set by reading only */
    struct bytes covered;   /* what it covers, header included. Set by reading only */
};

/* Whether a datagram is STUN if it is any of STUN, DTLS, RTP and RTCP (RFC 7983 7). */
static inline bool stun_is_likely(struct bytes datagram)
{
    return datagram.n >= STUN_HEADER_SIZE && datagram.p[0] < 4;
}

/* ESYNTAX: not a STUN message, or an attribute or the fingerprint is wrong. ELIMIT: more unknown
 * attributes than STUN_UNKNOWN_MAX, or longer than STUN_MESSAGE_MAX. */
int stun_read(struct bytes datagram, struct stun_message *out) CONCLAVE_CHECKED;

/* Whether MESSAGE-INTEGRITY was made with this password, in constant time. ESIGNATURE: it was not,
 * or there is none. ECRYPTO. */
int stun_verify(const struct stun_message *m, struct bytes password) CONCLAVE_CHECKED;

/* Appends the message with what is set of it: with MESSAGE-INTEGRITY if the password is not empty,
 * and always with FINGERPRINT (RFC 8445 7.1). `unknown` goes into UNKNOWN-ATTRIBUTES of an error
 * 420. EINVAL: values that could not be read back. ENOMEM, ECRYPTO. After a failure out is what it
 * was. */
int stun_write(const struct stun_message *m, struct bytes password,
               struct buf *out) CONCLAVE_CHECKED;

#endif
