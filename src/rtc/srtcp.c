#include <string.h>

#include "rtc/srtp_session.h"

/* RFC 7714 9.2: header and sender SSRC, ciphertext, tag, and last the E flag and the index. */
#define HEADER 8
#define WORD 4
#define ENCRYPTED 0x80000000u
#define INDEX_LAST 0x7fffffffu

int srtcp_seal(struct srtp *s, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    uint8_t nonce[SRTP_NONCE_ROOM], aad[HEADER + WORD];
    struct srtp_table *streams = &s->rtcp.streams;
    if (s->direction != SRTP_SEALING)
        return CONCLAVE_ESTATE;
    if (n < HEADER || packet[0] >> 6 != 2)
        return CONCLAVE_ESYNTAX;
    if (n > AEAD_INPUT_MAX || cap < n + SRTCP_OVERHEAD)
        return CONCLAVE_EBUFFER;
    uint32_t ssrc = srtp_load32(packet + 4);
    struct srtp_stream *stream = NULL;
    int rv = srtp_find_stream(s, streams, ssrc, &stream);
    if (rv != 0)
        return rv;
    uint64_t index = stream != NULL ? stream->window.top + 1 : 0;
    if (index > INDEX_LAST)
        return CONCLAVE_EEXHAUSTED;
    srtp_stream_accept(streams, stream, ssrc, index);
    srtp_nonce(&s->rtcp, ssrc, index, nonce);
    memcpy(aad, packet, HEADER);
    srtp_store32(aad + HEADER, ENCRYPTED | (uint32_t)index);
    rv = aead_seal(s->rtcp.aead, nonce, bytes_of(aad, sizeof aad),
                   bytes_of(packet + HEADER, n - HEADER), packet + HEADER, packet + n);
    if (rv != 0)
        return rv;
    memcpy(packet + n + AEAD_TAG, aad + HEADER, WORD);
    *out_n = n + SRTCP_OVERHEAD;
    return 0;
}

static int open_encrypted(struct srtp_half *h, const uint8_t *nonce, uint8_t *packet, size_t n)
{
    uint8_t aad[HEADER + WORD];
    size_t text_n = n - HEADER - SRTCP_OVERHEAD;
    memcpy(aad, packet, HEADER);
    memcpy(aad + HEADER, packet + n - WORD, WORD);
    return aead_open(h->aead, nonce, bytes_of(aad, sizeof aad), bytes_of(packet + HEADER, text_n),
                     packet + HEADER + text_n, packet + HEADER);
}

/* RFC 7714 9.3: all of the packet and the word are associated data. For the time of the call the
 * word stands where the tag was, so that they are in one piece. */
static int open_tagged(struct srtp_half *h, const uint8_t *nonce, uint8_t *packet, size_t n)
{
    uint8_t tail[SRTCP_OVERHEAD], nothing[1] = {0};
    uint8_t *end = packet + n - SRTCP_OVERHEAD;
    memcpy(tail, end, sizeof tail);
    memcpy(end, tail + AEAD_TAG, WORD);
    int rv = aead_open(h->aead, nonce, bytes_of(packet, n - AEAD_TAG), bytes_of(nothing, 0), tail,
                       nothing);
    memcpy(end, tail, sizeof tail);
    if (rv != 0) /* as a text that did not open */
        memset(packet + HEADER, 0, n - HEADER - SRTCP_OVERHEAD);
    return rv;
}

int srtcp_open(struct srtp *s, uint8_t *packet, size_t n, size_t *out_n)
{
    uint8_t nonce[SRTP_NONCE_ROOM];
    struct srtp_table *streams = &s->rtcp.streams;
    if (s->direction != SRTP_OPENING)
        return CONCLAVE_ESTATE;
    if (n < HEADER + SRTCP_OVERHEAD || n > AEAD_INPUT_MAX || packet[0] >> 6 != 2)
        return CONCLAVE_ESYNTAX;
    uint32_t ssrc = srtp_load32(packet + 4), word = srtp_load32(packet + n - WORD);
    uint64_t index = word & INDEX_LAST;
    struct srtp_stream *stream = NULL;
    int rv = srtp_find_stream(s, streams, ssrc, &stream);
    if (rv != 0)
        return rv;
    if (stream != NULL && !replay_check(&stream->window, index))
        return CONCLAVE_EREPLAY;
    srtp_nonce(&s->rtcp, ssrc, index, nonce);
    rv = (word & ENCRYPTED) != 0 ? open_encrypted(&s->rtcp, nonce, packet, n)
                                 : open_tagged(&s->rtcp, nonce, packet, n);
    if (rv != 0)
        return rv;
    srtp_stream_accept(streams, stream, ssrc, index);
    *out_n = n - SRTCP_OVERHEAD;
    return 0;
}
