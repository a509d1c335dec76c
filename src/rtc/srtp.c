#include "rtc/srtp.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "rtc/srtp_session.h"

/* -- Keys ---------------------------------------------------------------------------------- */

/* RFC 3711 4.3.2 and 4.3.3: the label is XORed into the master salt, which RFC 7714 11 fills up
 * with zeros, and AES in counter mode under the master key yields the session's bytes. The key
 * derivation rate is 0. */
enum label { LABEL_RTP_KEY = 0, LABEL_RTP_SALT = 2, LABEL_RTCP_KEY = 3, LABEL_RTCP_SALT = 5 };

static int derive(struct aead_engine *e, struct bytes key, struct bytes salt, enum label label,
                  uint8_t *out, size_t n)
{
    uint8_t iv[16] = {0};
    memcpy(iv, salt.p, SRTP_SALT);
    iv[7] ^= (uint8_t)label;
    return aead_keystream(e, key, iv, out, n);
}

static int half_init(struct aead_engine *e, struct bytes key, struct bytes salt,
                     enum label key_label, enum label salt_label, struct srtp_half *h)
{
    uint8_t session[32];
    int rv = derive(e, key, salt, key_label, session, key.n);
    if (rv == 0)
        rv = derive(e, key, salt, salt_label, h->salt, SRTP_SALT);
    if (rv == 0)
        rv = aead_new(e, key.n == 16 ? AEAD_ALG_GCM128 : AEAD_ALG_GCM256, AEAD_TAG,
                      bytes_of(session, key.n), &h->aead);
    h->streams.seed = aead_engine_seed(e);
    wipe(session, sizeof session);
    return rv;
}

int srtp_new(struct aead_engine *e, uint16_t profile, enum srtp_direction direction,
             struct bytes key, struct bytes salt, struct srtp **out)
{
    if (profile != SRTP_AEAD_AES_128_GCM && profile != SRTP_AEAD_AES_256_GCM)
        return CONCLAVE_EUNSUPPORTED;
    if (key.n != (profile == SRTP_AEAD_AES_128_GCM ? 16 : 32) || salt.n != SRTP_SALT)
        return CONCLAVE_EINVAL;
    struct srtp *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->direction = direction;
    int rv = half_init(e, key, salt, LABEL_RTP_KEY, LABEL_RTP_SALT, &s->rtp);
    if (rv == 0)
        rv = half_init(e, key, salt, LABEL_RTCP_KEY, LABEL_RTCP_SALT, &s->rtcp);
    if (rv != 0) {
        srtp_free(s);
        return rv;
    }
    *out = s;
    return 0;
}

void srtp_free(struct srtp *s)
{
    if (s == NULL)
        return;
    aead_free(s->rtp.aead);
    aead_free(s->rtcp.aead);
    srtp_table_fini(&s->rtp.streams);
    srtp_table_fini(&s->rtcp.streams);
    wipe(s, sizeof *s);
    free(s);
}

/* -- Packets ------------------------------------------------------------------------------- */

#define INDEX_END ((uint64_t)1 << 48)

struct packet {
    uint32_t ssrc;
    uint16_t seq;
    size_t header_n;
};

/* RFC 3550 5.1 and 5.3.1, as far as it decides where the payload begins. */
static int packet_read(const uint8_t *p, size_t n, struct packet *out)
{
    if (n < 12 || p[0] >> 6 != 2)
        return CONCLAVE_ESYNTAX;
    size_t header_n = 12 + 4 * (size_t)(p[0] & 15);
    if ((p[0] & 0x10) != 0) {
        if (n < header_n + 4)
            return CONCLAVE_ESYNTAX;
        header_n += 4 + 4 * ((size_t)p[header_n + 2] << 8 | p[header_n + 3]);
    }
    if (n < header_n)
        return CONCLAVE_ESYNTAX;
    *out = (struct packet){srtp_load32(p + 8), (uint16_t)(p[2] << 8 | p[3]), header_n};
    return 0;
}

/* RFC 3711 3.3.1 and appendix A: the rollover counter that puts the index nearest to the highest
 * one so far. INDEX_END or more: there is no such index. */
static uint64_t guess_index(const struct replay *w, uint16_t seq)
{
    if (!w->any)
        return seq;
    uint64_t roc = w->top >> 16;
    uint32_t last = w->top & 0xffff;
    if (last < 0x8000 && seq > last + 0x8000)
        roc--; /* of 0: far behind INDEX_END */
    else if (last >= 0x8000 && seq < last - 0x8000)
        roc++;
    return roc << 16 | seq;
}

int srtp_make_room(const struct srtp *s, struct srtp_table *t, uint32_t ssrc)
{
    if (s->direction == SRTP_OPENING)
        return srtp_table_reserve_or_replace(t);
    return srtp_table_was_removed(t, ssrc) ? CONCLAVE_EREPLAY : srtp_table_reserve(t);
}

int srtp_remove(struct srtp *s, uint32_t ssrc)
{
    bool sealing = s->direction == SRTP_SEALING;
    int rv = srtp_table_remove(&s->rtp.streams, ssrc, sealing);
    return rv != 0 ? rv : srtp_table_remove(&s->rtcp.streams, ssrc, sealing);
}

static const struct replay no_past;

