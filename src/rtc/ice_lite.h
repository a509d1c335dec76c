/* The server's side of ICE (RFC 8445 2.5: lite, always controlled): answers the client's checks and
 * so learns where the client is. Sans-IO; rtc/peer.h drives it.
 *
 * A path is an address of the client from which a check with the right credentials came. The client
 * nominates one, until then it is the first; that is where media goes, as long as checks keep
 * coming (RFC 7675: consent), and once it is proven that the client receives there. For a check
 * proves only who sent it, not from where: a participant could name somebody else's address as its
 * own and have a meeting's worth of video sent there. Proof is the DTLS handshake, or the answer to
 * a check of our own, which needs the client's credentials; a client that has not given them cannot
 * move to another address. What goes to an address before that is bounded by what came from it
 * (ICE_AMPLIFICATION).
 */
#ifndef RTC_ICE_LITE_H
#define RTC_ICE_LITE_H

#include "rtc/ice.h"

/* A check of ours under way. */
struct ice_probe {
    uint8_t transaction[STUN_TRANSACTION_SIZE];
    uint64_t due_us; /* when it is sent, again */
    uint64_t wait_us;
    unsigned tries; /* counted from 1 before the first; 0: none under way */
};

struct ice_path {
    struct rtc_address address; /* of no family: the place is free */
    uint64_t seen_us;           /* the last check from it, or answer */
    bool proven;                /* what is sent there arrives at the client */
    size_t received, sent;      /* bytes, until then */
    struct ice_probe probe;
};

struct ice_generation {
    struct ice_credentials local, remote;
};

struct ice_lite {
    struct ice_generation now, past;
    bool has_past; /* a restart is under way: checks of the past keep consent, and do no more */
    struct ice_random random;
    uint64_t tie_breaker;
    struct ice_rate known, strangers, refusals;
    struct ice_path paths[ICE_PATHS_MAX];
    struct ice_path *nominated; /* by the client, last; or else the first; NULL: none yet */
    struct ice_path *selected;  /* where things are sent; NULL: nowhere yet */
};

struct ice_lite_config {
    struct ice_login local;
    struct ice_login remote; /* empty: not known */
    uint8_t seed[ICE_SEED];  /* secret */
};

/* The struct does not move from here on. EINVAL: credentials that are none. */
int ice_lite_init(struct ice_lite *l, const struct ice_lite_config *config) CONCLAVE_CHECKED;
void ice_lite_fini(struct ice_lite *l);

/* RFC 8445 9: new credentials on both sides. Media flows on as before until the client nominates
 * under them. EINVAL. */
int ice_lite_restart(struct ice_lite *l, struct ice_login local,
                     struct ice_login remote) CONCLAVE_CHECKED;

/* The credentials of the client that the config or the restart left out. EINVAL; ESTATE: it did
 * not. */
int ice_lite_login(struct ice_lite *l, struct ice_login remote, uint64_t now_us) CONCLAVE_CHECKED;

/* A STUN datagram. What is to be sent back to where it came from is appended to out, if anything
 * is. ESYNTAX; ELIMIT: too many checks; ESENDER: an answer to no check of ours; ESIGNATURE: a
 * forged one; ENOMEM, ECRYPTO. After a failure nothing has changed. */
int ice_lite_input(struct ice_lite *l, struct bytes datagram, const struct rtc_address *from,
                   uint64_t now_us, struct buf *out) CONCLAVE_CHECKED;

/* A check of ours that is due is appended to out, which else stays as it is. ENOMEM, ECRYPTO. */
int ice_lite_next(struct ice_lite *l, uint64_t now_us, struct buf *out,
                  struct rtc_address *out_to) CONCLAVE_CHECKED;

/* When ice_lite_next() wants to be called; UINT64_MAX: not before something comes in. */
uint64_t ice_lite_deadline(const struct ice_lite *l);

/* Until when ice_lite_remote() is what it is if nothing comes in; UINT64_MAX: it is NULL. */
uint64_t ice_lite_consent_end(const struct ice_lite *l);

/* Where to send; NULL: nowhere, or there is no consent. Media only if it is proven. */
const struct ice_path *ice_lite_remote(const struct ice_lite *l, uint64_t now_us);

/* Whether checks of the client's have come from there, lately. */
bool ice_lite_knows(const struct ice_lite *l, const struct rtc_address *from, uint64_t now_us);

/* The same, for another datagram than STUN, of n bytes, which is counted. */
bool ice_lite_arrived(struct ice_lite *l, const struct rtc_address *from, size_t n,
                      uint64_t now_us);

/* Whether n bytes more may go there; if so, they are counted. */
bool ice_lite_spend(struct ice_lite *l, const struct rtc_address *to, size_t n);

/* The client has received there what only it could: see above. */
void ice_lite_prove(struct ice_lite *l, const struct rtc_address *address);

#endif
