/* SRTP and SRTCP with AES-GCM: RFC 3711 as RFC 7714 narrows it.
 *
 * A struct srtp is one direction of one session: the keys, and for each SSRC the rollover counter
 * and the replay window. DTLS-SRTP makes two of them. Packets are worked on in place; nothing of
 * the session changes before a tag was accepted, and a packet whose tag was wrong is zeroed behind
 * its header. One thread at a time; the engine must outlive the session.
 */
#ifndef RTC_SRTP_H
#define RTC_SRTP_H

#include "crypto/aead.h"

/* The protection profiles of DTLS-SRTP (RFC 7714 14.2). */
enum srtp_profile { SRTP_AEAD_AES_128_GCM = 0x0007, SRTP_AEAD_AES_256_GCM = 0x0008 };

enum srtp_direction { SRTP_SEALING, SRTP_OPENING };

#define SRTP_SALT 12
#define SRTP_OVERHEAD 16  /* the tag */
#define SRTCP_OVERHEAD 20 /* the tag, the E flag and the index */

/* SSRCs of one direction at a time: a thousand streams to one receiver, with retransmission. Only
 * packets that opened make one when opening; one more takes the place of one that has been silent
 * for long, whose packets may then be replayed: a peer can do that to itself alone. When sealing,
 * srtp_remove() makes room. */
#define SRTP_STREAMS_MAX 4096

/* SSRCs removed from a sealing session, which are remembered for ever: 256 kB at most. */
#define SRTP_REMOVED_MAX 65536

struct srtp;

/* Master key of 16 or 32 bytes, master salt of SRTP_SALT. EUNSUPPORTED for another profile, EINVAL,
 * ENOMEM, ECRYPTO. */
int srtp_new(struct aead_engine *e, uint16_t profile, enum srtp_direction direction,
             struct bytes key, struct bytes salt, struct srtp **out) CONCLAVE_CHECKED;
void srtp_free(struct srtp *s);

/* Seals the RTP packet of n bytes; it grows by SRTP_OVERHEAD. ESYNTAX (not an RTP packet), EBUFFER,
 * EREPLAY (this sequence number was sealed before, or is too old to tell: a nonce serves once),
 * EEXHAUSTED (2^48 packets), ELIMIT, ESTATE (wrong direction), ENOMEM, ECRYPTO. */
int srtp_seal(struct srtp *s, uint8_t *packet, size_t n, size_t cap,
              size_t *out_n) CONCLAVE_CHECKED;

/* ESYNTAX, EREPLAY, EDECRYPT, ELIMIT, ESTATE, ENOMEM, ECRYPTO. */
int srtp_open(struct srtp *s, uint8_t *packet, size_t n, size_t *out_n) CONCLAVE_CHECKED;

/* The same for compound RTCP packets. What is sealed is always encrypted; a peer may send packets
 * with a tag only (RFC 7714 9.3). EEXHAUSTED after 2^31 packets. */
int srtcp_seal(struct srtp *s, uint8_t *packet, size_t n, size_t cap,
               size_t *out_n) CONCLAVE_CHECKED;
int srtcp_open(struct srtp *s, uint8_t *packet, size_t n, size_t *out_n) CONCLAVE_CHECKED;

/* A stream has ended: it makes room for another. Its SSRC cannot come back in a session that seals,
 * since its nonces are used up: sealing answers EREPLAY. In one that opens it begins anew. ELIMIT
 * after SRTP_REMOVED_MAX (then it is time for a new session), ENOMEM: and then call
 * again; an unknown SSRC is fine. */
int srtp_remove(struct srtp *s, uint32_t ssrc) CONCLAVE_CHECKED;

/* Asks the processor to fetch what the next packet of a session needs. With hundreds of sessions in
 * turn, who knows the next one and says so one packet ahead may save up to a third of the time, if
 * their keys have left the caches; otherwise it costs a little (docs/BENCHMARKS.md). */
void srtp_prefetch(const struct srtp *s);

/* One payload for many receivers: each job's packet holds its own RTP header already. The payload,
 * which overlaps no packet, is sealed behind it without being copied first. */
struct srtp_job {
    struct srtp *srtp;
    uint8_t *packet;
    size_t header_n, cap;
    size_t out_n; /* 0 after a failure */
    int result;   /* 0 or an error of srtp_seal() */
};

/* Returns how many succeeded. */
size_t srtp_seal_each(struct srtp_job *jobs, size_t n, struct bytes payload);

#endif