/* payload may lie behind the header already, or elsewhere. */
static int seal_packet(struct srtp *s, uint8_t *packet, const struct packet *head,
                       struct bytes payload, size_t *out_n)
{
    uint8_t nonce[SRTP_NONCE_ROOM];
    struct srtp_stream *stream = NULL;
    int rv = srtp_find_stream(s, &s->rtp.streams, head->ssrc, &stream);
    if (rv != 0)
        return rv;
    const struct replay *past = stream != NULL ? &stream->window : &no_past;
    uint64_t index = guess_index(past, head->seq);
    if (index >= INDEX_END)
        return past->top >> 32 == 0 ? CONCLAVE_EREPLAY : CONCLAVE_EEXHAUSTED;
    if (!replay_check(past, index))
        return CONCLAVE_EREPLAY;
    srtp_nonce(&s->rtp, head->ssrc, index, nonce);
    srtp_stream_accept(&s->rtp.streams, stream, head->ssrc, index); /* whatever comes of it */
    uint8_t *text = packet + head->header_n;
    rv = aead_seal(s->rtp.aead, nonce, bytes_of(packet, head->header_n), payload, text,
                   text + payload.n);
    if (rv == 0)
        *out_n = head->header_n + payload.n + SRTP_OVERHEAD;
    return rv;
}

int srtp_seal(struct srtp *s, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    struct packet head;
    if (s->direction != SRTP_SEALING)
        return CONCLAVE_ESTATE;
    int rv = packet_read(packet, n, &head);
    if (rv != 0)
        return rv;
    if (n > AEAD_INPUT_MAX || cap < n + SRTP_OVERHEAD)
        return CONCLAVE_EBUFFER;
    struct bytes payload = bytes_of(packet + head.header_n, n - head.header_n);
    return seal_packet(s, packet, &head, payload, out_n);
}

static int seal_job(struct srtp_job *j, struct bytes payload)
{
    struct packet head;
    if (j->srtp->direction != SRTP_SEALING)
        return CONCLAVE_ESTATE;
    int rv = packet_read(j->packet, j->header_n, &head);
    if (rv == 0 && head.header_n != j->header_n)
        rv = CONCLAVE_ESYNTAX;
    if (rv != 0)
        return rv;
    if (payload.n > AEAD_INPUT_MAX || j->cap < j->header_n ||
        j->cap - j->header_n < payload.n + SRTP_OVERHEAD)
        return CONCLAVE_EBUFFER;
    return seal_packet(j->srtp, j->packet, &head, payload, &j->out_n);
}

void srtp_prefetch(const struct srtp *s)
{
    __builtin_prefetch(s->rtp.streams.streams, 1);
    aead_prefetch(s->rtp.aead);
}

size_t srtp_seal_each(struct srtp_job *jobs, size_t n, struct bytes payload)
{
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 2 < n)
            __builtin_prefetch(jobs[i + 2].srtp);
        if (i + 1 < n) {
            srtp_prefetch(jobs[i + 1].srtp);
            __builtin_prefetch(jobs[i + 1].packet, 1);
        }
        jobs[i].out_n = 0;
        jobs[i].result = seal_job(&jobs[i], payload);
        good += jobs[i].result == 0;
    }
    return good;
}

static int open_at(struct srtp *s, uint8_t *packet, size_t n, const struct packet *head,
                   uint64_t index)
{
    uint8_t nonce[SRTP_NONCE_ROOM];
    uint8_t *text = packet + head->header_n;
    size_t text_n = n - head->header_n - SRTP_OVERHEAD;
    srtp_nonce(&s->rtp, head->ssrc, index, nonce);
    return aead_open(s->rtp.aead, nonce, bytes_of(packet, head->header_n), bytes_of(text, text_n),
                     text + text_n, text);
}

/* The longest packet that comes by UDP on an ordinary path; a longer one gets one try only. */
#define SECOND_TRY_MAX 2048

/* The first packet of a stream may come after the sender's sequence numbers have wrapped, if those
 * before were lost or are late: a low number is tried with rollover counter 0, then 1. */
static int open_first(struct srtp *s, uint8_t *packet, size_t n, const struct packet *head,
                      uint64_t *out_index)
{
    uint8_t copy[SECOND_TRY_MAX];
    size_t size = n - head->header_n;
    bool again = head->seq < 0x8000 && size <= sizeof copy;
    if (again)
        memcpy(copy, packet + head->header_n, size);
    *out_index = head->seq;
    int rv = open_at(s, packet, n, head, *out_index);
    if (rv != CONCLAVE_EDECRYPT || !again)
        return rv;
    memcpy(packet + head->header_n, copy, size);
    *out_index = (uint64_t)1 << 16 | head->seq;
    return open_at(s, packet, n, head, *out_index);
}

int srtp_open(struct srtp *s, uint8_t *packet, size_t n, size_t *out_n)
{
    struct packet head;
    struct srtp_stream *stream = NULL;
    uint64_t index;
    if (s->direction != SRTP_OPENING)
        return CONCLAVE_ESTATE;
    int rv = packet_read(packet, n, &head);
    if (rv != 0)
        return rv;
    if (n - head.header_n < SRTP_OVERHEAD || n > AEAD_INPUT_MAX) /* a short tag is no tag */
        return CONCLAVE_ESYNTAX;
    rv = srtp_find_stream(s, &s->rtp.streams, head.ssrc, &stream);
    if (rv != 0)
        return rv;
    if (stream == NULL) {
        rv = open_first(s, packet, n, &head, &index);
    } else {
        index = guess_index(&stream->window, head.seq);
        if (index >= INDEX_END || !replay_check(&stream->window, index))
            return CONCLAVE_EREPLAY;
        rv = open_at(s, packet, n, &head, index);
    }
    if (rv != 0)
        return rv;
    srtp_stream_accept(&s->rtp.streams, stream, head.ssrc, index);
    *out_n = n - SRTP_OVERHEAD;
    return 0;
}
