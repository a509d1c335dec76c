/* The client's side of ICE towards a lite server (RFC 8445): a full agent, always controlling, that
 * checks the server's addresses, nominates one, and asks for consent as long as it is used
 * (RFC 7675). Sans-IO; rtc/peer.h drives it.
 *
 * The socket chooses the local address, so a pair is known by its remote half. Checks are paced
 * (RFC 8445 14) and sent again until they are answered; an answer counts only if it was signed with
 * the server's password and came from where the check went.
 */
#ifndef RTC_ICE_CLIENT_H
#define RTC_ICE_CLIENT_H

#include "rtc/ice.h"

/* RFC 8445 14.2: between two checks that begin. */
#define ICE_PACE_US (ICE_SECOND / 20)
/* RFC 8445 8.1.1 leaves it to the agent: how long a pair that works waits for a better one. */
#define ICE_PATIENCE_US (ICE_SECOND / 5)
/* RFC 7675 5.1: every five seconds, more or less by a fifth. */
#define ICE_CONSENT_EVERY_US (5 * ICE_SECOND)
/* Without an answer for so long all addresses are checked again, while there is still consent. */
#define ICE_DOUBT_US (12 * ICE_SECOND)
/* Requests for consent whose answers are waited for. */
#define ICE_CONSENTS 4

enum ice_nomination {
    ICE_REGULAR,    /* RFC 8445 8.1.1: the best pair that works is nominated by a second check */
    ICE_AGGRESSIVE, /* RFC 5245 8.1.1.2: each check nominates: a round trip less */
};

enum ice_state {
    ICE_CHECKING,
    ICE_CONNECTED,
    ICE_FAILED, /* no address answered: another try needs ice_client_restart() */
    ICE_LOST,   /* there was consent, and there is no more: likewise */
};

enum ice_pair_state { ICE_PAIR_WAITING, ICE_PAIR_IN_PROGRESS, ICE_PAIR_SUCCEEDED, ICE_PAIR_FAILED };

struct ice_pair {
    struct rtc_address remote;
    enum ice_pair_state state;
    bool nominating; /* the check in progress does */
    uint8_t transaction[STUN_TRANSACTION_SIZE];
    uint64_t sent_us, due_us, wait_us;
    unsigned tries;
};

struct ice_consent {
    bool asked;
    uint8_t transaction[STUN_TRANSACTION_SIZE];
    uint64_t sent_us;
};

struct ice_client {
    struct ice_credentials local, remote;
    struct ice_random random;
    uint64_t tie_breaker;
    enum ice_nomination nomination;
    struct ice_rate rate, refusals;            /* of checks with the right name, and of others */
    struct ice_pair pairs[ICE_CANDIDATES_MAX]; /* best first */
    size_t n;
    bool checking;
    uint64_t pace_us;            /* no check begins before */
    uint64_t first_us;           /* when the first pair succeeded; UINT64_MAX: none has */
    struct rtc_address selected; /* of no family: none */
    uint64_t answered_us;        /* when consent was last given */
    uint64_t consent_us;         /* when to ask for it again; UINT64_MAX: there is none */
    struct ice_consent consents[ICE_CONSENTS];
    size_t next_consent;
    bool doubted;              /* since consent was last given */
    uint64_t rtt_us;           /* of the last answer; 0: none yet */
    struct rtc_address mapped; /* as the server sees us */
};

struct ice_client_config {
    struct ice_login local, remote;
    const struct rtc_address *candidates; /* the server's, best first */
    size_t n;
    enum ice_nomination nomination;
    uint8_t seed[ICE_SEED]; /* secret */
};

/* EINVAL: credentials that are none, no candidates or more than ICE_CANDIDATES_MAX. */
int ice_client_init(struct ice_client *c, const struct ice_client_config *config) CONCLAVE_CHECKED;
void ice_client_fini(struct ice_client *c);

/* RFC 8445 9: new credentials on both sides, perhaps other candidates; the seed is not looked at.
 * The pair in use stays so until another is nominated. EINVAL. */
int ice_client_restart(struct ice_client *c,
                       const struct ice_client_config *config) CONCLAVE_CHECKED;

/* The network has changed: checks all addresses again. */
void ice_client_recheck(struct ice_client *c);

/* A STUN datagram. What is to be sent back to where it came from is appended to out, if anything
 * is: the server may check us. ESYNTAX; ESENDER: from nowhere we know, or no answer to anything;
 * ESIGNATURE; ELIMIT; ENOMEM, ECRYPTO. After a failure nothing has changed. */
int ice_client_input(struct ice_client *c, struct bytes datagram, const struct rtc_address *from,
                     uint64_t now_us, struct buf *out) CONCLAVE_CHECKED;

/* The next check that is due is appended to out, which else stays as it is: call until it does.
 * ENOMEM, ECRYPTO. */
int ice_client_next(struct ice_client *c, uint64_t now_us, struct buf *out,
                    struct rtc_address *out_to) CONCLAVE_CHECKED;

/* When ice_client_next() wants to be called: a check is due, or the state changes. */
uint64_t ice_client_deadline(const struct ice_client *c);

enum ice_state ice_client_state(const struct ice_client *c, uint64_t now_us);

/* Where to send; NULL unless ICE_CONNECTED. */
const struct rtc_address *ice_client_remote(const struct ice_client *c, uint64_t now_us);

/* Whether it is one of the server's addresses. */
bool ice_client_knows(const struct ice_client *c, const struct rtc_address *from);

#endif
