#include "rtc/rtp.h"

#include "wire/reader.h"
#include "wire/writer.h"

#define BIT_PADDING 0x20
#define BIT_EXTENSION 0x10
#define BIT_MARKER 0x80

bool rtp_is_rtcp(struct bytes datagram)
{
    /* RFC 5761 4: RTCP packet types 192 to 223 are RTP payload types 64 to 95 with the marker,
     * which RTP then does not use. */
    return datagram.n >= 4 && datagram.p[1] >= 192 && datagram.p[1] <= 223;
}

static uint32_t get_be(const uint8_t *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

int rtp_header_read(struct bytes packet, struct rtp_header *out)
{
    struct reader r = reader_of(packet);
    const uint8_t *p = read_bytes(&r, RTP_HEADER_SIZE).p;
    if (p == NULL || p[0] >> 6 != RTP_VERSION)
        return CONCLAVE_ESYNTAX;
    struct rtp_header h = {
        .marker = (p[1] & BIT_MARKER) != 0,
        .padded = (p[0] & BIT_PADDING) != 0,
        .extended = (p[0] & BIT_EXTENSION) != 0,
        .payload_type = p[1] & 0x7f,
        .sequence = (uint16_t)get_be(p + 2, 2),
        .timestamp = get_be(p + 4, 4),
        .ssrc = get_be(p + 8, 4),
        .csrcs = read_bytes(&r, (size_t)(p[0] & 0x0f) * 4),
    };
    if (h.extended) {
        h.extension_profile = read_u16(&r);
        size_t words = read_u16(&r);
        h.extension = read_bytes(&r, words * 4);
    }
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    h.size = packet.n - reader_left(&r);
    *out = h;
    return 0;
}

int rtp_packet_read(struct bytes packet, struct rtp_packet *out)
{
    struct rtp_packet p = {0};
    int rv = rtp_header_read(packet, &p.header);
    if (rv != 0)
        return rv;
    p.payload = bytes_of(packet.p + p.header.size, packet.n - p.header.size);
    if (p.header.padded) {
        /* RFC 3550 5.1: the last byte counts the padding, itself included */
        p.padding = p.payload.n == 0 ? 0 : p.payload.p[p.payload.n - 1];
        if (p.padding == 0 || p.padding > p.payload.n)
            return CONCLAVE_ESYNTAX;
        p.payload.n -= p.padding;
    }
    *out = p;
    return 0;
}

uint32_t rtp_csrc(const struct rtp_header *h, size_t i)
{
    return get_be(h->csrcs.p + i * 4, 4);
}

static bool header_valid(const struct rtp_header *h)
{
    if (h->payload_type > 127 || h->csrcs.n % 4 != 0 || h->csrcs.n > (size_t)RTP_CSRC_MAX * 4)
        return false;
    if (!h->extended)
        return h->extension.n == 0;
    return h->extension.n % 4 == 0 && h->extension.n / 4 <= UINT16_MAX;
}

static void header_put(const struct rtp_header *h, struct buf *out)
{
    write_u8(out, (uint8_t)(RTP_VERSION << 6 | (h->padded ? BIT_PADDING : 0) |
                            (h->extended ? BIT_EXTENSION : 0) | (int)(h->csrcs.n / 4)));
    write_u8(out, (uint8_t)((h->marker ? BIT_MARKER : 0) | h->payload_type));
    write_u16(out, h->sequence);
    write_u32(out, h->timestamp);
    write_u32(out, h->ssrc);
    buf_put(out, h->csrcs);
    if (h->extended) {
        write_u16(out, h->extension_profile);
        write_u16(out, (uint16_t)(h->extension.n / 4));
        buf_put(out, h->extension);
    }
}

int rtp_header_write(const struct rtp_header *h, struct buf *out)
{
    if (!header_valid(h))
        return CONCLAVE_EINVAL;
    size_t room = (size_t)RTP_HEADER_SIZE + h->csrcs.n + 4 + h->extension.n;
    int rv = buf_reserve(out, room); /* from here on nothing can fail */
    if (rv != 0)
        return rv;
    header_put(h, out);
    return buf_check(out);
}

int rtp_packet_write(const struct rtp_packet *p, struct buf *out)
{
    const struct rtp_header *h = &p->header;
    if (!header_valid(h) || h->padded != (p->padding != 0))
        return CONCLAVE_EINVAL;
    size_t room = (size_t)RTP_HEADER_SIZE + h->csrcs.n + 4 + h->extension.n;
    int rv = buf_reserve(out, room + p->payload.n + p->padding);
    if (rv != 0)
        return rv;
    header_put(h, out);
    buf_put(out, p->payload);
    if (h->padded) {
        buf_put_zero(out, p->padding - 1u);
        write_u8(out, p->padding);
    }
    return buf_check(out);
}

static void put_be(uint8_t *p, uint32_t v, size_t n)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

void rtp_set_marker(uint8_t packet[static RTP_HEADER_SIZE], bool marker)
{
    packet[1] = (uint8_t)((packet[1] & 0x7f) | (marker ? BIT_MARKER : 0));
}

void rtp_set_payload_type(uint8_t packet[static RTP_HEADER_SIZE], uint8_t payload_type)
{
    packet[1] = (uint8_t)((packet[1] & BIT_MARKER) | (payload_type & 0x7f));
}

void rtp_set_sequence(uint8_t packet[static RTP_HEADER_SIZE], uint16_t sequence)
{
    put_be(packet + 2, sequence, 2);
}

void rtp_set_timestamp(uint8_t packet[static RTP_HEADER_SIZE], uint32_t timestamp)
{
    put_be(packet + 4, timestamp, 4);
}

void rtp_set_ssrc(uint8_t packet[static RTP_HEADER_SIZE], uint32_t ssrc)
{
    put_be(packet + 8, ssrc, 4);
}
